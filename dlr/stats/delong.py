"""Comparing two AUCs: on the same patients (paired), or on two groups of patients (unpaired)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from dlr.stats.outcome import Z, two_classes, values
from dlr.stats.ranks import placements, variance_of_mean
from dlr.words import Comparison

__all__ = ["delong_test", "delong_unpaired"]


def delong_test(positive: ArrayLike, a: ArrayLike, b: ArrayLike) -> Comparison:
    """AUC of a less AUC of b on the same patients, 95 % interval, two-sided p (normal).

    positive : bool (n,).  a, b : float (n,), one value a patient from each model.
    Models that order all pairs alike have difference 0 and p = 1; where the areas differ and their variance is zero, as
    between perfect and reversed order, statistic, interval and p are NaN. `method` says either.
    Valid for predictions on patients neither model was fitted on; not for out-of-fold predictions.
    Source: DeLong et al. 1988 (Biometrics 44:837).
    """
    outcome = two_classes(positive, "delong_test")
    first, second = (placements(outcome, values(x, len(outcome), "delong_test", k)) for x, k in ((a, "a"), (b, "b")))
    variance = variance_of_mean(first.positives - second.positives, first.negatives - second.negatives)
    if np.array_equal(np.asarray(a, dtype=float), np.asarray(b, dtype=float)):
        return _alike("DeLong, paired: identical predictions")
    return _compare(first.area - second.area, variance, "DeLong, paired")


def delong_unpaired(positive_a: ArrayLike, a: ArrayLike, positive_b: ArrayLike, b: ArrayLike) -> Comparison:
    """AUC of a less AUC of b on different patients, such as validation against test; two-sided p (normal).

    No difference here does not show absence of overfitting: two small sides differ significantly only when far apart.
    Source: DeLong et al. 1988; pROC's roc.test(paired = FALSE) takes t with Welch's degrees of freedom by default.
    """
    outcome_a, outcome_b = (two_classes(x, "delong_unpaired") for x in (positive_a, positive_b))
    first = placements(outcome_a, values(a, len(outcome_a), "delong_unpaired", "a"))
    second = placements(outcome_b, values(b, len(outcome_b), "delong_unpaired", "b"))
    return _compare(first.area - second.area, first.variance + second.variance, "DeLong, unpaired")


def _compare(difference: float, variance: float, method: str) -> Comparison:
    """Wald interval and p of the normal."""
    if variance < 1e-20:  # the rounding of a variance that is zero
        if abs(difference) < 1e-12:
            return _alike(f"{method}: all pairs ordered alike")
        return Comparison(difference, np.nan, np.nan, np.nan, np.nan, f"{method}: undefined, the variance is zero")
    half, statistic = Z * variance**0.5, difference / variance**0.5
    p = 2 * norm.sf(abs(statistic))
    return Comparison(difference, float(difference - half), float(difference + half), float(p), statistic, method)


def _alike(method: str) -> Comparison:
    return Comparison(0.0, 0.0, 0.0, 1.0, 0.0, method)
