"""Out-of-fold AUC: hand-worked folds, a slow twin of value and bootstrap, scale bias, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import auc, auc_difference, auc_pooled, auc_within_folds
from dlr.stats.bootstrap import draw_weights


def study(seeds: int = 3, folds: int = 4, patients: int = 60, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Rows of `seeds` times `patients`; fold k's model reads `k * shift` too high."""
    draw = rng(5, "study")
    positive, strength = np.arange(patients) % 3 == 0, draw.normal(size=patients)
    fold = np.stack([draw.permutation(np.arange(patients) % folds) for _ in range(seeds)])
    value = strength + positive + 0.5 * draw.normal(size=(seeds, patients)) + shift * fold
    return {
        "positive": np.tile(positive, seeds),
        "probability": value.ravel(),
        "fold": fold.ravel(),
        "seed": np.repeat(np.arange(seeds), patients),
        "patients": np.tile([f"p{i:03}" for i in range(patients)], seeds),
    }


def slow_area(positive, probability, fold, seed, drawn: np.ndarray, patients) -> float:
    """Pair by pair, patient by patient, in the order of the sorted patients' weights."""
    weight = dict(zip(sorted(set(patients)), drawn, strict=True))
    by_seed = []
    for s in np.unique(seed):
        ordered = pairs = 0.0
        rows = np.flatnonzero(seed == s)
        for i in rows[positive[rows]]:
            for j in rows[~positive[rows]]:
                if fold[i] == fold[j]:
                    both = weight[patients[i]] * weight[patients[j]]
                    pairs += both
                    gap = probability[i] - probability[j]
                    ordered += both * ((gap > 0) + 0.5 * (gap == 0))
        by_seed.append(ordered / pairs)
    return float(np.mean(by_seed))


def test_two_folds_by_hand() -> None:
    # fold 0: positives .6 .2, negatives .4 .1 -> 3 of 4; fold 1: positive .9, negatives .95 .9 -> 1/2 of 2
    found = auc_within_folds(
        [1, 1, 0, 0, 1, 0, 0], [0.6, 0.2, 0.4, 0.1, 0.9, 0.95, 0.9], [0, 0, 0, 0, 1, 1, 1], np.zeros(7)
    )
    assert found.value == pytest.approx(3.5 / 6, abs=1e-15)
    assert (found.n, found.n_positive) == (7, 3)
    assert "given these models" in found.method


def test_value_and_bootstrap_equal_pairs_counted_one_by_one() -> None:
    rows = study(patients=30)
    found = auc_within_folds(**rows, generator=rng(1, "twin"), replicates=5)
    outcome = rows["positive"][:30]
    drawn = draw_weights(outcome, 5, rng(1, "twin"))
    replicates = [slow_area(**rows, drawn=w) for w in drawn]
    assert found.value == pytest.approx(slow_area(**rows, drawn=np.ones(30)), abs=1e-12)
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(replicates, (0.025, 0.975))), abs=1e-12)
    assert found.n == 30


def test_a_shift_of_each_folds_scale_leaves_it_unchanged_but_not_the_pooled_value() -> None:
    straight, shifted = study(), study(shift=20.0)
    assert auc_within_folds(**straight, replicates=50) == auc_within_folds(**shifted, replicates=50)
    pooled = [auc_pooled(**{k: v for k, v in s.items() if k != "fold"}, replicates=50) for s in (straight, shifted)]
    assert pooled[1].value < pooled[0].value - 0.1
    assert "pooled" in pooled[0].method


def test_one_fold_and_seed_is_the_plain_auc() -> None:
    rows = study(seeds=1)
    one = np.zeros(60)
    found = auc_within_folds(rows["positive"], rows["probability"], one, one, replicates=50)
    assert found.value == pytest.approx(auc(rows["positive"], rows["probability"]).value, abs=1e-14)
    assert found.value == pytest.approx(
        auc_pooled(rows["positive"], rows["probability"], one, replicates=50).value, abs=1e-14
    )


def test_difference_is_that_of_the_areas_drawn_together() -> None:
    rows = study()
    value = rows.pop("probability")
    other = value + rng(9, "other").normal(size=len(value))
    found = auc_difference(a=value, b=other, **rows, generator=rng(1, "both"), replicates=400)
    areas = [auc_within_folds(probability=x, **rows, generator=rng(1, "both"), replicates=400) for x in (value, other)]
    assert found.value == pytest.approx(areas[0].value - areas[1].value, abs=1e-14)
    assert found.lower < found.value < found.upper
    assert found.upper - found.lower < sum(area.upper - area.lower for area in areas)  # the same patients in both
    assert auc_difference(a=value, b=value, **rows, replicates=20).upper == 0


def test_difference_without_folds_is_that_of_the_plain_areas() -> None:
    rows = study(seeds=1)
    found = auc_difference(rows["positive"], rows["probability"], -rows["probability"], replicates=20)
    assert found.value == pytest.approx(2 * auc(rows["positive"], rows["probability"]).value - 1, abs=1e-14)


def test_order_of_rows_and_names_of_labels_do_not_matter() -> None:
    rows = study()
    shuffled = rng(2, "rows").permutation(len(rows["seed"]))
    renamed = {k: v[shuffled] for k, v in rows.items()} | {"fold": np.array(list("dcba"))[rows["fold"][shuffled]]}
    one, other = auc_within_folds(**rows, replicates=50), auc_within_folds(**renamed, replicates=50)
    assert (one.value, one.lower, one.upper) == pytest.approx((other.value, other.lower, other.upper), abs=1e-12)


def test_a_fold_with_one_class_adds_no_pairs() -> None:
    found = auc_within_folds([1, 1, 0, 0, 0], [0.6, 0.2, 0.4, 0.1, 0.9], [0, 0, 0, 0, 1], np.zeros(5), replicates=50)
    assert found.value == 0.75


def test_same_generator_gives_the_same_interval_and_another_moves_it_little() -> None:
    rows = study()
    one, same, other = (auc_within_folds(**rows, generator=rng(k, "oof")) for k in (1, 1, 2))
    assert one == same
    assert one != other
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), abs=0.02)


@given(arrays(float, 24, elements=st.integers(0, 5).map(float)))
def test_interval_lies_within_zero_and_one(value: np.ndarray) -> None:
    found = auc_within_folds(np.arange(24) % 2, value, np.arange(24) % 3, np.zeros(24), replicates=50)
    assert 0 <= found.lower <= found.upper <= 1
    assert 0 <= found.value <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"patients": None}, "several seeds"),
        ({"patients": np.repeat("p", 180)}, "positive in one row and negative in another"),
        ({"seed": np.zeros(180)}, "two rows in one seed"),
        ({"fold": np.arange(180)}, "no fold with both classes"),
        ({"fold": np.arange(20)}, "fold has shape (20,)"),
        ({"probability": np.full(180, np.nan)}, "180 of 180 values"),
    ],
)
def test_broken_input_is_named(change: dict, said: str) -> None:
    with pytest.raises(InputError) as caught:
        auc_within_folds(**study() | change, replicates=5)
    assert said in caught.value.problems[0].what
