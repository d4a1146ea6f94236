"""Outlines on their image's grid: one file of a case -> its ROI, checked against the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort import geometry
from dlr.cohort.contours import as_filled
from dlr.cohort.decoded import Decoded, Grid
from dlr.cohort.images import one_still
from dlr.cohort.lesions import LesionParts, lesion_parts
from dlr.cohort.masks import Labels, read_labels, select_roi
from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError

__all__ = ["Mask", "Outline", "frame_outlined", "mask_label", "outline_of", "read_mask"]


_KEPT = 0.95  # of the outlined volume, on another grid: less is told


@dataclass(frozen=True)
class Mask:
    """An ROI on its image's grid."""

    array: np.ndarray  # bool (z, y, x)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outline:
    """One outline of a case on the whole grid of its image's file."""

    roi: np.ndarray  # bool (z, y, x)
    part_sizes: tuple[int, ...]  # voxels of the mask's connected parts, largest first
    grid: Grid | None  # what its header says; a picture file has none
    notes: tuple[str, ...]


def read_mask(path: Path | str, settings: CohortSettings, label: Any = None) -> Mask:
    """The ROI in a mask file, whole; `label` replaces settings.mask_label."""
    wanted = mask_label(label, settings)
    labels = read_labels(Path(path), settings.largest_image, wanted, settings.mask_segment)
    labels = Labels(one_still(labels.decoded, labels.array).array, labels.decoded, labels.notes)
    roi, notes = select_roi(labels, "any" if labels.decoded.segments else wanted, Path(path), settings)
    return Mask(roi, tuple(notes))


def frame_outlined(row: Mapping[str, Any], name: str, decoded: Decoded, settings: CohortSettings) -> int:
    """The one frame, from 1, in which a mask with as many frames as its image has an outline."""
    path = Path(row[name])
    label = mask_label(row.get("mask_label"), settings)
    labels = read_labels(path, settings.largest_image, label, settings.mask_segment, decoded)
    array = labels.array == label if isinstance(label, int) and not labels.decoded.segments else labels.array
    found = np.flatnonzero(array.any(axis=(1, 2)))
    if len(array) != len(decoded.array) or len(found) != 1:
        what = f"outlines in {len(found)} of {len(array)} frames, and the image has {len(decoded.array)}"
        raise InputError(str(path), what, "outline one frame of the whole loop, or give its number in cohort.frame")
    return int(found[0]) + 1


def outline_of(
    row: Mapping[str, Any], name: str, decoded: Decoded, settings: CohortSettings, final: np.ndarray | None = None
) -> Outline:
    """Outline `name` (mask, mask_reader1, mask_reader2) of a row of the cohort's table.

    For stills the grid size decides and other differences are printed; a volume's mask on another grid is refused,
    or resampled by settings.geometry.
    final : the final ROI; with a case a lesion, a reader's part is the one that shares most voxels with it.
    """
    if not row.get(name):
        raise InputError(f"column {name}", "names no file", "outline the case, or leave this reader out")
    path = Path(row[name])
    label = mask_label(row.get("mask_label"), settings)
    labels = read_labels(path, settings.largest_image, label, settings.mask_segment, decoded)
    array, notes = _on_grid(path, labels, decoded, settings)
    label = "any" if labels.decoded.segments else label  # chosen already
    roi, said = select_roi(Labels(array, labels.decoded, labels.notes), label, path, settings)
    roi, contour = as_filled(roi, path, settings)
    notes += contour
    parts = lesion_parts(roi)
    wanted = str(row.get("lesion_part") or "")
    if settings.lesion_policy == "largest":
        roi = parts.part(1)
        if len(parts) > 1:
            notes.append(f"largest of {len(parts)} connected parts taken, {parts.sizes[0]} voxels")
    elif settings.lesion_policy == "each" and wanted:
        roi = _lesion(parts, int(wanted), final, path)
    elif settings.lesion_policy == "merge" and len(parts) > 1:
        notes.append(f"{len(parts)} connected parts taken as one ROI")
    voxels = int(np.count_nonzero(roi))
    if voxels < settings.roi_min_voxels:
        raise InputError(
            str(path),
            f"the ROI has {voxels} voxels, under {settings.roi_min_voxels}",
            "outline the whole lesion, exclude the case (exclude_reason), or lower cohort.roi_min_voxels",
        )
    return Outline(roi, parts.sizes, labels.decoded.grid, (*said, *notes))


def _lesion(parts: LesionParts, wanted: int, final: np.ndarray | None, path: Path) -> np.ndarray:
    if final is not None:
        shared = np.bincount(parts.numbers[final], minlength=len(parts) + 1)[1:]
        if not shared.max():
            raise InputError(str(path), f"does not meet lesion {wanted} of the final outline", "outline every lesion")
        return parts.part(int(shared.argmax()) + 1)
    if wanted > len(parts):
        raise InputError(str(path), f"lesion {wanted} asked for, but the mask has {len(parts)}", "outline every lesion")
    return parts.part(wanted)


def _on_grid(path: Path, labels: Labels, decoded: Decoded, settings: CohortSettings) -> tuple[np.ndarray, list[str]]:
    """The mask's samples on the image's grid."""
    grid = labels.decoded.grid
    array = one_still(labels.decoded, labels.array).array
    if decoded.frame is not None and len(array) == decoded.frames:
        array, grid = array[decoded.frame : decoded.frame + 1], None
    shape = decoded.array.shape[:3]
    size = geometry.size_difference(shape, array.shape)
    differences: list[str] = []
    if size and labels.decoded.segments and grid is not None and decoded.grid is not None:  # as these are often cut
        placed = geometry.place_mask(array, grid, shape, decoded.grid, settings.geometry_tolerance)
        if placed is not None:
            return placed, [f"the mask covers a part of the image: placed where it says that it lies ({size})"]
    if grid is not None and decoded.grid is not None:
        differences = geometry.grid_differences(decoded.grid, grid, settings.geometry_tolerance)
    elif grid is not None:  # a picture knows no geometry; what is usual there needs no word
        plain = Grid(grid.spacing, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
        differences = geometry.grid_differences(plain, grid, settings.geometry_tolerance)
    if shape[0] > 1 and (size or differences) and grid is not None and decoded.grid is not None:
        amounts = "; ".join([*([size] if size else []), *differences])
        if settings.geometry == "refuse":
            raise InputError(
                str(path), amounts, "resample the mask onto the image's grid, or set cohort.geometry: resample"
            )
        moved = geometry.resample_mask(array, grid, shape, decoded.grid)
        notes = [f"mask resampled onto the image's grid (nearest neighbour): {amounts}"]
        outlined, kept = (
            np.count_nonzero(each) * float(np.prod(own.spacing)) for each, own in ((array, grid), (moved, decoded.grid))
        )
        if kept < _KEPT * outlined:
            notes.append(
                f"{1 - kept / outlined:.0%} of the outlined volume lies outside the image, or was too thin for its grid"
            )
        return moved, notes
    if size:
        raise InputError(str(path), size, "resample the mask to the image, or name the right mask file")
    notes = [f"mask taken by its grid size, its header differs: {'; '.join(differences)}"] if differences else []
    return array, notes


def mask_label(value: Any, settings: CohortSettings) -> int | str | None:
    """The label of a row, else that of the settings."""
    text = "" if value is None else str(value).strip()
    if not text:
        return settings.mask_label
    return "any" if text == "any" else int(float(text))
