"""Small changes of training volumes, drawn by case and epoch, made on the device.

Kinds after Huang et al. 2024 (rotation, flip, translation); ranges of rotation, brightness and gamma after nnU-Net
(Isensee et al. 2021). The lesion is not zoomed: its size in the crop is a finding. Flips go left to right alone: depth
keeps its direction, as the beam does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn import functional

__all__ = ["Move", "draw_move", "moved", "toned"]

ROTATED, TURN = 0.2, np.deg2rad(30)  # how often, and by how much at most
SHIFTED, SHIFT = 0.5, 0.1  # of each edge
FLIPPED = 0.5
BRIGHTENED, GAIN = 0.15, (0.75, 1.25)
CURVED, GAMMA = 0.3, (0.7, 1.5)
THICK = 2.0  # slices so much thicker than their pixels are turned in their plane alone


@dataclass(frozen=True)
class Move:
    """One change of one volume."""

    matrix: np.ndarray  # float32 (3, 4): where a new voxel looks; torch's coordinates x, y, z from -1 to 1
    gain: float
    gamma: float


def draw_move(generator: np.random.Generator, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Move:
    """A move of a volume with this grid (slices, rows, columns; mm): a pure function of the generator's seed.

    Turned about all three axes, in mm; where slices are thicker than twice their pixels in their plane alone, since
    between them nothing was seen.
    """
    turns, turned = generator.uniform(-TURN, TURN, 3), generator.random() < ROTATED
    shift, shifted = generator.uniform(-SHIFT, SHIFT, 3) * 2, generator.random() < SHIFTED
    flip = generator.random() < FLIPPED
    gain, brightened = generator.uniform(*GAIN), generator.random() < BRIGHTENED
    gamma, curved = generator.uniform(*GAMMA), generator.random() < CURVED
    if spacing[0] > THICK * max(spacing[1:]):
        turns[:2] = 0  # about x and y
    rotation = _rotation(*turns) if turned else np.eye(3)
    half = np.multiply(shape, spacing)[::-1] / 2  # mm, x y z
    linear = rotation * half / half[:, None] * [-1.0 if flip else 1.0, 1.0, 1.0]
    matrix = np.column_stack([linear, shift if shifted else np.zeros(3)])
    return Move(matrix.astype(np.float32), float(gain) if brightened else 1.0, float(gamma) if curved else 1.0)


def _rotation(x: float, y: float, z: float) -> np.ndarray:
    """Turns about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def moved(grey: Tensor, mask: Tensor | None, matrix: Tensor) -> tuple[Tensor, Tensor | None]:
    """Volumes (B, 1, D, H, W) and their masks (B, M, D, H, W) through matrices (B, 3, 4): trilinear, and nearest.

    Nearest keeps masks of 0 and 1, regions disjoint and each voxel's region that of its grey. What lies outside is as
    the border.
    """
    grid = functional.affine_grid(matrix, list(grey.shape), align_corners=False)
    seen = functional.grid_sample(grey, grid, "bilinear", "border", align_corners=False)
    if mask is None:
        return seen, None
    return seen, functional.grid_sample(mask.float(), grid, "nearest", "border", align_corners=False)


def toned(grey: Tensor, limits: Tensor, gain: Tensor, gamma: Tensor) -> Tensor:
    """Grey (B, 1, D, H, W) in its own unit: as shares of the limits (2,), to the power gamma (B,), times gain (B,)."""
    low, high = limits[0], limits[1]
    share = ((grey - low) / (high - low)).clamp(0, 1)
    return low + (high - low) * (share ** _column(gamma) * _column(gain)).clamp(0, 1)


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None, None]
