"""Variance inflation: car's values, the textbook definition, broken input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from r_reference import assert_equals_r, r_data, r_formula, r_values

from dlr.errors import InputError
from dlr.stats import logistic, vif, vif_ols


@pytest.mark.parametrize("cohort", ["birthwt", "pima_tr", "asah", "nodal"])
def test_vif_equals_car(cohort: str) -> None:
    of_cohort = r_values("logistic.json")[cohort]
    frame, outcome = r_formula(r_data(of_cohort["data"]), of_cohort["multivariable"]["formula"])
    ours = {"glm_weighted": vif(logistic(frame, outcome, profile=False)), "ols_design": vif_ols(frame)}
    for kind, table in ours.items():
        expected = of_cohort["vif"][kind]
        assert list(table.index) == expected["term"]
        assert_equals_r(table["gvif"], expected.get("gvif", expected.get("vif")))
        if "gvif_1_2df" in expected:
            assert_equals_r(table["df"], expected["df"])
            assert_equals_r(table["gvif_scaled"], expected["gvif_1_2df"])


def test_two_columns_have_one_over_one_less_r_squared() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"])
    frame["b"] += frame["a"]
    r = np.corrcoef(frame["a"], frame["b"])[0, 1]
    np.testing.assert_allclose(vif_ols(frame)["gvif"], 1 / (1 - r**2))


def test_a_lone_variable_is_not_inflated() -> None:
    data = r_data("birthwt.csv")
    assert vif(logistic(data[["age"]], data["low"])).loc["age", "gvif"] == pytest.approx(1)
    assert vif_ols(data[["age"]]).loc["age", "gvif"] == pytest.approx(1)


def test_columns_that_determine_one_another_are_refused() -> None:
    data = r_data("birthwt.csv")
    with pytest.raises(InputError, match="determine one another"):
        vif_ols(data[["age", "lwt"]].assign(both=data["age"] + data["lwt"]))
