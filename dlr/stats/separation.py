"""Complete and quasi-complete separation: which maximum-likelihood estimates are infinite.

Source: Albert & Anderson 1984 (Biometrika 71:1); linear programme of Konis 2007, as in R's detectseparation.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

__all__ = ["separating_terms"]


def separating_terms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bool (k,): True where the estimate of a column is infinite; all False where the maximum exists.

    x : float (n, k) of full rank, intercept included.  y : 0 or 1 (n,).
    A direction γ with (2y − 1) xγ ≥ 0 for every patient and > 0 for one lets the likelihood rise for ever; the
    programme looks for the one that gains most within −1 ≤ γ ≤ 1.
    """
    scaled = x / np.sqrt((x**2).mean(axis=0))
    signed = np.where(y == 1, 1.0, -1.0)[:, None] * scaled
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=(-1, 1), method="highs")
    return np.abs(found.x) > 1e-7
