"""Wilson's interval and the measures at a cut-off: R's prop.test and counts, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_values
from sklearn.metrics import balanced_accuracy_score, f1_score
from test_auc import SINGLE, predictions, r_predictions

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import at_cutoff, counts, interval_wilson
from dlr.stats.bootstrap import draw_weights, resampled
from dlr.stats.outcome import Z
from dlr.stats.proportions import difference_limits, wilson_limits

CUTS = [(name, k) for name, expected in SINGLE.items() for k in range(len(expected["at_cut"]))]


@pytest.mark.parametrize("expected", r_values("auc.json")["proportions"])
def test_wilson_equals_r(expected: dict) -> None:
    found = interval_wilson(expected["k"], expected["n"])
    assert_equals_r([found.value, found.lower, found.upper], [expected["estimate"], *expected["wilson"]])


def test_wilson_of_twenty_six_of_thirty_by_hand() -> None:
    # p = 13/15, n = 30: centre (p + z²/60) / (1 + z²/30), half z sqrt(p q / 30 + z²/3600) / (1 + z²/30)
    found = interval_wilson(26, 30)
    p, q, widen = 13 / 15, 2 / 15, 1 + Z**2 / 30
    half = Z * np.sqrt(p * q / 30 + Z**2 / 3600) / widen
    assert (found.lower, found.upper) == pytest.approx(((p + Z**2 / 60) / widen - half, (p + Z**2 / 60) / widen + half))
    assert found.method == "Wilson, 26 of 30"


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_solves_its_score_equation_and_mirrors(k_of_n: tuple[int, int]) -> None:
    k, n = k_of_n
    found, mirrored = interval_wilson(k, n), interval_wilson(n - k, n)
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    assert (found.lower, found.upper) == pytest.approx((1 - mirrored.upper, 1 - mirrored.lower), abs=1e-12)
    for limit in (found.lower, found.upper):
        assert (found.value - limit) ** 2 == pytest.approx(Z**2 * limit * (1 - limit) / n, abs=1e-12)


@pytest.mark.parametrize(("name", "k"), CUTS)
def test_measures_at_a_cutoff_equal_r(name: str, k: int) -> None:
    positive, value = r_predictions(SINGLE[name])
    expected = SINGLE[name]["at_cut"][k]
    table = counts(positive, value, expected["cut"])
    found = at_cutoff(positive, value, expected["cut"])
    ours = [table.true_positive, table.false_positive, table.false_negative, table.true_negative]
    assert ours == [expected[key] for key in ("tp", "fp", "fn", "tn")]
    for measure in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
        one, theirs = getattr(found, measure), expected[measure]
        if theirs["n"]:
            assert_equals_r([one.value, one.lower, one.upper], [theirs["estimate"], *theirs["wilson"]])
            assert one.method == f"Wilson, {theirs['k']} of {theirs['n']}"
        else:
            assert np.isnan([one.value, one.lower, one.upper]).all()
        assert (one.n, one.n_positive) == (len(positive), positive.sum())
    assert_equals_r([found.f1.value, found.balanced_accuracy.value], [expected["f1"], expected["balanced_accuracy"]])


@given(predictions(), st.integers(0, 9))
def test_f1_and_balanced_accuracy_equal_scikit_learn(given_: tuple[np.ndarray, np.ndarray], eighths: int) -> None:
    positive, value = given_
    found = at_cutoff(positive, value, eighths / 8)
    called = value >= eighths / 8
    assert found.f1.value == pytest.approx(f1_score(positive, called, zero_division=0), abs=1e-14)
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(positive, called), abs=1e-14)
    assert 0 <= found.f1.lower <= found.f1.upper <= 1


def test_nobody_called_positive_leaves_the_predictive_value_undefined() -> None:
    found = at_cutoff([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.9)
    assert np.isnan([found.ppv.value, found.ppv.lower, found.ppv.upper]).all()
    assert (found.sensitivity.value, found.f1.value, found.npv.value) == (0, 0, 0.5)


def test_f1_and_balanced_accuracy_have_intervals_by_hand() -> None:
    """30 hits, 10 misses, 10 alarms, 50 right: F1 from 30 of 50; balanced from 30 of 40 and 50 of 60."""
    positive, called = np.repeat([1, 1, 0, 0], [30, 10, 10, 50]), np.repeat([1.0, 0.0, 1.0, 0.0], [30, 10, 10, 50])
    found, share = at_cutoff(positive, called, 0.5), interval_wilson(30, 50)
    assert found.f1.value == pytest.approx(0.75)
    limits = [2 * x / (1 + x) for x in (share.lower, share.upper)]
    assert [found.f1.lower, found.f1.upper] == pytest.approx(limits)
    sensitivity, specificity = interval_wilson(30, 40), interval_wilson(50, 60)
    below = np.hypot(sensitivity.value - sensitivity.lower, specificity.value - specificity.lower) / 2
    above = np.hypot(sensitivity.upper - sensitivity.value, specificity.upper - specificity.value) / 2
    assert found.balanced_accuracy.value == pytest.approx((3 / 4 + 5 / 6) / 2)
    gaps = [found.balanced_accuracy.value - found.balanced_accuracy.lower]
    gaps.append(found.balanced_accuracy.upper - found.balanced_accuracy.value)
    assert gaps == pytest.approx([below, above])


def test_a_difference_of_shares_has_the_published_limits() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 is .0524 to .3339; 10/10 - 0/10 is .6075 to 1."""
    found = difference_limits(wilson_limits([56, 10], [70, 10]), wilson_limits([48, 0], [80, 10]))
    np.testing.assert_allclose(found.lower, [0.0524, 0.6075], atol=5e-5)
    np.testing.assert_allclose(found.upper, [0.3339, 1.0], atol=5e-5)


