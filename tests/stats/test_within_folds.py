"""Out-of-fold AUC: hand-worked folds, a slow twin of value and bootstrap, scale bias, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, logit

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import auc, auc_difference, auc_pooled, auc_within_folds, auc_within_groups, newcombe_interval
from dlr.stats.bootstrap import draw_weights
from dlr.stats.outcome import Z
from dlr.stats.ranks import placements
from dlr.stats.within_folds import mean_area, standard_error


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
    assert found.method == "within fold and seed; DeLong (logit) widened for shared training patients"


def test_value_and_bootstrap_equal_pairs_counted_one_by_one() -> None:
    rows = study(patients=30)
    weights = draw_weights(rows["positive"][:30], 5, rng(1, "twin"))
    area, _ = mean_area(rows["positive"], rows["probability"], rows["fold"], rows["seed"], rows["patients"])
    assert area(weights) == pytest.approx([slow_area(**rows, drawn=w) for w in weights], abs=1e-12)
    assert auc_within_folds(**rows).value == pytest.approx(slow_area(**rows, drawn=np.ones(30)), abs=1e-12)


def test_influence_is_what_a_little_more_of_a_patient_adds() -> None:
    """The derivative of each seed's area, pair by pair, by the weight; times √(m / (m - 1)) in a class of m."""
    rows = study(seeds=2, patients=30)
    area, outcome = mean_area(rows["positive"], rows["probability"], rows["fold"], rows["seed"], rows["patients"])
    of_class = np.where(outcome, 10, 20)
    for k in range(2):
        own = {name: column[rows["seed"] == k] for name, column in rows.items()}
        base = slow_area(**own, drawn=np.ones(30))
        slopes = [(slow_area(**own, drawn=np.ones(30) + 1e-6 * (np.arange(30) == i)) - base) / 1e-6 for i in range(30)]
        assert area.influence[k] == pytest.approx(slopes * np.sqrt(of_class / (of_class - 1)), abs=1e-6)
    assert area.influence.sum(axis=1) == pytest.approx([0, 0], abs=1e-12)


def test_of_one_fold_the_influences_give_delongs_variance() -> None:
    rows = study(seeds=1)
    one = np.zeros(60)
    area, outcome = mean_area(rows["positive"], rows["probability"], one, one, None)
    delong = placements(outcome, rows["probability"])
    assert standard_error(area.influence, shared=False) ** 2 == pytest.approx(delong.variance, rel=1e-12)
    assert standard_error(area.influence, shared=True) ** 2 == pytest.approx(1.6 * delong.variance, rel=1e-12)


