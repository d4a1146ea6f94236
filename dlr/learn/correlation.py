"""Greedy deletion of correlated features, with every tie decided by a rule and none by rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from dlr.learn.preparation import constant_columns

__all__ = ["GreedyCorrelationFilter", "absolute_correlation", "greedy_deletion"]

UNIT = 10**12  # |r| is kept as a whole number of 1e-12: sums of it are exact, so ties are true ties


class GreedyCorrelationFilter(SelectorMixin, BaseEstimator):
    """Greedy deletion (Hu et al. 2025): of the worst |r| pair above `threshold`, drop the one closer to the rest.

    The rest are the features still kept. Ties go by name (by position where columns have none): the first pair in
    name order is worked first, and of equals the later one goes. Learns `support_` and `partner_` (for a dropped
    feature the position of the other of its pair, else -1).
    """

    def __init__(self, threshold: float = 0.8) -> None:
        self.threshold = threshold

    def fit(self, X: Any, y: Any = None) -> GreedyCorrelationFilter:
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        names = getattr(self, "feature_names_in_", None)
        order = np.arange(X.shape[1]) if names is None else np.argsort(names.astype(str), kind="stable")
        support, partner = greedy_deletion(absolute_correlation(X[:, order]), self.threshold)
        self.support_ = np.empty(X.shape[1], dtype=bool)
        self.partner_ = np.full(X.shape[1], -1)
        self.support_[order] = support
        self.partner_[order] = np.where(partner >= 0, order[partner], -1)
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.support_


def absolute_correlation(values: np.ndarray) -> np.ndarray:
    """|Pearson r| of every pair of columns in units of 1e-12, int64 (p, p); constant columns have 0 with all."""
    constant = constant_columns(values)
    centred = values - values.mean(axis=0)
    largest = np.abs(centred).max(axis=0)
    centred = centred / np.where(largest > 0, largest, 1.0)  # squares of very large or small values stay finite
    length = np.sqrt((centred**2).sum(axis=0))
    unit = np.where(constant, 0.0, centred / np.where(length > 0, length, 1.0))
    return np.rint(np.abs(unit.T @ unit) * UNIT).astype(np.int64)


def greedy_deletion(correlation: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Which of p features stay, bool (p,), and the partner of each that went, int (p,), -1 for those kept.

    correlation : int64 (p, p) from `absolute_correlation`, columns in name order.
    Features only leave, so the worst remaining pair is the next one alive in one sorted list; sums of |r| to the
    kept features are updated at each deletion: O(p) a deletion after one sort.
    """
    p = len(correlation)
    kept, partner = np.ones(p, dtype=bool), np.full(p, -1)
    total = correlation.sum(axis=0) - np.diagonal(correlation)
    first, second = np.nonzero(np.triu(correlation > round(threshold * UNIT), k=1))  # in name order
    order = np.argsort(-correlation[first, second], kind="stable")
    for i, j in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if kept[i] and kept[j]:
            gone, stays = (i, j) if total[i] > total[j] else (j, i)
            kept[gone], partner[gone] = False, stays
            total -= correlation[gone]
    return kept, partner
