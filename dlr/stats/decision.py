"""Decision curves: what a signature is worth to patients, at each risk from which one would treat."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats.bootstrap import resampled
from dlr.stats.outcome import probabilities, two_classes

__all__ = ["THRESHOLDS", "decision_curve", "interventions_avoided", "net_benefit", "treat_all"]

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
    return _benefit(_treated_above(p[outcome], t), _treated_above(p[~outcome], t), share, t)


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
    generator: np.random.Generator | None = None,
    replicates: int = 500,
) -> pd.DataFrame:
    """threshold, net_benefit, treat_all, treat_none, interventions_avoided; with `band` also lower and upper.

    The band is a pointwise 95 % patient bootstrap; it describes the sample and decides nothing (Vickers et al. 2023).
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
        table["lower"], table["upper"] = _band(positive, probability, t, target_prevalence, generator, replicates)
    return table


def _band(
    positive: ArrayLike,
    probability: ArrayLike,
    t: np.ndarray,
    target_prevalence: float | None,
    generator: np.random.Generator | None,
    replicates: int,
) -> np.ndarray:
    outcome = two_classes(positive, "decision_curve")
    treated = np.asarray(probability, dtype=float)[:, None] >= t
    share = _prevalence(outcome, target_prevalence)
    true, false = (members[:, None] * treated / members.sum() for members in (outcome, ~outcome))
    drawn = resampled(
        lambda weights: _benefit(weights @ true, weights @ false, share, t),
        outcome,
        generator or rng(0, "bootstrap", "decision_curve"),
        replicates,
    )
    return np.quantile(drawn, (0.025, 0.975), axis=0)


def _benefit(sensitivity: np.ndarray, false_positive_rate: np.ndarray, share: float, t: np.ndarray) -> np.ndarray:
    return sensitivity * share - false_positive_rate * (1 - share) * t / (1 - t)


def _treated_above(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Share of patients with p >= t, for each t."""
    return (len(p) - np.searchsorted(np.sort(p), t, side="left")) / len(p)


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
