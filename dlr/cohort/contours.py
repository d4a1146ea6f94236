"""Outlines that were drawn and not filled: told from lesions by how thin they are for what they enclose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError

__all__ = ["as_filled", "is_thin"]

THIN = 2.5  # voxels from a contour's middle to its edge, at most: a pen of four


def as_filled(roi: np.ndarray, path: Path, settings: CohortSettings) -> tuple[np.ndarray, list[str]]:
    """An ROI (bool (z, y, x)) that is a lesion's outline alone is refused, filled or kept, as `cohort.contour` says.

    Slice by slice: holes are filled; an outline is nowhere thicker than four voxels and encloses more than it holds. A
    rim of tissue is thicker, a hole in a lesion smaller. Raises InputError under "refuse".
    """
    boxed = ndimage.find_objects(roi.view(np.uint8))
    if settings.contour == "keep" or not boxed:
        return roi, []
    part = roi[boxed[0]]
    filled = np.stack([ndimage.binary_fill_holes(one) for one in part])
    drawn, inside = int(np.count_nonzero(part)), int(np.count_nonzero(filled))
    if inside - drawn <= drawn or _thickest(part) > THIN:
        return roi, []
    if settings.contour == "refuse":
        raise InputError(
            str(path),
            f"the outline is not filled: {drawn} voxels are drawn, {inside - drawn} lie inside",
            "fill it, or set cohort.contour: fill (keep, if the rim itself is the ROI)",
        )
    whole = roi.copy()
    whole[boxed[0]] = filled
    return whole, [f"the outline was filled: {drawn} voxels drawn, {inside - drawn} inside"]


def is_thin(roi: np.ndarray) -> bool:
    """Whether an ROI is a line or single voxels: no voxel of it has all its neighbours in the slice."""
    boxed = ndimage.find_objects(roi.view(np.uint8))
    return bool(boxed) and not any(ndimage.binary_erosion(one).any() for one in roi[boxed[0]])


def _thickest(part: np.ndarray) -> float:
    """Voxels from the middle of the thickest place to its edge, in any slice."""
    return max(float(ndimage.distance_transform_edt(np.pad(one, 1)).max()) for one in part)
