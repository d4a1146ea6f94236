"""Tests of location, two-sided, by R's conventions.

Two samples a and b, arrays without missing values; the sign of a statistic is that of a − b. No test is chosen by a
pre-test of its assumptions: a study names it beforehand (Table 1: by a setting a column).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dlr.errors import InputError
from dlr.words import Test

__all__ = ["mann_whitney", "student", "welch", "wilcoxon_signed_rank"]

UNDEFINED = float("nan")
EXACT_BELOW = 50  # patients a group, as wilcox.test


def welch(a: ArrayLike, b: ArrayLike) -> Test:
    """Difference of means, variances not assumed equal. Constant samples give NaN, not 0."""
    return _t_test(a, b, equal_variances=False, method="Welch's t-test")


def student(a: ArrayLike, b: ArrayLike) -> Test:
    """Difference of means, variances assumed equal."""
    return _t_test(a, b, equal_variances=True, method="Student's t-test")


def mann_whitney(a: ArrayLike, b: ArrayLike, *, exact: bool | None = None, continuity: bool = True) -> Test:
    """Wilcoxon's rank sum test; the statistic is W = U of the first sample.

    exact : None as in R, exact without ties where both samples have under 50 patients, else the normal approximation,
    with continuity correction unless `continuity` is False.
    """
    x, y = _samples(a, b)
    ties = len(np.unique(np.concatenate([x, y]))) < len(x) + len(y)
    if exact and ties:
        raise InputError("Mann-Whitney test", "an exact p was asked for tied values", "leave `exact` out")
    if exact is None:
        exact = not ties and len(x) < EXACT_BELOW and len(y) < EXACT_BELOW
    if len(np.unique(np.concatenate([x, y]))) == 1:
        return Test(len(x) * len(y) / 2, UNDEFINED, UNDEFINED, "Mann-Whitney test (all values equal)")
    kind = "exact" if exact else "asymptotic"
    found = stats.mannwhitneyu(x, y, method=kind, use_continuity=continuity)
    name = "exact" if exact else "continuity correction" if continuity else "normal approximation"
    return Test(float(found.statistic), float(found.pvalue), UNDEFINED, f"Mann-Whitney test ({name})")


def wilcoxon_signed_rank(a: ArrayLike, b: ArrayLike, *, continuity: bool = True) -> Test:
    """Signed rank test of a − b of the same patients, normal approximation; zero differences leave, ties share ranks.

    The statistic is V, the sum of the positive ranks, as in R.
    """
    d = _differences(a, b)
    d = d[d != 0]
    name = f"Wilcoxon signed rank test ({'continuity correction' if continuity else 'normal approximation'})"
    if len(d) == 0:
        return Test(0.0, UNDEFINED, UNDEFINED, name)
    found: Any = stats.wilcoxon(d, method="asymptotic", correction=continuity)
    positive = float(stats.rankdata(np.abs(d))[d > 0].sum())  # SciPy's own statistic is the smaller of both sums
    return Test(positive, float(found.pvalue), UNDEFINED, name)


def _t_test(a: ArrayLike, b: ArrayLike, equal_variances: bool, method: str) -> Test:
    x, y = _samples(a, b, least=2)
    if np.ptp(x) == 0 and np.ptp(y) == 0:
        return Test(UNDEFINED, UNDEFINED, UNDEFINED, method)
    found: Any = stats.ttest_ind(x, y, equal_var=equal_variances)
    return Test(float(found.statistic), float(found.pvalue), float(found.df), method)


def _samples(a: ArrayLike, b: ArrayLike, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return _sample(a, "first sample", least), _sample(b, "second sample", least)


def _differences(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    x, y = _samples(a, b, least=2)
    if len(x) != len(y):
        raise InputError("paired test", f"{len(x)} and {len(y)} values", "give both values of every patient")
    return x - y


def _sample(values: ArrayLike, name: str, least: int) -> np.ndarray:
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or len(x) < least:
        raise InputError(name, f"{x.size} values where the test needs {least}", "leave the test out")
    if not np.isfinite(x).all():
        raise InputError(name, f"{int((~np.isfinite(x)).sum())} missing or infinite values", "drop them and say so")
    return x
