"""Attention in numbers, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.attention import ELSEWHERE, attention_in_numbers, null_of_other_masks, shares_by_region
from dlr.errors import InputError

MASK = np.array([[True, True], [False, False]])


def test_a_map_inside_the_mask_by_hand() -> None:
    """All energy on half the picture: 1 / (1/2) = 2; highest inside; the two highest are the mask."""
    found = attention_in_numbers(np.array([[3.0, 1.0], [0.0, 0.0]]), MASK)
    assert (found.energy, found.pointing, found.iou) == (2.0, 1.0, 1.0)


def test_a_map_half_inside_by_hand() -> None:
    """Energy 1/4 inside half: 0.5; highest outside; of the two highest one is in the mask: 1 / 3."""
    found = attention_in_numbers(np.array([[2.0, 0.0], [6.0, 0.0]]), MASK)
    assert (found.energy, found.pointing, found.iou) == (0.5, 0.0, pytest.approx(1 / 3))


def test_a_tie_of_the_highest_counts_by_its_share() -> None:
    assert attention_in_numbers(np.array([[2.0, 0.0], [2.0, 1.0]]), MASK).pointing == 0.5


@pytest.mark.parametrize("heat", [np.zeros((2, 2)), np.ones((2, 2))])
def test_a_flat_map_says_nothing(heat: np.ndarray) -> None:
    assert np.isnan(list(attention_in_numbers(heat, MASK).values().values())).all()


@pytest.mark.parametrize("mask", [np.zeros((2, 2), bool), np.ones((2, 2), bool)])
def test_an_empty_or_full_mask_says_nothing(mask: np.ndarray) -> None:
    assert np.isnan(attention_in_numbers(np.array([[2.0, 0.0], [2.0, 1.0]]), mask).energy)


def test_random_maps_have_no_preference_on_average() -> None:
    generator = np.random.default_rng(0)
    mask = np.zeros((8, 8, 8), bool)
    mask[2:5, 1:6, 3:5] = True
    found = [attention_in_numbers(generator.random((8, 8, 8)), mask).energy for _ in range(300)]
    assert np.mean(found) == pytest.approx(1.0, abs=4 * np.std(found) / np.sqrt(300))


def test_other_masks_are_averaged_and_undefined_ones_passed_over() -> None:
    heat = np.array([[4.0, 0.0], [0.0, 0.0]])
    found = null_of_other_masks(heat, [MASK, ~MASK, np.ones((2, 2), bool)])
    assert (found.energy, found.pointing) == (1.0, 0.5)
    assert np.isnan(null_of_other_masks(heat, []).energy)


def test_grids_that_differ_and_negative_maps_are_refused() -> None:
    with pytest.raises(InputError, match="one grid"):
        attention_in_numbers(np.zeros((2, 3)), MASK)
    with pytest.raises(InputError, match="negative"):
        attention_in_numbers(np.full((2, 2), -1.0), MASK)


def test_shares_of_a_map_by_region_and_elsewhere_sum_to_one() -> None:
    heat = np.array([[6.0, 1.0], [2.0, 1.0]])
    core, rim = np.array([[True, False], [False, False]]), np.array([[False, True], [True, False]])
    found = shares_by_region(heat, {"core": core, "rim": rim})
    assert found == {"core": (0.6, 0.25), "rim": (pytest.approx(0.3), 0.5), ELSEWHERE: (0.1, 0.25)}
    assert shares_by_region(heat, {})[ELSEWHERE] == (1.0, 1.0)
    empty = shares_by_region(heat, {"core": np.zeros((2, 2), bool), "rim": rim})
    assert empty["core"] == (0.0, 0.0) and empty[ELSEWHERE] == (0.7, 0.5)
    flat = shares_by_region(np.zeros((2, 2)), {"core": core})
    assert np.isnan(flat["core"][0]) and flat["core"][1] == 0.25
