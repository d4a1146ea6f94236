"""The LASSO as glmnet fits it: one path of lambdas, cross-validation over whole paths, lambda min or 1se."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from dlr.learn.preparation import constant_columns
from dlr.learn.univariable import two_class_tags, two_classes
from dlr.protocols import folds_by_thirds, stratified_folds
from dlr.words import expit

__all__ = ["LassoCurve", "LassoNumberSelector", "LassoPath", "LassoSelector", "cross_validate", "fit_path"]

LAMBDAS = 100
TOLERANCE = 1e-12  # of the gradient's distance from optimality, columns and gaussian outcome standardised
DEVIANCE_CLIP = 1e-5  # glmnet's, in the cross-validated deviance only


@dataclass(frozen=True)
class LassoPath:
    """Coefficients on the columns' own scale along falling lambdas."""

    family: str  # "gaussian" or "binomial"
    lambdas: np.ndarray  # (k,)
    intercepts: np.ndarray  # (k,)
    coefficients: np.ndarray  # (k, p)
    explained: np.ndarray  # (k,) share of variance or deviance

    def linear_predictor(self, values: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
        """(n, len(lambdas)): coefficients between two lambdas are interpolated, beyond the ends held."""
        left, right, share = _between(self.lambdas, lambdas)
        coefficients = share[:, None] * self.coefficients[left] + (1 - share[:, None]) * self.coefficients[right]
        intercepts = share * self.intercepts[left] + (1 - share) * self.intercepts[right]
        return intercepts + values @ coefficients.T


@dataclass(frozen=True)
class LassoCurve:
    """Cross-validated error along the path: mean squared error or binomial deviance."""

    lambdas: np.ndarray
    mean: np.ndarray
    error: np.ndarray  # its standard error over the folds
    lambda_min: float
    lambda_1se: float
    folds: int


class _Lasso(SelectorMixin, BaseEstimator):
    """What both selectors share: a path, its cross-validation, and the columns with a coefficient at one lambda."""

    family: str
    rule: str

    def _learn(self, X: np.ndarray, outcome: np.ndarray, fold: np.ndarray) -> None:
        self.path_ = fit_path(X, outcome, self.family)
        self.curve_ = cross_validate(X, outcome, self.path_, fold)
        self.lambda_ = self.curve_.lambda_min if self.rule == "min" else self.curve_.lambda_1se
        at = int(np.flatnonzero(self.path_.lambdas == self.lambda_)[0])
        self.intercept_, self.coef_ = float(self.path_.intercepts[at]), self.path_.coefficients[at]

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.coef_ != 0


class LassoSelector(_Lasso):
    """Keep features with a non-zero LASSO coefficient at the cross-validated lambda.

    family : "binomial" or "gaussian" (the 0/1 outcome as a number, as in many papers).  rule : "min" or "1se".
    folds : at most so many, stratified, fewer where a class is smaller; rows of one group share a fold.
    Learns `path_` (LassoPath), `curve_` (LassoCurve), `lambda_`, `intercept_`, `coef_` on the columns' own scale.
    """

    def __init__(
        self, family: str = "binomial", rule: str = "min", folds: int = 10, random_state: int | None = 0
    ) -> None:
        self.family = family
        self.rule = rule
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> LassoSelector:
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=4)
        _check_rule(self.rule)
        self.classes_, positive = two_classes(y)
        self._learn(X, positive.astype(float), stratified_folds(positive, groups, self.folds, _drawing(self)))
        return self

    def __sklearn_tags__(self) -> Tags:
        return two_class_tags(super().__sklearn_tags__())


class LassoNumberSelector(_Lasso):
    """The same for an outcome that is a number, such as a per cent: gaussian, folds by thirds of the outcome.

    rule : "min" or "1se".  folds : at most so many, fewer where there are few patients.
    Learns what LassoSelector does.
    """

    family = "gaussian"

    def __init__(self, rule: str = "min", folds: int = 10, random_state: int | None = 0) -> None:
        self.rule = rule
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> LassoNumberSelector:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=6)
        _check_rule(self.rule)
        outcome = np.asarray(y, dtype=float)
        self._learn(X, outcome, folds_by_thirds(outcome, groups, self.folds, _drawing(self)))
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _check_rule(rule: str) -> None:
    if rule not in ("min", "1se"):
        raise ValueError(f'rule must be "min" or "1se", not {rule!r}')


def _drawing(selector: Any) -> np.random.Generator:
    return np.random.default_rng(int(check_random_state(selector.random_state).randint(2**31 - 1)))


