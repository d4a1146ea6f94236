"""The LASSO against glmnet's own values, and its rules."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.learn import LassoSelector, lasso_cv, lasso_path
from dlr.learn.lasso import cross_validate, fit_path
from dlr.words import expit

REFERENCE = Path(__file__).parents[1] / "reference" / "r"
CASES = ("birthwt_gaussian", "biopsy_binomial", "pima40_binomial_p_gt_n", "mtcars_gaussian_p_gt_n")


def reference(name: str) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    case = json.loads((REFERENCE / "lasso.json").read_text())[name]
    table = pd.read_csv(REFERENCE / case["data"])
    return case, table[case["variables"]].to_numpy(float), table.iloc[:, 0].to_numpy(float), table["foldid"].to_numpy()


@pytest.mark.parametrize("name", CASES)
def test_path_equals_glmnet(name):
    case, x, y, _ = reference(name)
    fitted = fit_path(x, y, case["family"], lambdas=np.array(case["path"]["lambda"]))
    expected = np.array(case["path_thresh_1e_22"]["beta_rows_are_lambdas"])
    scale = x.std(axis=0)
    # standardised coefficients in units of the outcome; glmnet itself stops at a change of 1e-22 of the null deviance
    np.testing.assert_allclose(fitted.coefficients * scale, expected * scale, rtol=0, atol=1e-8)
    np.testing.assert_allclose(fitted.intercepts, case["path_thresh_1e_22"]["intercept"], rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_own_lambdas_and_early_stop_are_glmnets(name):
    case, x, y, _ = reference(name)
    fitted = fit_path(x, y, case["family"])
    np.testing.assert_allclose(fitted.lambdas, case["path"]["lambda"], rtol=1e-12)
    np.testing.assert_allclose(fitted.explained, case["path"]["dev_ratio"], rtol=0, atol=2e-6)  # its path: thresh 1e-14


@pytest.mark.parametrize("name", CASES)
def test_cross_validation_equals_cv_glmnet_as_usually_called(name):
    case, x, y, fold = reference(name)
    table = next(iter(case["cv_default_own_path_per_fold"].values()))
    curve = cross_validate(x, y, fit_path(x, y, case["family"]), fold)
    # glmnet's folds stop at thresh 1e-14, which leaves up to 4e-5 in a standardised coefficient where p > n
    np.testing.assert_allclose(curve.mean, table["cvm"], rtol=1e-3)
    np.testing.assert_allclose(curve.error, table["cvsd"], rtol=3e-3)
    assert curve.lambda_min == pytest.approx(table["lambda_min"], rel=1e-12)
    assert curve.lambda_1se == pytest.approx(table["lambda_1se"], rel=1e-12)


def sparse_problem(n: int = 60, p: int = 30) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(4)
    x = draw.normal(size=(n, p))
    return x, (x[:, 0] - x[:, 1] + 0.6 * draw.normal(size=n) > 0.3).astype(int)


@pytest.mark.parametrize("family", ["binomial", "gaussian"])
def test_planted_columns_are_kept(family):
    x, y = sparse_problem()
    selector = LassoSelector(family).fit(x, y)
    assert selector.get_support()[:2].all()
    assert selector.coef_[0] > 0 > selector.coef_[1]


def test_one_standard_error_is_never_less_sparse():
    x, y = sparse_problem()
    loose, strict = LassoSelector(rule="min").fit(x, y), LassoSelector(rule="1se").fit(x, y)
    assert strict.lambda_ >= loose.lambda_
    assert strict.get_support().sum() <= loose.get_support().sum()


def hard_problems() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(3)
    x, y = sparse_problem(30, 50)
    few = draw.normal(size=(30, 2)) @ draw.normal(size=(2, 50))
    outlier = np.vstack([1e4 * x[:1], x[1:]])
    wide = draw.normal(size=(80, 1000))
    wide[0] *= 1e4  # Newton's step from one lambda to the next goes far too far here
    return {
        "more columns than rows": (x, y),
        "more rows than columns": sparse_problem(200, 40),
        "four rows": (x[:4], np.array([0, 1, 0, 1])),
        "twins, opposites and sums": (np.hstack([x, x, -x[:, :3], x[:, :1] + x[:, 1:2]]), y),
        "rank two": (few, y),
        "all but rank two": (few + 1e-4 * x, y),
        "one row far out": (outlier, y),
        "one row far out of many columns": (wide, (draw.random(80) < 0.4).astype(int)),
        "separable": (x, (x[:, 0] > np.median(x[:, 0])).astype(int)),
        "whole numbers": (np.rint(x), y),
    }


@pytest.mark.parametrize("cold", [False, True], ids=["along the path", "from nothing"])
@pytest.mark.parametrize("family", ["binomial", "gaussian"])
@pytest.mark.parametrize("name", hard_problems())
def test_every_solution_meets_the_optimality_conditions(name, family, cold):
    x, y = hard_problems()[name]
    x = x[:, x.std(axis=0) > 0]
    fitted = fit_path(x, y.astype(float), family)
    if cold:
        fitted = fit_path(x, y.astype(float), family, lambdas=fitted.lambdas[-1:])
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    for lam, b0, b in zip(fitted.lambdas, fitted.intercepts, fitted.coefficients, strict=True):
        linear = b0 + x @ b
        residual = y - (linear if family == "gaussian" else expit(linear))
        slope = z.T @ residual / len(y)
        # the objective is convex: who meets these is the minimum. 1e-11: the solver's 1e-12, and rounding here
        assert abs(residual.mean()) < 1e-11
        assert np.abs(slope).max() <= lam + 1e-11
        np.testing.assert_allclose(slope[b != 0], lam * np.sign(b[b != 0]), rtol=0, atol=1e-11)


def test_at_the_largest_lambda_nothing_is_kept():
    x, y = sparse_problem()
    for family in ("binomial", "gaussian"):
        for columns in range(1, 30):  # rounding must not decide
            assert not fit_path(x[:, :columns], y.astype(float), family).coefficients[0].any()


def test_folds_are_fewer_where_a_class_is_smaller():
    x, _ = sparse_problem(40, 5)
    y = np.zeros(40, dtype=int)
    y[:4] = 1
    assert LassoSelector(folds=10).fit(x, y).curve_.folds == 4


def test_constant_columns_get_no_coefficient():
    x, y = sparse_problem(40, 5)
    x[:, 2] = 0.1
    assert LassoSelector().fit(x, y).coef_[2] == 0


def test_unknown_family_or_rule_is_refused():
    x, y = sparse_problem(20, 3)
    with pytest.raises(ValueError, match="family"):
        LassoSelector("poisson").fit(x, y)
    with pytest.raises(ValueError, match="rule"):
        LassoSelector(rule="best").fit(x, y)


def test_tables_of_the_figure_hold_path_and_error():
    x, y = sparse_problem()
    selector = LassoSelector().fit(x, y)
    names = [f"f{j:02d}" for j in range(30)]
    path, curve = lasso_path(selector, names), lasso_cv(selector)
    assert list(path.columns) == ["log_lambda", "feature", "coefficient"]
    at = path[np.isclose(path["log_lambda"], np.log(selector.lambda_))].set_index("feature")["coefficient"]
    assert set(at.index[at != 0]) == {name for name, kept in zip(names, selector.get_support(), strict=True) if kept}
    assert list(curve.columns) == ["log_lambda", "mean", "sd", "lambda_min", "lambda_1se"]
    assert curve.loc[curve["mean"].idxmin(), "log_lambda"] == pytest.approx(np.log(curve["lambda_min"].iloc[0]))
