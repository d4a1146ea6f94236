"""False and lost structures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dlr.superres.planted import dot
from dlr.superres.structures import SPECKLE_SIZES, false_structures, lost_structures

SHAPE = (96, 104)
REGION = np.ones(SHAPE, dtype=bool)
QUIET = np.zeros(SHAPE, dtype=np.float32)  # an input without noise


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Texture with a flat place around row 30, column 45, where nothing happens to match."""
    noise = gaussian_filter(np.random.default_rng(4).standard_normal(SHAPE), 1.5)
    noise[12:48, 24:68] = 0
    return (0.5 + 0.1 * noise).astype(np.float32)


def spot(row: int, column: int, levels: float = 90) -> np.ndarray:
    return dot(SHAPE, (row, column), levels)


def test_an_image_holds_nothing_false_against_itself(truth: np.ndarray) -> None:
    assert false_structures(truth, truth, QUIET, REGION) == lost_structures(truth, truth, QUIET, REGION) == 0


@pytest.mark.parametrize("levels", [90, -90])
def test_a_bright_and_a_dark_dot_are_each_one_false_structure_of_their_size(truth: np.ndarray, levels: float) -> None:
    assert false_structures(truth, truth + spot(30, 40, levels), QUIET, REGION, sizes=(1.5,)) == 1


def test_a_dot_that_only_the_truth_has_is_lost_and_not_false(truth: np.ndarray) -> None:
    dotted = truth + spot(30, 40)
    assert lost_structures(dotted, truth, QUIET, REGION) > 0
    assert false_structures(dotted, truth, QUIET, REGION, sizes=(1.5,)) == 0


def test_a_dot_outside_the_region_is_not_looked_at(truth: np.ndarray) -> None:
    left = REGION.copy()
    left[:, 30:] = False
    assert false_structures(truth, truth + spot(30, 40), QUIET, left) == 0


def test_a_dot_two_pixels_off_is_the_same_and_one_ten_pixels_off_is_not(truth: np.ndarray) -> None:
    there = truth + spot(30, 40)
    for off, expected in ((2, 0), (10, 1)):
        moved = truth + spot(30, 40 + off)
        assert false_structures(there, moved, QUIET, REGION, sizes=(1.5,)) == expected


def test_a_structure_of_the_other_sign_is_no_match(truth: np.ndarray) -> None:
    bright, dark = truth + spot(30, 40), truth + spot(30, 40, -90)
    assert false_structures(bright, dark, QUIET, REGION, sizes=(1.5,)) >= 1


def test_a_faint_dot_stays_below_the_limit_and_a_lower_percentile_lets_more_through(truth: np.ndarray) -> None:
    faint = truth + spot(30, 40, 5)
    assert false_structures(truth, faint, QUIET, REGION) == 0
    assert false_structures(truth, truth + spot(30, 40), QUIET, REGION, (1.5,), 50) >= 1


def test_the_noise_of_the_input_makes_no_structure(truth: np.ndarray) -> None:
    smooth = gaussian_filter(truth, 4)
    noise = (0.02 * gaussian_filter(np.random.default_rng(2).standard_normal(SHAPE), 1.0)).astype(np.float32)
    assert false_structures(smooth, smooth + noise, QUIET, REGION) > 3
    assert false_structures(smooth, smooth + noise, noise, REGION) == 0


def test_a_broad_blob_is_of_the_broad_size(truth: np.ndarray) -> None:
    rows, columns = np.indices(SHAPE)
    blob = truth + (0.4 * np.exp(-((rows - 48) ** 2 + (columns - 52) ** 2) / (2 * 6.0**2))).astype(np.float32)
    counts = [false_structures(truth, blob, QUIET, REGION, sizes=(size,)) for size in SPECKLE_SIZES]
    assert counts[0] == 0
    assert counts[2] >= 1  # its dark surroundings count too
