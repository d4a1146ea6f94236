"""Checks of one image and ROI, the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlr.errors import InputError
from dlr.radiomics.columns import InputKind

__all__ = ["check_input", "check_roi", "kind_of"]

WHERE = "image and mask"


def check_input(image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Refuse what no engine can measure.

    image : (z, y, x), every voxel finite.  mask : bool (z, y, x), not empty.  spacing : mm (z, y, x), positive.
    """
    if image.ndim != 3:
        raise InputError(WHERE, f"the image has {image.ndim} axes", "give (z, y, x); a still has one slice")
    if image.shape != mask.shape:
        raise InputError(
            WHERE,
            f"mask grid {mask.shape} differs from image grid {image.shape}",
            "resample the mask to the image, or name the right mask file",
        )
    if len(spacing) != 3 or not all(np.isfinite(edge) and edge > 0 for edge in spacing):
        raise InputError(WHERE, f"voxel edges {spacing} are not three positive lengths", "give them in mm (z, y, x)")
    if not mask.any():
        raise InputError(WHERE, "the mask is empty", "outline the lesion, or check mask_label")
    broken = ~np.isfinite(image)
    if broken.any():
        inside = int((broken & mask).sum())
        raise InputError(
            WHERE,
            f"{int(broken.sum())} voxels are NaN or infinite, {inside} of them in the ROI",
            "replace them by the background's value before measuring",
        )


def check_roi(mask: np.ndarray, settings: Mapping[str, Any]) -> None:
    """Refuse a ROI that is smaller than the profile allows (after resampling and resegmentation).

    mask : bool (z, y, x), not empty.  As in pyradiomics, a ROI of exactly `minimumROISize` voxels is too small.
    """
    voxels = np.count_nonzero(mask)
    if voxels == 1:
        raise InputError(WHERE, "the ROI is a single voxel", "outline the lesion, or exclude the case")
    spanned = sum(np.count_nonzero(mask.any(axis=others)) > 1 for others in ((1, 2), (0, 2), (0, 1)))
    wanted = settings["minimumROIDimensions"]
    if spanned < wanted:
        raise InputError(
            WHERE,
            f"the ROI spans {spanned} of the {wanted} dimensions that minimumROIDimensions asks for",
            "outline the whole lesion, exclude the case, or lower minimumROIDimensions in the profile",
        )
    smallest = settings["minimumROISize"]
    if smallest is not None and voxels <= smallest:
        raise InputError(
            WHERE,
            f"the ROI has {voxels} voxels; minimumROISize asks for more than {smallest}",
            "outline the whole lesion, exclude the case, or lower minimumROISize in the profile",
        )


def kind_of(image: np.ndarray) -> InputKind:
    """A still has one slice.  image : (z, y, x)."""
    return InputKind.STILL if image.shape[0] == 1 else InputKind.VOLUME
