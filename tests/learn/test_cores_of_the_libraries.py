"""Models fitted by the cores of the libraries: what their estimators say, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from learning_data import feature_table
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from dlr.learn.classifiers import RECIPES, Rows
from dlr.learn.regressors import REGRESSION_RECIPES
from dlr.stats.ridge_path import ridge_path

FRAME, POSITIVE = feature_table(patients=90, features=7, signal=2.0)
TAUGHT, NEW, OUTCOME = FRAME.to_numpy()[:70], FRAME.to_numpy()[70:], POSITIVE[:70] == 1
LIGHT = {
    "n_jobs": 1, "verbose": -1, "deterministic": True, "force_row_wise": True, "subsample": 0.8, "subsample_freq": 1,
}  # fmt: skip
THEIRS: dict[str, Callable[..., Any]] = {
    "random_forest": RandomForestClassifier,
    "extra_trees": ExtraTreesClassifier,
    "xgboost": lambda **given: XGBClassifier(**given, tree_method="hist", n_jobs=1, subsample=0.8),
    "lightgbm": lambda **given: LGBMClassifier(**given, **LIGHT),
}


@pytest.mark.parametrize("algorithm", THEIRS)
def test_it_is_the_librarys_own_estimator_at_every_point(algorithm):
    recipe = RECIPES[algorithm]
    models = recipe.fit(Rows(TAUGHT, OUTCOME), recipe.grid, 20, 5)
    for point, model in zip(recipe.grid, models, strict=True):
        estimator = THEIRS[algorithm](n_estimators=20, random_state=5, **point).fit(TAUGHT, OUTCOME.astype(int))
        np.testing.assert_allclose(model.predict(NEW), estimator.predict_proba(NEW)[:, 1], rtol=0, atol=1e-15)


def test_boosted_regression_is_the_librarys_own():
    recipe, outcome = REGRESSION_RECIPES["lightgbm"], 50 + 10 * TAUGHT[:, 0]
    for point, model in zip(recipe.grid, recipe.fit(Rows(TAUGHT, outcome), recipe.grid, 20, 5), strict=True):
        estimator = LGBMRegressor(n_estimators=20, random_state=5, **point, **LIGHT).fit(TAUGHT, outcome)
        np.testing.assert_allclose(model.predict(NEW), estimator.predict(NEW), rtol=1e-12)


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
def test_a_point_fitted_after_others_is_the_same_bytes_as_alone(algorithm):
    recipe = RECIPES[algorithm]
    together = recipe.fit(Rows(TAUGHT, OUTCOME), recipe.grid, 10, 5)[-1]
    (alone,) = recipe.fit(Rows(TAUGHT, OUTCOME), recipe.grid[-1:], 10, 5)
    assert together.to_bytes() == alone.to_bytes()


@pytest.mark.parametrize("features", [3, 60, 200])
def test_a_path_of_ridges_is_scikit_learns_at_every_strength(features):
    """Fewer columns than rows, about as many, and more: there the solution is found in principal coordinates."""
    values = np.random.default_rng(1).normal(size=(60, features)) + 0.5
    positive = values[:, 0] + np.random.default_rng(2).normal(size=60) > 0.8
    strengths = (1e-4, 1e-2, 1.0)
    for strength, (intercept, slopes) in zip(strengths, ridge_path(values, positive, strengths), strict=True):
        theirs = LogisticRegression(C=strength, tol=1e-12, solver="newton-cholesky").fit(values, positive)
        np.testing.assert_allclose(slopes, theirs.coef_[0], atol=2e-6)
        assert intercept == pytest.approx(theirs.intercept_[0], abs=2e-6)
