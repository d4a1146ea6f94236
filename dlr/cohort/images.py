"""Image files as grey values: decoded, judged for colour, cut to what was scanned, with their spacing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlr.cohort import geometry, scanned
from dlr.cohort.decoded import Decoded
from dlr.cohort.formats import decode
from dlr.cohort.settings import SPACING, CohortSettings
from dlr.errors import InputError

__all__ = ["Image", "finish_image", "one_frame", "one_still", "read_image"]

_COLOUR_SHARE = 0.01  # of ROI + margin: below, it is a caliper and not Doppler


@dataclass(frozen=True)
class Image:
    """Grey values and voxel edges. A still has one slice, whose thickness is the mean edge of its pixels."""

    array: np.ndarray  # float64 (z, y, x)
    spacing: tuple[float, float, float]  # (z, y, x) in mm, or in pixels (1, 1, 1) where it is not known
    spacing_known: bool
    notes: tuple[str, ...] = ()
    box: tuple[int, int, int, int] | None = None  # x0, y0, x1, y1: part of the file's picture that was kept
    dtype: str = "float64"  # of the file's samples, before they became grey values
    scale: int = 1  # pixels along an edge to one of the file's: above 1, settings in pixels count as many more

    @property
    def is_still(self) -> bool:
        """One slice."""
        return self.array.shape[0] == 1

    def kept(self, whole: np.ndarray) -> np.ndarray:
        """Of an array (z, y, x) on the file's grid what lies in the part of its picture that was kept, on that grid."""
        if self.box is None:
            return whole
        x0, y0, x1, y1 = self.box
        return np.ascontiguousarray(whole[:, y0:y1, x0:x1])


def read_image(
    path: Path | str, settings: CohortSettings, roi: np.ndarray | None = None, pixel_spacing_mm: float | None = None
) -> Image:
    """An image file as grey values.

    roi : bool (z, y, x) on the file's grid. Colour is judged in it and a margin only, and the scanned region is the
    part of a screen that holds it; without it the whole picture is judged and kept.
    pixel_spacing_mm : of a still whose file does not say it.
    Raises InputError where the file cannot be read, holds NaN or infinite values, or colour where it matters.
    """
    return finish_image(
        Path(path), one_still(decode(Path(path), largest=settings.largest_image)), settings, roi, pixel_spacing_mm
    )


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


def one_frame(path: Path, decoded: Decoded, frame: int) -> Decoded:
    """Of a file of several frames the one with this number, from 1; a file of one frame as it is."""
    frames = len(decoded.array)
    if frames == 1:
        return decoded
    if frame > frames:
        raise InputError(str(path), f"{frames} frames, and frame {frame} is asked for", "correct cohort.frame")
    array = decoded.array[frame - 1 : frame]
    notes = (*decoded.notes, f"frame {frame} of {frames}")
    return replace(decoded, array=array, grid=None, notes=notes, frame=frame - 1, frames=frames)


def finish_image(
    path: Path, decoded: Decoded, settings: CohortSettings, roi: np.ndarray | None, pixel_spacing_mm: float | None
) -> Image:
    """Grey, cut to the scanned region, with spacing."""
    array, notes = decoded.array, list(decoded.notes)
    _require_finite(path, array)
    is_still = array.shape[0] == 1
    if not is_still and settings.kind == "still":
        raise InputError(
            str(path),
            f"{array.shape[0]} slices or frames",
            "save one still, or set cohort.frame, or cohort.kind: volume",
        )
    if roi is not None and roi.shape != array.shape[:3]:
        raise InputError(str(path), str(geometry.size_difference(array.shape[:3], roi.shape)), "name the right mask")
    colour = scanned.coloured(array) if array.ndim == 4 else None
    grey = np.ascontiguousarray(array if colour is None else scanned.grey(array), dtype=np.float64)
    box, region_spacing = None, None
    if is_still:
        flat = None if roi is None else roi[0]
        box, region_spacing = _kept_box(path, decoded, grey, colour, flat, settings, notes)
    if colour is not None:
        notes += _judge_colour(path, colour, roi, box, settings)
    if box is not None:
        height, width = grey.shape[1:]
        x0, y0, x1, y1 = box
        grey = np.ascontiguousarray(grey[:, y0:y1, x0:x1])
        notes.append(f"cut to the scanned region, {x1 - x0} x {y1 - y0} of {width} x {height} pixels")
    spacing, known, said = _spacing(decoded, region_spacing, is_still, settings, pixel_spacing_mm)
    if known and not all(SPACING[0] <= edge <= SPACING[1] for edge in spacing):
        raise InputError(
            str(path),
            f"a spacing of {' x '.join(f'{edge:.4g}' for edge in spacing)} mm, which no scanner has",
            "correct the file's header, or set cohort.spacing: ignore",
        )
    return Image(grey, spacing, known, (*notes, *said), box, array.dtype.name)


def _require_finite(path: Path, array: np.ndarray) -> None:
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise InputError(
            str(path), f"{bad} of {array.size} voxels are NaN or infinite", "write a number there (0 for background)"
        )


def _kept_box(
    path: Path,
    decoded: Decoded,
    grey: np.ndarray,
    colour: np.ndarray | None,
    roi: np.ndarray | None,
    settings: CohortSettings,
    notes: list[str],
) -> tuple[scanned.Box | None, tuple[float, float] | None]:
    """The part of a still to keep (None: all of it), and the spacing its header gives for that part."""
    height, width = decoded.array.shape[1:3]
    region = None
    if decoded.regions:
        centre = (width / 2, height / 2) if roi is None else tuple(np.mean(np.nonzero(roi), axis=1)[::-1])
        holding = [r for r in decoded.regions if r.box[0] <= centre[0] < r.box[2] and r.box[1] <= centre[1] < r.box[3]]
        if holding:
            region = holding[0]
        else:
            notes.append("the ROI lies in none of the regions that its header names: they are not used")
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
    elif roi is not None:
        box = scanned.scanned_box(grey[0], None if colour is None else colour[0], roi)
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
        x0, y0, x1, y1 = scanned.box_around(np.asarray(roi.any(axis=0)), settings.colour_margin)
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
