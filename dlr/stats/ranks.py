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

    With positives' weights w and negatives' v the ordered pairs are v' L w; so the thousands of replicates of a
    bootstrap, which are rows of how often each patient was drawn, are one product of matrices.
    """

    lies_above: np.ndarray  # (n, m) float32: 1 where the positive's value is higher, ½ where they are level
    positives: np.ndarray  # (m,) indices
    negatives: np.ndarray  # (n,) indices

    @classmethod
    def of(cls, positive: np.ndarray, value: np.ndarray, rows: np.ndarray | None = None) -> Concordance:
        """Pairs among `rows` (all by default) of positive bool (n,) and value float (n,)."""
        rows = np.arange(len(value)) if rows is None else rows
        yes, no = rows[positive[rows]], rows[~positive[rows]]
        high, low = value[yes], value[no][:, None]
        return cls((0.5 * (high > low) + 0.5 * (high >= low)).astype(np.float32), yes, no)

    def count(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ordered pairs and all pairs, each (B,), under weights (B, n)."""
        by_patient = weights.T  # its rows lie together in the weights of a bootstrap
        w, v = by_patient[self.positives], by_patient[self.negatives]
        ordered, pairs = np.einsum("nb,nb->b", self.lies_above @ w, v), w.sum(axis=0) * v.sum(axis=0)
        return ordered.astype(float), pairs.astype(float)  # halves and whole numbers: exact in single precision
