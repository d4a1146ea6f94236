"""The grid search: every algorithm on the same inner folds, judged by the median over them.

What judges is the AUC of two classes, and the mean absolute error of a per cent; the settings of one algorithm may be
ranked by log loss instead (Recipe.by_log_loss).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from dlr.learn.classifiers import RECIPES, Recipe
from dlr.learn.models import model_from_estimator
from dlr.learn.platt import Scaling, platt
from dlr.learn.regressors import REGRESSION_RECIPES
from dlr.words import TargetKind

__all__ = [
    "CRITERION", "GridPoint", "InnerFold", "best_point", "best_setting", "bounded", "recipes", "score_grid",
]  # fmt: skip

CRITERION = {TargetKind.BINARY: "AUC", TargetKind.PER_CENT: "mean absolute error"}


@dataclass(frozen=True)
class InnerFold:
    """Standardised kept columns of one inner fold: what is fitted on and what judges."""

    train: np.ndarray  # (n, p), p may be 0
    outcome: np.ndarray  # (n,) bool, or per cents
    held_out: np.ndarray  # (m, p)
    held_out_outcome: np.ndarray  # (m,)


@dataclass(frozen=True)
class GridPoint:
    """One setting of one algorithm and its criterion (AUC or mean absolute error) in every inner fold."""

    algorithm: str
    parameters: dict[str, Any]
    scores: tuple[float, ...]
    kind: TargetKind = TargetKind.BINARY
    loss: float | None = None  # mean log loss of the inner folds' rows, where that ranks the algorithm's settings
    scaling: Scaling | None = None  # of a margin, fitted on the inner folds' held-out rows

    @property
    def median(self) -> float:
        return float(np.median(self.scores))

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    @property
    def rank(self) -> tuple[float, float]:
        """Higher is better: median, then mean; of an error their negatives."""
        sign = 1 if self.kind is TargetKind.BINARY else -1
        return sign * round(self.median, 12), sign * round(self.mean, 12)


def recipes(kind: TargetKind) -> Mapping[str, Recipe]:
    """The classifiers, or the regressors of a per cent."""
    return RECIPES if kind is TargetKind.BINARY else REGRESSION_RECIPES


def bounded(kind: TargetKind, value: np.ndarray) -> np.ndarray:
    """A per cent lies within 0 and 100 whatever a regressor says; a probability is one already."""
    return value if kind is TargetKind.BINARY else np.clip(value, 0.0, 100.0)


def score_grid(
    algorithm: str,
    folds: Sequence[InnerFold],
    max_grid: int,
    trees: int,
    seed: int,
    kind: TargetKind = TargetKind.BINARY,
) -> tuple[GridPoint, ...]:
    """Every grid point's criterion in every inner fold; where a fold's selection is empty, that of one same value for
    everybody: an AUC of one half, the error of the fold's training median."""
    recipe = recipes(kind)[algorithm]
    trees = min(trees, recipe.most_grid_trees or trees)
    points = []
    for parameters in recipe.grid[:max_grid]:
        scores, values = [], []
        for fold in folds:
            if fold.train.shape[1] == 0:
                same = 0.0 if recipe.by_margin else np.median(fold.outcome.astype(float))
                value = np.full(len(fold.held_out_outcome), same)
            else:
                target = fold.outcome.astype(np.int64) if kind is TargetKind.BINARY else fold.outcome
                estimator = recipe.make(parameters, trees, seed).fit(fold.train, target)
                value = bounded(kind, model_from_estimator(algorithm, estimator).predict(fold.held_out))
            judge = _ordered_pairs if kind is TargetKind.BINARY else _absolute_error
            scores.append(judge(fold.held_out_outcome, value))
            values.append(value)
        held_out, value = np.concatenate([fold.held_out_outcome for fold in folds]), np.concatenate(values)
        loss = float(_log_losses(held_out, value).mean()) if recipe.by_log_loss else None
        scaling = platt(held_out, value) if recipe.by_margin else None
        points.append(GridPoint(algorithm, parameters, tuple(scores), kind, loss, scaling))
    return tuple(points)


def best_point(points: Sequence[GridPoint]) -> GridPoint:
    """The best median; of equals the better mean, then the first (the grids begin with the simplest)."""
    return max(points, key=lambda point: point.rank)


def best_setting(points: Sequence[GridPoint]) -> GridPoint:
    """The best of one algorithm's points: by least log loss where its recipe asks for it, else as `best_point`."""
    if any(point.loss is None for point in points):
        return best_point(points)
    return min(points, key=lambda point: round(point.loss or 0.0, 12))


def _log_losses(positive: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """-log of the probability of what was the case, a row each."""
    return -np.log(np.clip(np.where(positive, probability, 1 - probability), 1e-15, None))


def _ordered_pairs(positive: np.ndarray, probability: np.ndarray) -> float:
    """Share of pairs in the right order, ties one half: the AUC without an interval."""
    m, n = int(positive.sum()), int((~positive).sum())
    return float((rankdata(probability)[positive].sum() - m * (m + 1) / 2) / (m * n))


def _absolute_error(outcome: np.ndarray, value: np.ndarray) -> float:
    return float(np.abs(outcome - value).mean())
