"""The regressors of a per cent and their grids, as one literal table; at most eight points each, the simplest first."""

from __future__ import annotations

from typing import Any

from dlr.learn.classifiers import RECIPES, Recipe

__all__ = ["REGRESSION_RECIPES"]


def _ridge(point: dict[str, Any], trees: int, seed: int) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(**point, solver="cholesky")


def _lightgbm(point: dict[str, Any], trees: int, seed: int) -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        n_estimators=trees, **point, random_state=seed, n_jobs=1, verbose=-1,
        deterministic=True, force_row_wise=True, subsample=0.8, subsample_freq=1,
    )  # fmt: skip


REGRESSION_RECIPES: dict[str, Recipe] = {
    "ridge": Recipe(_ridge, tuple({"alpha": a} for a in (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1))),
    "lightgbm": Recipe(_lightgbm, RECIPES["lightgbm"].grid),
}
