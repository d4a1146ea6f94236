"""AUC, its intervals, the ROC curve and Youden's cut-off: R's pROC, hand-worked orders, slow twins, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from r_reference import assert_equals_r, r_data, r_values
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from dlr.errors import InputError
from dlr.stats import auc, auc_of_unknown, auc_plain, newcombe_interval, roc_curve, youden
from dlr.stats.outcome import Z
from dlr.stats.ranks import Concordance, placements

OUTCOMES = {
    "asah.csv": "outcome",
    "birthwt.csv": "low",
    "pima_te_pred.csv": "type",
    "biopsy.csv": "malignant",
    "mtcars20.csv": "am",
    "iris2.csv": "versicolor",
}
SINGLE = r_values("auc.json")["single"]
NOT_SEPARATED = [name for name, expected in SINGLE.items() if 0 < expected["auc"] < 1]


def r_predictions(expected: dict) -> tuple[np.ndarray, np.ndarray]:
    data = r_data(expected["data"])
    return data[OUTCOMES[expected["data"]]].to_numpy(), data[expected["predictor"].split()[0]].to_numpy(dtype=float)


@st.composite
def predictions(draw: st.DrawFn, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Two to twelve patients a class; a few distinct values, so that ties are frequent."""
    m, n = draw(st.integers(least, 12)), draw(st.integers(least, 12))
    value = draw(arrays(float, m + n, elements=st.integers(0, 8).map(lambda k: k / 8)))
    return draw(st.permutations([True] * m + [False] * n).map(np.array)), value


def share_of_ordered_pairs(positive: np.ndarray, value: np.ndarray) -> float:
    gaps = value[positive][:, None] - value[~positive][None, :]
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())


@pytest.mark.parametrize("name", SINGLE)
def test_area_and_delong_variance_equal_r(name: str) -> None:
    expected = SINGLE[name]
    positive, value = r_predictions(expected)
    assert_equals_r(auc(positive, value).value, expected["auc"])
    assert_equals_r(placements(positive == 1, value).variance, expected["delong_var"])
    assert (auc(positive, value).n, auc(positive, value).n_positive) == (len(positive), expected["n_pos"])


@pytest.mark.parametrize("name", NOT_SEPARATED)
def test_both_intervals_equal_r(name: str) -> None:
    expected = SINGLE[name]
    logit_scale, plain = auc(*r_predictions(expected)), auc_plain(*r_predictions(expected))
    assert_equals_r([logit_scale.lower, logit_scale.upper], expected["logit_ci95"])
    assert_equals_r([plain.lower, plain.upper], expected["delong_ci95"])
    assert (logit_scale.method, plain.method) == ("DeLong (logit)", "DeLong (plain)")


@pytest.mark.parametrize("name", [name for name, expected in SINGLE.items() if "curve" in expected])
def test_every_point_of_the_curve_equals_r(name: str) -> None:
    expected = SINGLE[name]["curve"]
    ours = roc_curve(*r_predictions(SINGLE[name])).iloc[::-1]  # R's cut-offs rise
    assert_equals_r(ours["sensitivity"], expected["sensitivity"])
    assert_equals_r(1 - ours["false_positive_rate"], expected["specificity"])
    assert_equals_r(ours["cutoff"].iloc[1:-1], expected["threshold"][1:-1])
    assert list(ours["cutoff"].iloc[[0, -1]]) == [-np.inf, np.inf]


@pytest.mark.parametrize("name", SINGLE)
def test_youden_equals_r(name: str) -> None:
    expected = SINGLE[name]["best_youden"]
    found = youden(*r_predictions(SINGLE[name]))
    best = int(np.argmax(expected["sensitivity"]))
    assert found.value == pytest.approx(float(expected["threshold"][best]), rel=1e-14)  # "-Inf" where none beats chance
    assert_equals_r([found.sensitivity, found.specificity], [expected[k][best] for k in ("sensitivity", "specificity")])


