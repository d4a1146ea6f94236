"""A case's image and ROI as arrays: decoded, made grey, cut to what was scanned, with its spacing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort import geometry, scanned
from dlr.cohort.formats import Decoded, Grid, decode
from dlr.cohort.lesions import lesion_parts
from dlr.cohort.masks import Labels, read_labels, select_roi
from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError, Problem

__all__ = ["Case", "Image", "Mask", "read_case", "read_image", "read_mask"]

_COLOUR_SHARE = 0.01  # of ROI + margin: below, it is a caliper and not Doppler


@dataclass(frozen=True)
class Image:
    """Grey values and voxel edges. A still has one slice, whose thickness is the mean edge of its pixels."""

    array: np.ndarray  # float64 (z, y, x)
    spacing: tuple[float, float, float]  # (z, y, x) in mm, or in pixels (1, 1, 1) where it is not known
    spacing_known: bool
    notes: tuple[str, ...] = ()
    box: tuple[int, int, int, int] | None = None  # x0, y0, x1, y1: part of the file's picture that was kept

    @property
    def is_still(self) -> bool:
        """One slice."""
        return self.array.shape[0] == 1


@dataclass(frozen=True)
class Mask:
    """An ROI on its image's grid."""

    array: np.ndarray  # bool (z, y, x)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One image with its ROI."""

    case_id: str
    patient_id: str
    image: Image
    mask: np.ndarray  # bool (z, y, x)
    notes: tuple[str, ...]


def read_image(
    path: Path | str, settings: CohortSettings, roi: np.ndarray | None = None, pixel_spacing_mm: float | None = None
) -> Image:
    """An image file as grey values.

    roi : bool (z, y, x) on the file's grid. Colour is judged in it and a margin only, and the scanned region is the
    part of a screen that holds it; without it the whole picture is judged and kept.
    pixel_spacing_mm : of a still whose file does not say it.
    Raises InputError where the file cannot be read, holds NaN or infinite values, or colour where it matters.
    """
    return finish_image(Path(path), one_still(decode(Path(path))), settings, roi, pixel_spacing_mm)


def read_mask(path: Path | str, settings: CohortSettings, image: Image | None = None, label: Any = None) -> Mask:
    """The ROI in a mask file; `label` replaces settings.mask_label.

    image : the image it must fit in size; where the image was cut to its scanned region, the mask is cut alike.
    """
    labels = read_labels(Path(path))
    labels = Labels(one_still(labels.decoded, labels.array).array, labels.decoded, labels.notes)
    roi, notes = select_roi(labels, mask_label(label, settings), Path(path), settings)
    if image is not None and image.box is not None and roi.shape != image.array.shape:
        x0, y0, x1, y1 = image.box
        roi = roi[:, y0:y1, x0:x1]
    if image is not None and roi.shape != image.array.shape:
        raise InputError(
            str(path), str(geometry.size_difference(image.array.shape, roi.shape)), "name the right mask file"
        )
    return Mask(roi, tuple(notes))


def read_case(row: Mapping[str, Any], settings: CohortSettings, outline: str = "mask") -> Case:
    """Image and ROI of one row of the cohort's table, checked against each other.

    outline : "mask" (the final one), "mask_reader1" or "mask_reader2". All outlines of a case lie on one grid: the
    scanned region is found with the final one.
    Raises InputError with the case's id in `where`.
    """
    try:
        return assemble_case(row, settings, outline)[0]
    except InputError as error:
        raise at_case(error, str(row["case_id"])) from error


def at_case(error: InputError, case_id: str) -> InputError:
    """The same problems, with the case named."""
    return InputError.of([Problem(f"case {case_id}, {p.where}", p.what, p.mend) for p in error.problems])


def assemble_case(
    row: Mapping[str, Any], settings: CohortSettings, outline: str = "mask"
) -> tuple[Case, Decoded, list[int]]:
    """The case, its image file's samples, and the voxels of its mask's connected parts, largest first."""
    path = Path(row["image"])
    decoded = one_still(decode(path))
    final = "mask" if row["mask"] else "mask_reader1"
    roi, notes, parts = roi_of(row, final, decoded, settings)
    image = finish_image(path, decoded, settings, roi, _spacing_of(row))
    if outline != final:
        roi, notes, parts = roi_of(row, outline, decoded, settings)
    if image.box is not None:
        x0, y0, x1, y1 = image.box
        inside = roi[:, y0:y1, x0:x1]
        if np.count_nonzero(inside) < np.count_nonzero(roi):
            raise InputError(
                str(row[outline]), "the ROI reaches beyond the scanned region", "set cohort.scanned_region: whole"
            )
        roi = np.ascontiguousarray(inside)
    touching = _touched_edges(roi)
    if touching:
        notes.append(f"the ROI touches the picture's edge ({', '.join(touching)}): the lesion may be cut off")
    if image.is_still and (flip := geometry.mirrored(image.array[0], roi[0])):
        notes.append(f"the outline would fit better mirrored {flip}: look at it")
    values = image.array[roi]
    if values.min() == values.max():
        notes.append(f"every voxel of the ROI has the value {values[0]:g}")
    case = Case(str(row["case_id"]), str(row["patient_id"]), image, roi, (*image.notes, *notes))
    return case, decoded, parts


