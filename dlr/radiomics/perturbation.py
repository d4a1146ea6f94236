"""Seeded perturbation of an outline, in place of a second reader.

Four kinds after Zwanenburg et al. 2019 (Sci Rep 9:614): the ROI shrinks, grows, moves, or its contour wanders. Sizes
are fractions of the ROI's equivalent radius, at least a voxel, and about what two readers differ by (Dice near .9).
On a still everything happens within the slice.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from dlr.distance import signed_distance

__all__ = ["PERTURBATIONS", "Perturbation", "equivalent_radius", "perturb_mask"]

Perturbation = Literal["erode", "dilate", "shift", "contour"]
PERTURBATIONS: tuple[Perturbation, ...] = get_args(Perturbation)

DEPTH = (0.04, 0.08)  # of the equivalent radius: how far the border moves, or the ROI is shifted
WANDER = 0.06  # standard deviation of the contour's displacement
CORRELATION = 0.3  # over which length neighbouring points of the contour wander together


def perturb_mask(
    mask: np.ndarray, spacing: tuple[float, float, float], rng: np.random.Generator, kind: Perturbation
) -> np.ndarray:
    """The mask as another reader might have drawn it; bool, same grid, never empty.

    mask : bool (z, y, x), not empty.  spacing : mm (z, y, x).
    At least the inner half of the ROI stays when it shrinks or wanders.
    """
    axes = tuple(axis for axis, size in enumerate(mask.shape) if size > 1)
    if not axes:
        return mask.copy()
    edges = np.array(spacing, dtype=float)[list(axes)]
    flat = mask.reshape([mask.shape[axis] for axis in axes])
    radius = equivalent_radius(mask, spacing)
    box = _box(flat, edges, reach=4 * radius * max(WANDER, DEPTH[1]))
    out = flat.copy()
    out[box] = _perturbed(flat[box], edges, radius, rng, kind)
    if not out.any():  # a few voxels at the image's edge, moved out of it
        out = flat.copy()
    return out.reshape(mask.shape)


def _perturbed(
    roi: np.ndarray, edges: np.ndarray, radius: float, rng: np.random.Generator, kind: Perturbation
) -> np.ndarray:
    distance = _distance(roi, edges)
    depth = max(rng.uniform(*DEPTH) * radius, float(edges.min()))
    core = distance <= np.quantile(distance[roi], 0.5)
    match kind:
        case "erode":
            return (distance <= -depth) | core
        case "dilate":
            return distance <= depth
        case "shift":
            direction = rng.standard_normal(roi.ndim)
            step = direction / np.linalg.norm(direction) * depth / edges  # in voxels
            moved = shift(distance, step, order=1, mode="nearest")
            return moved <= 0
        case "contour":
            width = CORRELATION * radius / edges
            field = gaussian_filter(rng.standard_normal(roi.shape), width, mode="wrap")
            field *= max(WANDER * radius, float(edges.min())) / max(float(field.std()), 1e-300)
            return (distance <= field) | core


def _distance(roi: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Distance to the ROI's border in mm, negative inside; the image's edge counts as border."""
    signed = signed_distance(np.pad(roi, 1), edges, np.float64)[(slice(1, -1),) * roi.ndim]
    half = float(edges.min()) / 2  # the border lies between voxels, not on the first one
    return signed - np.copysign(half, signed)


def equivalent_radius(mask: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Radius in mm of the disk (on a still) or ball of the ROI's size; mask bool (z, y, x), spacing mm (z, y, x)."""
    edges = np.array([edge for edge, size in zip(spacing, mask.shape, strict=True) if size > 1], dtype=float)
    size = int(mask.sum()) * float(edges.prod())
    match len(edges):
        case 1:
            return size / 2
        case 2:
            return float(np.sqrt(size / np.pi))
        case _:
            return float(np.cbrt(3 * size / (4 * np.pi)))


def _box(roi: np.ndarray, edges: np.ndarray, reach: float) -> tuple[slice, ...]:
    """The ROI's box with a margin of `reach` mm and two voxels."""
    margins = np.ceil(reach / edges).astype(int) + 2
    return tuple(
        slice(max(int(where.min()) - margin, 0), int(where.max()) + margin + 1)
        for where, margin in zip(np.nonzero(roi), margins, strict=True)
    )
