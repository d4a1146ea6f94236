"""Positive controls."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.superres.grid import block_means
from dlr.superres.planted import dot, null_space_dot, somewhere, wiped_spot


def test_a_dot_peaks_at_its_amplitude_and_holds_what_a_gaussian_holds() -> None:
    planted = dot((41, 51), (20, 30), 60)
    assert np.unravel_index(planted.argmax(), planted.shape) == (20, 30)
    assert 255 * planted.max() == pytest.approx(60)
    assert 255 * planted.sum() == pytest.approx(60 * 2 * np.pi * 1.3**2, rel=1e-3)  # sampled
    assert planted[20, 32] == pytest.approx(planted[20, 30] * np.exp(-4 / (2 * 1.3**2)), rel=1e-5)


def test_a_null_space_dot_averages_to_zero_over_every_block_and_is_no_small_thing() -> None:
    planted = null_space_dot((40, 48), (21, 30), 60, 4)
    assert np.abs(block_means(planted, 4)).max() < 1e-8
    assert 255 * planted.max() > 60
    assert np.abs(planted - 2 * dot((40, 48), (21, 30), 60)).max() > 0.1


def test_wiping_takes_the_lesions_brightest_spot_and_leaves_the_rest() -> None:
    output, lesion = np.full((80, 80), 0.3, dtype=np.float32), np.zeros((80, 80), dtype=bool)
    lesion[20:60, 20:60] = True
    output += 2 * dot((80, 80), (40, 30), 60) + 3 * dot((80, 80), (8, 8), 60) + dot((80, 80), (52, 52), 60)
    wiped = wiped_spot(output, lesion)
    assert output[40, 30] - wiped[40, 30] > 0.4
    assert wiped[52, 52] == pytest.approx(output[52, 52], abs=0.01)
    assert wiped[8, 8] == pytest.approx(output[8, 8], abs=1e-6)  # brighter, but no part of the lesion


def test_a_dot_stands_anywhere_in_the_region_and_nowhere_else() -> None:
    region = np.array([[False, True, False], [True, False, True]])
    draws = np.random.default_rng(1)
    places = [somewhere(region, draws) for _ in range(300)]
    assert set(places) == {(0, 1), (1, 0), (1, 2)}
    assert min(places.count(place) for place in set(places)) > 60
