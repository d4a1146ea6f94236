"""Ridge-penalised logistic regression at several strengths, of any number of columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlr.stats.likelihood import maximise
from dlr.stats.ridge import RidgeLikelihood

__all__ = ["ridge_path"]


def ridge_path(values: np.ndarray, positive: np.ndarray, strengths: Sequence[float]) -> list[tuple[float, np.ndarray]]:
    """Intercept and coefficients (p,) at each strength: the least strength x summed log loss + half the squared length.

    values : float64 (n, p), no column of which is a constant.  positive : bool (n,), both classes.
    strengths : C of scikit-learn's LogisticRegression, greater = less penalised; the intercept is free.
    With more columns than rows the solution is found in the rows' principal coordinates, in whose span it lies: at
    most n instead of thousands, and the same answer.
    """
    n, p = values.shape
    if p < n:
        scores, axes = values, None
    else:
        u, s, vt = np.linalg.svd(values, full_matrices=False)
        keep = s > 1e-9 * s.max()
        scores, axes = u[:, keep] * s[keep], vt[keep]
    design = np.column_stack([np.ones(n), scores])
    outcome, ones, zeros = positive.astype(float), np.ones(n), np.zeros(n)
    penalised = np.arange(design.shape[1]) > 0
    beta, found = np.zeros(design.shape[1]), []
    for strength in strengths:
        beta = maximise(RidgeLikelihood(design, outcome, ones, zeros, penalised / strength), beta).beta
        found.append((float(beta[0]), beta[1:].copy() if axes is None else beta[1:] @ axes))
    return found