def _touched_edges(roi: np.ndarray) -> list[str]:
    """Edges of the picture (first and last slice do not count: volumes are cut there on purpose)."""
    sides = {"left": roi[:, :, 0], "right": roi[:, :, -1], "top": roi[:, 0], "bottom": roi[:, -1]}
    return [name for name, side in sides.items() if side.any()]


def roi_of(
    row: Mapping[str, Any], outline: str, decoded: Decoded, settings: CohortSettings
) -> tuple[np.ndarray, list[str], list[int]]:
    """One outline of a case on its image's grid: ROI, notes, voxels of its connected parts.

    For stills the grid size decides and other differences are printed; a volume's mask on another grid is refused,
    or resampled by settings.geometry.
    """
    path = Path(row[outline])
    labels = read_labels(path)
    array, notes = _on_grid(path, labels, decoded, settings)
    label = mask_label(row.get("mask_label"), settings)
    roi, said = select_roi(Labels(array, labels.decoded, labels.notes), label, path, settings)
    parts = lesion_parts(roi)
    count = len(parts)
    sizes = [int(np.count_nonzero(part)) for part in parts]
    wanted = str(row.get("lesion_part") or "")
    if settings.lesion_policy == "largest":
        roi = parts[0]
        if count > 1:
            notes.append(f"largest of {count} connected parts taken, {sizes[0]} voxels")
    elif settings.lesion_policy == "each" and wanted:
        if int(wanted) > count:
            raise InputError(str(path), f"part {wanted} asked for, but the mask has {count}", "outline every lesion")
        roi = parts[int(wanted) - 1]
    elif settings.lesion_policy == "merge" and count > 1:
        notes.append(f"{count} connected parts taken as one ROI")
    if np.count_nonzero(roi) < settings.roi_min_voxels:
        raise InputError(
            str(path),
            f"the ROI has {np.count_nonzero(roi)} voxels, under {settings.roi_min_voxels}",
            "outline the whole lesion, exclude the case (exclude_reason), or lower cohort.roi_min_voxels",
        )
    return roi, [*said, *notes], sizes


def _on_grid(path: Path, labels: Labels, decoded: Decoded, settings: CohortSettings) -> tuple[np.ndarray, list[str]]:
    """The mask's samples on the image's grid."""
    grid = labels.decoded.grid
    array = one_still(labels.decoded, labels.array).array
    shape = decoded.array.shape[:3]
    size = geometry.size_difference(shape, array.shape)
    differences: list[str] = []
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
        return moved, [f"mask resampled onto the image's grid (nearest neighbour): {amounts}"]
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


def _spacing_of(row: Mapping[str, Any]) -> float | None:
    value = row.get("pixel_spacing_mm")
    return float(value) if value is not None and value == value and value != "" else None


def one_still(decoded: Decoded, array: np.ndarray | None = None) -> Decoded:
    """A picture whose one-voxel axis is not the slices' (as some converters write it) turned so that it is."""
    values = decoded.array if array is None else array
    thin = [axis for axis in range(3) if values.shape[axis] == 1]
    if len(thin) != 1 or thin == [0]:
        return decoded if array is None else replace(decoded, array=values)
    axis = thin[0]
    spacing = decoded.spacing
    if spacing is not None:
        others = tuple(s for n, s in enumerate(spacing) if n != axis)
        spacing = (spacing[axis], others[0], others[1])
    return replace(
        decoded,
        array=np.moveaxis(values, axis, 0),
        spacing=spacing,
        notes=(*decoded.notes, f"its one slice lies along axis {'zyx'[axis]}: turned"),
    )


def finish_image(
    path: Path, decoded: Decoded, settings: CohortSettings, roi: np.ndarray | None, pixel_spacing_mm: float | None
) -> Image:
    """Grey, cut to the scanned region, with spacing."""
    array, notes = decoded.array, list(decoded.notes)
    _require_finite(path, array)
    is_still = array.shape[0] == 1
    if not is_still and settings.kind == "still":
        raise InputError(str(path), f"{array.shape[0]} slices or frames", "save one still, or set cohort.kind: volume")
    if roi is not None and roi.shape != array.shape[:3]:
        raise InputError(str(path), str(geometry.size_difference(array.shape[:3], roi.shape)), "name the right mask")
    colour = scanned.coloured(array) if array.ndim == 4 else None
    box, region_spacing = None, None
    if is_still:
        flat = None if roi is None else roi[0]
        box, region_spacing = _kept_box(path, decoded, colour, flat, settings)
    if colour is not None:
        notes += _judge_colour(path, colour, roi, box, settings)
        array = scanned.grey(array)
    grey = np.ascontiguousarray(array, dtype=np.float64)
    if box is not None:
        height, width = grey.shape[1:]
        x0, y0, x1, y1 = box
        grey = np.ascontiguousarray(grey[:, y0:y1, x0:x1])
        notes.append(f"cut to the scanned region, {x1 - x0} x {y1 - y0} of {width} x {height} pixels")
    spacing, known, said = _spacing(decoded, region_spacing, is_still, settings, pixel_spacing_mm)
    return Image(grey, spacing, known, (*notes, *said), box)


