"""Simulated low resolution: blur in grey levels, block means, speckle of a logarithmic scale, rounding."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.randomness import rng
from dlr.superres import DegradationSettings, degraded, draw
from dlr.superres.degradation import Drawn, speckle

SETTINGS = DegradationSettings()
CLEAN = 1e12  # looks that leave no noise


def test_a_point_becomes_the_product_of_two_gaussians_summed_over_blocks() -> None:
    truth = np.zeros((48, 48), dtype=np.float32)
    truth[20, 25] = 1
    found = degraded(truth, 4, Drawn(1.0, 2.0, CLEAN, None), SETTINGS, rng(0)).clean
    depth = np.exp(-0.5 * (np.arange(48) - 20) ** 2 / 1.0**2)
    across = np.exp(-0.5 * (np.arange(48) - 25) ** 2 / 2.0**2)
    wanted = np.outer(depth / depth.sum(), across / across.sum()).reshape(12, 4, 12, 4).mean(axis=(1, 3))
    assert found.shape == (12, 12) and found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=2e-5)  # scipy cuts the kernel at 4 SD, 6e-5 of its area


def test_the_mean_grey_level_is_kept() -> None:
    truth = rng(1).uniform(0.3, 0.7, (400, 400)).astype(np.float32)
    for looks in (10, 40):
        low = degraded(truth, 4, Drawn(1.2, 1.8, looks, None), SETTINGS, rng(looks)).low
        assert abs(low.mean() - truth.mean()) * 255 < 0.15  # 3 standard errors: 5.4 levels of noise over 10,000 pixels


@pytest.mark.parametrize(("looks", "levels"), [(10, 5.99), (40, 2.94)])
def test_speckle_has_the_spread_of_so_many_looks(looks: float, levels: float) -> None:
    # by hand: psi'(10) = .105166, psi'(40) = .025315; 255 * 10 / (ln 10 * 60) = 18.457 levels a neper
    found = speckle((300, 300), looks, 60.0, rng(2)) * 255
    assert found.std() == pytest.approx(levels, rel=0.015)  # 4 standard errors of an SD of 90,000 values are 1 %
    assert abs(found.mean()) < 4 * levels / 300


def test_half_the_dynamic_range_shows_twice_the_speckle() -> None:
    np.testing.assert_allclose(speckle((5, 5), 20, 30.0, rng(3)), 2 * speckle((5, 5), 20, 60.0, rng(3)))


def test_black_stays_black_and_levels_are_whole() -> None:
    truth = np.zeros((64, 64), dtype=np.float32)
    truth[:, 40:] = 0.5
    low = degraded(truth, 2, Drawn(0.8, 1.2, 10, None), SETTINGS, rng(4)).low
    assert (low[:, :10] == 0).all() and low[:, 24:].std() > 0
    np.testing.assert_allclose(low * 255, np.rint(low * 255), atol=1e-4)
    assert low.min() >= 0 and low.max() <= 1


def test_rows_and_columns_beyond_a_multiple_of_the_scale_are_left_out() -> None:
    found = degraded(np.full((43, 30), 0.5, np.float32), 4, Drawn(1, 1, 20, None), SETTINGS, rng(5))
    assert found.low.shape == found.clean.shape == (10, 7)


def test_jpeg_of_low_quality_changes_more_than_of_high() -> None:
    truth = rng(6).random((128, 128)).astype(np.float32)
    plain, good, poor = (
        degraded(truth, 4, Drawn(1, 1, 20, quality), SETTINGS, rng(7)).low for quality in (None, 95, 20)
    )
    assert 0 < np.abs(good - plain).mean() < np.abs(poor - plain).mean() / 2


def test_draws_stay_in_their_ranges_and_reach_them() -> None:
    settings = DegradationSettings(axial=(1, 2), lateral=(3, 4), looks=(5, 6), jpeg=(70, 71))
    generator = rng(8)
    drawn = [draw(generator, settings) for _ in range(200)]
    for name, (low, high) in {"axial": (1, 2), "lateral": (3, 4), "looks": (5, 6)}.items():
        values = [getattr(one, name) for one in drawn]
        assert low <= min(values) < low + 0.1 and high - 0.1 < max(values) <= high
    assert {one.jpeg for one in drawn} == {70, 71}
    assert draw(generator, SETTINGS).jpeg is None
