"""What each feature alone has to do with the outcome, all columns at once.

Of two classes their difference (Welch, Student, Mann-Whitney); of a number, such as a per cent, Spearman's correlation.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from dlr.learn.preparation import constant_columns

__all__ = ["TTestSelector", "rank_correlations", "two_class_tests", "two_class_tags", "two_classes"]


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
    Statistic: t (welch, student) or the z of p (mannwhitney: normal, ties and continuity corrected). NaN where the
    column is constant, or a t-test has a class of one row.
    """
    a, b = values[positive], values[~positive]
    with warnings.catch_warnings():  # what does not vary, in a class or at all, makes SciPy warn
        warnings.simplefilter("ignore", RuntimeWarning)
        if test == "mannwhitney":
            found = stats.mannwhitneyu(a, b, method="asymptotic", axis=0)
            away = np.sign(found.statistic - len(a) * len(b) / 2)
            return _varying(values, away * stats.norm.isf(found.pvalue / 2), found.pvalue)
        if test not in ("welch", "student"):
            raise ValueError(f'test must be "welch", "student" or "mannwhitney", not {test!r}')
        if min(len(a), len(b)) < 2:
            return _varying(values, np.nan, np.nan)
        tested = stats.ttest_ind(a, b, axis=0, equal_var=test == "student")
        return _varying(values, tested.statistic, tested.pvalue)


def rank_correlations(values: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spearman's rank correlation of every column with a number, and its two-sided p (t approximation).

    values : float64 (n, p) without NaN.  outcome : float64 (n,). NaN where the column or the outcome is constant, or
    there are fewer than three rows.
    """
    if len(outcome) < 3 or np.ptp(outcome) == 0:
        return _varying(values, np.nan, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a constant column
        found = stats.pearsonr(stats.rankdata(values, axis=0), stats.rankdata(outcome)[:, None], axis=0)
    return _varying(values, found.statistic, found.pvalue)


def _varying(values: np.ndarray, statistic: np.ndarray | float, p: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays a column, NaN where the column is constant."""
    constant = constant_columns(values)
    return np.where(constant, np.nan, statistic), np.where(constant, np.nan, p)
