"""Permutation p and shuffles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import permutation_p, shuffled


def test_p_counts_the_observed_value_itself() -> None:
    assert permutation_p(0.9, [0.5, 0.6, 0.4]) == 1 / 4
    assert permutation_p(0.6, [0.5, 0.6, 0.7]) == 3 / 4


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(0, 50))
def test_p_is_never_zero_nor_above_one(null: list[int], observed: int) -> None:
    assert 1 / (len(null) + 1) <= permutation_p(observed, null) <= 1


def test_p_is_uniform_when_all_values_can_be_exchanged() -> None:
    draws = rng(3, "uniform").permuted(np.tile(np.arange(20.0), (400, 1)), axis=1)
    ps = np.array([permutation_p(row[0], row[1:]) for row in draws])
    assert ps.mean() == pytest.approx(0.525, abs=0.045)  # mean of k / 20; three Monte-Carlo errors
    assert np.isin(np.round(ps * 20), np.arange(1, 21)).all()


def test_shuffle_within_strata_keeps_each_stratum() -> None:
    outcome, side = np.arange(12) % 4 == 0, np.repeat(["a", "b", "c"], 4)
    mixed = shuffled(outcome, rng(1, "shuffle"), within=side)
    assert [mixed[side == s].sum() for s in "abc"] == [1, 1, 1]
    assert not np.array_equal(mixed, outcome)
    assert np.array_equal(mixed, shuffled(outcome, rng(1, "shuffle"), within=side))


def test_shuffle_leaves_its_argument_alone() -> None:
    outcome = np.arange(10)
    assert sorted(shuffled(outcome, rng(1, "shuffle"))) == outcome.tolist()
    assert outcome.tolist() == list(range(10))


@pytest.mark.parametrize("null", [[], [0.5, np.nan], [[0.5]]])
def test_shuffles_without_value_are_refused(null: list) -> None:
    with pytest.raises(InputError):
        permutation_p(0.5, null)