def test_four_patients_by_hand() -> None:
    # negatives .1 .4, positives .4 .8: pairs .4>.1, .4=.4, .8>.1, .8>.4 -> 3.5 of 4
    found = auc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    # placements: positives .75 and 1, variance 1/32; negatives 1 and .75, variance 1/32; se = sqrt(1/64 + 1/64)
    se = np.sqrt(1 / 32)
    assert found.value == 0.875
    half = Z * se / (0.875 * 0.125)
    assert_equals_r([found.lower, found.upper], expit(np.log(7) + np.array([-half, half])), 1e-12)


def test_constant_probability_has_area_one_half_and_no_width() -> None:
    found = auc([0, 1, 0, 1], np.full(4, 0.3))
    assert (found.value, found.lower, found.upper) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("value", "area"), [([0, 0, 1, 1], 1.0), ([1, 1, 0, 0], 0.0)])
def test_separated_classes_get_newcombes_interval(value: list[int], area: float) -> None:
    for found in (auc([0, 0, 1, 1], value), auc_plain([0, 0, 1, 1], value)):
        assert (found.value, found.method) == (area, "Newcombe")
        assert (found.lower, found.upper) == newcombe_interval(area, 2, 2)
        assert found.upper - found.lower > 0.3


def test_newcombes_limit_at_one_by_hand() -> None:
    # At A = 1 the equation is 1 - θ = z² θ [1 + M ((1 - θ)/(2 - θ) + θ/(1 + θ))] / mn; with m = n = 1, M = 0:
    # 1 - θ = z² θ, θ = 1 / (1 + z²)
    lower, upper = newcombe_interval(1.0, 1, 1)
    assert lower == pytest.approx(1 / (1 + Z**2), abs=1e-12)
    assert upper == 1.0


@given(area=st.floats(0.01, 0.99), m=st.integers(2, 500), n=st.integers(2, 500))
def test_newcombes_interval_holds_the_area_and_mirrors(area: float, m: int, n: int) -> None:
    lower, upper = newcombe_interval(area, m, n)
    mirrored = newcombe_interval(1 - area, n, m)
    assert 0 <= lower < area < upper <= 1
    assert mirrored == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


