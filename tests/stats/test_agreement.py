"""Dice and the 95 % Hausdorff distance: hand-worked squares, a slow twin, MONAI, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from dlr.errors import InputError
from dlr.stats import dice, hausdorff95


def square(size: int, at: tuple[int, int], grid: tuple[int, int] = (20, 20)) -> np.ndarray:
    mask = np.zeros(grid, dtype=bool)
    mask[at[0] : at[0] + size, at[1] : at[1] + size] = True
    return mask


def blobs(seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    distance = np.sqrt(sum((g - s / 2) ** 2 for g, s in zip(np.indices(shape), shape, strict=True)))
    return tuple(distance + rng.normal(0, 0.7, shape) < min(shape) / 3 for _ in range(2))


def slow_hausdorff95(a: np.ndarray, b: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Every border voxel against every other: a border voxel has a neighbour across a face that is outside."""

    def border(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1)
        inner = np.ones_like(mask)
        for axis in range(mask.ndim):
            for step in (-1, 1):
                inner &= np.roll(padded, step, axis)[(slice(1, -1),) * mask.ndim]
        return np.argwhere(mask & ~inner) * np.array(spacing)

    distances = cdist(border(a), border(b))
    return max(np.percentile(distances.min(axis=1), 95), np.percentile(distances.min(axis=0), 95))


def test_half_overlapping_squares_have_dice_one_half() -> None:
    assert dice(square(4, (0, 0)), square(4, (0, 2))) == 0.5


def test_a_shifted_square_is_as_far_as_its_shift() -> None:
    """3 pixels along the second axis; the trailing side is the far one and holds over 5 % of the border."""
    a, b = square(6, (5, 5)), square(6, (5, 8))
    assert hausdorff95(a, b) == 3
    assert hausdorff95(a, b, spacing=(0.2, 0.5)) == pytest.approx(1.5)
    assert hausdorff95(a, b, spacing=(2.0, 0.1)) == pytest.approx(0.3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(14, 11), (9, 10, 8)]))
def test_hausdorff_equals_the_slow_twin(seed: int, shape: tuple[int, ...]) -> None:
    a, b = blobs(seed, shape)
    spacing = (1.5, 0.3, 0.7)[: len(shape)]
    if a.any() and b.any():
        assert hausdorff95(a, b, spacing) == pytest.approx(slow_hausdorff95(a, b, spacing), abs=1e-12)


@pytest.mark.slow  # imports torch
@pytest.mark.parametrize("shape", [(24, 30), (12, 16, 14)])
def test_hausdorff_equals_monai(shape: tuple[int, ...]) -> None:
    metrics = pytest.importorskip("monai.metrics", reason="monai is an optional extra")
    torch = pytest.importorskip("torch")
    a, b = blobs(7, shape)
    spacing = (1.5, 0.3, 0.7)[: len(shape)]
    theirs = metrics.compute_hausdorff_distance(
        *(torch.tensor(m[None, None].astype(float)) for m in (a, b)), percentile=95, spacing=spacing
    )
    assert hausdorff95(a, b, spacing) == pytest.approx(float(theirs), abs=1e-5)  # theirs is float32


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_agreement_is_symmetric_and_perfect_with_itself(seed: int) -> None:
    a, b = blobs(seed, (13, 12))
    assert dice(a, b) == dice(b, a) and 0 <= dice(a, b) <= 1
    assert hausdorff95(a, b) == hausdorff95(b, a) >= 0
    assert dice(a, a) == 1 and hausdorff95(a, a) == 0


def test_a_still_as_one_slice_has_the_distance_of_the_still() -> None:
    a, b = blobs(3, (15, 12))
    assert hausdorff95(a[None], b[None], (9.0, 0.2, 0.3)) == hausdorff95(a, b, (0.2, 0.3))


def test_empty_masks_have_no_agreement() -> None:
    empty, full = square(0, (0, 0)), square(4, (3, 3))
    assert np.isnan(dice(empty, empty)) and dice(empty, full) == 0
    assert np.isnan(hausdorff95(empty, full)) and np.isnan(hausdorff95(empty, empty))


def test_masks_of_two_grids_and_wrong_spacing_are_refused() -> None:
    a = square(4, (2, 2))
    for call in (dice, hausdorff95):
        with pytest.raises(InputError, match="grid"):
            call(a, a[:-1])
    for spacing in ((1.0,), (1.0, 0.0), (1.0, -1.0), (1.0, np.nan)):
        with pytest.raises(InputError, match="positive length"):
            hausdorff95(a, a, spacing)
