"""Checks A and A2: the output through the input's grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dlr.superres.backprojection import blurs_of, contradiction, on_input_grid, residual, residual_ratio
from dlr.superres.grid import block_means
from dlr.superres.settings import DegradationSettings

BLURS = blurs_of(DegradationSettings())


def texture(shape: tuple[int, int], seed: int = 3) -> np.ndarray:
    return (0.5 + 0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def test_the_blurs_are_none_the_middle_and_the_strongest_of_the_simulation() -> None:
    assert np.array(BLURS) == pytest.approx(np.array([(0, 0), (1.2, 1.8), (1.6, 2.4)]))


@pytest.mark.parametrize("blur", BLURS)
def test_an_output_that_any_of_the_three_blurs_explains_leaves_no_residual(blur: tuple[float, float]) -> None:
    output = texture((48, 64))
    low = block_means(gaussian_filter(output, blur), 4).astype(np.float32)
    assert residual(output, low, 4, BLURS) == pytest.approx(np.zeros((12, 16)), abs=1e-4)  # levels; float32


def test_an_output_three_levels_brighter_leaves_three_levels() -> None:
    output = texture((32, 32))
    low = block_means(output, 2).astype(np.float32)
    assert residual(output + np.float32(3 / 255), low, 2, BLURS) == pytest.approx(np.full((16, 16), 3.0), abs=1e-3)


def test_one_pixel_among_nothing_is_counted_in_sds_of_rounding() -> None:
    r, lesion = np.zeros((41, 41)), np.zeros((41, 41), dtype=bool)
    r[20, 20], lesion[18:23, 18:23] = 2.0, True
    # a Gaussian of SD s leaves 1 / (2 pi s^2) of one pixel, and of rounding (SD 1 / sqrt(12) level) 1 / sqrt(4 pi) / s
    expected = 2.0 / (2 * np.pi * 0.8**2) / (1 / np.sqrt(12) / np.sqrt(4 * np.pi) / 0.8)
    assert contradiction(r, np.ones((41, 41)), lesion, 4, BLURS) == pytest.approx(
        expected, rel=0.02
    )  # the kernel is sampled


def test_the_rest_sets_the_scale_by_its_median_and_black_is_no_part_of_it() -> None:
    draws = np.random.default_rng(5)
    r, low, lesion = 3 * draws.standard_normal((120, 120)), np.ones((120, 120)), np.zeros((120, 120), dtype=bool)
    lesion[60, 60] = True
    r[58:63, 58:63] = 12.0
    whole = contradiction(r, low, lesion, 4, BLURS)
    # white noise of SD 3, of which smoothing leaves 3 / sqrt(4 pi) / SD
    assert whole == pytest.approx(gaussian_filter(r, 0.8)[60, 60] / (3 / np.sqrt(4 * np.pi) / 0.8), rel=0.05)
    r[:20], low[:20] = 0.0, 0.0
    assert contradiction(r, low, lesion, 4, BLURS) == pytest.approx(whole, rel=0.05)
    r[100:, :20] = 200.0  # burnt-in text moves no median
    assert contradiction(r, low, lesion, 4, BLURS) == pytest.approx(whole, rel=0.1)


def test_a_residual_at_the_inputs_own_border_is_explained_by_blur_and_the_same_one_elsewhere_is_not() -> None:
    border, flat, lesion = np.full((60, 60), 0.5), np.full((60, 60), 0.5), np.zeros((60, 60), dtype=bool)
    border[:, 30:], lesion[20:40, 20:40] = 0.2, True
    sharper = 0.5 * np.random.default_rng(6).standard_normal((60, 60))
    sharper[:, 29], sharper[:, 30] = 4.0, -4.0  # brighter on the bright side, darker on the dark one
    assert contradiction(sharper, flat, lesion, 4, BLURS) > 6
    assert contradiction(sharper, border, lesion, 4, BLURS) < 3


def test_a_residual_that_is_the_same_everywhere_contradicts_in_no_place() -> None:
    lesion = np.zeros((20, 20), dtype=bool)
    lesion[5:9, 5:9] = True
    assert contradiction(np.full((20, 20), 9.0), np.ones((20, 20)), lesion, 4, BLURS) == pytest.approx(0.0, abs=1e-9)


def test_a_residual_of_twice_the_noise_is_two_and_no_noise_is_that_of_rounding() -> None:
    lesion = np.array([[True, True, False]])
    r, noise = np.array([[2.0, -2.0, 50.0]]), np.array([[1.0, -1.0, 30.0]]) / 255
    assert residual_ratio(r, noise, lesion) == pytest.approx(2.0)
    assert residual_ratio(r, 0 * noise, lesion) == pytest.approx(2 * np.sqrt(12))


def test_a_pixel_of_the_input_is_lesion_where_half_of_it_is_and_a_tiny_lesion_is_somewhere() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[:4, :2], mask[4:, 4:7] = True, True
    assert on_input_grid(mask, 4).tolist() == [[True, False], [False, True]]
    mask[:] = False
    mask[5, 6] = True
    assert on_input_grid(mask, 4).tolist() == [[False, False], [False, True]]
