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
    found = at_cutoff(positive, value, expected["cut"], replicates=20)
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
    found = at_cutoff(positive, value, eighths / 8, replicates=20)
    called = value >= eighths / 8
    assert found.f1.value == pytest.approx(f1_score(positive, called, zero_division=0), abs=1e-14)
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(positive, called), abs=1e-14)
    assert 0 <= found.f1.lower <= found.f1.upper <= 1


def test_nobody_called_positive_leaves_the_predictive_value_undefined() -> None:
    found = at_cutoff([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.9)
    assert np.isnan([found.ppv.value, found.ppv.lower, found.ppv.upper]).all()
    assert (found.sensitivity.value, found.f1.value, found.npv.value) == (0, 0, 0.5)


def test_bootstrap_is_seeded_and_comes_close_to_the_formula_of_a_proportion() -> None:
    positive, value = r_predictions(SINGLE["pima_te_full"])
    found, again = at_cutoff(positive, value, 0.5), at_cutoff(positive, value, 0.5)
    assert found == again
    assert at_cutoff(positive, value, 0.5, generator=rng(1, "other")).f1 != found.f1
    m, n, sensitivity, specificity = 109, 223, 66 / 109, 200 / 223
    se = np.sqrt(sensitivity * (1 - sensitivity) / m + specificity * (1 - specificity) / n) / 2
    width = found.balanced_accuracy.upper - found.balanced_accuracy.lower
    assert width == pytest.approx(2 * Z * se, rel=0.08)  # 2,000 replicates: quantiles known to about 4 %


def test_measures_come_named_and_in_order() -> None:
    names = [name for name, _ in at_cutoff([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.2, replicates=5).named()]
    assert names == ["sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "balanced_accuracy"]


def test_every_replicate_keeps_the_size_of_each_class() -> None:
    positive = np.array([True] * 5 + [False] * 9)
    weights = draw_weights(positive, 200, rng(1, "sizes"))
    assert (weights[:, positive].sum(axis=1) == 5).all()
    assert (weights[:, ~positive].sum(axis=1) == 9).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(14), abs=0.25)  # 3.5 Monte-Carlo errors


def test_large_cohorts_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlr.stats.bootstrap.BLOCK", 30)
    positive = np.array([True, False] * 5)
    sizes = resampled(lambda weights: np.full(len(weights), len(weights)), positive, rng(1, "blocks"), 8)
    assert sizes.tolist() == [3, 3, 3, 3, 3, 3, 2, 2]


@pytest.mark.parametrize(("k", "n"), [(-1, 10), (11, 10), (1, 0)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(InputError, match=f"{k} of {n}"):
        interval_wilson(k, n)


def test_none_of_none_is_undefined() -> None:
    assert np.isnan([interval_wilson(0, 0).value, interval_wilson(0, 0).lower]).all()


def test_a_cutoff_without_value_is_refused() -> None:
    with pytest.raises(InputError, match="cut-off"):
        at_cutoff([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], float("nan"))
