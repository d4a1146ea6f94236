"""Decision curves: what a signature is worth to patients, at each risk from which one would treat."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.stats.outcome import probabilities, two_classes
from dlr.stats.proportions import Limits, difference_limits, wilson_limits

__all__ = [
    "THRESHOLDS", "decision_curve", "interventions_avoided", "net_benefit", "net_benefit_less", "net_benefit_limits",
    "treat_all",
]  # fmt: skip

THRESHOLDS = np.arange(1, 100) / 100  # k / 100 exactly: a rounded 0.07 would move patients at p = 0.07
THRESHOLDS.flags.writeable = False


def net_benefit(
    positive: ArrayLike,
    probability: ArrayLike,
    thresholds: ArrayLike = THRESHOLDS,
    target_prevalence: float | None = None,
) -> np.ndarray:
    """Net benefit TP/n - FP/n · t/(1 - t) at each threshold probability t (T,), treating where p >= t.

    target_prevalence : share of positives among those the model is for, where sampling was enriched; sensitivity and
    specificity are then weighted by it. The probabilities themselves must already be meant for that population.
    Valid on test or out-of-fold patients. Source: Vickers & Elkin 2006 (Medical Decision Making 26:565).
    """
    outcome = two_classes(positive, "net_benefit")
    p, t = probabilities(probability, len(outcome), "net_benefit"), _thresholds(thresholds)
    share = _prevalence(outcome, target_prevalence)
    return _benefit(
        _treated_above(p[outcome], t) / outcome.sum(), _treated_above(p[~outcome], t) / (~outcome).sum(), share, t
    )


def net_benefit_limits(
    positive: ArrayLike,
    probability: ArrayLike,
    thresholds: ArrayLike = THRESHOLDS,
    target_prevalence: float | None = None,
    *,
    less_treat_all: bool = False,
) -> Limits:
    """Net benefit (T,) with pointwise 95 % limits; less_treat_all : its gain over treating everyone.

    Both are a share of the patients less a multiple of another, whose Wilson limits are joined by square-and-add with
    the correlation of two shares of one sample; under a target prevalence the shares are of two samples, the classes.
    At 30 to 300 patients they cover 94 to 96 %, more where nearly everybody is treated; a bootstrap that kept the
    prevalence had 53 to 57.
    """
    outcome = two_classes(positive, "net_benefit_limits")
    p, t = probabilities(probability, len(outcome), "net_benefit_limits"), _thresholds(thresholds)
    harm = t / (1 - t)
    true, false = _treated_above(p[outcome], t), _treated_above(p[~outcome], t)
    m, n = int(outcome.sum()), int((~outcome).sum())
    if less_treat_all:  # harm spared less gain missed
        true, false = m - true, n - false
    if target_prevalence is None:
        gain, loss = wilson_limits(true, m + n), wilson_limits(false, m + n) * harm
        correlation: np.ndarray | float = -np.sqrt(true / (m + n - true) * false / (m + n - false))
    else:
        share = _prevalence(outcome, target_prevalence)
        gain, loss = wilson_limits(true, m) * share, wilson_limits(false, n) * (1 - share) * harm
        correlation = 0.0
    return difference_limits(loss, gain, correlation) if less_treat_all else difference_limits(gain, loss, correlation)


def net_benefit_less(
    positive: ArrayLike,
    probability: ArrayLike,
    other: ArrayLike,
    thresholds: ArrayLike = THRESHOLDS,
    target_prevalence: float | None = None,
) -> Limits:
    """Net benefit (T,) less that of another model on the same patients, with pointwise 95 % limits.

    positive : bool (n,).  probability, other : (n,).  Only patients whom one model treats and the other does not count:
    the four shares of them are joined as in `net_benefit_limits`. At 150 to 300 patients and thresholds of .2 and .3
    the limits cover 95 to 97 %, at 30 to 60 patients 97 to 100, and up to 100 where the models differ on few: then a
    bootstrap covers as little as 77.
    """
    outcome, t = two_classes(positive, "net_benefit_less"), _thresholds(thresholds)
    first, second = (
        probabilities(given, len(outcome), "net_benefit_less")[:, None] >= t for given in (probability, other)
    )
    m, n = int(outcome.sum()), int((~outcome).sum())
    more, fewer = first & ~second, second & ~first
    known = target_prevalence is not None
    gained = _less(more[outcome].sum(axis=0), fewer[outcome].sum(axis=0), m if known else m + n)
    harmed = _less(more[~outcome].sum(axis=0), fewer[~outcome].sum(axis=0), n if known else m + n)
    harm = t / (1 - t)
    if known:
        share = _prevalence(outcome, target_prevalence)
        return difference_limits(gained[0] * share, harmed[0] * ((1 - share) * harm))
    spread = np.sqrt(gained[1] * harmed[1])
    correlation = np.divide(-gained[0].value * harmed[0].value, spread, out=np.zeros_like(spread), where=spread > 0)
    return difference_limits(gained[0], harmed[0] * harm, correlation)


def _less(more: np.ndarray, fewer: np.ndarray, n: int) -> tuple[Limits, np.ndarray]:
    """A share less another of one sample of n, with its limits, and n times its variance."""
    a, b = more / n, fewer / n
    correlation = -np.sqrt(
        more / np.maximum(n - more, 1) * fewer / np.maximum(n - fewer, 1)
    )  # all of one: none of the other
    return difference_limits(wilson_limits(more, n), wilson_limits(fewer, n), correlation), a + b - (a - b) ** 2


def treat_all(
    positive: ArrayLike, thresholds: ArrayLike = THRESHOLDS, target_prevalence: float | None = None
) -> np.ndarray:
    """Net benefit (T,) of treating everyone; treating no one has 0 everywhere."""
    outcome, t = two_classes(positive, "treat_all"), _thresholds(thresholds)
    return _benefit(np.ones_like(t), np.ones_like(t), _prevalence(outcome, target_prevalence), t)


def interventions_avoided(
    positive: ArrayLike,
    probability: ArrayLike,
    thresholds: ArrayLike = THRESHOLDS,
    target_prevalence: float | None = None,
) -> np.ndarray:
    """Interventions avoided in 100 patients (T,), no positive missed more than by treating everyone.

    (net benefit - that of treating all) / (t / (1 - t)) · 100.
    """
    t = _thresholds(thresholds)
    gain = net_benefit(positive, probability, t, target_prevalence) - treat_all(positive, t, target_prevalence)
    return 100 * gain / (t / (1 - t))


def decision_curve(
    positive: ArrayLike,
    probability: ArrayLike,
    thresholds: ArrayLike = THRESHOLDS,
    target_prevalence: float | None = None,
    *,
    band: bool = False,
) -> pd.DataFrame:
    """threshold, net_benefit, treat_all, treat_none, interventions_avoided; with `band` also lower and upper.

    The band is pointwise (`net_benefit_limits`); it describes the sample and decides nothing (Vickers et al. 2023).
    """
    t = _thresholds(thresholds)
    benefit = net_benefit(positive, probability, t, target_prevalence)
    table = pd.DataFrame(
        {
            "threshold": t,
            "net_benefit": benefit,
            "treat_all": treat_all(positive, t, target_prevalence),
            "treat_none": np.zeros(len(t)),
            "interventions_avoided": interventions_avoided(positive, probability, t, target_prevalence),
        }
    )
    if band:
        limits = net_benefit_limits(positive, probability, t, target_prevalence)
        table["lower"], table["upper"] = limits.lower, limits.upper
    return table


def _benefit(sensitivity: np.ndarray, false_positive_rate: np.ndarray, share: float, t: np.ndarray) -> np.ndarray:
    return sensitivity * share - false_positive_rate * (1 - share) * t / (1 - t)


def _treated_above(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """How many patients have p >= t, for each t."""
    return len(p) - np.searchsorted(np.sort(p), t, side="left")


def _prevalence(outcome: np.ndarray, target: float | None) -> float:
    if target is None:
        return float(outcome.mean())
    if not 0 < target < 1:
        raise InputError("target_prevalence", f"{target} is no share", "Give a number between 0 and 1, such as 0.25.")
    return float(target)


def _thresholds(given: ArrayLike) -> np.ndarray:
    t = np.atleast_1d(np.asarray(given, dtype=float))
    if t.ndim != 1 or not ((t > 0) & (t < 1)).all():
        raise InputError(
            "thresholds", "a threshold probability lies outside 0 to 1", "Give values such as 0.05 to 0.60."
        )
    return t
