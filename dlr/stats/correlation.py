"""Correlation of two measurements of the same patients, with two-sided p by R's conventions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dlr.errors import InputError
from dlr.stats.outcome import Z

__all__ = ["Correlation", "pearson", "spearman"]

EXACT_UP_TO = 9  # patients without ties for which Spearman's null distribution is enumerated


@dataclass(frozen=True)
class Correlation:
    """A coefficient with its p."""

    value: float
    lower: float  # 95 % interval
    upper: float
    p: float
    n: int
    method: str


UNDEFINED = float("nan")


def pearson(a: ArrayLike, b: ArrayLike) -> Correlation:
    """Linear correlation; t-test, Fisher's z interval. NaN where a sample is constant."""
    x, y = _pairs(a, b, least=4)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, len(x), "Pearson")
    found = stats.pearsonr(x, y)
    interval = found.confidence_interval()
    value, p = float(found.statistic), float(found.pvalue)
    return Correlation(value, float(interval.low), float(interval.high), p, len(x), "Pearson, Fisher's z")


def spearman(a: ArrayLike, b: ArrayLike) -> Correlation:
    """Correlation of ranks; exact p for up to 9 patients without ties, else the t approximation.

    Interval on Fisher's z with variance (1 + r²/2) / (n − 3); NaN for three patients.
    Source: Bonett & Wright 2000 (Psychometrika 65:23).
    """
    x, y = _pairs(a, b, least=3)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, len(x), "Spearman")
    rank_x, rank_y, n = stats.rankdata(x), stats.rankdata(y), len(x)
    if n <= EXACT_UP_TO and len(np.unique(x)) == len(np.unique(y)) == n:
        value, p = _exact_spearman(rank_x, rank_y)
        return Correlation(value, *_bonett_wright(value, n), p, n, "Spearman, exact p")
    found = stats.spearmanr(x, y)
    value, p = float(found.statistic), float(found.pvalue)
    return Correlation(value, *_bonett_wright(value, n), p, n, "Spearman, t approximation")


def _bonett_wright(value: float, n: int) -> tuple[float, float]:
    """95 % limits of a rank correlation; a perfect one has itself."""
    if n <= 3:
        return UNDEFINED, UNDEFINED
    if abs(value) >= 1:
        return value, value
    half = Z * ((1 + value**2 / 2) / (n - 3)) ** 0.5
    return float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half))


def _exact_spearman(rank_x: np.ndarray, rank_y: np.ndarray) -> tuple[float, float]:
    """Share of all orders at least as far on the same side, doubled, as in R."""
    n = len(rank_x)
    distances = ((np.array(list(permutations(range(1, n + 1)))) - np.arange(1, n + 1)) ** 2).sum(axis=1)
    distance = float(((rank_x - rank_y) ** 2).sum())
    value = 1 - 6 * distance / (n * (n**2 - 1))
    tail = distances >= distance - 0.5 if value < 0 else distances <= distance + 0.5
    return value, min(1.0, 2 * float(tail.mean()))


def _pairs(a: ArrayLike, b: ArrayLike, least: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < least:
        raise InputError("correlation", f"samples of shape {x.shape} and {y.shape}", f"give {least} pairs or more")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("correlation", "missing or infinite values", "keep patients with both values")
    return x, y