@given(predictions())
def test_fast_area_equals_counted_pairs(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, value = given_
    found = auc(positive, value)
    assert found.value == pytest.approx(share_of_ordered_pairs(positive, value), abs=1e-14)
    assert found.value == pytest.approx(roc_auc_score(positive, value), abs=1e-14)


@given(predictions())
def test_midrank_variance_equals_delongs_matrix_form(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, value = given_
    gaps = value[positive][:, None] - value[~positive][None, :]
    kernel = (gaps > 0) + 0.5 * (gaps == 0)
    slow = kernel.mean(1).var(ddof=1) / positive.sum() + kernel.mean(0).var(ddof=1) / (~positive).sum()
    assert placements(positive, value).variance == pytest.approx(slow, abs=1e-14)


@given(predictions(), st.integers(0, 2**32 - 1))
def test_weighted_pairs_equal_repeated_patients(given_: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    positive, value = given_
    weights = np.random.default_rng(seed).integers(0, 3, len(value))
    ordered, pairs = Concordance.of(positive, value).count(weights[None].astype(float))
    many, values = np.repeat(positive, weights), np.repeat(value, weights)
    assert pairs[0] == many.sum() * (~many).sum()
    if pairs[0]:
        assert ordered[0] / pairs[0] == pytest.approx(share_of_ordered_pairs(many, values), abs=1e-12)


@given(predictions())
def test_auc_is_unchanged_by_an_increasing_map(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, value = given_
    assert auc(positive, value) == auc(positive, np.exp(3 * value) - 7)


@given(predictions())
def test_reversing_the_order_mirrors_area_and_interval(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, value = given_
    one, other = auc(positive, value), auc(positive, -value)
    assert (1 - other.value, 1 - other.upper, 1 - other.lower) == pytest.approx(
        (one.value, one.lower, one.upper), abs=1e-9
    )


@given(predictions())
def test_interval_holds_the_area_within_zero_and_one(given_: tuple[np.ndarray, np.ndarray]) -> None:
    for found in (auc(*given_), auc_plain(*given_)):
        assert 0 <= found.lower <= found.value <= found.upper <= 1


@given(predictions())
def test_area_under_the_curves_points_is_the_auc(given_: tuple[np.ndarray, np.ndarray]) -> None:
    points = roc_curve(*given_)
    area = np.trapezoid(points["sensitivity"], points["false_positive_rate"])
    assert area == pytest.approx(auc(*given_).value, abs=1e-12)


@given(predictions())
@settings(max_examples=200)
def test_youden_is_the_best_of_all_cutoffs_and_applies_as_printed(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, value = given_
    found = youden(positive, value)
    called = value >= found.value
    assert found.sensitivity == pytest.approx(called[positive].mean(), abs=1e-15)
    assert found.specificity == pytest.approx((~called)[~positive].mean(), abs=1e-15)
    others = [(value >= cut) for cut in [*np.unique(value), np.inf]]
    gains = [(c[positive].mean() - c[~positive].mean(), c[positive].mean()) for c in others]
    best = max(gain for gain, _ in gains)
    assert found.sensitivity + found.specificity - 1 == pytest.approx(best, abs=1e-12)
    assert found.sensitivity == pytest.approx(max(s for gain, s in gains if gain > best - 1e-12), abs=1e-12)


def test_youden_of_equals_takes_the_higher_sensitivity() -> None:
    # from .8 on: sensitivity 1/2, specificity 1; from .4 on: 1 and 1/2; J = 1/2 for both
    found = youden([1, 0, 1, 0], [0.8, 0.6, 0.4, 0.2])
    assert (found.sensitivity, found.specificity) == (1.0, 0.5)
    assert found.value == pytest.approx(0.3)


def test_youden_where_nothing_beats_chance_calls_everyone_positive() -> None:
    assert youden([1, 0, 1, 0], np.full(4, 0.3)).value == 0.0
    assert youden([1, 0, 1, 0], np.full(4, -2.0)).value == -np.inf


def test_youden_between_two_neighbouring_doubles_still_separates_them() -> None:
    low = 0.3
    high = np.nextafter(low, 1)
    found = youden([0, 0, 1, 1], [low, low, high, high])
    assert (found.sensitivity, found.specificity) == (1.0, 1.0)
    assert low < found.value <= high


@pytest.mark.parametrize("statistic", [auc, auc_plain, roc_curve, youden])
@pytest.mark.parametrize(
    ("positive", "value", "said"),
    [
        ([1, 0, 0], [0.1, 0.2, 0.3], "1 positive and 2 negative"),
        ([1, 1, 1], [0.1, 0.2, 0.3], "3 positive and 0 negative"),
        ([1, 1, 0, 0], [0.1, np.nan, 0.3, 0.2], "1 of 4 values of probability are missing or infinite"),
        ([1, 1, 0, 0], [0.1, np.inf, 0.3, 0.2], "missing or infinite"),
        ([1, 1, 0, 0], [0.1, 0.3, 0.2], "shape (3,)"),
        ([1, 1, 0, 2], [0.1, 0.3, 0.2, 0.2], "something else than 0 and 1"),
        ([1, 1, 0, np.nan], [0.1, 0.3, 0.2, 0.2], "something else than 0 and 1"),
        (["yes", "no", "no", "yes"], [0.1, 0.3, 0.2, 0.2], "something else than 0 and 1"),
        ([1, 1, 0, 0], ["a", "b", "c", "d"], "no number"),
        ([[1, 0], [1, 0]], [0.1, 0.2], "shape (2, 2)"),
    ],
)
def test_broken_input_is_named(statistic, positive, value, said) -> None:
    with pytest.raises(InputError) as caught:
        statistic(positive, value)
    assert said in caught.value.problems[0].what
    assert caught.value.problems[0].mend


@settings(max_examples=60)
@given(predictions(), st.lists(st.integers(0, 8).map(lambda k: k / 8), min_size=1, max_size=6))
def test_unknown_outcomes_reach_no_further_than_the_best_and_the_worst_case(known, unknown: list[float]) -> None:
    """Against all 2^k outcomes."""
    positive, value = known
    best, worst = auc_of_unknown(positive, value, unknown)
    everything = [
        share_of_ordered_pairs(
            np.append(positive, [bool(k >> j & 1) for j in range(len(unknown))]), np.append(value, unknown)
        )
        for k in range(2 ** len(unknown))
    ]
    assert (best, worst) == pytest.approx((max(everything), min(everything)))
