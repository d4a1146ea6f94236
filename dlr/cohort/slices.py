"""Slices that know where they lie, brought into the order of a volume; gaps, doubles and turned slices are named.

Positions and directions in mm, patient coordinates (DICOM PS3.3 C.7.6.2): a slice's place is its position along the
normal of its plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlr.cohort.decoded import Grid
from dlr.errors import InputError

__all__ = ["Plane", "stacked"]

_TURNED = 1e-3  # by which directions of one volume may differ
_SAME = 1e-3  # mm apart: one place
_EVEN = 0.05  # of the usual distance, by which others may differ
_BESIDE = 0.5  # of a pixel, that the last slice may lie beside the first one's normal


@dataclass(frozen=True)
class Plane:
    """Where a slice lies."""

    position: tuple[float, ...]  # (x, y, z) of its first pixel
    direction: tuple[float, ...]  # of its rows, then of its columns: (x, y, z) each
    name: str  # by which it is told to users


def stacked(path: Path, planes: Sequence[Plane], spacing: tuple[float, float, float]) -> tuple[list[int], Grid]:
    """The order of slices along their normal, and the grid they make.

    spacing : (z, y, x) mm; z is that of a single slice, of several the distance of their positions is taken.
    Raises InputError where they are turned against each other, two lie at one place, or one is missing between.
    """
    rows, columns = np.array(planes[0].direction).reshape(2, 3)
    for plane in planes[1:]:
        if np.abs(np.subtract(plane.direction, planes[0].direction)).max() > _TURNED:
            what = f"slices of several directions ({planes[0].name} and {plane.name}): a scout among them?"
            raise InputError(str(path), what, "keep the slices of one volume together, and others elsewhere")
    normal = np.cross(rows, columns)
    if not np.isclose(np.linalg.norm(normal), 1.0, atol=1e-2):
        raise InputError(str(path), "its directions of rows and columns are no right angle", "export it again")
    places = np.array([plane.position for plane in planes]) @ normal
    order = [int(n) for n in np.argsort(places, kind="stable")]
    between = spacing[0]
    if len(planes) > 1:
        steps = np.diff(places[order])
        between = _distance(path, steps, [planes[n].name for n in order])
        _check_above(path, planes[order[-1]], planes[order[0]], normal, _BESIDE * min(spacing[1:]))
    direction = tuple(float(v) for v in np.column_stack([rows, columns, normal]).ravel())
    return order, Grid((spacing[2], spacing[1], between), planes[order[0]].position, direction)


def _distance(path: Path, steps: np.ndarray, names: list[str]) -> float:
    """The one distance between neighbours in mm."""
    double = np.flatnonzero(steps < _SAME)
    if len(double):
        first = int(double[0])
        what = f"{len(double) + 1} or more slices lie where another does, e.g. {names[first]} and {names[first + 1]}"
        what = what if len(double) > 1 else f"two slices at one place: {names[first]} and {names[first + 1]}"
        raise InputError(str(path), what, "leave one of them; of several phases or copies, a folder or file each")
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > _EVEN * usual)
    if len(odd):
        first = int(odd[0])
        what = f"{steps[first]:.4g} mm between {names[first]} and {names[first + 1]}, {usual:.4g} mm elsewhere"
        raise InputError(str(path), f"{what}: a slice is missing?", "export every slice of the volume")
    return float(np.mean(steps))


def _check_above(path: Path, last: Plane, first: Plane, normal: np.ndarray, limit: float) -> None:
    """InputError where slices lie beside each other by more than `limit` mm (a tilted gantry)."""
    whole = np.subtract(last.position, first.position)
    beside = float(np.linalg.norm(whole - normal * (whole @ normal)))
    if beside > limit:
        what = f"its slices are shifted against each other by {beside:.3g} mm in all (tilted gantry?)"
        raise InputError(str(path), what, "resample the volume to right angles, and save it as NIfTI or NRRD")
