"""The classifiers and their grids, as one literal table; at most eight points each, the simplest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """How an estimator is made from (grid point, trees, seed), and the grid; of equal points the first wins."""

    make: Callable[[dict[str, Any], int, int], Any]
    grid: tuple[dict[str, Any], ...]
    most_grid_trees: int | None = None  # a forest's trees are alike, so fewer of them rank its grid; None = all
    by_log_loss: bool = False  # its points are ranked by the log loss of inner folds, a proper score; else by the AUC
    by_margin: bool = False  # it answers with a margin, which Platt's scaling on the inner folds makes a probability


def _logistic(point: dict[str, Any], trees: int, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**point, tol=1e-8, max_iter=5000)


def _random_forest(point: dict[str, Any], trees: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=trees, **point, random_state=seed, n_jobs=1)


def _extra_trees(point: dict[str, Any], trees: int, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(n_estimators=trees, **point, random_state=seed, n_jobs=1)


def _xgboost(point: dict[str, Any], trees: int, seed: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=trees, **point, tree_method="hist", random_state=seed, n_jobs=1, subsample=0.8)


def _lightgbm(point: dict[str, Any], trees: int, seed: int) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=trees, **point, random_state=seed, n_jobs=1, verbose=-1,
        deterministic=True, force_row_wise=True, subsample=0.8, subsample_freq=1, min_child_weight=1e-3,
    )  # fmt: skip


def _svm(point: dict[str, Any], trees: int, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(**point, dual=False, tol=1e-8, max_iter=5000)


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
        _lightgbm,
        tuple(
            {"num_leaves": leaves, "learning_rate": rate, "min_child_samples": 5}
            for leaves in (2, 6)
            for rate in (0.02, 0.1)
        ),
    ),
    "ridge": Recipe(_logistic, tuple({"C": c} for c in PENALTIES), by_log_loss=True),
    "svm": Recipe(_svm, tuple({"C": c} for c in PENALTIES), by_margin=True),
}
