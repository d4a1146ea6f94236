"""Selection by AIC: the path R's stepAIC takes, and what holds of every path."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_formula, r_values
from scipy.special import expit

from dlr.errors import InputError
from dlr.stats import logistic, stepwise

CALLS = {
    "both_from_full": ("both", "full"),
    "both_from_null": ("both", "null"),
    "backward_from_full": ("backward", None),
    "forward_from_null": ("forward", None),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("cohort", ["birthwt", "pima_tr", "asah", "nodal"])
def test_path_and_model_equal_step_aic(cohort: str, call: str) -> None:
    of_cohort = r_values("logistic.json")[cohort]
    expected = of_cohort["stepwise"][call]
    frame, outcome = r_formula(r_data(of_cohort["data"]), of_cohort["multivariable"]["formula"])
    direction, start = CALLS[call]
    fit = stepwise(frame, outcome, direction=direction, start=start)
    assert [step.action for step in fit.path] == expected["path"]["step"]
    assert_equals_r([step.aic for step in fit.path], expected["path"]["aic"])
    assert list(fit.variables) == expected["final"].split("~")[1].replace(" ", "").split("+")
    assert_equals_r(fit.coefficients, expected["coefficients"]["estimate"])
    assert_equals_r(fit.aic, expected["aic"])


def test_noise_alone_leaves_the_intercept() -> None:
    frame = pd.DataFrame({"a": [0.0, 1.0] * 20})
    y = np.repeat([0, 1, 0, 1], 10)  # the same share of positives at 0 and at 1
    fit = stepwise(frame, y)
    assert fit.variables == () and [step.action for step in fit.path] == ["", "- a"]
    np.testing.assert_allclose(fit.predict(frame), 0.5)


def test_a_kept_variable_never_leaves() -> None:
    data = r_data("birthwt.csv")
    assert stepwise(data[["ftv", "ht"]], data["low"]).variables == ("ht",)
    assert stepwise(data[["ftv", "ht"]], data["low"], keep=["ftv"]).variables == ("ftv", "ht")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_single_change_lowers_the_aic_further(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(70, 4)), columns=list("abcd"))
    y = (rng.random(70) < expit(frame["a"] + 0.5 * frame["b"])).astype(int).to_numpy()
    fit = stepwise(frame, y, profile=False)
    aics = [step.aic for step in fit.path]
    assert aics == sorted(aics, reverse=True) and fit.path[-1].aic == pytest.approx(fit.aic, abs=1e-9)
    for name in frame.columns:
        other = [v for v in fit.variables if v != name] if name in fit.variables else [*fit.variables, name]
        assert logistic(frame[other], y, profile=False, on_separation="report").aic > fit.aic - 1e-6


def test_a_separated_final_model_is_fitted_by_firth() -> None:
    data = r_data("endometrial.csv")
    fit = stepwise(data[["NV", "PI", "EH"]], data["HG"], profile=False)
    assert fit.method == "Firth" and "NV" in fit.separated


def test_a_kept_variable_that_is_absent_is_named() -> None:
    data = r_data("birthwt.csv")
    with pytest.raises(InputError, match="no column er"):
        stepwise(data[["age", "ht"]], data["low"], keep=["er"])
