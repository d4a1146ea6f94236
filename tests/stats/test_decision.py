"""Decision curves: R's net benefit, a hand-worked threshold, prevalence, band, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values
from test_auc import predictions

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import (
    THRESHOLDS,
    decision_curve,
    interval_wilson,
    interventions_avoided,
    net_benefit,
    net_benefit_less,
    net_benefit_limits,
    treat_all,
)

R = r_values("dca.json")


@pytest.mark.parametrize("name", R)
def test_net_benefit_equals_r(name: str) -> None:
    data, expected = r_data(R[name]["data"]), R[name]
    assert_equals_r(THRESHOLDS, expected["threshold"], 0)
    assert_equals_r(net_benefit(data["y"], data["p"], THRESHOLDS), expected["net_benefit_model"])
    assert_equals_r(treat_all(data["y"], THRESHOLDS), expected["net_benefit_all"])
    assert_equals_r(interventions_avoided(data["y"], data["p"]), expected["interventions_avoided_per_100"])


def test_one_threshold_by_hand() -> None:
    # 10 patients, t = 1/4: treated p >= .25 are 3 of 4 positives and 2 of 6 negatives: 3/10 - 2/10 · 1/3
    y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    p = [0.9, 0.5, 0.25, 0.1, 0.6, 0.25, 0.2, 0.1, 0.1, 0.0]
    assert net_benefit(y, p, [0.25])[0] == pytest.approx(0.3 - 0.2 / 3, abs=1e-15)
    assert treat_all(y, [0.25])[0] == pytest.approx(0.4 - 0.6 / 3, abs=1e-15)
    # in a population with 10 % positive: 3/4 · .1 - 2/6 · .9 / 3
    assert net_benefit(y, p, [0.25], target_prevalence=0.1)[0] == pytest.approx(0.075 - 0.1, abs=1e-15)


def test_a_patient_on_the_threshold_is_treated_at_every_hundredth() -> None:
    for k in range(1, 100):
        assert net_benefit([1, 1, 0, 0], [k / 100] * 4, [k / 100])[0] == treat_all([1, 1, 0, 0], [k / 100])[0]


@given(predictions())
def test_net_benefit_equals_counting_at_each_threshold(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, p = given_
    t = np.arange(1, 16) / 16
    slow = [((p >= x) & positive).mean() - ((p >= x) & ~positive).mean() * x / (1 - x) for x in t]
    np.testing.assert_allclose(net_benefit(positive, p, t), slow, atol=1e-13)


@given(predictions(), st.floats(0.01, 0.99))
def test_net_benefit_never_exceeds_the_prevalence(given_: tuple[np.ndarray, np.ndarray], share: float) -> None:
    positive, p = given_
    assert (net_benefit(positive, p) <= positive.mean() + 1e-12).all()
    assert (net_benefit(positive, p, target_prevalence=share) <= share + 1e-12).all()


@given(predictions())
def test_target_prevalence_of_the_sample_changes_nothing(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, p = given_
    own = float(positive.mean())
    np.testing.assert_allclose(net_benefit(positive, p, target_prevalence=own), net_benefit(positive, p), atol=1e-13)


def test_curve_is_a_table_and_its_band_is_opt_in() -> None:
    data = r_data(R["pima_te"]["data"])
    t = np.arange(5, 61) / 100
    plain = decision_curve(data["y"], data["p"], t)
    banded, again = (decision_curve(data["y"], data["p"], t, band=True) for _ in range(2))
    names = ["threshold", "net_benefit", "treat_all", "treat_none", "interventions_avoided"]
    assert list(plain.columns) == names
    assert list(banded.columns) == [*names, "lower", "upper"]
    assert banded.equals(again)
    assert banded[names].equals(plain)
    assert ((banded["lower"] < banded["net_benefit"]) & (banded["net_benefit"] < banded["upper"])).all()
    assert (plain["treat_none"] == 0).all()


def test_limits_by_hand() -> None:
    """Of 20 patients 5 are treated and positive, 4 treated and negative, 3 positive only; t = 1/3, harm 1/2."""
    y, p = np.repeat([1, 0, 1, 0], [5, 4, 3, 8]), np.repeat([0.9, 0.8, 0.1, 0.2], [5, 4, 3, 8])
    found = net_benefit_limits(y, p, [1 / 3])
    true, false = interval_wilson(5, 20), interval_wilson(4, 20)
    shared = -np.sqrt(5 / 15 * 4 / 16)  # of two cells of a multinomial
    down, up = true.value - true.lower, (false.upper - false.value) / 2
    assert found.value[0] == pytest.approx(net_benefit(y, p, [1 / 3])[0])
    assert found.value[0] - found.lower[0] == pytest.approx(np.sqrt(down**2 + up**2 - 2 * shared * down * up))
    gain = net_benefit_limits(y, p, [1 / 3], less_treat_all=True)
    spared, missed = interval_wilson(8, 20), interval_wilson(3, 20)
    shared, up, down = -np.sqrt(8 / 12 * 3 / 17), (spared.upper - spared.value) / 2, missed.value - missed.lower
    assert gain.value[0] == pytest.approx(net_benefit(y, p, [1 / 3])[0] - treat_all(y, [1 / 3])[0])
    assert gain.upper[0] - gain.value[0] == pytest.approx(np.sqrt(up**2 + down**2 - 2 * shared * up * down))
    weighted = net_benefit_limits(y, p, [1 / 3], target_prevalence=0.1)
    sensitivity, alarms = interval_wilson(5, 8), interval_wilson(4, 12)
    down, up = 0.1 * (sensitivity.value - sensitivity.lower), 0.45 * (alarms.upper - alarms.value)
    assert weighted.value[0] - weighted.lower[0] == pytest.approx(np.hypot(down, up))


@pytest.mark.parametrize("less_treat_all", [False, True])
@pytest.mark.parametrize("share", [None, 0.15])
def test_limits_cover_the_net_benefit_of_the_population(less_treat_all: bool, share: float | None) -> None:
    """Sixty patients of whom 30 % are positive, treated with sensitivity .7 and specificity .6, at t = .2."""
    draw, prevalence = rng(3, "band"), share or 0.3
    truth = 0.7 * prevalence - 0.4 * (1 - prevalence) / 4
    if less_treat_all:
        truth -= prevalence - (1 - prevalence) / 4
    cells = draw.multinomial(60, [0.21, 0.09, 0.28, 0.42], size=1000)
    given_ = {"thresholds": [0.2], "target_prevalence": share, "less_treat_all": less_treat_all}
    found = [net_benefit_limits(np.repeat([1, 1, 0, 0], k), np.repeat([0.9, 0, 0.9, 0], k), **given_) for k in cells]
    assert 0.93 <= np.mean([one.lower[0] <= truth <= one.upper[0] for one in found]) <= 0.97


def test_thresholds_are_a_constant() -> None:
    with pytest.raises(ValueError, match="read-only"):
        THRESHOLDS[0] = 0.5


@pytest.mark.parametrize("thresholds", [[0.0, 0.5], [0.5, 1.0], [np.nan], [[0.5]]])
def test_impossible_thresholds_are_refused(thresholds: list) -> None:
    with pytest.raises(InputError, match="threshold"):
        net_benefit([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], thresholds)


@pytest.mark.parametrize("share", [0.0, 1.0, 30.0, float("nan")])
def test_impossible_prevalence_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="target_prevalence"):
        net_benefit([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], target_prevalence=share)


# two models on the same patients ------------------------------------------------------------------------------------


@given(predictions(), st.integers(0, 99), st.sampled_from([None, 0.2]))
def test_the_difference_of_two_models_is_that_of_their_net_benefits(
    given_: tuple[np.ndarray, np.ndarray], seed: int, prevalence: float | None
) -> None:
    positive, p = given_
    other, t = np.random.default_rng(seed).permutation(p), [0.1, 0.3, 0.5]
    found = net_benefit_less(positive, p, other, t, prevalence)
    direct = net_benefit(positive, p, t, prevalence) - net_benefit(positive, other, t, prevalence)
    np.testing.assert_allclose(found.value, direct, atol=1e-12)
    turned = net_benefit_less(positive, other, p, t, prevalence)
    np.testing.assert_allclose(turned.lower, -found.upper, atol=1e-12)
    assert (found.lower <= found.value).all() and (found.value <= found.upper).all()


@given(predictions(), st.sampled_from([None, 0.2]))
def test_against_treating_all_it_is_the_gain_over_treating_all(
    given_: tuple[np.ndarray, np.ndarray], prevalence: float | None
) -> None:
    positive, p = given_
    t = [0.2, 0.4]
    found = net_benefit_less(positive, p, np.ones(len(p)), t, prevalence)
    gain = net_benefit_limits(positive, p, t, prevalence, less_treat_all=True)
    np.testing.assert_allclose(found.value, gain.value, atol=1e-12)


def test_the_interval_of_a_difference_covers_it() -> None:
    """800 draws of 150 patients and two correlated models at .2; truth of 400,000. The error of the share is .007."""
    generator = rng(5, "net benefit less")

    def drawn(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y = generator.normal(size=(2, size))
        positive = generator.random(size) < 1 / (1 + np.exp(1.2 - x - 0.5 * y))
        return positive, 1 / (1 + np.exp(1.2 - x)), 1 / (1 + np.exp(1.2 - 0.5 * x - 0.5 * y))

    positive, p, other = drawn(400_000)
    truth = net_benefit(positive, p, [0.2])[0] - net_benefit(positive, other, [0.2])[0]
    found = [net_benefit_less(*drawn(150), [0.2]) for _ in range(800)]
    assert 0.94 < np.mean([one.lower[0] <= truth <= one.upper[0] for one in found]) < 0.99