def _require_finite(path: Path, array: np.ndarray) -> None:
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise InputError(
            str(path), f"{bad} of {array.size} voxels are NaN or infinite", "write a number there (0 for background)"
        )


def _kept_box(
    path: Path, decoded: Decoded, colour: np.ndarray | None, roi: np.ndarray | None, settings: CohortSettings
) -> tuple[scanned.Box | None, tuple[float, float] | None]:
    """The part of a still to keep (None: all of it), and the spacing its header gives for that part."""
    height, width = decoded.array.shape[1:3]
    region = None
    if decoded.regions:
        centre = (width / 2, height / 2) if roi is None else tuple(np.mean(np.nonzero(roi), axis=1)[::-1])
        holding = [r for r in decoded.regions if r.box[0] <= centre[0] < r.box[2] and r.box[1] <= centre[1] < r.box[3]]
        region = (holding or list(decoded.regions))[0]
    spacing = region.spacing if region else None
    wanted = settings.scanned_region
    if wanted == "whole":
        return None, spacing
    if isinstance(wanted, tuple):
        box: scanned.Box = wanted
        if not (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
            raise InputError(
                str(path), f"cohort.scanned_region {box} is not inside {width} x {height} pixels", "x0, y0, x1, y1"
            )
    elif region is not None:
        box = (max(0, region.box[0]), max(0, region.box[1]), min(width, region.box[2]), min(height, region.box[3]))
        if box[2] <= box[0] or box[3] <= box[1]:
            return None, spacing
    elif colour is not None and roi is not None:
        box = scanned.scanned_box(scanned.grey(decoded.array[0]), colour[0], roi)
    else:
        return None, spacing
    if roi is not None:
        box = scanned.union(box, scanned.box_around(roi, 0))
    return (None if box == (0, 0, width, height) else box), spacing


def _judge_colour(
    path: Path, colour: np.ndarray, roi: np.ndarray | None, box: scanned.Box | None, settings: CohortSettings
) -> list[str]:
    """Refuse colour in ROI + margin, count it elsewhere."""
    everywhere = int(np.count_nonzero(colour))
    if not everywhere:
        return []
    if roi is None:
        near = colour
    else:
        slices = np.flatnonzero(roi.any(axis=(1, 2)))
        x0, y0, x1, y1 = scanned.box_around(roi.any(axis=0), settings.colour_margin)
        near = colour[slices[0] : slices[-1] + 1, y0:y1, x0:x1]
    count = int(np.count_nonzero(near))
    if count > _COLOUR_SHARE * near.size:
        if settings.colour == "refuse":
            raise InputError(
                str(path),
                f"colour in {count} of {near.size} pixels of ROI and margin (Doppler?)",
                "take the grey picture, or set cohort.colour: grey",
            )
        return [f"colour in {count} of {near.size} pixels of ROI and margin turned into grey"]
    notes = []
    if count:
        notes.append(f"{count} coloured pixels in ROI and margin (caliper?)")
    kept = colour if box is None else colour[:, box[1] : box[3], box[0] : box[2]]
    left = int(np.count_nonzero(kept)) - count
    if left > 0:
        notes.append(f"{left} coloured pixels elsewhere in the scanned region")
    return notes


def _spacing(
    decoded: Decoded,
    region: tuple[float, float] | None,
    is_still: bool,
    settings: CohortSettings,
    given: float | None,
) -> tuple[tuple[float, float, float], bool, list[str]]:
    """Spacing (z, y, x), whether it is millimetres, and what is to be said."""
    if settings.spacing == "ignore":
        return (1.0, 1.0, 1.0), False, []
    said = []
    spacing = decoded.spacing
    if spacing is None and region is not None:
        spacing = (1.0, *region)
    if is_still and spacing is not None and spacing[1:] == (1.0, 1.0):
        spacing = None  # what a converter writes that knows no spacing
        said.append("spacing 1 x 1 mm in the file of a still is taken as unknown")
    given = given if given is not None else settings.pixel_spacing_mm
    if spacing is not None:
        if is_still and given is not None and max(abs(s / given - 1) for s in spacing[1:]) > 0.01:
            said.append(
                f"the file's spacing {spacing[1]:.4g} x {spacing[2]:.4g} mm is used, not {given:.4g} mm as given"
            )
        if is_still:
            spacing = ((spacing[1] * spacing[2]) ** 0.5, spacing[1], spacing[2])
        return tuple(float(s) for s in spacing), True, said  # type: ignore[return-value]
    if is_still and given is not None:
        return (given, given, given), True, said
    return (1.0, 1.0, 1.0), False, said
