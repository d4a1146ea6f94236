"""Sample size of an AUC: pROC's and R's numbers, the published ones, properties, broken input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values
from test_auc import SINGLE

from dlr.errors import InputError
from dlr.stats import hanley_mcneil_se, power_obuchowski, sample_size_hanley_mcneil, sample_size_obuchowski

CASES = r_values("samplesize.json")["one_auc_against_half"]
PROC = r_values("samplesize.json")["pROC_numeric"]


@pytest.mark.parametrize("name", CASES)
def test_both_methods_equal_r(name: str) -> None:
    case = CASES[name]
    for solve, method in (
        (sample_size_obuchowski, "obuchowski_pROC"),
        (sample_size_hanley_mcneil, "hanley_mcneil_finite"),
    ):
        found, expected = solve(case["auc"], case["ratio_negatives_to_positives"]), case["methods"][method]
        assert_equals_r([found.positives, found.negatives], [expected["positives"], expected["negatives"]])
        assert found.total == expected["total_ceiling"]
        whole = case[f"{method.removesuffix('_finite')}_smallest_integers"]
        assert found.whole == (whole["positives"], whole["negatives"])


@pytest.mark.parametrize("name", CASES)
def test_power_equals_proc(name: str) -> None:
    case = CASES[name]
    found = power_obuchowski(case["auc"], case["positives"], case["negatives"])
    assert_equals_r(found, case["power_pROC_obuchowski_at_available_sample"])


def test_other_powers_equal_proc() -> None:
    expected = PROC["help_example_ncases"]
    assert_equals_r(sample_size_obuchowski(0.8, 1, power=0.95).positives, expected["ncases"])
    auc = SINGLE["asah_s100b"]["auc"]
    assert_equals_r(
        sample_size_obuchowski(auc, 72 / 41, power=0.9).positives, PROC["ncases_asah_s100b_power_0_9"]["ncases"]
    )
    assert_equals_r(power_obuchowski(auc, 41, 72), PROC["power_asah_s100b"]["power"])


@pytest.mark.parametrize("name", SINGLE)
def test_standard_error_equals_r(name: str) -> None:
    expected = SINGLE[name]
    found = hanley_mcneil_se(expected["auc"], expected["n_pos"], expected["n_neg"])
    assert_equals_r(found, expected["hanley_mcneil_se"])
    assert len(r_data(expected["data"])) >= expected["n_pos"] + expected["n_neg"]


def test_published_sizes_follow_from_hanley_mcneil() -> None:
    # Huang et al. 2024: ER 60, PR 39 by the total rounded up; HER2 68 only by whole numbers, 29 + 39
    assert sample_size_hanley_mcneil(0.735, 20 / 68).total == 60
    assert sample_size_hanley_mcneil(0.767, 26 / 62).total == 39
    assert sum(sample_size_hanley_mcneil(0.697, 50 / 38).whole) == 68


@given(auc=st.floats(0.55, 0.97), ratio=st.floats(0.1, 10))
def test_solutions_have_the_power_asked_and_whole_ones_at_least(auc: float, ratio: float) -> None:
    found = sample_size_obuchowski(auc, ratio)
    assert power_obuchowski(auc, found.positives, found.negatives) == pytest.approx(0.8, abs=1e-9)
    assert power_obuchowski(auc, *found.whole) >= 0.8


@given(auc=st.floats(0.55, 0.9), ratio=st.floats(0.2, 5))
def test_a_larger_area_needs_fewer_patients(auc: float, ratio: float) -> None:
    for solve in (sample_size_obuchowski, sample_size_hanley_mcneil):
        assert solve(auc + 0.05, ratio).positives < solve(auc, ratio).positives


@pytest.mark.parametrize("solve", [sample_size_obuchowski, sample_size_hanley_mcneil])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"auc": 0.5}, "AUC of 0.5"),
        ({"auc": 1.0}, "AUC of 1.0"),
        ({"auc": float("nan")}, "AUC of nan"),
        ({"ratio": 0.0}, "0.0 negatives"),
        ({"alpha": 5.0}, "alpha 5.0"),
        ({"power": 80.0}, "power 80.0"),
    ],
)
def test_impossible_questions_are_refused(solve, change: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        solve(**{"auc": 0.7, "ratio": 1.0} | change)
