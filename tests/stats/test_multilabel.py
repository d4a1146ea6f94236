"""Several targets together: scikit-learn's macro measures, arithmetic on paper, what is undefined, the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    hamming_loss,
    jaccard_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import LabelRows, LabelsTogether, auc_within_folds, labels_together, macro_auc, macro_auc_difference

NAMES = ("er", "pr", "her2")
TRUTH = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]])
CALLED = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 0]])


def together(truth: np.ndarray, called: np.ndarray) -> LabelsTogether:
    return labels_together(truth, called, NAMES, replicates=20)


def of_sklearn(truth: np.ndarray, called: np.ndarray) -> dict[str, float]:
    """NaN where a label's denominator is zero, as the house wants it."""
    how = {"average": "macro", "zero_division": np.nan}
    positive, said, either = truth.any(0).all(), called.any(0).all(), (truth | called).any(0).all()
    return {
        "accuracy_jaccard": jaccard_score(truth, called, average="macro", zero_division=0) if either else np.nan,
        "accuracy_mean": 1 - hamming_loss(truth, called),
        "exact_match": accuracy_score(truth, called),
        "precision": precision_score(truth, called, **how) if said else np.nan,
        "recall": recall_score(truth, called, **how) if positive else np.nan,
        "f1": f1_score(truth, called, average="macro", zero_division=0) if either else np.nan,
    }


def test_four_patients_by_hand() -> None:
    """TP/FP/FN: er 2/1/0, pr 1/1/1, her2 1/1/1; one of four rows is right, and one more."""
    found = dict(together(TRUTH, CALLED).named())
    assert found["accuracy_jaccard"].value == pytest.approx((2 / 3 + 1 / 3 + 1 / 3) / 3)
    assert found["accuracy_mean"].value == pytest.approx(7 / 12)
    assert found["exact_match"].value == pytest.approx(2 / 4)
    assert found["precision"].value == pytest.approx((2 / 3 + 1 / 2 + 1 / 2) / 3)
    assert found["recall"].value == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert found["f1"].value == pytest.approx((4 / 5 + 1 / 2 + 1 / 2) / 3)
    assert all((one.n, one.method) == (4, "patient bootstrap") and one.lower <= one.upper for one in found.values())


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.integers(1, 30).flatmap(lambda n: st.tuples(*[arrays(np.int64, (n, 3), elements=st.integers(0, 1))] * 2)))
def test_measures_equal_scikit_learn(given_labels: tuple[np.ndarray, np.ndarray]) -> None:
    truth, called = given_labels
    for name, found in together(truth, called).named():
        assert found.value == pytest.approx(of_sklearn(truth, called)[name], nan_ok=True), name


def test_what_has_no_denominator_is_undefined_and_says_of_which_label() -> None:
    nobody = CALLED * [0, 1, 1]
    found = together(TRUTH, nobody)
    assert np.isnan([found.precision.value, found.precision.lower]).all()
    assert found.precision.method == "patient bootstrap; undefined: nobody is called positive of er"
    assert np.isfinite([found.recall.value, found.f1.value, found.accuracy_jaccard.value]).all()
    without = together(TRUTH * [1, 0, 1], CALLED * [1, 0, 1])
    for one, lack in ((without.recall, "is positive"), (without.f1, "is positive or called so")):
        assert np.isnan(one.value) and one.method.endswith(f"nobody {lack} of pr")


def test_the_interval_is_that_of_patients_drawn_as_a_whole() -> None:
    """Twelve patients right in all labels and twelve wrong in all: labels drawn apart would narrow it."""
    truth = np.tile([[1, 1, 1], [0, 0, 0]], (12, 1))
    called = np.where(np.arange(24)[:, None] < 12, truth, 1 - truth)
    found = labels_together(truth, called, NAMES, generator=rng(1), replicates=4000)
    assert found.accuracy_mean.value == found.exact_match.value == 0.5
    assert found.accuracy_mean.upper - found.accuracy_mean.lower == pytest.approx(2 * 1.96 * 0.5 / 24**0.5, rel=0.1)


