"""Variance inflation: car's values."""

from __future__ import annotations

import pytest
from r_reference import assert_equals_r, r_data, r_formula, r_values

from dlr.stats import logistic, vif


@pytest.mark.parametrize("cohort", ["birthwt", "pima_tr", "asah", "nodal"])
def test_vif_equals_car(cohort: str) -> None:
    of_cohort = r_values("logistic.json")[cohort]
    frame, outcome = r_formula(r_data(of_cohort["data"]), of_cohort["multivariable"]["formula"])
    table, expected = vif(logistic(frame, outcome, profile=False)), of_cohort["vif"]["glm_weighted"]
    assert list(table.index) == expected["term"]
    assert_equals_r(table["gvif"], expected.get("gvif", expected.get("vif")))
    if "gvif_1_2df" in expected:
        assert_equals_r(table["df"], expected["df"])
        assert_equals_r(table["gvif_scaled"], expected["gvif_1_2df"])


def test_a_lone_variable_is_not_inflated() -> None:
    data = r_data("birthwt.csv")
    assert vif(logistic(data[["age"]], data["low"])).loc["age", "gvif"] == pytest.approx(1)
