"""What a picture or volume file holds: its samples, where they lie, which part was scanned; whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Decoded", "Grid", "ScannedRegion", "Segment"]


@dataclass(frozen=True)
class Grid:
    """Where voxels lie: all in (x, y, z) order, as image files write it."""

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


@dataclass(frozen=True)
class ScannedRegion:
    """A part of a still that was scanned, as an ultrasound header names it."""

    box: tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, ends exclusive
    spacing: tuple[float, float] | None  # (y, x) in mm

    @property
    def area(self) -> int:
        """Pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True)
class Segment:
    """A named area of a mask."""

    number: int  # by which column mask_label takes it
    name: str
    layer: int  # of the mask's array
    value: int  # in that layer


@dataclass(frozen=True)
class Decoded:
    """A file's samples before any judgement."""

    array: np.ndarray  # (z, y, x), or (z, y, x, 3) where the file holds colours; the file's own type
    format: str
    grid: Grid | None  # None: a picture format, which knows no geometry
    spacing: tuple[float, float, float] | None  # (z, y, x) mm, None where the file does not say
    regions: tuple[ScannedRegion, ...] = ()  # scanned regions named by the file, largest first
    notes: tuple[str, ...] = ()
    frame: int | None = None  # from 0: the one that was taken of several
    frames: int = 1  # that the file has
    segments: tuple[Segment, ...] = ()  # of a mask that names its areas; its array is then (z, y, x, layers)