def test_f1_covers_its_truth() -> None:
    """Sixty patients, 30 % positive, called with sensitivity .7 and specificity .8."""
    draw, truth = rng(1, "f1"), 2 * 0.21 / (2 * 0.21 + 0.14 + 0.09)
    cells = draw.multinomial(60, [0.21, 0.09, 0.14, 0.56], size=1000)
    positive, called = [1, 1, 0, 0], [1.0, 0.0, 1.0, 0.0]
    found = [at_cutoff(np.repeat(positive, k), np.repeat(called, k), 0.5).f1 for k in cells]
    assert 0.93 <= np.mean([one.lower <= truth <= one.upper for one in found]) <= 0.97


def test_measures_come_named_and_in_order() -> None:
    names = [name for name, _ in at_cutoff([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.2).named()]
    assert names == ["sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "balanced_accuracy"]


def test_every_replicate_keeps_the_size_of_each_class() -> None:
    positive = np.array([True] * 5 + [False] * 9)
    weights = draw_weights(positive, 200, rng(1, "sizes"))
    assert (weights[:, positive].sum(axis=1) == 5).all()
    assert (weights[:, ~positive].sum(axis=1) == 9).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(14), abs=0.25)  # 3.5 Monte-Carlo errors


def test_large_cohorts_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlr.stats.bootstrap.BLOCK", 3)
    positive = np.array([True, False] * 5)
    sizes = resampled(lambda weights: np.full(len(weights), len(weights)), positive, rng(1, "blocks"), 8)
    assert sizes.tolist() == [3, 3, 3, 3, 3, 3, 2, 2]


def test_draws_are_the_same_kept_or_not_and_the_generator_is_not_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    strata, generator = np.array([2, 0, 2, 2, 0, 1]), rng(1, "kept")

    def seen() -> np.ndarray:
        return resampled(lambda weights: np.array(weights), strata, generator, 50)

    first, again = seen(), seen()
    monkeypatch.setattr("dlr.stats.bootstrap.KEPT", 0)
    for other in (again, seen(), draw_weights(strata, 50, generator)):
        assert np.array_equal(first, other)
    assert not np.array_equal(first, seen()), "draw_weights itself uses it up"


@pytest.mark.parametrize(("k", "n"), [(-1, 10), (11, 10), (1, 0)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(InputError, match=f"{k} of {n}"):
        interval_wilson(k, n)


def test_none_of_none_is_undefined() -> None:
    assert np.isnan([interval_wilson(0, 0).value, interval_wilson(0, 0).lower]).all()


def test_a_cutoff_without_value_is_refused() -> None:
    with pytest.raises(InputError, match="cut-off"):
        at_cutoff([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], float("nan"))
