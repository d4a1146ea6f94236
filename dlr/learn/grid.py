"""The grid search: every algorithm on the same inner folds, judged by the median AUC over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from dlr.learn.classifiers import RECIPES
from dlr.learn.models import model_from_estimator

__all__ = ["GridPoint", "InnerFold", "best_point", "score_grid"]


@dataclass(frozen=True)
class InnerFold:
    """Standardised kept columns of one inner fold: what is fitted on and what judges."""

    train: np.ndarray  # (n, p), p may be 0
    positive: np.ndarray  # bool (n,)
    held_out: np.ndarray  # (m, p)
    held_out_positive: np.ndarray  # bool (m,)


@dataclass(frozen=True)
class GridPoint:
    """One setting of one algorithm and its AUC in every inner fold."""

    algorithm: str
    parameters: dict[str, Any]
    scores: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.scores))

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))


def score_grid(
    algorithm: str, folds: Sequence[InnerFold], max_grid: int, trees: int, seed: int
) -> tuple[GridPoint, ...]:
    """Every grid point's AUC in every inner fold; a fold whose selection is empty counts one half."""
    recipe = RECIPES[algorithm]
    trees = min(trees, recipe.most_grid_trees or trees)
    points = []
    for parameters in recipe.grid[:max_grid]:
        scores = []
        for fold in folds:
            if fold.train.shape[1] == 0:
                scores.append(0.5)
                continue
            estimator = recipe.make(parameters, trees, seed).fit(fold.train, fold.positive.astype(np.int64))
            probability = model_from_estimator(algorithm, estimator).probability(fold.held_out)
            scores.append(_ordered_pairs(fold.held_out_positive, probability))
        points.append(GridPoint(algorithm, parameters, tuple(scores)))
    return tuple(points)


def best_point(points: Sequence[GridPoint]) -> GridPoint:
    """The highest median; of equals the higher mean, then the first (the grids begin with the simplest)."""
    return max(points, key=lambda point: (round(point.median, 12), round(point.mean, 12)))


def _ordered_pairs(positive: np.ndarray, probability: np.ndarray) -> float:
    """Share of pairs in the right order, ties one half: the AUC without an interval."""
    m, n = int(positive.sum()), int((~positive).sum())
    return float((rankdata(probability)[positive].sum() - m * (m + 1) / 2) / (m * n))
