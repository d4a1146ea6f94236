"""Firth's penalised likelihood: brglm2 and logistf values, hand-worked table, properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_formula, r_values

from dlr.stats import firth, logistic
from dlr.stats.separation import separating_terms

COLUMNS = {
    "estimate": "estimate", "se": "se", "z": "z", "p": "p_wald", "profile_lower": "penalised_profile_low",
    "profile_upper": "penalised_profile_high", "lr_chi2": "penalised_lr_chi2", "lr_p": "penalised_lr_p",
}  # fmt: skip


@pytest.mark.parametrize("name", r_values("logistic.json")["firth"])
def test_terms_equal_r(name: str) -> None:
    expected = r_values("logistic.json")["firth"][name]
    frame, outcome = r_formula(r_data(expected["data"]), expected["formula"])
    fit = firth(frame, outcome)
    for ours, theirs in COLUMNS.items():
        assert_equals_r(fit.terms[ours], expected["terms"][theirs])
    assert_equals_r([fit.log_likelihood, fit.maximised], [expected["loglik_at_firth"], expected["penalised_loglik"]])
    assert_equals_r(fit.predict(frame)[:5], expected["fitted_first5"])


def test_a_saturated_table_gets_half_a_patient_in_every_cell() -> None:
    """With a coefficient a group Jeffreys' prior adds ½ to each cell (Firth 1993): here 10 of 10 and 12 of 30."""
    x, y = np.repeat([1.0, 0.0], [10, 30]), np.repeat([1, 1, 0], [10, 12, 18])
    fit = firth(pd.DataFrame({"x": x}), y)
    assert fit.terms.loc["x", "estimate"] == pytest.approx(np.log(10.5 / 0.5 / (12.5 / 18.5)), abs=1e-12)
    assert fit.separated == ("x",)


def test_the_penalised_profile_of_endometrial_nv_is_the_published_one() -> None:
    """Heinze & Schemper 2002: 2.93 (0.61 to 7.85)."""
    data = r_data("endometrial.csv")
    term = firth(data[["NV", "PI", "EH"]], data["HG"]).terms.loc["NV"]
    assert [round(term[c], 2) for c in ("estimate", "profile_lower", "profile_upper")] == [2.93, 0.61, 7.85]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_estimates_are_finite_whatever_the_separation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(np.round(rng.normal(size=(25, 2)), 1), columns=["a", "b"])
    y = (frame["a"] + 0.3 * rng.normal(size=25) > frame["a"].median()).astype(int).to_numpy()
    fit = firth(frame, y)
    assert np.isfinite(fit.terms[["estimate", "se"]].to_numpy()).all()
    assert (
        (fit.terms["profile_lower"] < fit.terms["estimate"]) & (fit.terms["estimate"] < fit.terms["profile_upper"])
    ).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 20))
def test_separation_is_named_exactly_where_the_likelihood_never_stops_rising(seed: int, n: int) -> None:
    """The linear programme against a long walk uphill: without separation the maximum lies near."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 2, n)})
    y = rng.integers(0, 2, n)
    if len(set(y)) < 2 or frame["b"].nunique() < 2:
        return
    x = np.column_stack([np.ones(n), frame])
    if np.linalg.matrix_rank(x) < 3:
        return
    fit = logistic(frame, y, on_separation="report", profile=False)
    assert bool(fit.separated) == bool(separating_terms(x, y).any())
    if not fit.separated:
        gradient = x.T @ (y - fit.predict(frame))
        np.testing.assert_allclose(gradient, 0, atol=1e-9)
