"""Undecimated wavelet transform (PyWavelets' stationary transform, level by level), cropped to the region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
import pywt
from numba import njit

from dlr.radiomics.columns import wavelet_axes
from dlr.radiomics.native.region import Region

__all__ = ["wavelet_bands"]


def wavelet_bands(
    image: np.ndarray, region: Region, settings: Mapping[str, Any]
) -> Iterator[tuple[int, str, np.ndarray]]:
    """Level (1, 2, ...), band and its float64 (z, y, x) of the region's box: detail bands, then the last approximation.

    image : float64 (z, y, x), whole. An axis of odd length is taken as periodic with its first voxel once more at the
    end. A band's letters stand for x, y, z; H is the high-pass. Across an axis of one voxel a high-pass is exactly 0.
    """
    wavelet = pywt.Wavelet(settings.get("wavelet", "coif1"))
    low, high = np.array(wavelet.dec_lo), np.array(wavelet.dec_hi)
    length = len(low)
    before, after = length - 1 - length // 2, length // 2
    axes = wavelet_axes(dict(settings))
    skipped, levels = settings.get("start_level", 0), settings.get("level", 1)
    data = image
    flat = tuple(size == 1 for size in image.shape)
    for axis in (2, 1, 0):
        wide = (skipped + levels) * (axis in axes and not flat[axis])
        margin = (before * wide, after * wide)
        data = _periodic(data, axis, region.box[axis].start - margin[0], region.box[axis].stop + margin[1])
    for _ in range(skipped):
        for axis in axes:
            data = _convolved(data, low, axis, flat[axis])
    for level in range(1, levels + 1):
        final = levels - level
        inner = tuple(
            slice(before * final, -after * final or None) if axis in axes and not flat[axis] else slice(None)
            for axis in range(3)
        )
        for name, band in _split(data, low, high, axes, flat):
            if "H" in name:
                yield level, name, band[inner]
            else:
                approximation = band
        data = approximation
    yield levels, "L" * len(axes), data


def _split(
    data: np.ndarray, low: np.ndarray, high: np.ndarray, axes: tuple[int, ...], flat: tuple[bool, ...], name: str = ""
) -> Iterator[tuple[str, np.ndarray]]:
    """Every band along the axes, one after the other: of a large volume few are in memory at a time."""
    if not axes:
        yield name, data
        return
    axis, *rest = axes
    yield from _split(_convolved(data, low, axis, flat[axis]), low, high, tuple(rest), flat, name + "L")
    detail = np.zeros_like(data) if flat[axis] else _convolved(data, high, axis, False)
    yield from _split(detail, low, high, tuple(rest), flat, name + "H")


def _periodic(data: np.ndarray, axis: int, start: int, stop: int) -> np.ndarray:
    """Voxels start to stop along an axis of the periodic image."""
    size = data.shape[axis]
    if start >= 0 and stop <= size:
        return data[tuple(slice(start, stop) if i == axis else slice(None) for i in range(3))]
    index = np.arange(start, stop) % (size + size % 2)
    return data.take(np.where(index == size, 0, index), axis=axis)


def _convolved(data: np.ndarray, taps: np.ndarray, axis: int, flat: bool) -> np.ndarray:
    """Σⱼ taps[j] data[i − j] where all of data is there, so shorter by len(taps) − 1; a flat axis is constant."""
    if flat:
        out = taps[0] * data
        for tap in taps[1:]:
            out += tap * data
        return out
    size = data.shape[axis]
    rows = prod(data.shape[axis + 1 :])
    out_shape = [n - (len(taps) - 1) * (i == axis) for i, n in enumerate(data.shape)]
    out = np.empty(out_shape)
    _convolve(np.ascontiguousarray(data).reshape(-1, size, rows), taps, out.reshape(-1, out_shape[axis], rows))
    return out


@njit(cache=True)
def _convolve(data: np.ndarray, taps: np.ndarray, out: np.ndarray) -> None:
    """data (a, n, b) along its middle axis into out (a, n - len(taps) + 1, b), taps added first to last."""
    n_taps = len(taps)
    n = out.shape[1]
    if data.shape[2] == 1:
        for i in range(data.shape[0]):
            source, target = data[i, :, 0], out[i, :, 0]
            for k in range(n):
                target[k] = taps[0] * source[k + n_taps - 1]
            for j in range(1, n_taps):
                for k in range(n):
                    target[k] += taps[j] * source[k + n_taps - 1 - j]
        return
    for i in range(data.shape[0]):
        for k in range(n):
            line = out[i, k]
            source = data[i, k + n_taps - 1]
            for x in range(len(line)):
                line[x] = taps[0] * source[x]
            for j in range(1, n_taps):
                source = data[i, k + n_taps - 1 - j]
                for x in range(len(line)):
                    line[x] += taps[j] * source[x]
