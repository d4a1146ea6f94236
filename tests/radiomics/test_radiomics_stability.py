"""Perturbed outlines, intraclass correlation of features, agreement of outlines."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiomics_reference import ball

from dlr.protocols import Part
from dlr.radiomics import (
    ReaderPair,
    StabilitySettings,
    agreement_table,
    perturb_mask,
    stability_by_part,
    stability_table,
)
from dlr.radiomics.perturbation import PERTURBATIONS
from dlr.radiomics.stability import AGREEMENT_COLUMNS, STABILITY_COLUMNS
from dlr.randomness import rng
from dlr.stats import dice, icc

SPACINGS = {"still": (1.0, 0.1, 0.1), "volume": (3.0, 0.8, 0.8)}
SHAPES = {"still": (1, 90, 100), "volume": (14, 40, 40)}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_perturbed_outline_is_what_another_reader_might_draw(case, kind):
    _, mask = ball(SHAPES[case], 22 if case == "still" else 6)
    overlaps = []
    for seed in range(8):
        other = perturb_mask(mask, SPACINGS[case], rng(seed, kind), kind)
        assert other.dtype == bool and other.shape == mask.shape
        overlaps.append(dice(mask, other))
    assert min(overlaps) > 0.6
    assert max(overlaps) < 1
    assert len(set(overlaps)) > 1 or case == "volume"


@pytest.mark.parametrize("case", SHAPES)
def test_erosion_shrinks_and_dilation_grows(case):
    _, mask = ball(SHAPES[case], 22 if case == "still" else 6)
    smaller = perturb_mask(mask, SPACINGS[case], rng(1), "erode")
    larger = perturb_mask(mask, SPACINGS[case], rng(1), "dilate")
    assert not (smaller & ~mask).any() and smaller.sum() < mask.sum()
    assert not (mask & ~larger).any() and larger.sum() > mask.sum()


def test_shift_keeps_the_size_of_a_disk():
    _, mask = ball(SHAPES["still"], 22)
    moved = perturb_mask(mask, SPACINGS["still"], rng(2), "shift")
    assert abs(moved.sum() - mask.sum()) < 0.03 * mask.sum()
    assert (moved & ~mask).any()


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_same_seed_gives_the_same_outline_and_slice_spacing_does_not_matter_on_a_still(kind):
    _, mask = ball(SHAPES["still"], 15)
    first = perturb_mask(mask, (1.0, 0.1, 0.1), rng(3, "p1"), kind)
    np.testing.assert_array_equal(first, perturb_mask(mask, (9.0, 0.1, 0.1), rng(3, "p1"), kind))
    assert (first != perturb_mask(mask, (1.0, 0.1, 0.1), rng(3, "p2"), kind)).any() or kind in ("erode", "dilate")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)),
    kind=st.sampled_from(PERTURBATIONS),
    seed=st.integers(0, 10_000),
    share=st.floats(0.0, 1.0),
)
def test_perturbed_outline_is_never_empty(shape, kind, seed, share):
    draw = rng(seed, "mask")
    mask = draw.random(shape) < share
    mask[tuple(draw.integers(0, size) for size in shape)] = True
    assert perturb_mask(mask, (2.0, 1.0, 0.5), rng(seed, "perturb"), kind).any()


def _readers(n=30, features=4):
    draw = rng(7, "readers")
    truth = draw.normal(size=(n, features))
    noise = np.array([0.01, 0.2, 1.0, 3.0])
    names = ["a", "b", "c", "d"]
    index = [f"p{i:02d}" for i in range(n)]
    first, second = (pd.DataFrame(truth + noise * draw.normal(size=truth.shape), index, names) for _ in range(2))
    return first, second


def test_stability_table_holds_the_icc_of_every_feature():
    first, second = _readers()
    table = stability_table(first, second, perturbation="readers", least=0.75, seed=1, fold=2)
    assert list(table.columns) == STABILITY_COLUMNS
    assert list(table["feature"]) == ["a", "b", "c", "d"]
    for row in table.itertuples():
        expected = icc(np.column_stack([first[row.feature], second[row.feature]]))
        assert row.icc == pytest.approx(expected.value)
        assert (row.lower, row.upper, row.n) == (pytest.approx(expected.lower), pytest.approx(expected.upper), 30)
        assert row.kept == (row.icc >= 0.75)
    assert set(table["seed"]) == {1} and set(table["fold"]) == {2}
    assert list(table["kept"]) == [True, True, False, False]


def test_order_of_patients_does_not_matter_and_those_in_one_table_only_do_not_count():
    first, second = _readers()
    plain = stability_table(first.iloc[3:], second.iloc[3:], perturbation="x", least=0.75)
    mixed = stability_table(first.iloc[3:], second.iloc[::-1], perturbation="x", least=0.75)
    pd.testing.assert_frame_equal(plain, mixed)
    assert set(plain["n"]) == {27}


def test_icc2_counts_a_systematic_difference_and_icc3_does_not():
    first, _ = _readers()
    second = first + 3 * first.std()
    agreement = stability_table(first, second, perturbation="x", least=0.75)
    consistency = stability_table(first, second, perturbation="x", least=0.75, kind="ICC3")
    assert (consistency["icc"] > 0.999).all()
    assert (agreement["icc"] < 0.5).all()


def test_a_feature_is_kept_from_the_chosen_icc_on_and_each_where_none_is_chosen():
    first = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6], "b": [1.0, 2, 3, 4, 5, 6]}, index=list("uvwxyz"))
    second = first.assign(b=[3.0, 1, 6, 2, 4, 5])
    for least, kept in ((0.9, [True, False]), (None, [True, True]), (-1.0, [True, True])):
        assert stability_table(first, second, perturbation="x", least=least)["kept"].tolist() == kept
    noisy = stability_table(first, second, perturbation="x", least=None)["icc"].iloc[1]
    assert stability_table(first, second, perturbation="x", least=noisy)["kept"].tolist() == [True, True]


def test_constant_feature_has_no_icc_and_is_not_kept():
    first, second = _readers()
    first["flat"] = second["flat"] = 0.0
    table = stability_table(first, second, perturbation="x", least=0.0).set_index("feature")
    assert np.isnan(table.loc["flat", "icc"])
    assert not table.loc["flat", "kept"]


def test_held_out_patients_cannot_change_a_parts_stability():
    first, second = _readers()
    ids = tuple(first.index)
    parts = (Part("paper", 0, -1, -1, ids, ids), Part("crossfit", 0, -1, 1, ids[:20], ids[20:]))
    options = {"perturbation": "erode", "least": 0.75}
    before = stability_by_part(first, second, parts, **options)
    assert list(before.columns) == ["part", *STABILITY_COLUMNS]
    assert list(before["part"].unique()) == ["paper", "crossfit-s0-f1"]
    first.iloc[20:], second.iloc[20:] = 1e9, -1e9
    after = stability_by_part(first, second, parts, **options)
    inner = before["part"] == "crossfit-s0-f1"
    pd.testing.assert_frame_equal(before[inner], after[inner])
    assert (before.loc[inner, "n"] == 20).all()
    assert stability_by_part(first, second, (), **options).empty


def test_cases_below_the_chosen_agreement_are_listed_for_a_third_reader():
    _, mask = ball((1, 40, 40), 10)
    shifted = np.roll(mask, 9, axis=2)
    table = agreement_table(
        [
            ReaderPair("c1", "p1", mask, mask, (1.0, 0.5, 0.5)),
            ReaderPair("c2", "p2", mask, shifted, (1.0, 0.5, 0.5)),
            ReaderPair("c3", "p3", mask, shifted, None),
        ],
        StabilitySettings(),
    )
    assert list(table.columns) == AGREEMENT_COLUMNS
    assert list(table["below"]) == [False, True, True]
    assert table.loc[0, "dice"] == 1 and table.loc[0, "hausdorff95"] == 0
    assert list(table["unit"]) == ["mm", "mm", "pixels"]
    assert table.loc[2, "hausdorff95"] == pytest.approx(2 * table.loc[1, "hausdorff95"])
