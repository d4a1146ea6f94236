"""The classifiers and their grids, as one literal table; at most eight points each, the simplest first.

A grid of thousands of small trees is fitted a fold, so what is the same at all of its points is made once (`Rows`), and
trees are grown and boosted by the libraries' own cores: estimators of scikit-learn's kind around them, which give the
same trees, take most of the time for checking what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dlr.learn.forest import grow
from dlr.learn.models import FittedModel, LightGbm, Linear, Logistic, Xgboost
from dlr.stats.ridge_path import ridge_path

__all__ = ["RECIPES", "Fit", "Point", "Recipe", "Rows", "boosted_trees"]

Point = dict[str, Any]  # one setting of an algorithm


@dataclass(frozen=True)
class Rows:
    """What is fitted on, in the forms that the libraries take, each made once."""

    values: np.ndarray  # float64 (n, p), p at least 1
    outcome: np.ndarray  # (n,) bool, or per cents

    @cached_property
    def for_xgboost(self) -> Any:
        """Binned as XGBoost's histograms want them."""
        import xgboost

        return xgboost.QuantileDMatrix(self.values, label=self.outcome.astype(float), nthread=1)

    @cached_property
    def for_lightgbm(self) -> Any:
        """Binned as LightGBM wants them."""
        import lightgbm

        return lightgbm.Dataset(self.values, label=self.outcome.astype(float), params=BINNING, free_raw_data=False)


Fit = Callable[[Rows, Sequence[Point], int, int], list[FittedModel]]  # of rows, points, trees and a seed: a model each


@dataclass(frozen=True)
class Recipe:
    """How models are fitted at points of the grid, and the grid; of equal points the first wins."""

    fit: Fit
    grid: tuple[Point, ...]
    most_grid_trees: int | None = None  # a forest's trees are alike, so fewer of them rank its grid; None = all
    by_log_loss: bool = False  # its points are ranked by the log loss of inner folds, a proper score, whatever judges
    by_margin: bool = False  # it answers with a margin, which Platt's scaling on the inner folds makes a probability


def _logistic(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
    return [Logistic(*found) for found in ridge_path(rows.values, rows.outcome, [point["C"] for point in points])]


def _random_forest(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
    return [grow(rows.values, rows.outcome, trees, seed, extra=False, **point) for point in points]


def _extra_trees(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
    return [grow(rows.values, rows.outcome, trees, seed, extra=True, **point) for point in points]


def _xgboost(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
    import xgboost

    given = {"objective": "binary:logistic", "tree_method": "hist", "subsample": 0.8, "seed": seed, "nthread": 1}
    found: list[FittedModel] = []
    for point in points:
        booster = xgboost.Booster({**given, **point}, [rows.for_xgboost])
        for number in range(trees):
            booster.update(rows.for_xgboost, number)
        found.append(Xgboost(booster))
    return found


BINNING = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True, "min_data_in_leaf": 5}


def boosted_trees(objective: str) -> Fit:
    """LightGBM for an objective of its own."""

    def fit(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
        import lightgbm

        given = {**BINNING, "objective": objective, "seed": seed, "bagging_fraction": 0.8, "bagging_freq": 1}
        found: list[FittedModel] = []
        for point in points:
            booster = lightgbm.Booster({**given, **point}, rows.for_lightgbm)
            for _ in range(trees):
                booster.update()
            found.append(LightGbm(booster))
        return found

    return fit


def _svm(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
    from sklearn.svm import LinearSVC

    fitted = [LinearSVC(**p, dual=False, tol=1e-8, max_iter=5000).fit(rows.values, rows.outcome) for p in points]
    return [Linear(float(machine.intercept_[0]), machine.coef_[0].astype(float)) for machine in fitted]


PENALTIES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # C, the strongest first: made for columns by the hundred

RECIPES: dict[str, Recipe] = {
    "logistic": Recipe(_logistic, tuple({"C": c} for c in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0))),
    "random_forest": Recipe(_random_forest, tuple({"min_samples_leaf": n} for n in (5, 1)), most_grid_trees=100),
    "extra_trees": Recipe(_extra_trees, tuple({"min_samples_leaf": n} for n in (5, 1)), most_grid_trees=100),
    "xgboost": Recipe(
        _xgboost,
        tuple({"max_depth": depth, "learning_rate": rate} for depth in (1, 3) for rate in (0.02, 0.1)),
    ),
    "lightgbm": Recipe(
        boosted_trees("binary"),
        tuple(
            {"num_leaves": leaves, "learning_rate": rate, "min_child_samples": 5}
            for leaves in (2, 6)
            for rate in (0.02, 0.1)
        ),
    ),
    "ridge": Recipe(_logistic, tuple({"C": c} for c in PENALTIES), by_log_loss=True),
    "svm": Recipe(_svm, tuple({"C": c} for c in PENALTIES), by_margin=True),
}
