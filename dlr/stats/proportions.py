"""Proportions, and what a cut-off gives: sensitivity, specificity, predictive values, accuracy, F1."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.stats.outcome import Z, two_classes, values
from dlr.words import Estimate

__all__ = [
    "AtCutOff",
    "Counts",
    "Limits",
    "at_cutoff",
    "counts",
    "difference_limits",
    "interval_wilson",
    "wilson_limits",
]


@dataclass(frozen=True)
class Counts:
    """The four-fold table of a cut-off."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


@dataclass(frozen=True)
class AtCutOff:
    """Every measure of a signature at a fixed cut-off; n and n_positive of each are those of the side."""

    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    accuracy: Estimate
    f1: Estimate
    balanced_accuracy: Estimate

    def named(self) -> tuple[tuple[str, Estimate], ...]:
        """(name, estimate) of each measure, in the order above."""
        return tuple((field.name, getattr(self, field.name)) for field in fields(self))


def interval_wilson(k: int, n: int) -> Estimate:
    """k of n with Wilson's score interval, uncorrected; all NaN where n is 0.

    Source: Wilson 1927 (JASA 22:209); R's prop.test(correct = FALSE).
    """
    if not 0 <= k <= n:
        raise InputError("interval_wilson", f"{k} of {n}", "Give counts with 0 <= k <= n.")
    return wilson_limits(k, n).estimate(int(n), int(k), f"Wilson, {k} of {n}")


@dataclass(frozen=True)
class Limits:
    """Values with their 95 % limits, each of one shape."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def __mul__(self, by: np.ndarray | float) -> Limits:
        """Multiplied by something that is not negative."""
        return Limits(self.value * by, self.lower * by, self.upper * by)

    def estimate(self, n: int, n_positive: int, method: str) -> Estimate:
        """Of a single value."""
        return Estimate(float(self.value), float(self.lower), float(self.upper), n, n_positive, method)


def wilson_limits(k: ArrayLike, n: ArrayLike) -> Limits:
    """As `interval_wilson`, of any number of shares at once."""
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 of 0
        share, widen = k / n, 1 + Z**2 / n
        centre = (share + Z**2 / (2 * n)) / widen
        half = Z / widen * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
        return Limits(share, np.where(k == 0, share, centre - half), np.where(k == n, share, centre + half))


def difference_limits(first: Limits, second: Limits, correlation: np.ndarray | float = 0.0) -> Limits:
    """First less second with limits from the limits of both: square-and-add.

    correlation : between the two estimates, 0 where they are of different patients.
    Source: Newcombe 1998 (Statistics in Medicine 17:873), method 10; Zou & Donner 2008 (27:1693).
    """

    def reach(of_first: np.ndarray, of_second: np.ndarray) -> np.ndarray:
        squared = of_first**2 + of_second**2 - 2 * correlation * of_first * of_second
        return np.sqrt(np.maximum(squared, 0))

    value = first.value - second.value
    below = reach(first.value - first.lower, second.upper - second.value)
    return Limits(value, value - below, value + reach(first.upper - first.value, second.value - second.lower))


def counts(positive: ArrayLike, probability: ArrayLike, cutoff: float) -> Counts:
    """The four-fold table; a patient counts as positive where probability >= cutoff."""
    outcome = two_classes(positive, "counts", least=0)
    if np.isnan(cutoff):
        raise InputError("counts", "the cut-off is NaN", "Give a number; infinity calls nobody positive.")
    called = values(probability, len(outcome), "counts") >= cutoff
    return Counts(
        true_positive=int((called & outcome).sum()),
        false_positive=int((called & ~outcome).sum()),
        false_negative=int((~called & outcome).sum()),
        true_negative=int((~called & ~outcome).sum()),
    )


def at_cutoff(positive: ArrayLike, probability: ArrayLike, cutoff: float) -> AtCutOff:
    """All measures at a cut-off fixed beforehand, none of whose intervals needs a draw.

    Wilson's intervals of shares; F1 = 2 s / (1 + s) from Wilson's interval of s, the true positives among those
    positive or called so (Hand, Christen & Kirielle 2021, Machine Learning 110:451); balanced accuracy from the
    intervals of sensitivity and specificity (`difference_limits`). At 30 to 300 patients F1 covers 94 to 96 %, where a
    bootstrap within the classes had 84 to 89.
    A measure without denominator (the predictive value where nobody is called positive) is NaN.
    """
    outcome = two_classes(positive, "at_cutoff", least=1)
    table = counts(outcome, probability, cutoff)
    hits, alarms, misses, right = (getattr(table, field.name) for field in fields(table))
    m, n = hits + misses, alarms + right

    def share(k: int, of: int) -> Estimate:
        found = interval_wilson(k, of)
        return Estimate(found.value, found.lower, found.upper, m + n, m, found.method)

    s = wilson_limits(hits, m + alarms)
    f1 = Limits(*(2 * x / (1 + x) for x in (s.value, s.lower, s.upper)))
    youden = difference_limits(wilson_limits(hits, m), wilson_limits(alarms, n))
    balanced = Limits(*((1 + x) / 2 for x in (youden.value, youden.lower, youden.upper)))
    return AtCutOff(
        sensitivity=share(hits, m),
        specificity=share(right, n),
        ppv=share(hits, hits + alarms),
        npv=share(right, right + misses),
        accuracy=share(hits + right, m + n),
        f1=f1.estimate(m + n, m, f"F1 of Wilson, {hits} of {m + alarms} positive or called so"),
        balanced_accuracy=balanced.estimate(m + n, m, "square-and-add of Wilson intervals"),
    )
