"""The regressors of a per cent and their grids, as one literal table; at most eight points each, the simplest first."""

from __future__ import annotations

from collections.abc import Sequence

from dlr.learn.classifiers import RECIPES, Point, Recipe, Rows, boosted_trees
from dlr.learn.models import FittedModel, Linear

__all__ = ["REGRESSION_RECIPES"]


def _ridge(rows: Rows, points: Sequence[Point], trees: int, seed: int) -> list[FittedModel]:
    from sklearn.linear_model import Ridge

    fitted = [Ridge(**point, solver="cholesky").fit(rows.values, rows.outcome) for point in points]
    return [Linear(float(line.intercept_), line.coef_.astype(float)) for line in fitted]


REGRESSION_RECIPES: dict[str, Recipe] = {
    "ridge": Recipe(_ridge, tuple({"alpha": a} for a in (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1))),
    "lightgbm": Recipe(boosted_trees("regression"), RECIPES["lightgbm"].grid),
}
