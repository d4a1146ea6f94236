"""The area under the ROC curve with its interval, the curve's points, and Youden's cut-off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit

from dlr.stats.outcome import Z, cutoffs_between, two_classes, values
from dlr.stats.ranks import Placements, placements
from dlr.words import CutOff, Estimate

__all__ = ["auc", "auc_of_unknown", "auc_plain", "newcombe_interval", "roc_curve", "youden"]


def auc(positive: ArrayLike, probability: ArrayLike) -> Estimate:
    """Area under the ROC curve, ties counting one half, with DeLong's 95 % interval on the logit scale.

    positive : bool (n,).  probability : float (n,), higher = likelier; any increasing scale.
    At an area of 0 or 1 the variance is zero and the interval is Newcombe's.
    Raises InputError unless each class has two patients and every value is finite.
    Source: DeLong et al. 1988; Sun & Xu 2014; logit scale, Pepe 2003; Newcombe 2006.
    """
    return _area(positive, probability, _logit_interval, "DeLong (logit)")


def auc_plain(positive: ArrayLike, probability: ArrayLike) -> Estimate:
    """As `auc`, with DeLong's interval A ± 1.96 se cut at 0 and 1, as most papers print it."""
    return _area(positive, probability, _plain_interval, "DeLong (plain)")


def auc_of_unknown(positive: ArrayLike, probability: ArrayLike, unknown: ArrayLike) -> tuple[float, float]:
    """The largest and the smallest AUC that patients of unknown outcome could give, were their outcomes known.

    positive, probability : (n,) of the others.  unknown : probabilities (k,). Of all outcomes with j positives the best
    makes the j highest of them positive, the worst the j lowest; j runs from 0 to k.
    """
    outcome = two_classes(positive, "auc_of_unknown")
    p = values(probability, len(outcome), "auc_of_unknown")
    free = np.sort(values(unknown, np.size(unknown), "auc_of_unknown"))
    value, k = np.concatenate([p, free]), len(free)

    def area(high: np.ndarray) -> float:
        return placements(np.concatenate([outcome, high]), value).area

    places = np.arange(k)
    best = max(area(places >= k - j) for j in range(k + 1))
    return best, min(area(places < j) for j in range(k + 1))


def newcombe_interval(area: float, m: int, n: int) -> tuple[float, float]:
    """Interval of an AUC from m positives and n negatives alone, defined at 0 and 1 too.

    The limits θ solve |A − θ| = z se(θ), se² = θ(1 − θ) / mn · [1 + M ((1 − θ)/(2 − θ) + θ/(1 + θ))], where
    M = (m + n)/2 − 1 stands for both group sizes less one in the variance of Hanley & McNeil.
    Source: Newcombe 2006 (Statistics in Medicine 25:559), method 5.
    """
    middle, edge = (m + n) / 2 - 1, 1e-12

    def excess(theta: float) -> float:
        inner = 1 + middle * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (area - theta) ** 2 / (theta * (1 - theta)) - Z**2 * inner / (m * n)

    lower = brentq(excess, edge, min(area, 1 - edge), xtol=1e-15) if area > 0 else 0.0
    upper = brentq(excess, max(area, edge), 1 - edge, xtol=1e-15) if area < 1 else 1.0
    return float(lower), float(upper)


def roc_curve(positive: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """Points of the ROC curve from (0, 0) to (1, 1): false_positive_rate, sensitivity, cutoff.

    Cut-offs fall from infinity to minus infinity through the midpoints of neighbouring values (pROC's convention).
    """
    outcome = two_classes(positive, "roc_curve")
    cutoff, true, false = _counts_from(outcome, values(probability, len(outcome), "roc_curve"))
    return pd.DataFrame(
        {"false_positive_rate": false / (~outcome).sum(), "sensitivity": true / outcome.sum(), "cutoff": cutoff}
    )


def youden(positive: ArrayLike, probability: ArrayLike) -> CutOff:
    """The cut-off with the largest sensitivity + specificity − 1; of equals, the one with the higher sensitivity.

    It lies midway between two values. Where no cut-off beats chance every patient counts as positive: the cut-off is
    then 0 for probabilities, minus infinity on another scale.
    Source: Youden 1950 (Cancer 3:32).
    """
    outcome = two_classes(positive, "youden")
    value = values(probability, len(outcome), "youden")
    cutoff, true, false = _counts_from(outcome, value)
    m, n = int(outcome.sum()), int((~outcome).sum())
    gain = true * n - false * m  # (J + 1) mn less a constant, in whole numbers, so that ties are exact
    best = len(gain) - 1 - int(np.argmax(gain[::-1]))
    everyone = 0.0 if value.min() >= 0 and value.max() <= 1 else -np.inf
    chosen = cutoff[best] if np.isfinite(cutoff[best]) else everyone
    return CutOff(float(chosen), float(true[best] / m), float(1 - false[best] / n), "Youden", len(outcome))


def _area(
    positive: ArrayLike, probability: ArrayLike, interval: Callable[[Placements], tuple[float, float]], method: str
) -> Estimate:
    outcome = two_classes(positive, "auc")
    found = placements(outcome, values(probability, len(outcome), "auc"))
    m, n = int(outcome.sum()), int((~outcome).sum())
    if found.area in (0.0, 1.0):
        return Estimate(found.area, *newcombe_interval(found.area, m, n), m + n, m, "Newcombe")
    return Estimate(found.area, *interval(found), m + n, m, method)


def _logit_interval(found: Placements) -> tuple[float, float]:
    half = Z * np.sqrt(found.variance) / (found.area * (1 - found.area))
    return float(expit(logit(found.area) - half)), float(expit(logit(found.area) + half))


def _plain_interval(found: Placements) -> tuple[float, float]:
    half = Z * float(np.sqrt(found.variance))
    return max(0.0, found.area - half), min(1.0, found.area + half)


def _counts_from(outcome: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut-offs falling from inf to -inf; true and false positives at each as whole numbers."""
    distinct, place = np.unique(value, return_inverse=True)
    cutoff = np.concatenate([[np.inf], cutoffs_between(distinct)[::-1], [-np.inf]])
    true = np.bincount(place[outcome], minlength=len(distinct))[::-1]
    false = np.bincount(place[~outcome], minlength=len(distinct))[::-1]
    return cutoff, np.concatenate([[0], np.cumsum(true)]), np.concatenate([[0], np.cumsum(false)])
