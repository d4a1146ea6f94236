"""Local binary patterns in the plane (Ojala et al. 2002): scikit-image's methods, at the voxels of the ROI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from dlr.radiomics.native.region import Region

__all__ = ["local_binary_pattern"]

_METHODS = ("default", "ror", "uniform", "var")


class _Places(NamedTuple):
    """Where the samples around the pixels of one axis of a box lie, counted from `reach` pixels before it."""

    low: np.ndarray  # int64 (samples, pixels): the pixel at or below
    high: np.ndarray  # int64: the pixel at or above
    fraction: np.ndarray  # float64: from low to high, that of the place in the whole image


def local_binary_pattern(image: np.ndarray, region: Region, settings: Mapping[str, Any]) -> np.ndarray:
    """float64 (voxels of the ROI,), each slice by itself.  image : float64 (z, y, x), whole; 0 beyond it."""
    samples, radius = settings.get("lbp2DSamples", 8), settings.get("lbp2DRadius", 1)
    method = settings.get("lbp2DMethod", "uniform")
    angle = 2 * np.pi * np.arange(samples, dtype=np.float64) / samples
    # rounded, so that samples on the axes fall on pixels
    rows, columns = np.round(-radius * np.sin(angle), 5), np.round(radius * np.cos(angle), 5)
    reach = int(np.ceil(radius)) + 1
    order = [0, 1, 2]
    flat = settings.get("force2Ddimension", 0)
    order[0], order[flat] = flat, 0
    around = [(0, 0), (reach, reach), (reach, reach)]
    boxes = [region.box[axis] for axis in order]
    y, x = (_places(box, steps, reach) for box, steps in zip(boxes[1:], (rows, columns), strict=True))
    patterns = _patterns(_with_zeros(image.transpose(order), boxes, around), *y, *x, reach, _METHODS.index(method))
    return patterns.transpose(order).reshape(-1)[region.inside]


def _places(box: slice, steps: np.ndarray, reach: int) -> _Places:
    place = np.arange(box.start, box.stop) + steps[:, None]
    low, high = np.floor(place), np.ceil(place)
    origin = box.start - reach
    return _Places(low.astype(np.int64) - origin, high.astype(np.int64) - origin, place - low)


def _with_zeros(image: np.ndarray, boxes: list[slice], around: list[tuple[int, int]]) -> np.ndarray:
    """float64: the image in the box and so many voxels around it, 0 beyond the image."""
    wanted = [(box.start - a, box.stop + b) for box, (a, b) in zip(boxes, around, strict=True)]
    inside = tuple(slice(max(a, 0), min(b, n)) for (a, b), n in zip(wanted, image.shape, strict=True))
    lacking = [(part.start - a, b - part.stop) for (a, b), part in zip(wanted, inside, strict=True)]
    return np.pad(image[inside], lacking)


@njit(cache=True)
def _patterns(
    planes: np.ndarray,
    top: np.ndarray,
    bottom: np.ndarray,
    down: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    across: np.ndarray,
    reach: int,
    method: int,
) -> np.ndarray:
    """float64 (z, y, x) of the box.

    planes : float64 (z, y, x), the box with `reach` pixels around it in the plane.
    top, bottom, down; left, right, across : places of the samples along y and x.  method : index in _METHODS.
    """
    n_samples, width = left.shape
    out = np.empty((planes.shape[0], top.shape[1], width))
    texture = np.empty((n_samples, width))
    code, ones, changes = np.empty(width, np.int64), np.empty(width, np.int64), np.empty(width, np.int64)
    for z in range(planes.shape[0]):
        for y in range(top.shape[1]):
            centre, line = planes[z, y + reach, reach : reach + width], out[z, y]
            for i in range(n_samples):
                above, below, d = planes[z, top[i, y]], planes[z, bottom[i, y]], down[i, y]
                sample, first, last, fraction = texture[i], left[i], right[i], across[i]
                for x in range(width):
                    a = fraction[x]
                    upper = (1 - a) * above[first[x]] + a * above[last[x]]
                    lower = (1 - a) * below[first[x]] + a * below[last[x]]
                    sample[x] = (1 - d) * upper + d * lower
            if method == 3:
                for x in range(width):
                    line[x] = _variance(texture[:, x])
                continue
            code[:], ones[:], changes[:] = 0, 0, 0
            for i in range(n_samples):
                sample, before = texture[i], texture[max(i - 1, 0)]
                for x in range(width):
                    high = sample[x] - centre[x] >= 0
                    code[x] += np.int64(high) << i
                    ones[x] += high
                    changes[x] += high != (before[x] - centre[x] >= 0)
            for x in range(width):
                if method == 2:
                    line[x] = ones[x] if changes[x] <= 2 else n_samples + 1
                elif method == 1:
                    line[x] = _smallest_rotation(code[x], n_samples)
                else:
                    line[x] = code[x]
    return out


@njit(cache=True)
def _variance(texture: np.ndarray) -> float:
    """Of the samples; NaN where it is 0."""
    total = squares = 0.0
    for value in texture:
        total += value
        squares += value * value
    variance = (squares - total * total / len(texture)) / len(texture)
    return variance if variance != 0 else np.nan


@njit(cache=True)
def _smallest_rotation(code: int, n_bits: int) -> int:
    smallest = code
    for _ in range(1, n_bits):
        code = (code >> 1) | ((code & 1) << (n_bits - 1))
        smallest = min(smallest, code)
    return smallest
