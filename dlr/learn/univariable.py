"""A feature's difference between the two classes: Welch, Student or Mann-Whitney, all columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from dlr.learn.preparation import constant_columns

__all__ = ["TTestSelector", "two_class_tests", "two_classes"]


class TTestSelector(SelectorMixin, BaseEstimator):
    """Keep features whose two-sided p is below `alpha` (Hu et al. 2025, first step).

    test : "welch", "student" or "mannwhitney" (normal, ties and continuity corrected).
    Learns `statistic_`, `pvalues_` (NaN on constant columns, which leave), `support_`.
    """

    def __init__(self, test: str = "welch", alpha: float = 0.05) -> None:
        self.test = test
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> TTestSelector:
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=4)
        self.classes_, positive = two_classes(y)
        self.statistic_, self.pvalues_ = two_class_tests(X, positive, self.test)
        self.support_ = self.pvalues_ < self.alpha  # NaN is not
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self) -> Tags:
        return two_class_tags(super().__sklearn_tags__())


def two_class_tags(tags: Tags) -> Tags:
    """Tags of a selector that needs an outcome with exactly two classes."""
    tags.target_tags.required = True
    tags.classifier_tags = ClassifierTags(multi_class=False)
    return tags


def two_classes(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two class labels, sorted, and bool (n,): is the second. ValueError on another number of classes."""
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) != 2:
        kind = type_of_target(y, input_name="y")
        if len(classes) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        raise ValueError(f"This selector needs samples of two classes, but the data contains only {len(classes)} class")
    return classes, y == classes[1]


def two_class_tests(values: np.ndarray, positive: np.ndarray, test: str) -> tuple[np.ndarray, np.ndarray]:
    """Statistic and two-sided p of every column: positive against negative rows.

    values : float64 (n, p) without NaN.  positive : bool (n,), both classes present.
    Statistic: t (welch, student) or z (mannwhitney). NaN where the column is constant or a class has one row.
    """
    a, b = values[positive], values[~positive]
    m, n = len(a), len(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        if test == "mannwhitney":
            statistic, p = _mann_whitney(values, positive, m, n)
        elif test in ("welch", "student"):
            va, vb = a.var(axis=0, ddof=1) if m > 1 else np.nan, b.var(axis=0, ddof=1) if n > 1 else np.nan
            if test == "welch":
                sa, sb = va / m, vb / n
                square, df = sa + sb, (sa + sb) ** 2 / (sa**2 / max(m - 1, 1) + sb**2 / max(n - 1, 1))
            else:
                square, df = ((m - 1) * va + (n - 1) * vb) / (m + n - 2) * (1 / m + 1 / n), np.float64(m + n - 2)
            statistic = (a.mean(axis=0) - b.mean(axis=0)) / np.sqrt(square)
            p = 2 * special.stdtr(df, -np.abs(statistic))
        else:
            raise ValueError(f'test must be "welch", "student" or "mannwhitney", not {test!r}')
    constant = constant_columns(values)
    return np.where(constant, np.nan, statistic), np.where(constant, np.nan, p)


def _mann_whitney(values: np.ndarray, positive: np.ndarray, m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """z and p of R's wilcox.test(exact = FALSE, correct = TRUE), vectorised over columns."""
    ranks = stats.rankdata(values, axis=0)
    u = ranks[positive].sum(axis=0) - m * (m + 1) / 2
    ordered = np.sort(ranks, axis=0)
    total = m + n
    # sum of t^3 - t over ties: a tied group's midranks are equal, and group size follows from first and last place
    edge = np.vstack([np.ones((1, values.shape[1]), dtype=bool), ordered[1:] != ordered[:-1]])
    ties = np.empty(values.shape[1])
    for j in range(values.shape[1]):
        sizes = np.diff(np.append(np.flatnonzero(edge[:, j]), total)).astype(float)
        ties[j] = (sizes**3 - sizes).sum()
    deviation = np.sqrt(m * n / 12 * ((total + 1) - ties / (total * (total - 1))))
    away = u - m * n / 2
    z = (away - 0.5 * np.sign(away)) / deviation
    return z, np.minimum(2 * special.ndtr(-np.abs(z)), 1.0)
