"""Several lesions in one mask: connected parts, largest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

__all__ = ["LesionParts", "lesion_parts"]


@dataclass(frozen=True)
class LesionParts:
    """The connected parts of a mask, numbered from 1, the largest; of equals the one whose first voxel comes first."""

    numbers: np.ndarray  # int32 (z, y, x), 0 outside
    sizes: tuple[int, ...]  # voxels of part 1, 2 …

    def __len__(self) -> int:
        return len(self.sizes)

    def part(self, number: int) -> np.ndarray:
        """bool (z, y, x)"""
        return self.numbers == number


def lesion_parts(mask: np.ndarray) -> LesionParts:
    """The connected parts (26 neighbours, 8 in a still) of a mask (z, y, x).

    Parts that touch, be it at a corner, are one. One array holds them all, however many there are.
    """
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)), output=np.int32)
    flat = labels.ravel()
    places = np.flatnonzero(flat)[::-1]
    first = np.zeros(count + 1, dtype=np.int64)
    first[flat[places]] = places  # backwards: of several the last assigned, the first voxel, stays
    sizes = np.bincount(flat, minlength=count + 1)
    order = np.lexsort((first[1:], -sizes[1:])) + 1
    number = np.zeros(count + 1, dtype=np.int32)
    number[order] = np.arange(1, count + 1)
    return LesionParts(number[labels], tuple(sizes[order].tolist()))
