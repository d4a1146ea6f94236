"""The ROI in its bounding box: lines along x, positions, and neighbour directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from dlr.radiomics.native.computed_once import once

__all__ = ["Region", "directions"]

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Region:
    """A ROI cropped to its bounding box."""

    mask: np.ndarray  # bool (z, y, x), touching all six faces
    spacing: tuple[float, float, float]  # mm (z, y, x)
    start: tuple[int, int, int]  # of the box in the image
    image_shape: tuple[int, int, int]

    @classmethod
    def of(cls, mask: np.ndarray, spacing: tuple[float, float, float]) -> Region:
        """The region of a mask bool (z, y, x) that is not empty."""
        box = bounding_box(mask)
        start = tuple(part.start for part in box)
        return cls(np.ascontiguousarray(mask[box]), spacing, start, mask.shape)  # type: ignore[arg-type]

    @property
    def box(self) -> Box:
        """Where the region lies in the image."""
        z, y, x = (slice(s, s + n) for s, n in zip(self.start, self.mask.shape, strict=True))
        return z, y, x

    @once
    def inside(self) -> np.ndarray:
        """Flat indices of the ROI's voxels in the box, in the order z, y, x."""
        return np.flatnonzero(self.mask)

    @once
    def lines(self) -> np.ndarray:
        """int64 (n, 4): z, y, first x, last x + 1 of every line that holds ROI voxels."""
        any_voxel = self.mask.any(axis=2)
        z, y = np.nonzero(any_voxel)
        width = self.mask.shape[2]
        first = self.mask.argmax(axis=2)[z, y]
        last = width - self.mask[:, :, ::-1].argmax(axis=2)[z, y]
        return np.ascontiguousarray(np.stack([z, y, first, last], axis=1).astype(np.int64))

    def turned(self, axis: int) -> Region:
        """The region with `axis` first."""
        order = (axis, *(other for other in range(3) if other != axis))
        z, y, x = (self.spacing[i] for i in order)
        return Region(np.ascontiguousarray(self.mask.transpose(order)), (z, y, x), (0, 0, 0), (0, 0, 0))

    def has_lines(self, offsets: np.ndarray) -> np.ndarray:
        """bool (offsets,): whether any straight line along the offset (steps -1, 0, 1) holds two voxels."""
        known = self.__dict__.setdefault("_has_lines", {})
        return np.array(
            [
                known[key] if key in known else known.setdefault(key, self._has_line(key))
                for key in map(tuple, offsets.tolist())
            ],
            bool,
        )

    def _has_line(self, offset: tuple[int, int, int]) -> bool:
        ahead = tuple(
            slice(max(0, step), size + min(0, step)) for step, size in zip(offset, self.mask.shape, strict=True)
        )
        behind = tuple(
            slice(max(0, -step), size + min(0, -step)) for step, size in zip(offset, self.mask.shape, strict=True)
        )
        if (self.mask[ahead] & self.mask[behind]).any():
            return True
        voxels = np.argwhere(self.mask)
        moving = next(axis for axis in range(3) if offset[axis])
        feet = voxels - (voxels[:, moving] * offset[moving])[:, None] * np.array(offset)
        return len(np.unique(feet, axis=0)) < len(voxels)

    def neighbours(self, offsets: np.ndarray) -> np.ndarray:
        """uint16 (z, y, x) of the box: of every voxel's neighbours at +offset and -offset, how many are in the ROI."""
        known = self.__dict__.setdefault("_neighbours", {})
        key = offsets.tobytes()
        if key not in known:
            reach = int(np.abs(offsets).max(initial=0))
            padded = np.pad(self.mask, reach).view(np.uint8)
            known[key] = np.zeros(self.mask.shape, dtype=np.uint16)
            for offset in np.concatenate([offsets, -offsets]):
                window = (slice(reach + d, reach + d + n) for d, n in zip(offset, self.mask.shape, strict=True))
                known[key] += padded[tuple(window)]
        return known[key]

    def padded(self, values: np.ndarray, pad: int) -> np.ndarray:
        """int32 (z, y, x), the box with `pad` zeros around it: `values` (one a voxel) in the ROI, 0 elsewhere."""
        out = np.zeros(tuple(size + 2 * pad for size in self.mask.shape), dtype=np.int32)
        out.ravel()[self._padded_positions(pad)] = values
        return out

    def _padded_positions(self, pad: int) -> np.ndarray:
        positions = self.__dict__.setdefault("_positions", {})
        if pad not in positions:
            z, y, x = np.unravel_index(self.inside, self.mask.shape)
            _, height, width = (size + 2 * pad for size in self.mask.shape)
            positions[pad] = ((z + pad) * height + y + pad) * width + x + pad
        return positions[pad]


def bounding_box(mask: np.ndarray) -> Box:
    """The smallest box that holds the mask's True voxels."""
    parts = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        parts.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return parts[0], parts[1], parts[2]


def directions(shape: tuple[int, ...], distances: tuple[int, ...], flat_axis: int | None) -> np.ndarray:
    """int64 (n, 3): offsets to neighbours at the given Chebyshev distances, one of each opposite pair.

    An offset as long as the box has no pair and is left out; `flat_axis` is never moved along (force2D).
    """
    reach = max(distances)
    return _directions(tuple(min(size, reach + 1) for size in shape), distances, flat_axis)


@lru_cache(maxsize=256)
def _directions(shape: tuple[int, ...], distances: tuple[int, ...], flat_axis: int | None) -> np.ndarray:
    reach = max(distances)
    found = [
        offset
        for offset in product(range(reach, -reach - 1, -1), repeat=3)
        if offset > (0, 0, 0)
        and max(map(abs, offset)) in distances
        and all(abs(step) < size for step, size in zip(offset, shape, strict=True))
        and (flat_axis is None or offset[flat_axis] == 0)
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 3)
