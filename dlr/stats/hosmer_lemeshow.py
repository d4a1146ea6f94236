"""Hosmer and Lemeshow's test, as papers ask for it.

It has little power, depends on how the groups are cut and says nothing of direction: slope and curve say more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from dlr.errors import InputError
from dlr.stats.outcome import probabilities, two_classes
from dlr.words import Test

__all__ = ["HosmerLemeshow", "hosmer_lemeshow", "quantile_groups"]

SMALLEST_EXPECTED = 5 - 1e-9  # sums of probabilities round


@dataclass(frozen=True)
class HosmerLemeshow(Test):
    """The test; print p only where `valid`."""

    valid: bool  # every expected count, positive and negative, is 5 or more


def hosmer_lemeshow(
    positive: ArrayLike, probability: ArrayLike, groups: int = 10, fitted: bool = True
) -> HosmerLemeshow:
    """Chi-square of observed against expected counts in quantile groups of the probability.

    fitted : True on the patients the model was fitted on, df = groups - 2; False out-of-fold, on test and external,
    df = groups. Ties merge groups but leave df, as R's hoslem.test; NaN where a single group is left, or where two
    quantiles fall between the same two patients, so that the group between them is empty (R: NaN).
    Source: Hosmer & Lemeshow 1980; groups as ResourceSelection::hoslem.test.
    """
    outcome = two_classes(positive, "hosmer_lemeshow")
    p = probabilities(probability, len(outcome), "hosmer_lemeshow")
    if groups < 3:
        raise InputError("hosmer_lemeshow", f"{groups} groups", "Ask for three or more; ten is usual.")
    member = quantile_groups(p, groups)
    n, observed, expected = (np.bincount(member, weight) for weight in (np.ones(len(p)), outcome, p))
    difference = (observed - expected) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):  # a group of certain and right probabilities adds nothing
        spread = expected * (n - expected) / n
        statistic = float(np.where(difference == 0, 0.0, difference / spread).sum())
    df, formed, empty = groups - 2 if fitted else groups, len(n), int((n == 0).sum())
    defined = formed > 1 and not empty
    words = f"{formed} of {groups} groups formed" + (f", {empty} of them empty: no p" if empty else "")
    return HosmerLemeshow(
        statistic=statistic if defined else np.nan,
        p=float(chi2.sf(statistic, df)) if defined else np.nan,
        df=float(df),
        method=f"Hosmer-Lemeshow, {words}, {'fitted' if fitted else 'held-out'} patients",
        valid=bool(defined and min(expected.min(), (n - expected).min()) >= SMALLEST_EXPECTED),
    )


def quantile_groups(p: np.ndarray, groups: int) -> np.ndarray:
    """Group number (n,) by quantiles of type 7, upper ends included: R's cut(p, unique(quantile(p, 0:g / g)))."""
    breaks = np.unique(np.quantile(p, np.arange(groups + 1) / groups))
    return np.clip(np.searchsorted(breaks, p, side="left"), 1, max(1, len(breaks) - 1)) - 1
