"""Rubin's rules: worked on paper, statsmodels-free limits, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from r_reference import r_data
from scipy.stats import norm, t

from dlr.errors import InputError
from dlr.stats import logistic, pool, pool_fits


def test_three_imputations_worked_on_paper() -> None:
    """Estimates 1, 2, 3, variances .5: within .5, between 1 · 4/3, total 11/6, λ = 8/11, df = 2 (11/8)²."""
    row = pool([[1.0], [2.0], [3.0]], [[0.5], [0.5], [0.5]]).iloc[0]
    assert row["estimate"] == 2
    assert row["se"] == pytest.approx(np.sqrt(11 / 6))
    assert row["fraction_missing"] == pytest.approx(8 / 11)
    assert row["df"] == pytest.approx(2 * (11 / 8) ** 2)
    assert row["upper"] == pytest.approx(2 + t.ppf(0.975, row["df"]) * np.sqrt(11 / 6))
    assert row["p"] == pytest.approx(2 * t.sf(2 / np.sqrt(11 / 6), row["df"]))


def test_barnard_and_rubin_never_exceed_the_complete_data() -> None:
    rng = np.random.default_rng(0)
    estimates, variances = rng.normal(size=(20, 3)) * [0.01, 0.1, 1], np.full((20, 3), 0.2)
    small = pool(estimates, variances, df_complete=30)["df"]
    assert (small < 30).all() and (small < pool(estimates, variances)["df"]).all()


def test_equal_imputations_pool_to_the_fit_itself() -> None:
    data = r_data("birthwt.csv")
    fit = logistic(data[["age", "ht"]], data["low"], profile=False)
    pooled = pool_fits([fit] * 5)
    np.testing.assert_allclose(pooled["estimate"], fit.terms["estimate"])
    np.testing.assert_allclose(pooled["se"], fit.terms["se"])
    np.testing.assert_allclose(pooled["odds_ratio"], fit.terms["odds_ratio"])
    assert (pooled["fraction_missing"] < 1e-12).all()
    same = pool([[1.0], [1.0]], [[0.25], [0.25]]).iloc[0]
    assert same["df"] == np.inf and same["upper"] == pytest.approx(1 + norm.ppf(0.975) / 2)


def test_fits_of_two_designs_and_a_single_imputation_are_refused() -> None:
    data = r_data("birthwt.csv")
    one, other = (logistic(data[[c]], data["low"], profile=False) for c in ("age", "lwt"))
    for call in (lambda: pool_fits([one, other]), lambda: pool_fits([]), lambda: pool([[1.0]], [[1.0]])):
        with pytest.raises(InputError):
            call()
