"""Outlines as people save them: 0/1, 0/255, several labels, RGB, palettes, JPEG with blurred edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from dlr.cohort.decoded import Decoded
from dlr.cohort.formats import LARGEST, decode
from dlr.cohort.segments import chosen
from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError

__all__ = ["Labels", "labels_in", "read_labels", "select_roi"]

_BLURRED_SHARE = 0.2  # of all voxels: above, it is a picture


@dataclass(frozen=True)
class Labels:
    """A mask's samples, one a voxel."""

    array: np.ndarray  # (z, y, x)
    decoded: Decoded
    notes: tuple[str, ...]


def read_labels(
    path: Path,
    largest: int = LARGEST,
    label: int | str | None = "any",
    segment: str | None = None,
    onto: Decoded | None = None,
) -> Labels:
    """The samples of a mask file; of named segments those of `segment` or `label` alone.

    onto : the image that it outlines.  Raises InputError where it cannot be read, or holds a picture instead of a mask.
    """
    decoded = decode(path, labels=True, largest=largest, onto=onto)
    array, notes = decoded.array, list(decoded.notes)
    if segment is not None and not decoded.segments:
        mend = "name the ROI by its number (cohort.mask_label) and leave cohort.mask_segment away"
        raise InputError(str(path), f"a {decoded.format} file whose areas have no names", mend)
    if decoded.segments:
        array = chosen(path, decoded, label, segment)
        decoded = replace(decoded, array=array)
    elif array.ndim == 4:
        array, note = _one_channel(array, path, decoded.format == "JPEG")
        notes += note
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        raise InputError(str(path), "the mask holds NaN or infinite values", "save it as whole numbers, 0 outside")
    return Labels(array, decoded, tuple(notes))


def _one_channel(array: np.ndarray, path: Path, lossy: bool) -> tuple[np.ndarray, list[str]]:
    channels = [array[..., n] for n in range(3)]
    if all(np.array_equal(channels[0], c) for c in channels[1:]):
        return channels[0], []
    packed = array[..., 0].astype(np.int64) << 16 | array[..., 1].astype(np.int64) << 8 | array[..., 2]
    colours = np.unique(packed[packed > 0])
    if not lossy and len(colours) > 8:
        raise InputError(
            str(path),
            f"{len(colours)} colours: a picture, not a mask",
            "save the outlined area alone, white on black",
        )
    if not lossy and len(colours) > 1:
        named = ", ".join(f"#{c:06x} ({np.count_nonzero(packed == c)} voxels)" for c in colours.tolist())
        raise InputError(str(path), f"areas in {len(colours)} colours: {named}", "save one area, white on black")
    return array.max(axis=-1), ["its one colour was read as the ROI"]


def select_roi(
    labels: Labels, label: int | str | None, path: Path, settings: CohortSettings
) -> tuple[np.ndarray, list[str]]:
    """The ROI (bool, shape of the labels) and what is to be said of it.

    label : a number, "any" (everything above 0) or None (the only label there is).
    A mask with blurred values is cut at half of its maximum where few are blurred, with a note.
    Raises InputError where the ROI is empty, fills the picture, is ambiguous or blurred beyond
    settings.mask_blur_limit.
    """
    array = labels.array
    present = _values(array)
    if not present:
        raise InputError(str(path), "the mask is empty", "outline the lesion, or exclude the case (exclude_reason)")
    if min(present) < 0:
        raise InputError(str(path), f"the mask holds negative values, from {min(present):g}", "save it with 0 outside")
    notes = list(labels.notes)
    if _is_blurred(array, present, labels.decoded.format == "JPEG"):
        roi = _cut(array, label, path, settings, notes)
    elif label == "any":
        roi = array > 0
    elif label is None:
        if len(present) > 1:
            raise InputError(
                str(path),
                f"several labels: {_listed(present)}",
                "name the ROI's: column mask_label or cohort.mask_label (a number, or any)",
            )
        roi = array > 0
    else:
        roi = array == label
        if not roi.any():
            raise InputError(
                str(path), f"label {label} is not in the mask; it holds {_listed(present)}", "set cohort.mask_label"
            )
    if roi.all():
        raise InputError(str(path), "the mask fills the picture", "save the lesion's outline, 0 outside")
    if roi[:, [0, 0, -1, -1], [0, -1, 0, -1]].all():
        notes.append("the mask holds all four corners: is it inverted?")
    return roi, notes


def labels_in(labels: Labels) -> tuple[float, ...] | None:
    """The numbers above and below 0 that a mask holds; None where its edges are blurred and none is a label."""
    present = _values(labels.array)
    if present and _is_blurred(labels.array, present, labels.decoded.format == "JPEG"):
        return None
    return tuple(present)


def _values(array: np.ndarray) -> dict[float, int]:
    """Nonzero values -> number of voxels."""
    if array.dtype == bool:
        return {1.0: int(np.count_nonzero(array))} if array.any() else {}
    if array.dtype == np.uint8:
        counts = np.bincount(array.ravel(), minlength=256)
        return {float(v): int(counts[v]) for v in np.flatnonzero(counts).tolist() if v}
    values, counts = np.unique(array, return_counts=True)
    return {float(v): int(c) for v, c in zip(values, counts, strict=True) if v != 0}


def _listed(present: dict[float, int]) -> str:
    shown = [f"{value:g} ({count} voxels)" for value, count in list(present.items())[:8]]
    return ", ".join(shown) + (f" and {len(present) - 8} more" if len(present) > 8 else "")


def _is_blurred(array: np.ndarray, present: dict[float, int], lossy: bool) -> bool:
    """Values that no one chose: a lossy file, fractions, or values that only stand along the edge of another's area.

    A label has an area: somewhere it fills a square of 3 x 3. Values between 0 and the highest that never do are the
    traces of a smooth edge (resizing, anti-aliasing).
    """
    if any(value != round(value) for value in present):
        return True
    if len(present) == 1:
        return False
    if lossy or len(present) > 32:
        return True
    lesser = [value for value in present if value < max(present)]
    return not any(_has_area(array == value) for value in lesser)


def _has_area(area: np.ndarray) -> bool:
    return bool(ndimage.binary_erosion(area, np.ones((1, 3, 3))).any())


def _cut(
    array: np.ndarray, label: int | str | None, path: Path, settings: CohortSettings, notes: list[str]
) -> np.ndarray:
    highest = float(array.max())
    if label not in (None, "any") and float(label) != highest:
        raise InputError(
            str(path),
            f"label {label} in a mask with blurred values between 0 and {highest:g}",
            "save the mask without smoothing (PNG, NIfTI, NRRD), labels as whole numbers",
        )
    roi = array >= highest / 2
    blurred = int(np.count_nonzero((array > 0.1 * highest) & (array < 0.9 * highest)))
    outline = int(np.count_nonzero(roi & ~ndimage.binary_erosion(roi, np.ones((1, 3, 3)))))
    if blurred > settings.mask_blur_limit * outline or blurred > _BLURRED_SHARE * array.size:
        raise InputError(
            str(path),
            f"{blurred} blurred pixels for an outline of {outline}: a picture or a smooth map, not a mask",
            "save the mask without smoothing (PNG, NIfTI, NRRD), or raise cohort.mask_blur_limit",
        )
    between = int(np.count_nonzero((array > 0) & (array < highest)))
    notes.append(f"blurred mask: {between} pixels between 0 and {highest:g}, cut at {highest / 2:g}")
    return roi
