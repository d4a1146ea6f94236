"""Rubin's rules: worked on paper, statsmodels-free limits, broken input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from r_reference import r_data
from scipy.stats import norm, t

from dlr.errors import InputError
from dlr.stats import effects, imputed_copies, logistic, pool, pool_effects


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
    own = effects(fit, data)
    pooled = pool_effects([own] * 5, np.inf)
    for name in ("estimate", "se", "odds_ratio", "or_lower", "or_upper"):
        np.testing.assert_allclose(pooled[name], own[name])
    assert (pooled["fraction_missing"] < 1e-12).all()
    same = pool([[1.0], [1.0]], [[0.25], [0.25]]).iloc[0]
    assert same["df"] == np.inf and same["upper"] == pytest.approx(1 + norm.ppf(0.975) / 2)


def test_fits_of_two_designs_and_a_single_imputation_are_refused() -> None:
    data = r_data("birthwt.csv")
    one, other = (effects(logistic(data[[c]], data["low"], profile=False), data) for c in ("age", "lwt"))
    for call in (lambda: pool_effects([one, other], 9), lambda: pool_effects([], 9), lambda: pool([[1.0]], [[1.0]])):
        with pytest.raises(InputError):
            call()


def gappy(n: int = 600, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """A whole table, the same with gaps that depend on another column, and the outcome."""
    generator = np.random.default_rng(seed)
    a = generator.normal(size=n)
    b = 0.9 * a + 0.4 * generator.normal(size=n)
    stage = pd.Series(np.select([a < -0.5, a < 0.5], ["low", "middle"], "high"))
    whole = pd.DataFrame({"a": a, "b": b, "yes": (b > 0).astype(float)})
    whole["stage"] = stage.astype(pd.CategoricalDtype(["low", "middle", "high"]))
    outcome = (generator.random(n) < 1 / (1 + np.exp(-b))).astype(float)
    holes = whole.copy()
    for name in ("b", "yes"):
        holes.loc[generator.random(n) < 1 / (1 + np.exp(-2 * a + 1)), name] = np.nan
    holes.loc[generator.random(n) < 0.3, "stage"] = np.nan
    return whole, holes, outcome


def test_imputed_copies_keep_what_is_known_and_fill_with_observed_values() -> None:
    whole, holes, outcome = gappy()
    copies = imputed_copies(holes, outcome, 3, seed=5)
    known = holes.notna()
    for copy in copies:
        assert copy.notna().all(axis=None) and copy.dtypes.equals(holes.dtypes)
        assert copy.where(known).equals(holes)
        for name in ("b", "yes", "stage"):
            assert set(copy[name]) <= set(holes[name].dropna())
    assert not copies[0].equals(copies[1]), "draws differ"
    assert all(a.equals(b) for a, b in zip(copies, imputed_copies(holes, outcome, 3, seed=5), strict=True))
    first, second = imputed_copies(holes, outcome, 2, seed=5, drawn=False)
    assert first.equals(second), "an expected value is no draw"
    gap = ~known["stage"]
    assert (copies[0].loc[gap, "stage"] == whole.loc[gap, "stage"]).mean() > 0.45, "a third by chance"


def test_multiple_imputation_finds_the_mean_that_complete_cases_miss() -> None:
    whole, holes, outcome = gappy()
    truth, complete = whole["b"].mean(), holes["b"].mean()
    filled = np.mean([copy["b"].mean() for copy in imputed_copies(holes, outcome, 10, seed=2)])
    assert abs(filled - truth) < 0.08 < 0.25 < abs(complete - truth)


def test_columns_of_one_value_or_of_none_are_no_hindrance() -> None:
    """A hospital that is alone on the training side, and a marker that nobody there has."""
    _, holes, outcome = gappy(120)
    site = pd.Series(["a"] * 120).where(np.arange(120) % 5 > 0).astype(pd.CategoricalDtype(["a", "b"]))
    more = pd.DataFrame({"marker": np.full(120, np.nan), "site": site, "flat": np.where(outcome > 0, 2.0, np.nan)})
    plain, beside = (imputed_copies(table, outcome, 2, seed=5) for table in (holes, more.join(holes)))
    for one, other in zip(plain, beside, strict=True):
        assert one.equals(other[list(holes)]), "what tells nothing moves no draw"
        assert (other["site"] == "a").all() and (other["flat"] == 2).all() and other["marker"].isna().all()
