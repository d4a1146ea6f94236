"""Agreement of two outlines of one lesion: overlap and distance of their borders, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

from dlr.errors import InputError

__all__ = ["dice", "hausdorff95", "surface_distances"]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """2 |A ∩ B| / (|A| + |B|) of two bool masks of one shape; NaN where both are empty."""
    first, second = _masks(a, b)
    both = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / both if both else float("nan")


def hausdorff95(a: np.ndarray, b: np.ndarray, spacing: Sequence[float] | None = None) -> float:
    """The larger of the two directed 95th percentiles of border distances, in mm; NaN where a mask is empty.

    a, b : bool, one shape.  spacing : mm an axis, in the masks' order of axes; None counts pixels.
    The border is every voxel with a face on the outside; percentiles interpolate linearly.
    """
    first, second = _masks(a, b)
    if not (first.any() and second.any()):
        return float("nan")
    there, back = surface_distances(first, second, spacing)
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))


def surface_distances(
    a: np.ndarray, b: np.ndarray, spacing: Sequence[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each border voxel of a to the border of b, and of each of b to that of a; neither may be empty."""
    first, second = _masks(a, b)
    steps = np.ones(first.ndim) if spacing is None else np.asarray(spacing, dtype=float)
    if steps.shape != (first.ndim,) or not (np.isfinite(steps).all() and (steps > 0).all()):
        raise InputError("spacing", f"{spacing} for masks of {first.ndim} axes", "give one positive length an axis")
    box = _joint_box(first, second)
    flat = tuple(axis for axis, extent in enumerate(first.shape) if extent == 1)  # a still has no borders across
    first, second = np.squeeze(first[box], flat), np.squeeze(second[box], flat)
    steps = np.delete(steps, flat)
    border_a, border_b = (mask & ~binary_erosion(mask) for mask in (first, second))
    to_b = distance_transform_edt(~border_b, sampling=steps)
    to_a = distance_transform_edt(~border_a, sampling=steps)
    return to_b[border_a], to_a[border_b]


def _masks(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(a), np.asarray(b)
    if first.shape != second.shape:
        raise InputError("two masks", f"shapes {first.shape} and {second.shape}", "bring both onto the image's grid")
    return first.astype(bool), second.astype(bool)


def _joint_box(a: np.ndarray, b: np.ndarray) -> tuple[slice, ...]:
    """The smallest box that holds both masks: distances inside it are the same, and much sooner there."""
    where = np.nonzero(a | b)
    if not len(where[0]):
        raise InputError("two masks", "both are empty", "leave the distance out")
    return tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in where)