def fit_path(
    values: np.ndarray,
    outcome: np.ndarray,
    family: str,
    lambdas: np.ndarray | None = None,
) -> LassoPath:
    """The LASSO path; without `lambdas` glmnet's own: 100 from lambda max down, ended early by its rules.

    values : float64 (n, p), standardised inside with divisor n; constant columns get 0.  outcome : float64 (n,).
    """
    from dlr.learn.kernels import lasso_path  # numba: imported only where a path is fitted

    n, p = values.shape
    constant = constant_columns(values)
    mean, deviation = values.mean(axis=0), np.where(constant, 1.0, values.std(axis=0))
    columns = np.ascontiguousarray(np.where(constant, 0.0, (values - mean) / deviation).T)
    centre, scale = outcome.mean(), outcome.std() if family == "gaussian" else 1.0
    if scale == 0 or (family == "binomial" and not 0 < centre < 1):
        raise ValueError("the outcome has one value only")
    stop_early = lambdas is None
    if lambdas is None:
        largest = np.abs(columns @ (outcome - centre)).max() / n
        ratio = 1e-2 if n < p else 1e-4
        lambdas = largest * ratio ** (np.arange(LAMBDAS) / (LAMBDAS - 1))
        if largest == 0:  # nothing to enter: one lambda, no coefficient
            lambdas = np.zeros(1)
    if family == "gaussian":
        intercepts, coefficients, explained, settled = lasso_path(
            columns, (outcome - centre) / scale, False, lambdas / scale, stop_early, TOLERANCE
        )
        intercepts, coefficients = centre + intercepts * scale, coefficients * scale
    elif family == "binomial":
        intercepts, coefficients, explained, settled = lasso_path(
            columns, outcome, True, lambdas, stop_early, TOLERANCE
        )
    else:
        raise ValueError(f'family must be "gaussian" or "binomial", not {family!r}')
    if not settled:
        warnings.warn("the LASSO did not settle at some lambda", ConvergenceWarning, stacklevel=2)
    coefficients = coefficients / deviation
    return LassoPath(
        family, lambdas[: len(explained)].copy(), intercepts - coefficients @ mean, coefficients, explained
    )


def cross_validate(values: np.ndarray, outcome: np.ndarray, path: LassoPath, fold: np.ndarray) -> LassoCurve:
    """cv.glmnet as usually called: every fold has a path of its own, read off at the whole path's lambdas.

    The error of a fold is its mean, weighted by size; with fewer than three rows a fold single rows take the place of
    folds (glmnet's grouped = FALSE). Ties go to the larger lambda.
    """
    numbers = np.unique(fold)
    loss = np.empty((len(outcome), len(path.lambdas)))
    for number in numbers:
        held_out = fold == number
        train = outcome[~held_out]
        if np.ptp(train) == 0:  # per cents of which nearly all are equal: nothing but the intercept
            linear = np.full((int(held_out.sum()), len(path.lambdas)), train[0])
        else:
            fitted = fit_path(values[~held_out], train, path.family)
            linear = fitted.linear_predictor(values[held_out], path.lambdas)
        loss[held_out] = _loss(linear, outcome[held_out], path.family)
    if len(outcome) / len(numbers) < 3:
        each, weight = loss, np.full(len(outcome), 1 / len(outcome))
    else:
        each = np.stack([loss[fold == number].mean(axis=0) for number in numbers])
        weight = np.array([(fold == number).mean() for number in numbers])
    mean = weight @ each
    error = np.sqrt(weight @ (each - mean) ** 2 / (len(weight) - 1))
    best = int(np.argmin(mean))
    simpler = int(np.flatnonzero(mean <= mean[best] + error[best])[0])
    return LassoCurve(path.lambdas, mean, error, float(path.lambdas[best]), float(path.lambdas[simpler]), len(numbers))


def _loss(linear: np.ndarray, outcome: np.ndarray, family: str) -> np.ndarray:
    """(n, k): squared error, or minus twice the log-likelihood with p clipped as glmnet does."""
    if family == "gaussian":
        return (outcome[:, None] - linear) ** 2
    probability = np.clip(expit(linear), DEVIANCE_CLIP, 1 - DEVIANCE_CLIP)
    return -2 * np.log(np.where(outcome[:, None] == 1, probability, 1 - probability))


def _between(fitted: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions left and right of each wanted lambda in the falling `fitted`, and the share of the left one."""
    inside = np.clip(wanted, fitted[-1], fitted[0])
    right = np.searchsorted(-fitted, -inside, side="left")
    right = np.minimum(right, len(fitted) - 1)
    left = np.maximum(right - 1, 0)
    gap = fitted[left] - fitted[right]
    share = np.where(gap > 0, (inside - fitted[right]) / np.where(gap > 0, gap, 1.0), 1.0)
    return left, right, share
