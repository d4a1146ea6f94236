"""The grid search: every algorithm on the same inner folds, judged by what it says of their held-out rows.

Two classes are judged by the log loss of all held-out rows, a proper score, or as published by the median AUC over the
folds; a per cent by the median of the mean absolute error. The settings of an algorithm may be ranked by log loss
whatever chooses among algorithms (Recipe.by_log_loss).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from dlr.learn.classifiers import RECIPES, Point, Recipe, Rows
from dlr.learn.regressors import REGRESSION_RECIPES
from dlr.stats.scaling import Expected, Scaling, platt, recalibration
from dlr.words import CLIP, TargetKind, logit

__all__ = [
    "AREA", "ERROR", "LOG_LOSS", "GridPoint", "InnerFold", "best_point", "best_setting", "bounded", "recipes",
    "score_grid",
]  # fmt: skip

LOG_LOSS, AREA, ERROR = "log loss", "AUC", "mean absolute error"  # what judges
EXPECTED = Expected(spread=0.65, doubt=0.5)  # of the logits of a signature


@dataclass(frozen=True)
class InnerFold:
    """Standardised kept columns of one inner fold: what is fitted on and what judges."""

    train: Rows  # (n, p), p may be 0
    held_out: np.ndarray  # (m, p)
    held_out_outcome: np.ndarray  # (m,) bool, or per cents


@dataclass(frozen=True)
class GridPoint:
    """One setting of one algorithm and its criterion (AUC or mean absolute error) in every inner fold."""

    algorithm: str
    parameters: dict[str, Any]
    scores: tuple[float, ...]
    kind: TargetKind = TargetKind.BINARY
    loss: float = math.nan  # mean log loss of all held-out rows; NaN of a per cent
    scaling: Scaling | None = None  # of a margin, or of a probability's logit, fitted on the inner folds' held-out rows

    @property
    def median(self) -> float:
        return float(np.median(self.scores))

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    def value(self, judge: str) -> float:
        """What the judge says of it."""
        return self.loss if judge == LOG_LOSS else self.median

    def rank(self, judge: str) -> tuple[float, ...]:
        """Higher is better: median, then mean; of an error or a loss its negative."""
        if judge == LOG_LOSS:
            return (-round(self.loss, 12),)
        sign = 1 if judge == AREA else -1
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
    recalibrate: bool = False,
) -> tuple[GridPoint, ...]:
    """Every grid point's criteria on the inner folds; where a fold's selection is empty, those of one same value for
    everybody: the fold's training prevalence or median.

    recalibrate : probabilities will be served with their logits recalibrated on the held-out rows; what is judged is
    what the models themselves say, as a recalibrated loss hides how far a setting is off.
    """
    recipe = recipes(kind)[algorithm]
    trees = min(trees, recipe.most_grid_trees or trees)
    outcome = np.concatenate([fold.held_out_outcome for fold in folds])
    part = np.repeat(np.arange(len(folds)), [len(fold.held_out_outcome) for fold in folds])
    judge = _ordered_pairs if kind is TargetKind.BINARY else _absolute_error
    said_by_fold = [_held_out(recipe, recipe.grid[:max_grid], fold, trees, seed, kind) for fold in folds]
    points = []
    for parameters, values in zip(recipe.grid, zip(*said_by_fold, strict=True), strict=False):
        scores = tuple(judge(fold.held_out_outcome, value) for fold, value in zip(folds, values, strict=True))
        if kind is TargetKind.PER_CENT:
            points.append(GridPoint(algorithm, parameters, scores, kind))
            continue
        said, scaling = np.concatenate(values), None
        if recipe.by_margin:
            scaling = platt(outcome, said)
            said = scaling.probability(said)
        elif recalibrate:
            scaling = recalibration(outcome, logit(said), part, EXPECTED)
        points.append(GridPoint(algorithm, parameters, scores, kind, _log_loss(outcome, said), scaling))
    return tuple(points)


def _held_out(
    recipe: Recipe, grid: Sequence[Point], fold: InnerFold, trees: int, seed: int, kind: TargetKind
) -> list[np.ndarray]:
    """What the models of a fold's training rows say of the held-out ones (m,): probability, margin or per cent."""
    if fold.train.values.shape[1]:
        models = recipe.fit(fold.train, grid, trees, seed)
        return [bounded(kind, model.predict(fold.held_out)) for model in models]
    outcome = fold.train.outcome
    same = float(outcome.mean() if kind is TargetKind.BINARY else np.median(outcome))
    return [np.full(len(fold.held_out_outcome), 0.0 if recipe.by_margin else same)] * len(grid)


def best_point(points: Sequence[GridPoint], judge: str) -> GridPoint:
    """The best by what judges (GridPoint.rank); of equals the first (the grids begin with the simplest)."""
    return max(points, key=lambda point: point.rank(judge))


def best_setting(points: Sequence[GridPoint], judge: str) -> GridPoint:
    """The best of one algorithm's points: by least log loss where its recipe asks for it, else as `best_point`."""
    first = points[0]
    by_loss = first.kind is TargetKind.BINARY and recipes(first.kind)[first.algorithm].by_log_loss
    return best_point(points, LOG_LOSS if by_loss else judge)


def _log_loss(positive: np.ndarray, probability: np.ndarray) -> float:
    """Mean of -log of the probability of what was the case, clipped as for logits: a forest may say 0 or 1."""
    return float(-np.log(np.clip(np.where(positive, probability, 1 - probability), CLIP, 1 - CLIP)).mean())


def _ordered_pairs(positive: np.ndarray, probability: np.ndarray) -> float:
    """Share of pairs in the right order, ties one half: the AUC without an interval."""
    m, n = int(positive.sum()), int((~positive).sum())
    return float((rankdata(probability)[positive].sum() - m * (m + 1) / 2) / (m * n))


def _absolute_error(outcome: np.ndarray, value: np.ndarray) -> float:
    return float(np.abs(outcome - value).mean())
