"""Holm's adjustment of several p-values, with one comparison named beforehand standing outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError

__all__ = ["holm"]


def holm(p: ArrayLike, primary: int | None = None) -> np.ndarray:
    """Adjusted p (k,); NaN stay NaN and do not count.

    primary : position of the comparison named before the data were seen: it keeps its p, the others are adjusted
    among themselves. Source: Holm 1979 (Scandinavian Journal of Statistics 6:65).
    """
    given = np.atleast_1d(np.asarray(p, dtype=float))
    if given.ndim != 1 or ((given < 0) | (given > 1)).any():
        raise InputError("holm", "a p lies outside 0 to 1", "Give p-values.")
    if primary is not None and not 0 <= primary < len(given):
        raise InputError("holm primary", f"{primary} of {len(given)}", "Give the position of one of the p-values.")
    adjusted, family = given.copy(), np.isfinite(given)
    if primary is not None:
        family[primary] = False
    if family.any():
        adjusted[family] = _step_down(given[family])
    return adjusted


def _step_down(p: np.ndarray) -> np.ndarray:
    """The smallest p times k, the next times k - 1 ..., none below the one before it, none above 1."""
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(raised, 1)
    return adjusted
