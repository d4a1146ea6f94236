"""Hosmer and Lemeshow's test: R's groups and p, a hand-worked table, its conditions."""

from __future__ import annotations

import numpy as np
import pytest
from r_reference import assert_equals_r, r_data, r_values
from scipy.stats import chi2

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import hosmer_lemeshow

R = r_values("calibration.json")


@pytest.mark.parametrize("groups", [10, 5])
@pytest.mark.parametrize("name", R)
def test_statistic_and_both_p_equal_r(name: str, groups: int) -> None:
    data, expected = r_data(R[name]["data"]), R[name][f"hosmer_lemeshow_g{groups}"]
    fitted = hosmer_lemeshow(data["y"], data["p"], groups)
    held_out = hosmer_lemeshow(data["y"], data["p"], groups, fitted=False)
    assert_equals_r([fitted.statistic, fitted.p], [expected["chi2"], expected["p_df_g_minus_2"]])
    assert_equals_r([held_out.statistic, held_out.p], [expected["chi2"], expected["p_df_g_external"]])
    assert (fitted.df, held_out.df) == (groups - 2, groups)
    assert f"{expected['groups_formed']} of {groups} groups formed" in fitted.method


def test_three_groups_by_hand() -> None:
    # 10 patients each at .2, .5, .8 with 3, 5, 9 positives: (1/2.0 + 1/8) · ... = 1²/1.6 + 0 + 1²/1.6
    y = np.repeat([1, 0, 1, 0, 1, 0], [3, 7, 5, 5, 9, 1])
    found = hosmer_lemeshow(y, np.repeat([0.2, 0.5, 0.8], 10), groups=3)
    assert found.statistic == pytest.approx(1.25, abs=1e-12)
    assert found.p == pytest.approx(chi2.sf(1.25, 1), abs=1e-12)
    assert not found.valid  # two expected in the first group


def test_valid_only_where_every_expected_count_is_five() -> None:
    y = np.repeat([1, 0] * 3, 25)
    assert hosmer_lemeshow(y, np.repeat([0.1, 0.5, 0.9], 50), groups=3).valid  # 5 positives, 5 negatives expected
    assert not hosmer_lemeshow(y, np.repeat([0.098, 0.5, 0.9], 50), groups=3).valid
    assert not hosmer_lemeshow(y, np.repeat([0.1, 0.5, 0.902], 50), groups=3).valid


def test_single_group_is_undefined() -> None:
    found = hosmer_lemeshow([1, 0, 0, 1], np.full(4, 0.5))
    assert np.isnan([found.statistic, found.p]).all()
    assert not found.valid


def test_an_empty_group_has_no_p_and_says_so() -> None:
    """Quartiles 0, .15, .6, .7, .9: nobody lies between .6 and .7."""
    found = hosmer_lemeshow([0, 1, 0, 1, 0, 1, 1], [0, 0, 0.3, 0.6, 0.6, 0.8, 0.9], groups=4, fitted=False)
    assert np.isnan([found.statistic, found.p]).all() and not found.valid
    assert found.method == "Hosmer-Lemeshow, 4 of 4 groups formed, 1 of them empty: no p, held-out patients"


def test_certain_and_right_probabilities_add_nothing_and_wrong_ones_are_impossible() -> None:
    p = np.repeat([0.0, 0.5, 1.0], 10)
    y = np.repeat([0, 1, 0, 1], [10, 5, 5, 10])
    assert hosmer_lemeshow(y, p, groups=3).statistic == 0
    y[0] = 1
    wrong = hosmer_lemeshow(y, p, groups=3)
    assert (wrong.statistic, wrong.p) == (np.inf, 0)


def test_p_is_uniform_on_true_probabilities_with_all_degrees_of_freedom() -> None:
    draw, ps = rng(4, "hosmer"), []
    for _ in range(200):
        p = draw.uniform(0.2, 0.8, size=400)
        ps.append(hosmer_lemeshow(draw.random(400) < p, p, fitted=False).p)
    assert np.mean(ps) == pytest.approx(0.5, abs=0.062)  # three Monte-Carlo errors of 200 uniform numbers


@pytest.mark.parametrize("groups", [2, 0])
def test_too_few_groups_are_refused(groups: int) -> None:
    with pytest.raises(InputError, match=f"{groups} groups"):
        hosmer_lemeshow([1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4], groups)
