"""The account of detail: recovered and invented."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.superres.detail import detail, fine

TRUE = np.array([[1.0, -1.0, 1.0, -1.0]])
OTHER = np.array([[1.0, 1.0, -1.0, -1.0]])  # no part of it is in TRUE
ALL = np.ones((1, 4), dtype=bool)


def test_half_true_and_half_other_detail_recovers_a_half_and_invents_a_quarter() -> None:
    found = detail(TRUE, 0.5 * TRUE + 0.5 * OTHER, ALL)  # variance .5 of 1, correlation^2 .5
    assert (found.recovered, found.invented) == pytest.approx((0.5, 0.25))


def test_the_truth_itself_invents_nothing_and_no_detail_neither() -> None:
    exact, none = detail(TRUE, TRUE, ALL), detail(TRUE, 0 * TRUE, ALL)
    assert (exact.recovered, exact.invented) == pytest.approx((1.0, 0.0))
    assert (none.recovered, none.invented) == (0.0, 0.0)


def test_the_truth_upside_down_is_all_invented() -> None:
    found = detail(TRUE, -2 * TRUE, ALL)
    assert (found.recovered, found.invented) == pytest.approx((0.0, 4.0))


def test_only_the_region_counts() -> None:
    region = np.array([[True, True, True, True, False]])
    output = np.append(TRUE + OTHER, [[9.0]], axis=1)
    found = detail(np.append(TRUE, [[5.0]], axis=1), output, region)
    assert (found.recovered, found.invented) == pytest.approx((0.5, 1.0))


def test_a_truth_without_fine_detail_has_no_account() -> None:
    found = detail(0 * TRUE, TRUE, ALL)
    assert np.isnan([found.recovered, found.invented]).all()


def test_what_averages_to_zero_over_every_block_is_fine_and_a_flat_image_has_nothing_fine() -> None:
    texture = np.tile(np.array([[0.2, -0.2], [-0.2, 0.2]], dtype=np.float32), (8, 8))
    assert fine(texture + np.float32(0.5), 4) == pytest.approx(texture, abs=1e-6)  # float32
    assert fine(np.full((16, 16), 0.3, dtype=np.float32), 2) == pytest.approx(np.zeros((16, 16)), abs=1e-6)
