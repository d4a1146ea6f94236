"""How well a predicted per cent, such as Ki-67, agrees with the true one; one value a patient.

Out-of-fold values by several chains enter as the patient's mean over them. Intervals hold what was fitted as it is:
they are those of other patients, not of other training sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import nct, t

from dlr.errors import InputError
from dlr.stats.correlation import Correlation, pearson, spearman
from dlr.stats.outcome import Z, values
from dlr.words import Comparison, Estimate

__all__ = ["PerCentAgreement", "absolute_error_difference", "mean_absolute_error", "per_cent_agreement"]

WHERE = "agreement of per cents"
LEAST = 4  # patients


@dataclass(frozen=True)
class PerCentAgreement:
    """Errors and limits in per cent points; `n_positive` of every estimate is 0."""

    mean_absolute_error: Estimate
    bias: Estimate  # mean of predicted less observed
    lower_limit: Estimate  # limits of agreement: 95 % of differences lie between them where they are normal
    upper_limit: Estimate
    pearson: Estimate
    spearman: Estimate
    baseline_error: Estimate  # mean absolute error of the baseline
    gain: Comparison  # mean absolute error less the baseline's: under 0 the model is the better


def per_cent_agreement(observed: ArrayLike, predicted: ArrayLike, baseline: ArrayLike) -> PerCentAgreement:
    """Agreement of predicted with observed per cents, each figure with its 95 % interval.

    observed, predicted : float (n,) from 0 to 100, one value a patient, n >= 4.
    baseline : what is predicted without a model, the median of the training side: one number or (n,).
    Mean absolute errors, bias and gain: Student's t interval of a mean. A simulation (1,500 draws) gave it 94.5 and
    95.1 % of intervals over the mean of folded normal errors at 20 and 60 patients, where a percentile bootstrap had
    92.6 and 94.6; of paired differences 95.4 and 95.1 against 91.1 and 93.3.
    Limits: bias ± 1.96 SD of the differences, with exact intervals by the non-central t.
    Pearson by Fisher's z, Spearman by Bonett and Wright's; NaN where either side is constant.
    Source: Bland & Altman 1999 (Stat Methods Med Res 8:135); Carkeet 2015 (Optom Vis Sci 92:e71).
    """
    truth, guess = _per_cents(observed, "the observed per cent"), _per_cents(predicted, "the predicted per cent")
    values(guess, len(truth), WHERE, "the predicted per cent")
    simple = np.broadcast_to(np.asarray(baseline, dtype=float), truth.shape) if np.ndim(baseline) == 0 else baseline
    plain = values(_per_cents(simple, "the baseline"), len(truth), WHERE, "the baseline")
    difference = guess - truth
    lower, upper = _limits(difference)
    return PerCentAgreement(
        mean_absolute_error=mean_absolute_error(truth, guess),
        bias=_mean(difference, "t interval of the mean difference"),
        lower_limit=lower,
        upper_limit=upper,
        pearson=_estimate(pearson(guess, truth)),
        spearman=_estimate(spearman(guess, truth)),
        baseline_error=mean_absolute_error(truth, plain),
        gain=absolute_error_difference(truth, guess, plain),
    )


def mean_absolute_error(observed: ArrayLike, predicted: ArrayLike) -> Estimate:
    """In per cent points, with Student's t interval of a mean.  observed, predicted : float (n,) per cents, n >= 4."""
    truth = _per_cents(observed, "the observed per cent")
    guess = values(_per_cents(predicted, "the predicted per cent"), len(truth), WHERE, "the predicted per cent")
    return _mean(np.abs(guess - truth), "t interval of the mean absolute error")


def absolute_error_difference(observed: ArrayLike, a: ArrayLike, b: ArrayLike) -> Comparison:
    """Mean absolute error of a less that of b on the same patients: under 0, a is the better.

    observed, a, b : float (n,) per cents.  Paired t-test of the patients' differences of absolute error, with its
    interval; where all differences are the same they have no spread: p is 1 if they are 0, else NaN.
    """
    truth = _per_cents(observed, "the observed per cent")
    first, second = (values(_per_cents(x, name), len(truth), WHERE, name) for x, name in ((a, "a"), (b, "b")))
    gap = np.abs(first - truth) - np.abs(second - truth)
    method = "paired t-test of absolute errors"
    mean, error = float(gap.mean()), _standard_error(gap)
    if error == 0:
        p = 1.0 if mean == 0 else float("nan")
        return Comparison(mean, mean, mean, p, 0.0 if mean == 0 else float("nan"), f"{method}: no spread")
    statistic, half = mean / error, float(t.ppf(0.975, len(gap) - 1)) * error
    p = float(2 * t.sf(abs(statistic), len(gap) - 1))
    return Comparison(mean, mean - half, mean + half, p, statistic, method)


def _per_cents(given: ArrayLike, name: str) -> np.ndarray:
    """float (n,) within 0 and 100, four patients or more."""
    array = values(given, len(np.atleast_1d(np.asarray(given))), WHERE, name)
    if len(array) < LEAST:
        raise InputError(WHERE, f"{len(array)} patients where {LEAST} are needed", "leave the agreement out")
    if array.min() < 0 or array.max() > 100:
        raise InputError(WHERE, f"{name} reaches from {array.min():g} to {array.max():g}", "give per cents, 0 to 100")
    return array


def _standard_error(x: np.ndarray) -> float:
    """Of the mean; 0 where values differ by rounding only."""
    spread = float(x.std(ddof=1))
    return spread / len(x) ** 0.5 if spread > 1e-12 * max(1.0, float(np.abs(x).max())) else 0.0


def _mean(x: np.ndarray, method: str) -> Estimate:
    mean, half = float(x.mean()), float(t.ppf(0.975, len(x) - 1)) * _standard_error(x)
    return Estimate(mean, mean - half, mean + half, len(x), 0, method)


def _limits(difference: np.ndarray) -> tuple[Estimate, Estimate]:
    """mean ± Z SD, each with the exact interval of that quantile of a normal distribution."""
    n, mean, deviation = len(difference), float(difference.mean()), float(difference.std(ddof=1))
    near, far = (deviation * tolerance_factor(n, Z, confidence) for confidence in (0.025, 0.975))
    method = "limit of agreement, exact by the non-central t"
    return (
        Estimate(mean - Z * deviation, mean - far, mean - near, n, 0, method),
        Estimate(mean + Z * deviation, mean + near, mean + far, n, 0, method),
    )


@cache
def tolerance_factor(n: int, quantile: float, confidence: float) -> float:
    """k so that mean + k SD of n normal values lies above the mean + quantile x SD of all with this confidence."""
    return float(nct.ppf(confidence, n - 1, quantile * n**0.5)) / n**0.5


def _estimate(found: Correlation) -> Estimate:
    return Estimate(found.value, found.lower, found.upper, found.n, 0, found.method)
