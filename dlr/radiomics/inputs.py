"""Image and ROI as every engine takes them, and the checks that are the same for all engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlr.errors import InputError
from dlr.radiomics.columns import InputKind

__all__ = ["Inputs", "as_volume", "check_input", "check_roi", "chosen_label", "kind_of", "roi_of"]

WHERE = "image and mask"


@dataclass(frozen=True)
class Inputs:
    """One image and its ROI."""

    image: np.ndarray  # float64 (z, y, x); a still has one slice
    mask: np.ndarray  # bool (z, y, x)
    spacing: tuple[float, float, float]  # mm (z, y, x)
    notes: tuple[str, ...] = ()


def as_volume(given: Any) -> tuple[np.ndarray, tuple[float, float, float]]:
    """An array (z, y, x) or (y, x), alone or with its spacing, as (z, y, x); edges of 1 where it gives none."""
    array, spacing = given if isinstance(given, tuple) else (np.asarray(given), (1.0,) * np.ndim(given))
    if array.ndim == 2:
        return array[np.newaxis], (1.0, *(float(edge) for edge in spacing[-2:]))  # type: ignore[return-value]
    return array, tuple(float(edge) for edge in spacing)  # type: ignore[return-value]


def roi_of(labels: np.ndarray, label: int, where: str) -> np.ndarray:
    """The ROI in an array of labels, bool; fractions would be cut to whole numbers by others, so they are refused."""
    if labels.dtype == bool:
        return labels
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
        raise InputError(where, "the mask holds fractions", "save it with whole-number labels (no interpolation)")
    present = np.unique(labels)
    return np.asarray(labels == chosen_label(present[present != 0].tolist(), label, where))


def chosen_label(present: Sequence[float], label: int, where: str) -> float:
    """The number of the ROI in a mask: the profile's `label` where it is there, else the only one that there is.

    present : the numbers in the mask without 0. A profile that asks for another label than 1, which parameter files
    have without anybody's asking, is not given what it did not ask for.
    """
    if label in present:
        return label
    if len(present) == 1 and label == 1:
        return present[0]
    named = ", ".join(f"{value:g}" for value in present[:10])
    raise InputError(
        where,
        f"the mask holds no label {label}" + (f", but {named}" if named else ": it is empty"),
        "set label in the profile, or outline the lesion",
    )


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
