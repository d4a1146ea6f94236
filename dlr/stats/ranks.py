"""Ordered pairs: how often a positive patient's value lies above a negative one's, ties counting one half.

Everything named AUC rests on these two views of the same count: `placements`, a share for each patient, from which
DeLong's variance follows; and `Concordance`, a count under case weights, from which bootstraps follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

__all__ = ["Concordance", "Placements", "placements"]


@dataclass(frozen=True)
class Placements:
    """DeLong's structural components of one set of predictions."""

    area: float  # AUC
    positives: np.ndarray  # (m,) share of negatives below each positive patient
    negatives: np.ndarray  # (n,) share of positives above each negative patient

    @property
    def variance(self) -> float:
        """DeLong's variance of the area."""
        return variance_of_mean(self.positives, self.negatives)


def placements(positive: np.ndarray, value: np.ndarray) -> Placements:
    """Placements from mid-ranks, in O(n log n).

    positive : bool (n,).  value : float (n,).
    A patient's mid-rank among all less its mid-rank in its own class counts the other class below it.
    Source: DeLong et al. 1988; Sun & Xu 2014 (IEEE Signal Processing Letters 21:1389).
    """
    m, n = int(positive.sum()), int((~positive).sum())
    among_all = rankdata(value)
    below = among_all[positive] - rankdata(value[positive])
    above = m - (among_all[~positive] - rankdata(value[~positive]))
    return Placements(float(below.sum() / (m * n)), below / n, above / m)  # sums of halves are exact


def variance_of_mean(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Variance of a difference or sum of AUCs from its components a patient."""
    return float(positives.var(ddof=1) / len(positives) + negatives.var(ddof=1) / len(negatives))


@dataclass(frozen=True)
class Concordance:
    """Ordered pairs of one set of predictions, countable under any weights of the patients.

    Sorted once, then each row of weights costs a cumulative sum; so a thousand bootstrap replicates, which are rows of
    how often each patient was drawn, are one call.
    """

    order: np.ndarray  # (n,) negatives' indices by rising value
    lower: np.ndarray  # (m,) how many negatives lie below each positive
    upper: np.ndarray  # (m,) how many lie below or level
    positives: np.ndarray  # (m,) indices
    negatives: np.ndarray  # (n,) indices

    @classmethod
    def of(cls, positive: np.ndarray, value: np.ndarray, rows: np.ndarray | None = None) -> Concordance:
        """Pairs among `rows` (all by default) of positive bool (n,) and value float (n,)."""
        rows = np.arange(len(value)) if rows is None else rows
        yes, no = rows[positive[rows]], rows[~positive[rows]]
        order = no[np.argsort(value[no], kind="stable")]
        ranked = value[order]
        lower = np.searchsorted(ranked, value[yes], side="left")
        return cls(order, lower, np.searchsorted(ranked, value[yes], side="right"), yes, no)

    def count(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ordered pairs and all pairs, each (B,), under weights (B, n)."""
        below = np.zeros((len(weights), len(self.order) + 1))
        np.cumsum(weights[:, self.order], axis=1, out=below[:, 1:])
        mine = weights[:, self.positives]
        ordered = (mine * (below[:, self.lower] + below[:, self.upper])).sum(axis=1) / 2
        return ordered, mine.sum(axis=1) * below[:, -1]
