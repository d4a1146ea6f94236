"""A folder with one DICOM series as an image: its files sorted by where their slices lie, whatever their names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort.decoded import Decoded
from dlr.cohort.dicom import decode_dicom, plane_of, read_header, whole_number
from dlr.cohort.headers import check_size
from dlr.cohort.slices import Plane, stacked
from dlr.errors import InputError

__all__ = ["decode_series", "files_of_series"]

_SHOWN = 5  # series of which an example is named


def files_of_series(folder: Path) -> tuple[Path, ...]:
    """The DICOM files that stand in a folder, in the order of their names; its DICOMDIR is none."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.upper() != "DICOMDIR":
            with open(path, "rb") as stream:
                head = stream.read(132)
            if head[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom"):
                found.append(path)
    return tuple(found)


def decode_series(folder: Path, largest: int) -> Decoded:
    """The samples (slices, y, x) of the one series in a folder, and where they lie.

    Raises InputError where there are several series, copies of a slice, slices without position, of several sizes or
    directions, or one is missing between others.
    """
    paths = files_of_series(folder)
    if not paths:
        raise InputError(str(folder), "a folder without DICOM files", "name an image file, or the folder of a series")
    headers = {path: read_header(path, pixels=False) for path in paths}
    _check_one_series(folder, headers)
    if len(paths) == 1:
        return decode_dicom(paths[0], largest)
    planes = [_plane(path, header) for path, header in headers.items()]
    sizes = {path: _size(path, header) for path, header in headers.items()}
    other = [path for path in paths if sizes[path] != sizes[paths[0]]]
    if other:
        (height, width), (others_height, others_width) = sizes[paths[0]], sizes[other[0]]
        what = f"{paths[0].name} has {width} x {height} pixels and {other[0].name} {others_width} x {others_height}"
        raise InputError(str(folder), what, "keep the slices of one volume in a folder of their own")
    check_size(folder, [*sizes[paths[0]], len(paths)], largest)
    slices = [decode_dicom(path, largest) for path in paths]
    first = slices[0]
    if first.spacing is None:
        raise InputError(str(folder), "its slices have no PixelSpacing", "export the series from its source")
    if len({(one.spacing or (0,))[1:] for one in slices}) > 1 or len({one.array.shape for one in slices}) > 1:
        raise InputError(str(folder), "its slices differ in PixelSpacing or in colours", "a folder a series")
    order, grid = stacked(folder, planes, first.spacing)
    array = np.concatenate([slices[n].array for n in order])
    notes = tuple(dict.fromkeys(note for one in slices for note in one.notes))
    spacing = (grid.spacing[2], grid.spacing[1], grid.spacing[0])
    return replace(first, array=array, format="DICOM series", grid=grid, spacing=spacing, notes=notes)


def _check_one_series(folder: Path, headers: dict[Path, Any]) -> None:
    series: dict[str, list[Path]] = defaultdict(list)
    copies: dict[str, list[Path]] = defaultdict(list)
    for path, header in headers.items():
        series[str(header.get("SeriesInstanceUID", ""))].append(path)
        copies[str(header.get("SOPInstanceUID", path.name))].append(path)
    if len(series) > 1:
        listed = sorted(series.values())[:_SHOWN]
        named = ", ".join(f"{len(paths)} files (such as {paths[0].name})" for paths in listed)
        raise InputError(str(folder), f"{len(series)} series in one folder: {named}", "give each a folder of its own")
    double = [paths for paths in copies.values() if len(paths) > 1]
    if double:
        what = f"{double[0][0].name} and {double[0][1].name} are one slice twice ({len(double)} such slices)"
        raise InputError(str(folder), what, "leave one of them")


def _plane(path: Path, header: Any) -> Plane:
    if whole_number(path, header, "NumberOfFrames") > 1:
        what = "a file of several frames beside others"
        raise InputError(str(path), what, "name the one file that holds the image, not its folder")
    found = plane_of(path, header)
    if found is None:
        mend = "name the one file in column image; a volume's slices say where they lie when they come from the scanner"
        raise InputError(str(path), "one of several slices in a folder, without ImagePositionPatient", mend)
    return replace(found, name=path.name)


def _size(path: Path, header: Any) -> tuple[int, int]:
    return whole_number(path, header, "Rows"), whole_number(path, header, "Columns")
