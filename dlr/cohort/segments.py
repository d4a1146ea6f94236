"""Masks of named segments: DICOM SEG, the structures of an RTSTRUCT, Slicer's .seg.nrrd; which of them is the ROI.

DICOM SEG: PS3.3 A.51 and C.8.20 (binary, fractional, labelmap); its frames lie where they say, empty ones are left out.
RTSTRUCT: PS3.3 C.8.8.6; closed contours in mm, filled where a voxel's centre lies inside an odd number of them.
Slicer: segments in layers, `Segment0_Name`, `_Layer`, `_LabelValue` (slicer.readthedocs.io, Segmentations).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort.decoded import Decoded, Grid, Segment
from dlr.cohort.dicom import numbers_in, plane_of, spacing_of, whole_number
from dlr.cohort.headers import check_size
from dlr.cohort.slices import Plane
from dlr.errors import InputError

__all__ = ["chosen", "decode_seg", "decode_structures", "segments_of_nrrd"]

_EVEN = 0.05  # of the distance of slices, by which a frame may lie off its slice
_SHOWN = 8


def chosen(path: Path, decoded: Decoded, label: int | str | None, name: str | None) -> np.ndarray:
    """Of a mask with segments the ROI's (z, y, x): its number inside, 0 outside.

    label : a number, "any" (all of them) or None (the only one).  name : of the segment; goes before `label`.
    Raises InputError where it is none, or not the only one.
    """
    areas = {one: decoded.array[..., one.layer] == one.value for one in decoded.segments}
    listed = ", ".join(f"{one.number} {one.name!r} ({np.count_nonzero(areas[one])} voxels)" for one in areas)
    if name is not None:
        wanted = [one for one in areas if one.name.strip().casefold() == name.strip().casefold()]
        if len(wanted) != 1:
            what = f"{len(wanted) or 'no'} segments are named {name!r}; it holds {listed[:300]}"
            raise InputError(str(path), what, "set cohort.mask_segment, or take the segment by cohort.mask_label")
    elif isinstance(label, int):
        wanted = [one for one in areas if one.number == label]
        if not wanted:
            raise InputError(str(path), f"no segment {label}; it holds {listed[:300]}", "set cohort.mask_label")
    else:
        wanted = [one for one in areas if areas[one].any()]
        if label is None and len(wanted) > 1:
            mend = "name the ROI's: cohort.mask_segment, or mask_label (a number, or any)"
            raise InputError(str(path), f"several segments: {listed[:300]}", mend)
    roi = np.zeros(decoded.array.shape[:3], dtype=np.min_scalar_type(max(one.number for one in areas)))
    for one in wanted:
        roi[areas[one]] = one.number
    return roi


def segments_of_nrrd(fields: Mapping[str, str]) -> tuple[Segment, ...]:
    """The segments that the header of a .seg.nrrd names; none for another NRRD."""
    found: list[Segment] = []
    while f"Segment{len(found)}_ID" in fields:
        at = f"Segment{len(found)}"
        layer, value = (int(fields.get(f"{at}_{key}", start)) for key, start in (("Layer", 0), ("LabelValue", 1)))
        found.append(Segment(value, fields.get(f"{at}_Name", at), layer, value))
    if len({one.number for one in found}) < len(found):  # layers that start their numbers again
        found = [replace(one, number=number) for number, one in enumerate(found, start=1)]
    return tuple(found)


def decode_seg(path: Path, header: Any, onto: Decoded | None, largest: int) -> Decoded:
    """A DICOM segmentation: (z, y, x, layers), a layer a segment; slices without a frame are empty.

    onto : the image that it outlines, whose distance of slices is tried first.
    """
    kind = str(header.get("SegmentationType", ""))
    frames = whole_number(path, header, "NumberOfFrames")
    rows, columns = (whole_number(path, header, name) for name in ("Rows", "Columns"))
    check_size(path, [frames, rows, columns], largest)
    named = {int(one.SegmentNumber): str(one.get("SegmentLabel", "")) for one in header.SegmentSequence}
    numbers = sorted(named)
    labelmap = kind == "LABELMAP"
    layers = {number: 0 if labelmap else layer for layer, number in enumerate(numbers)}
    segments = tuple(Segment(n, named[n], layers[n], n) for n in numbers)
    groups = header.get("PerFrameFunctionalGroupsSequence") or []
    planes = [plane_of(path, header, frame) for frame in range(frames)]
    spacing = spacing_of(path, header)
    if spacing is None or any(plane is None for plane in planes):
        grid, slices = None, [_frame_outlined(group) for group in groups] or list(range(frames))
        depth = max(slices) + 1 if onto is None else onto.array.shape[0]
    else:
        grid, slices = _places(path, [plane for plane in planes if plane is not None], spacing, onto)
        depth = max(slices) + 1
    check_size(path, [depth, rows, columns, len(set(layers.values()))], largest)
    if max(slices) >= depth:
        raise InputError(str(path), f"outlines frame {max(slices) + 1} of {depth}", "name the image that it outlines")
    array = np.zeros((depth, rows, columns, len(set(layers.values()))), dtype=np.min_scalar_type(numbers[-1]))
    samples = np.asarray(header.pixel_array).reshape(frames, rows, columns)
    half = float(header.get("MaximumFractionalValue", 1)) / 2 if kind == "FRACTIONAL" else 0.5
    for frame, place in enumerate(slices):
        if labelmap:
            array[place, ..., 0] = samples[frame]
        else:
            number = _segment_of(groups[frame], header)
            array[place, ..., layers[number]][samples[frame] >= half] = number
    notes = ("a segmentation in fractions, cut at half",) if kind == "FRACTIONAL" else ()
    known = None if grid is None else (grid.spacing[2], grid.spacing[1], grid.spacing[0])
    return Decoded(array, "DICOM", grid, known, notes=notes, segments=segments)


def _segment_of(group: Any, header: Any) -> int:
    own = group.get("SegmentIdentificationSequence")
    shared = own or header.SharedFunctionalGroupsSequence[0].SegmentIdentificationSequence
    return int(shared[0].ReferencedSegmentNumber)


def _frame_outlined(group: Any) -> int:
    """The frame of the image that a frame of a segmentation without positions names; the first where it names none."""
    for derived in group.get("DerivationImageSequence") or []:
        for source in derived.get("SourceImageSequence") or []:
            found = source.get("ReferencedFrameNumber")
            if found is not None:
                return int(found if isinstance(found, int) else found[0]) - 1
    return 0


def _places(
    path: Path, planes: Sequence[Plane], spacing: tuple[float, float, float], onto: Decoded | None
) -> tuple[Grid, list[int]]:
    """The grid of frames of which several may lie at one place and places between may be empty, and their slices."""
    rows, columns = np.array(planes[0].direction).reshape(2, 3)
    if any(np.abs(np.subtract(plane.direction, planes[0].direction)).max() > 1e-3 for plane in planes):
        raise InputError(str(path), "segments in planes of several directions", "a file for each direction")
    normal = np.cross(rows, columns)
    places = np.array([plane.position for plane in planes]) @ normal
    first = int(np.argmin(places))
    above = places - places[first]
    apart = np.diff(np.unique(np.round(above, 3)))
    usual = [spacing[0], *([float(apart.min())] if len(apart) else [])]
    if onto is not None and onto.grid is not None:
        usual.insert(0, onto.grid.spacing[2])
    for between in usual:
        steps = np.round(above / between)
        if np.abs(above - steps * between).max() <= _EVEN * between:
            direction = tuple(float(v) for v in np.column_stack([rows, columns, normal]).ravel())
            grid = Grid((spacing[2], spacing[1], between), planes[first].position, direction)
            return grid, [int(step) for step in steps]
    raise InputError(str(path), "its frames lie at uneven distances", "export the segmentation on its image's slices")


def decode_structures(path: Path, header: Any, onto: Decoded | None, largest: int) -> Decoded:
    """The structures of an RTSTRUCT on the grid of the image `onto`: (z, y, x, layers), a layer a structure."""
    if onto is None or onto.grid is None:
        what = "contours in mm, and the image does not say where its slices lie"
        raise InputError(str(path), what, "name the DICOM series (or NIfTI, NRRD) that was outlined as image")
    named = {int(one.ROINumber): str(one.get("ROIName", "")) for one in header.StructureSetROISequence}
    numbers = sorted(named)
    shape = onto.array.shape[:3]
    check_size(path, [*shape, len(numbers)], largest)
    array = np.zeros((*shape, len(numbers)), dtype=np.min_scalar_type(numbers[-1]))
    notes: list[str] = []
    for one in header.get("ROIContourSequence") or []:
        number = int(one.ReferencedROINumber)
        layer = array[..., numbers.index(number)]
        for contour in one.get("ContourSequence") or []:
            if not str(contour.get("ContourGeometricType", "")).startswith("CLOSED"):
                notes.append(f"an open contour or point of structure {number} was left out")
                continue
            points = _in_voxels(path, numbers_in(path, contour, "ContourData"), onto.grid)
            place = round(float(points[0, 2]))
            if not 0 <= place < shape[0] or np.ptp(points[:, 2]) > 1 or abs(points[:, 2] - place).max() > 0.5:
                what = f"a contour of structure {number} lies on no slice of the image"
                raise InputError(str(path), what, "name the image that was outlined")
            layer[place] ^= array.dtype.type(number) * _inside(
                points[:, :2], shape[1:]
            )  # a hole is a contour inside another
    segments = tuple(Segment(number, named[number], layer, number) for layer, number in enumerate(numbers))
    return Decoded(array, "DICOM", onto.grid, onto.spacing, notes=tuple(dict.fromkeys(notes)), segments=segments)


def _in_voxels(path: Path, flat: Sequence[float], grid: Grid) -> np.ndarray:
    """Points in mm, x y z one after another, as places (x, y, z) on a grid: (points, 3)."""
    if not flat or len(flat) % 3:
        raise InputError(str(path), f"a contour of {len(flat)} numbers, not three a point", "export it again")
    turned = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing)
    return np.linalg.solve(turned, (np.reshape(flat, (-1, 3)) - np.array(grid.origin)).T).T


def _inside(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels (y, x) whose centre lies inside a closed polygon (n, 2) of (x, y): bool. Left and top edges count."""
    out = np.zeros(shape, dtype=bool)
    x, y = points.T
    for row in range(max(0, int(np.floor(y.min()))), min(shape[0], int(np.ceil(y.max())) + 1)):
        for start, end in _stretches(x, y, row):
            out[row, max(0, int(np.ceil(start))) : max(0, int(np.ceil(end)))] = True
    return out


def _stretches(x: np.ndarray, y: np.ndarray, row: int) -> Iterator[tuple[float, float]]:
    """Where a row enters and leaves a polygon."""
    to_x, to_y = np.roll(x, -1), np.roll(y, -1)
    crossed = (y <= row) != (to_y <= row)
    share = (row - y[crossed]) / (to_y[crossed] - y[crossed])
    at = np.sort(x[crossed] + share * (to_x[crossed] - x[crossed]))
    return zip(at[::2].tolist(), at[1::2].tolist(), strict=True)
