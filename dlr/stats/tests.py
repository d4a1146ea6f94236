"""Tests of location and of shape, two-sided, by R's conventions.

Two samples a and b, arrays without missing values; the sign of a statistic is that of a − b. No test is chosen by a
pre-test of its assumptions: a study names it beforehand (Table 1: by a setting a column).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dlr.errors import InputError
from dlr.words import Test

__all__ = [
    "anova",
    "kruskal",
    "levene",
    "mann_whitney",
    "paired_t",
    "shapiro",
    "student",
    "welch",
    "welch_anova",
    "wilcoxon_signed_rank",
]

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


def paired_t(a: ArrayLike, b: ArrayLike) -> Test:
    """Mean of the differences a − b of the same patients."""
    d = _differences(a, b)
    if d.std() == 0:
        return Test(UNDEFINED, UNDEFINED, len(d) - 1, "paired t-test")
    found: Any = stats.ttest_1samp(d, 0.0)
    return Test(float(found.statistic), float(found.pvalue), len(d) - 1, "paired t-test")


def wilcoxon_signed_rank(a: ArrayLike, b: ArrayLike, *, continuity: bool = True) -> Test:
    """Signed rank test of a − b of the same patients, normal approximation; zero differences leave, ties share ranks.

    The statistic is V, the sum of the positive ranks, as in R.
    """
    d = _differences(a, b)
    d = d[d != 0]
    name = f"Wilcoxon signed rank test ({'continuity correction' if continuity else 'normal approximation'})"
    if len(d) == 0:
        return Test(0.0, UNDEFINED, UNDEFINED, name)
    ranks = stats.rankdata(np.abs(d))
    v, n = float(ranks[d > 0].sum()), len(d)
    _, ties = np.unique(ranks, return_counts=True)
    away = v - n * (n + 1) / 4
    sd = np.sqrt(n * (n + 1) * (2 * n + 1) / 24 - (ties**3 - ties).sum() / 48)
    z = (away - 0.5 * np.sign(away) * continuity) / sd
    return Test(v, float(2 * stats.norm.sf(abs(z))), UNDEFINED, name)


def kruskal(groups: Sequence[ArrayLike]) -> Test:
    """Kruskal and Wallis's rank test of several groups, corrected for ties."""
    samples = _several(groups)
    if len(np.unique(np.concatenate(samples))) == 1:
        return Test(UNDEFINED, UNDEFINED, len(samples) - 1, "Kruskal-Wallis test (all values equal)")
    found = stats.kruskal(*samples)
    return Test(float(found.statistic), float(found.pvalue), len(samples) - 1, "Kruskal-Wallis test")


def anova(groups: Sequence[ArrayLike]) -> Test:
    """Means of several groups, variances assumed equal; `df` is the numerator's."""
    samples = _several(groups)
    found = stats.f_oneway(*samples)
    return Test(float(found.statistic), float(found.pvalue), len(samples) - 1, "analysis of variance")


def welch_anova(groups: Sequence[ArrayLike]) -> Test:
    """Means of several groups, variances not assumed equal (Welch 1951); `df` is the numerator's."""
    samples = _several(groups)
    k = len(samples)
    means = np.array([x.mean() for x in samples])
    sizes = np.array([len(x) for x in samples])
    weights = sizes / np.array([x.var(ddof=1) for x in samples])
    shares = weights / weights.sum()
    lack = float(((1 - shares) ** 2 / (sizes - 1)).sum())
    centre = float(shares @ means)
    statistic = float(weights @ (means - centre) ** 2) / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    p = float(stats.f.sf(statistic, k - 1, (k**2 - 1) / (3 * lack)))
    return Test(statistic, p, k - 1, "Welch's analysis of variance")


def levene(groups: Sequence[ArrayLike], centre: str = "median") -> Test:
    """Equality of variances; centred on the median (Brown & Forsythe) or the mean. `df` is the numerator's."""
    samples = _several(groups)
    found = stats.levene(*samples, center=centre)
    return Test(float(found.statistic), float(found.pvalue), len(samples) - 1, f"Levene's test ({centre})")


def shapiro(x: ArrayLike) -> Test:
    """Shapiro and Wilk's test of normality; NaN for a constant sample."""
    values = _sample(x, "sample", least=3)
    if np.ptp(values) == 0:
        return Test(UNDEFINED, UNDEFINED, UNDEFINED, "Shapiro-Wilk test")
    found = stats.shapiro(values)
    return Test(float(found.statistic), float(found.pvalue), UNDEFINED, "Shapiro-Wilk test")


def _t_test(a: ArrayLike, b: ArrayLike, equal_variances: bool, method: str) -> Test:
    x, y = _samples(a, b, least=2)
    if np.ptp(x) == 0 and np.ptp(y) == 0:
        return Test(UNDEFINED, UNDEFINED, UNDEFINED, method)
    found: Any = stats.ttest_ind(x, y, equal_var=equal_variances)
    return Test(float(found.statistic), float(found.pvalue), float(found.df), method)


def _samples(a: ArrayLike, b: ArrayLike, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return _sample(a, "first sample", least), _sample(b, "second sample", least)


def _several(groups: Sequence[ArrayLike]) -> list[np.ndarray]:
    if len(groups) < 2:
        raise InputError("comparison of groups", f"{len(groups)} group", "give two groups or more")
    return [_sample(group, f"group {k + 1}", least=1) for k, group in enumerate(groups)]


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
