"""The LASSO against glmnet's own values, and its rules."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.learn import LassoSelector, lasso_cv, lasso_path
from dlr.learn.lasso import cross_validate, fit_path

REFERENCE = Path(__file__).parents[1] / "reference" / "r"
CASES = ("birthwt_gaussian", "biopsy_binomial", "pima40_binomial_p_gt_n", "mtcars_gaussian_p_gt_n")


def reference(name: str) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    case = json.loads((REFERENCE / "lasso.json").read_text())[name]
    table = pd.read_csv(REFERENCE / case["data"])
    return case, table[case["variables"]].to_numpy(float), table.iloc[:, 0].to_numpy(float), table["foldid"].to_numpy()


@pytest.mark.parametrize("name", CASES)
def test_path_equals_glmnet(name):
    case, x, y, _ = reference(name)
    fitted = fit_path(x, y, case["family"], lambdas=np.array(case["path"]["lambda"]), tolerance=1e-26)
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
    curve = cross_validate(x, y, fit_path(x, y, case["family"]), fold, tolerance=1e-16)
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


@pytest.mark.parametrize("family", ["binomial", "gaussian"])
def test_every_path_point_meets_the_optimality_conditions(family):
    x, y = sparse_problem(30, 50)
    fitted = fit_path(x, y.astype(float), family, tolerance=1e-22)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    for lam, b0, b in zip(fitted.lambdas[::10], fitted.intercepts[::10], fitted.coefficients[::10], strict=True):
        linear = b0 + x @ b
        residual = y - (linear if family == "gaussian" else 1 / (1 + np.exp(-linear)))
        slope = z.T @ residual / len(y)
        assert np.abs(slope).max() <= lam * (1 + 1e-6)
        np.testing.assert_allclose(slope[b != 0], lam * np.sign(b[b != 0]), rtol=1e-5)


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
