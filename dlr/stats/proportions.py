"""Proportions, and what a cut-off gives: sensitivity, specificity, predictive values, accuracy, F1."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats.bootstrap import REPLICATES, bootstrap_estimate
from dlr.stats.outcome import Z, two_classes, values
from dlr.words import Estimate

__all__ = ["AtCutOff", "Counts", "at_cutoff", "counts", "interval_wilson"]


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
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, 0, "Wilson, 0 of 0")
    share, widen = k / n, 1 + Z**2 / n
    centre = (share + Z**2 / (2 * n)) / widen
    half = Z / widen * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    lower, upper = 0.0 if k == 0 else float(centre - half), 1.0 if k == n else float(centre + half)
    return Estimate(share, lower, upper, int(n), int(k), f"Wilson, {k} of {n}")


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


def at_cutoff(
    positive: ArrayLike,
    probability: ArrayLike,
    cutoff: float,
    *,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> AtCutOff:
    """All measures at a cut-off fixed beforehand: Wilson intervals, a patient bootstrap for F1 and balanced accuracy.

    A measure without denominator (the predictive value where nobody is called positive) is NaN.
    """
    outcome = two_classes(positive, "at_cutoff", least=1)
    table = counts(outcome, probability, cutoff)
    called = np.asarray(probability, dtype=float) >= cutoff
    hits, right, alarms = called & outcome, ~called & ~outcome, called & ~outcome
    m, n = int(outcome.sum()), int((~outcome).sum())

    def f1(weights: np.ndarray) -> np.ndarray:
        doubled = 2 * (weights @ hits)
        return doubled / (doubled + weights @ alarms + weights @ (outcome & ~called))

    def balanced(weights: np.ndarray) -> np.ndarray:
        return (weights @ hits / m + weights @ right / n) / 2

    def share(k: int, of: int) -> Estimate:
        found = interval_wilson(k, of)
        return Estimate(found.value, found.lower, found.upper, m + n, m, found.method)

    drawing = generator or rng(0, "bootstrap", "at_cutoff")
    method = "patient bootstrap, stratified"
    return AtCutOff(
        sensitivity=share(table.true_positive, m),
        specificity=share(table.true_negative, n),
        ppv=share(table.true_positive, table.true_positive + table.false_positive),
        npv=share(table.true_negative, table.true_negative + table.false_negative),
        accuracy=share(table.true_positive + table.true_negative, m + n),
        f1=bootstrap_estimate(f1, outcome, method, drawing, replicates),
        balanced_accuracy=bootstrap_estimate(balanced, outcome, method, drawing, replicates),
    )
