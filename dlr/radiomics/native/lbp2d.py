"""Local binary patterns in the plane (Ojala et al. 2002): scikit-image's methods, at the voxels of the ROI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit

from dlr.radiomics.native.region import Region

__all__ = ["local_binary_pattern"]

_METHODS = ("default", "ror", "uniform", "var")


def local_binary_pattern(image: np.ndarray, region: Region, settings: Mapping[str, Any]) -> np.ndarray:
    """float64 (voxels of the ROI,), each slice by itself.  image : float64 (z, y, x), whole; 0 beyond it."""
    samples, radius = settings.get("lbp2DSamples", 8), settings.get("lbp2DRadius", 1)
    method = settings.get("lbp2DMethod", "uniform")
    angle = 2 * np.pi * np.arange(samples, dtype=np.float64) / samples
    # rounded, so that samples on the axes fall on pixels
    rows, columns = np.round(-radius * np.sin(angle), 5), np.round(radius * np.cos(angle), 5)
    axis = settings.get("force2Ddimension", 0)
    planes = np.ascontiguousarray(image.swapaxes(0, axis))
    position = np.stack(np.nonzero(region.mask)) + np.array(region.start)[:, None]
    position[[0, axis]] = position[[axis, 0]]
    return _patterns(planes, np.ascontiguousarray(position), rows, columns, _METHODS.index(method))


@njit(cache=True)
def _patterns(
    planes: np.ndarray, position: np.ndarray, rows: np.ndarray, columns: np.ndarray, method: int
) -> np.ndarray:
    """planes (z, y, x); position int64 (3, n); rows, columns: the samples' steps; method: index in _METHODS."""
    n_samples = len(rows)
    out = np.empty(position.shape[1])
    texture = np.empty(n_samples)
    for voxel in range(position.shape[1]):
        plane = planes[position[0, voxel]]
        y, x = position[1, voxel], position[2, voxel]
        for i in range(n_samples):
            texture[i] = _bilinear(plane, y + rows[i], x + columns[i])
        if method == 3:
            total = squares = 0.0
            for i in range(n_samples):
                total += texture[i]
                squares += texture[i] * texture[i]
            variance = (squares - total * total / n_samples) / n_samples
            out[voxel] = variance if variance != 0 else np.nan
            continue
        code, ones, changes, last = np.int64(0), 0, 0, False
        for i in range(n_samples):
            high = texture[i] - plane[y, x] >= 0
            code += np.int64(high) << i
            ones += high
            changes += i > 0 and high != last
            last = high
        if method == 2:
            out[voxel] = ones if changes <= 2 else n_samples + 1
        elif method == 1:
            smallest = code
            for _ in range(1, n_samples):
                code = (code >> 1) | ((code & 1) << (n_samples - 1))
                smallest = min(smallest, code)
            out[voxel] = smallest
        else:
            out[voxel] = code
    return out


@njit(cache=True)
def _bilinear(plane: np.ndarray, row: float, column: float) -> float:
    """Between the four pixels around a place; pixels beyond the plane are 0."""
    top, left = int(np.floor(row)), int(np.floor(column))
    bottom, right = int(np.ceil(row)), int(np.ceil(column))
    down, across = row - top, column - left
    above = (1 - across) * _pixel(plane, top, left) + across * _pixel(plane, top, right)
    below = (1 - across) * _pixel(plane, bottom, left) + across * _pixel(plane, bottom, right)
    return (1 - down) * above + down * below


@njit(cache=True)
def _pixel(plane: np.ndarray, row: int, column: int) -> float:
    if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
        return plane[row, column]
    return 0.0