def test_the_error_is_that_of_one_drawing_and_what_another_does_not_repeat() -> None:
    """Two drawings that agree: the variance of one. Of two that share nothing the mean has half: 1 + 2 (1 - ½)."""
    alike, apart = np.array([[0.6, 0.8], [0.6, 0.8]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert standard_error(alike, shared=True) == pytest.approx(1)
    assert standard_error(apart, shared=True) ** 2 == pytest.approx(2)
    assert standard_error(apart, shared=False) ** 2 == pytest.approx(0.5)


def test_the_interval_is_on_the_logit_scale_and_at_one_it_is_newcombes() -> None:
    rows = study()
    found = auc_within_folds(**rows)
    area, _ = mean_area(rows["positive"], rows["probability"], rows["fold"], rows["seed"], rows["patients"])
    half = Z * standard_error(area.influence, shared=True) / (found.value * (1 - found.value))
    limits = logit([found.lower, found.upper])
    assert limits == pytest.approx([logit(found.value) - half, logit(found.value) + half])
    perfect = auc_within_folds(**rows | {"probability": rows["positive"].astype(float)})
    assert (perfect.value, perfect.lower, perfect.upper) == (1, *newcombe_interval(1.0, 20, 40))
    assert perfect.method == "within fold and seed; Newcombe"


def ridge_chain(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients of ridge regression of the outcome on centred columns."""
    z, centred = x - x.mean(axis=0), y - y.mean()
    return z.T @ np.linalg.solve(z @ z.T + 20 * np.eye(len(z)), centred)


@pytest.mark.slow
@pytest.mark.parametrize(("features", "signal"), [(40, 0.0), (40, 0.5), (2, 0.5)])
def test_it_covers_the_area_of_a_chain_in_noise_in_signal_and_with_few_columns(features: int, signal: float) -> None:
    """150 cohorts of 60 patients, 5 folds, 3 seeds: noise, where patients teach as much as they are judged, and stable
    models alike. DeLong's interval, as if the models were given, covers .80 and .86 of the first two."""
    covered, given_models = [], []
    for k in range(150):
        draw = rng(k, "cover", features, int(10 * signal))
        x, strength = draw.normal(size=(60, features)), np.zeros(features)
        strength[:2] = signal
        y = draw.random(60) < expit(x @ strength - 0.5)
        folds = [_dealt(y, draw) for _ in range(3)]
        value, truth = np.empty((3, 60)), []
        for s, fold in enumerate(folds):
            for j in range(5):
                beta = ridge_chain(x[fold != j], y[fold != j].astype(float))
                value[s, fold == j] = x[fold == j] @ beta
                truth.append(_area_of(beta, strength))
        rows = (
            np.tile(y, 3),
            value.ravel(),
            np.concatenate(folds),
            np.repeat(np.arange(3), 60),
            np.tile(np.arange(60), 3),
        )
        found = auc_within_folds(*rows[:4], patients=rows[4])
        area, _ = mean_area(*rows)
        covered.append(found.lower <= np.mean(truth) <= found.upper)
        given_models.append(abs(found.value - np.mean(truth)) <= Z * standard_error(area.influence, shared=False))
    assert 0.92 <= np.mean(covered) <= 0.995, np.mean(covered)  # two Monte-Carlo errors of .95 to .98
    assert features == 2 or np.mean(given_models) < 0.92


def _dealt(y: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    fold = np.empty(len(y), dtype=int)
    for outcome in (True, False):
        members = draw.permutation(np.flatnonzero(y == outcome))
        fold[members] = np.arange(len(members)) % 5
    return fold


NEW = rng(0, "new patients").normal(size=(2, 4000))


def _area_of(beta: np.ndarray, strength: np.ndarray) -> float:
    """AUC of the score on new patients, of whom the two informative columns, and one for all others, are drawn."""
    if not strength.any():
        return 0.5
    other = rng(1, "new patients").normal(size=4000) * np.sqrt((beta[2:] ** 2).sum())
    outcome = rng(2, "new patients").random(4000) < expit(strength[:2] @ NEW - 0.5)
    return placements(outcome, beta[:2] @ NEW + other).area


def test_a_shift_of_each_folds_scale_leaves_it_unchanged_but_not_the_pooled_value() -> None:
    straight, shifted = study(), study(shift=20.0)
    assert auc_within_folds(**straight) == auc_within_folds(**shifted)
    pooled = [auc_pooled(**{k: v for k, v in s.items() if k != "fold"}) for s in (straight, shifted)]
    assert pooled[1].value < pooled[0].value - 0.1
    assert "pooled" in pooled[0].method


def test_one_fold_and_seed_is_the_plain_auc() -> None:
    rows = study(seeds=1)
    one = np.zeros(60)
    found = auc_within_folds(rows["positive"], rows["probability"], one, one)
    assert found.value == pytest.approx(auc(rows["positive"], rows["probability"]).value, abs=1e-14)
    assert found.value == pytest.approx(auc_pooled(rows["positive"], rows["probability"], one).value, abs=1e-14)


def test_difference_is_that_of_the_areas_drawn_together() -> None:
    rows = study()
    value = rows.pop("probability")
    other = value + rng(9, "other").normal(size=len(value))
    found = auc_difference(a=value, b=other, **rows)
    areas = [auc_within_folds(probability=x, **rows) for x in (value, other)]
    assert found.value == pytest.approx(areas[0].value - areas[1].value, abs=1e-14)
    assert found.lower < found.value < found.upper
    assert found.upper - found.lower < sum(area.upper - area.lower for area in areas)  # the same patients in both
    assert auc_difference(a=value, b=value, **rows).upper == 0


def test_order_of_rows_and_names_of_labels_do_not_matter() -> None:
    rows = study()
    shuffled = rng(2, "rows").permutation(len(rows["seed"]))
    renamed = {k: v[shuffled] for k, v in rows.items()} | {"fold": np.array(list("dcba"))[rows["fold"][shuffled]]}
    one, other = auc_within_folds(**rows), auc_within_folds(**renamed)
    assert (one.value, one.lower, one.upper) == pytest.approx((other.value, other.lower, other.upper), abs=1e-12)


def test_a_fold_with_one_class_adds_no_pairs() -> None:
    found = auc_within_folds([1, 1, 0, 0, 0], [0.6, 0.2, 0.4, 0.1, 0.9], [0, 0, 0, 0, 1], np.zeros(5))
    assert found.value == 0.75


@given(arrays(float, 24, elements=st.integers(0, 5).map(float)))
def test_interval_lies_within_zero_and_one(value: np.ndarray) -> None:
    found = auc_within_folds(np.arange(24) % 2, value, np.arange(24) % 3, np.zeros(24))
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
        auc_within_folds(**study() | change)
    assert said in caught.value.problems[0].what


# inside groups ------------------------------------------------------------------------------------------------------

TRUTH = [1, 1, 0, 0, 1, 1, 0, 0, 0, 1]
VALUE = [0.9, 0.3, 0.5, 0.1, 0.8, 0.7, 0.95, 0.6, 0.2, 0.4]
GROUP = ["a"] * 4 + ["b"] * 5 + ["c"]


def test_groups_by_hand() -> None:
    """a: 3 of 4 pairs. b: .8 and .7 against .95, .6, .2: 4 of 6. c has one patient."""
    found = auc_within_groups(TRUTH, VALUE, GROUP, least=2)
    assert found.groups == ("a", "b")
    assert found.mean.value == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert found.pairs.value == pytest.approx(7 / 10)
    assert (found.mean.n, found.mean.n_positive, found.pairs.n, found.pairs.n_positive) == (9, 4, 10, 5)
    assert found.mean.lower <= found.mean.value <= found.mean.upper
    assert found.mean.method == "mean over a, b; DeLong (logit)"


def test_pairs_lie_inside_one_group_and_one_fold() -> None:
    """Fold 0 is a's .9, .5 (right) and b's .7, .95 (wrong); fold 1 is a's .3, .1 and b's .8 against .6, .2: 3 right."""
    fold = [0, 1, 0, 1, 1, 0, 0, 1, 1, 0]
    found = auc_within_groups(TRUTH, VALUE, GROUP, fold, np.zeros(10), least=2)
    assert found.pairs.value == pytest.approx(4 / 5)
    assert found.mean.value == pytest.approx((2 / 2 + 2 / 3) / 2)
    assert "within fold and seed; " in found.mean.method and "within fold and seed; " in found.pairs.method


@pytest.mark.parametrize(("least", "groups"), [(2, ("a", "b")), (3, ())])
def test_a_group_counts_in_the_mean_from_so_many_patients_of_a_class_on(least: int, groups: tuple[str, ...]) -> None:
    found = auc_within_groups(TRUTH, VALUE, GROUP, least=least)
    assert found.groups == groups and found.pairs.value == pytest.approx(7 / 10)
    if not groups:
        assert np.isnan(found.mean.value) and np.isnan(found.mean.lower) and found.mean.n == 0
        assert found.mean.method == f"undefined: no group has {least} patients of each class to compare"


def test_without_a_pair_inside_a_group_both_are_undefined_and_say_so() -> None:
    found = auc_within_groups([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], ["a", "a", "b", "b"])
    assert np.isnan(found.pairs.value) and found.pairs.method == "undefined: no group has a pair to compare"


def test_inside_groups_equals_the_plain_area_of_each_and_seeds_are_averaged() -> None:
    made = study(folds=2)
    group = np.array([f"g{int(name[1:]) % 2}" for name in made["patients"]])
    given = (made["positive"], made["probability"], group, np.zeros(180), made["seed"])
    found = auc_within_groups(*given, patients=made["patients"])
    one_seed = [
        np.mean([auc(made["positive"][rows], made["probability"][rows]).value for rows in by_group])
        for s in range(3)
        for by_group in [[(made["seed"] == s) & (group == name) for name in ("g0", "g1")]]
    ]
    assert found.mean.value == pytest.approx(np.mean(one_seed)) and found.mean.n == 60
    by_fold = auc_within_folds(made["positive"], made["probability"], group, made["seed"], patients=made["patients"])
    assert found.pairs.value == pytest.approx(by_fold.value), "a group in place of a fold"


def test_a_marker_of_the_group_alone_is_high_pooled_and_one_half_inside_groups() -> None:
    """Rates .2 and .8: pooled, the group's own rate orders .64 of the pairs, ties .32: .8; inside none."""
    draw = rng(3, "groups")
    group = np.repeat(["a", "b"], 200)
    positive = np.tile(np.arange(200) < 40, 2)
    positive[200:] = np.arange(200) < 160
    value = np.where(group == "a", 0.2, 0.8)
    assert auc(positive, value).value == pytest.approx(0.8)
    assert auc_within_groups(positive, value, group).pairs.value == 0.5
    found = auc_within_groups(positive, value + draw.normal(0, 0.01, 400), group)
    assert auc(positive, value + draw.normal(0, 0.01, 400)).value > 0.75
    for one in (found.mean, found.pairs):
        standard_error = (one.upper - one.lower) / 3.92
        assert abs(one.value - 0.5) < 2 * standard_error
