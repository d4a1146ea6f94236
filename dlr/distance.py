"""Signed distance from a lesion's surface, by which regions are told apart, outlines wander and lesions are drawn."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

__all__ = ["signed_distance"]


def signed_distance(
    mask: np.ndarray, spacing: tuple[float, ...] | np.ndarray, precision: type[np.floating] = np.float32
) -> np.ndarray:
    """Distances in mm, of the mask's shape: exact, between the centres of voxels.

    mask : bool, (z, y, x) or fewer axes, the ROI.  spacing : mm, an edge an axis.  precision : of the result.
    Outside, to the nearest voxel of the ROI, above 0; inside, to the nearest voxel outside, below 0. Without a ROI
    +inf everywhere, without anything else -inf.
    """
    roi = np.asarray(mask) != 0
    if roi.all() or not roi.any():
        return np.full(roi.shape, -np.inf if roi.any() else np.inf, dtype=precision)
    out, inside = (distance_transform_edt(part, sampling=spacing) for part in (~roi, roi))
    return (out - inside).astype(precision)