@pytest.mark.parametrize("labels", [TRUTH[:, :2], TRUTH[:0], TRUTH * 2, TRUTH[0]])
def test_other_labels_than_0_and_1_a_patient_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(InputError):
        labels_together(labels, labels, NAMES)


# the mean of the areas ----------------------------------------------------------------------------------------------


def three_targets(n: int = 40) -> list[LabelRows]:
    """er is unknown for every third patient."""
    draw, out = rng(2, "targets"), []
    for place, name in enumerate(NAMES):
        known = np.arange(n) % 3 != 0 if not place else np.ones(n, dtype=bool)
        positive = draw.random(n) < 0.4
        value = positive + draw.normal(size=n)
        ids = np.array([f"p{k:02}" for k in draw.permutation(n)])
        out.append(LabelRows(name, positive[known], value[known], ids[known]))
    return out


def test_a_macro_area_is_the_mean_of_each_on_its_own_patients() -> None:
    targets = three_targets()
    found = macro_auc(targets, generator=rng(1), replicates=200)
    assert found.value == pytest.approx(np.mean([roc_auc_score(one.positive, one.value) for one in targets]))
    assert found.n == 40 and found.method == "patient bootstrap; mean of er, pr, her2"
    assert found.lower < found.value < found.upper


def test_a_replicate_draws_patients_of_all_targets_at_once() -> None:
    """Twice the same target has the interval of one; two drawn apart would have a narrower one by the root of two."""
    one = three_targets()[1]
    alone = macro_auc([one], generator=rng(1), replicates=500)
    twice = macro_auc([one, one], generator=rng(1), replicates=500)
    assert (alone.value, alone.lower, alone.upper) == (twice.value, twice.lower, twice.upper)


def test_patients_are_matched_by_id_in_every_replicate() -> None:
    """The second target holds the first one's patients in another order and half of them: weights follow the ids."""
    one = three_targets()[1]
    turned = LabelRows("turned", one.positive[::-1], one.value[::-1], one.patients[::-1])
    both = macro_auc([one, turned], generator=rng(1), replicates=300)
    alone = macro_auc([one], generator=rng(1), replicates=300)
    assert (both.lower, both.upper) == pytest.approx((alone.lower, alone.upper))


def test_out_of_fold_areas_are_within_folds() -> None:
    fold, seed = np.tile([0, 1], 40), np.repeat([0, 1], 40)
    targets = [
        LabelRows(one.target, np.tile(one.positive, 2), np.tile(one.value, 2) + 5 * fold, np.tile(one.patients, 2),
                  fold, seed)
        for one in three_targets()[1:]
    ]  # fmt: skip
    expected = [auc_within_folds(o.positive, o.value, fold, seed, patients=o.patients).value for o in targets]
    found = macro_auc(targets, replicates=100)
    assert found.value == pytest.approx(np.mean(expected)) and found.n == 40
    assert found.method.startswith("within fold and seed; patient bootstrap") and "given these models" in found.method


def test_a_target_of_one_class_leaves_no_macro_area_and_is_named() -> None:
    dull = LabelRows("her2", [0, 0, 0], [0.1, 0.2, 0.3], ["p00", "p01", "p02"])
    found = macro_auc([*three_targets()[:2], dull])
    assert np.isnan([found.value, found.lower, found.upper]).all() and found.n == 40
    assert "undefined: her2: 0 positive and 3 negative patients" in found.method


def test_two_models_are_drawn_together() -> None:
    targets = three_targets()
    better = [LabelRows(o.target, o.positive, o.value + 0.5 * o.positive, o.patients) for o in targets]
    found = macro_auc_difference(better, targets, generator=rng(1), replicates=300)
    gap = macro_auc(better, replicates=10).value - macro_auc(targets, replicates=10).value
    assert found.value == pytest.approx(gap) and found.lower > 0
    same = macro_auc_difference(targets, targets, replicates=50)
    assert (same.value, same.lower, same.upper) == (0, 0, 0)
