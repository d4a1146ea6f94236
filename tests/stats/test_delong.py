"""DeLong's tests: R's roc.test, degenerate comparisons, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from r_reference import assert_equals_r, r_data, r_values
from scipy.stats import norm
from test_auc import OUTCOMES, predictions

from dlr.errors import InputError
from dlr.stats import auc, delong_test, delong_unpaired

PAIRED, UNPAIRED = r_values("auc.json")["paired"], r_values("auc.json")["unpaired"]


@pytest.mark.parametrize("name", PAIRED)
def test_paired_equals_r(name: str) -> None:
    expected = PAIRED[name]
    data = r_data(expected["data"])
    first, second = data[expected["predictor_1"]], data[expected["predictor_2"]]
    found = delong_test(data[OUTCOMES[expected["data"]]], first, second)
    assert_equals_r([found.difference, found.statistic, found.p], [expected[k] for k in ("diff", "z", "p")])
    assert_equals_r([found.lower, found.upper], expected["ci95_diff"])


def two_groups(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if name == "pima_glu_tr_te":
        first, second = r_data("pima_tr.csv"), r_data("pima_te.csv")
        return first["type"], first["glu"], second["type"], second["glu"]
    if name == "asah_s100b_female_male":
        data = r_data("asah.csv").assign(value=lambda d: d["s100b"], y=lambda d: d["outcome"])
        inside = data["gender"] == "Female"
    else:
        data = r_data("birthwt.csv").assign(value=lambda d: -d["lwt"], y=lambda d: d["low"])
        inside = data["smoke"] == 1
    return data["y"][inside], data["value"][inside], data["y"][~inside], data["value"][~inside]


@pytest.mark.parametrize("name", UNPAIRED)
def test_unpaired_equals_r(name: str) -> None:
    found, expected = delong_unpaired(*two_groups(name)), UNPAIRED[name]
    assert_equals_r([found.statistic, found.p], [expected["statistic_D"], expected["p_normal"]])
    assert found.lower < found.difference < found.upper and found.method == "DeLong, unpaired"


def test_identical_predictions_have_p_one_and_the_reason() -> None:
    value = [0.1, 0.4, 0.35, 0.8]
    found = delong_test([0, 0, 1, 1], value, value)
    assert (found.difference, found.lower, found.upper, found.p, found.statistic) == (0, 0, 0, 1, 0)
    assert found.method == "DeLong, paired: identical predictions"


def test_same_order_on_another_scale_has_p_one_and_the_reason() -> None:
    value = np.array([0.1, 0.4, 0.35, 0.8])
    found = delong_test([0, 0, 1, 1], value, 10 * value)
    assert (found.difference, found.p) == (0, 1)
    assert found.method == "DeLong, paired: all pairs ordered alike"


def test_different_areas_without_variance_are_undefined_and_named() -> None:
    for found in (
        delong_test([0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]),
        delong_unpaired([0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]),
    ):
        assert found.difference == 1
        assert np.isnan([found.statistic, found.p, found.lower, found.upper]).all()
        assert "variance is zero" in found.method


def test_eight_patients_by_hand() -> None:
    # negatives 1..4 in both. a: positives 2.5 3.5 4.5 5.5 -> placements 2/4 3/4 1 1; negatives 1 1 3/4 2/4
    # b: positives 0.5 4.5 4.5 4.5 -> placements 0 1 1 1; negatives 3/4 each
    # differences of positives 1/2 -1/4 0 0, of negatives 1/4 1/4 0 -1/4; variances 19/192 and 11/192
    positive = [0, 0, 0, 0, 1, 1, 1, 1]
    found = delong_test(positive, [1, 2, 3, 4, 2.5, 3.5, 4.5, 5.5], [1, 2, 3, 4, 0.5, 4.5, 4.5, 4.5])
    se = np.sqrt((19 / 192 + 11 / 192) / 4)
    assert found.difference == 1 / 16
    assert found.statistic == pytest.approx(1 / 16 / se, abs=1e-14)
    assert found.p == pytest.approx(2 * norm.sf(1 / 16 / se), abs=1e-14)


@given(predictions(), predictions())
def test_swapping_the_models_changes_the_sign_only(one, other) -> None:
    (positive, a), b = one, np.resize(other[1], len(one[1]))
    there, back = delong_test(positive, a, b), delong_test(positive, b, a)
    assert there.difference == pytest.approx(-back.difference, abs=1e-12)
    assert (there.p, there.lower) == pytest.approx((back.p, -back.upper), abs=1e-12, nan_ok=True)
    assert there.difference == pytest.approx(auc(positive, a).value - auc(positive, b).value, abs=1e-12)


@pytest.mark.parametrize("broken", [[0.1, 0.2, np.nan, 0.4], [0.1, 0.2, 0.3]])
def test_broken_second_model_is_named(broken: list[float]) -> None:
    with pytest.raises(InputError, match="b "):
        delong_test([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], broken)
