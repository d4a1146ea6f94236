"""Moves of training volumes: pure, in mm, the same for grey and mask."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dlr.randomness import rng  # noqa: E402
from dlr.volume import augmentation  # noqa: E402
from dlr.volume.augmentation import draw_move, moved, toned  # noqa: E402

SHAPE, SPACING = (12, 24, 20), (1.0, 0.5, 0.6)


def draws(n: int = 300, spacing: tuple[float, float, float] = SPACING) -> list[augmentation.Move]:
    return [draw_move(rng(1, "augmentation", "case", k), SHAPE, spacing) for k in range(n)]


def linear_in_mm(move: augmentation.Move, spacing: tuple[float, float, float] = SPACING) -> np.ndarray:
    """The matrix without its scaling by the volume's edges, x y z."""
    half = np.multiply(SHAPE, spacing)[::-1] / 2
    return move.matrix[:, :3] / half * half[:, None]


def test_a_move_depends_on_seed_case_and_epoch_only() -> None:
    first, again, other = (draw_move(rng(1, "augmentation", "case", k), SHAPE, SPACING) for k in (3, 3, 4))
    assert np.array_equal(first.matrix, again.matrix) and (first.gain, first.gamma) == (again.gain, again.gamma)
    assert not np.array_equal(first.matrix, other.matrix)


def test_turns_are_rigid_in_mm_of_30_degrees_at_most_and_flips_go_left_to_right() -> None:
    flipped = turned = 0
    for move in draws():
        linear = linear_in_mm(move)
        assert linear @ linear.T == pytest.approx(np.eye(3), abs=1e-5)
        flip = np.linalg.det(linear) < 0
        rotation = linear * [-1 if flip else 1, 1, 1]
        assert np.trace(rotation) >= 1 + 2 * np.cos(3 * np.deg2rad(30))  # three turns of 30° at most
        flipped, turned = flipped + flip, turned + (np.abs(rotation - np.eye(3)).max() > 1e-4)
        assert np.abs(move.matrix[:, 3]).max() <= 0.2 + 1e-6
        assert 0.75 <= move.gain <= 1.25 and 0.7 <= move.gamma <= 1.5
    assert 0.4 < flipped / 300 < 0.6 and 0.14 < turned / 300 < 0.26  # three standard errors
    changed = [np.mean([getattr(move, name) != 1 for move in draws()]) for name in ("gain", "gamma")]
    assert changed == pytest.approx([0.15, 0.3], abs=0.08)
    assert np.mean([move.matrix[0, 3] != 0 for move in draws()]) == pytest.approx(0.5, abs=0.09)


def test_thick_slices_are_turned_in_their_plane_alone() -> None:
    """Slices of 1.3 mm over pixels of .5 and .6 may be turned out of it, of 1.21 and more than double not."""
    for spacing, planar in (((1.21, 0.5, 0.6), True), ((1.19, 0.5, 0.6), False)):
        out = [np.abs(linear_in_mm(move, spacing)[2, :2]).max() for move in draws(60, spacing)]
        assert (max(out) < 1e-6) == planar


def see(grey: torch.Tensor, matrix: list[list[float]]) -> tuple[torch.Tensor, torch.Tensor]:
    return moved(grey[None, None], grey[None, None] > 1, torch.tensor([matrix]))


IDENTITY = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]]


def test_flip_and_shift_by_hand() -> None:
    grey = torch.arange(2 * 3 * 4.0).reshape(2, 3, 4) / 8
    same, mask = see(grey, IDENTITY)
    assert torch.allclose(same[0, 0], grey, atol=1e-6) and torch.equal(mask[0, 0], (grey > 1).float())
    mirrored, mask = see(grey, [[-1.0, 0, 0, 0], *IDENTITY[1:]])
    assert torch.allclose(mirrored[0, 0], grey.flip(2), atol=1e-6)
    assert torch.equal(mask[0, 0], (grey > 1).float().flip(2))
    shifted, mask = see(grey, [[1.0, 0, 0, 0.5], *IDENTITY[1:]])  # a quarter of the edge: one column; border repeated
    assert torch.allclose(shifted[0, 0], grey[:, :, [1, 2, 3, 3]], atol=1e-6)
    assert torch.equal(mask[0, 0], (grey[:, :, [1, 2, 3, 3]] > 1).float())


def test_a_quarter_turn_by_hand() -> None:
    """About the slices' axis, on a square grid: the columns become rows; the order of slices stays."""
    grey = torch.rand(2, 5, 5)
    seen, mask = see(grey * 2, [[0, -1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 1.0, 0]])
    assert torch.allclose(seen[0, 0], torch.rot90(grey * 2, 1, (1, 2)), atol=1e-5)
    assert torch.equal(mask[0, 0], torch.rot90(grey * 2 > 1, 1, (1, 2)).float())


def test_grey_and_mask_move_together_and_the_mask_stays_a_mask() -> None:
    """A blob's centre of grey is that of its mask after every move; the mask keeps its two values and its volume."""
    shape, spacing = (20, 40, 30), (1.0, 0.5, 0.6)
    place = (np.indices(shape) + 0.5) * np.reshape(spacing, (3, 1, 1, 1))
    mask = torch.from_numpy(((place - np.reshape([11, 9, 10], (3, 1, 1, 1))) ** 2).sum(axis=0) < 16)
    grey = torch.where(mask, 50.0, 0.0)
    for k in range(40):
        matrix = torch.from_numpy(draw_move(rng(2, k), shape, spacing).matrix)[None]
        seen, roi = moved(grey[None, None], mask[None, None], matrix)
        assert set(roi.unique().tolist()) <= {0.0, 1.0}
        assert roi.sum().item() == pytest.approx(mask.sum().item(), rel=0.03)
        middles = [
            [float((image.sum(dim=tuple({0, 1, 2} - {a})) * torch.arange(image.shape[a])).sum()) for a in range(3)]
            for image in (seen[0, 0] / seen.sum(), roi[0, 0] / roi.sum())
        ]
        assert middles[0] == pytest.approx(middles[1], abs=0.51)  # nearest is off by half a voxel at most


def test_gain_and_gamma_by_hand_within_the_limits() -> None:
    """Limits 100 and 200: 150 is .5, squared .25, times 1.2 is .3, so 130; beyond the limits it is cut."""
    grey = torch.tensor([150.0, 90.0, 210.0]).reshape(1, 1, 1, 1, 3)
    limits = torch.tensor([100.0, 200.0])
    found = toned(grey, limits, torch.tensor([1.2]), torch.tensor([2.0]))
    assert found.flatten().tolist() == pytest.approx([130.0, 100.0, 200.0])
    same = toned(grey, limits, torch.tensor([1.0]), torch.tensor([1.0]))
    assert same.flatten().tolist() == pytest.approx([150.0, 100.0, 200.0])
