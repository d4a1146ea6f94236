"""PSNR and SSIM by region."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.superres.fidelity import psnr, rim_of, ssim_map


def test_an_error_of_a_tenth_is_20_decibels_and_only_the_region_counts() -> None:
    truth, region = np.full((8, 10), 0.5, dtype=np.float32), np.zeros((8, 10), dtype=bool)
    region[2:5, 3:7] = True
    output = np.where(region, truth + 0.1, truth + 0.4)
    assert psnr(truth, output, region) == pytest.approx(20.0, abs=1e-5)  # 10 log10(1 / .1^2); float32
    assert psnr(truth, output, ~region) == pytest.approx(20 * np.log10(1 / 0.4), abs=1e-5)


def test_the_exact_image_has_the_psnr_of_rounding_and_not_infinity() -> None:
    truth = np.full((8, 8), 0.25, dtype=np.float32)
    assert psnr(truth, truth, truth > 0) == pytest.approx(20 * np.log10(255 * np.sqrt(12)))


def test_the_map_is_wangs_formula_in_windows_of_seven() -> None:
    draws = np.random.default_rng(1)
    truth = draws.random((20, 24)).astype(np.float32)
    output = np.clip(truth + 0.2 * draws.standard_normal(truth.shape), 0, 1).astype(np.float32)
    a, b = (image[5:12, 9:16].astype(float).ravel() for image in (truth, output))  # around row 8, column 12
    c1, c2, cov = 0.01**2, 0.03**2, np.cov(a, b)
    expected = (2 * a.mean() * b.mean() + c1) * (2 * cov[0, 1] + c2)
    expected /= (a.mean() ** 2 + b.mean() ** 2 + c1) * (cov[0, 0] + cov[1, 1] + c2)
    assert ssim_map(truth, output)[8, 12] == pytest.approx(expected, abs=1e-5)  # float32
    assert ssim_map(truth, truth) == pytest.approx(np.ones(truth.shape), abs=1e-6)


def test_the_rim_is_eight_pixels_to_either_side_of_the_outline() -> None:
    lesion = np.zeros((80, 80), dtype=bool)
    lesion[20:60, 20:60] = True
    rim = rim_of(lesion)
    assert np.flatnonzero(rim[40]).tolist() == [*range(12, 28), *range(52, 68)]
    assert not rim[12, 12]  # round the corner it is farther than 8
