"""Binary patterns on a sphere around each voxel (Banerjee et al. 2013), as pyradiomics computes them.

The image is sampled by cubic splines in SciPy's order of operations, as samples on voxel centres are compared with the
centre itself and rounding decides; beyond the image samples are 0. pyradiomics passes the harmonics their two angles in
each other's place and squares complex numbers: so do we, else no published value would be met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from dlr.radiomics.native.region import Region
from dlr.radiomics.native.sphere import harmonics, icosphere

__all__ = ["spherical_patterns"]

_POLE = -0.2679491924311227  # of the cubic spline, as SciPy has it: sqrt(3) - 2 differs in the last digit
_MARGIN = 36  # voxels after which the pole's influence is below rounding


class _Sphere(NamedTuple):
    points: np.ndarray  # float64 (v, 3)
    real: np.ndarray  # float64 (q, v): harmonics of degree 1, 2, ...
    imaginary: np.ndarray
    by_count: np.ndarray  # float64 (v + 1,): level 1 of a voxel with that many samples at or above it
    products: tuple[np.ndarray, ...]  # a degree from 1 on: Σᵥ Yₘ(v) Yₘ'(v), complex (2n + 1, 2n + 1)


def spherical_patterns(
    image: np.ndarray, region: Region, settings: Mapping[str, Any]
) -> Iterator[tuple[str, np.ndarray]]:
    """Name (m1, m2, ..., k) and float64 (voxels of the ROI,): one pattern a level, then the samples' kurtosis.

    image : float64 (z, y, x), whole. Kurtosis is NaN where all samples are equal.
    """
    levels, radius = settings.get("lbp3DLevels", 2), float(settings.get("lbp3DIcosphereRadius", 1))
    sphere = _sphere(levels, radius, settings.get("lbp3DIcosphereSubdivision", 1))
    reach = int(np.ceil(radius)) + 2
    tables = [_taps(region, axis, sphere.points[:, axis], reach) for axis in range(3)]
    counts, real, imaginary, kurtosis = _sample(
        _spline_coefficients(image, region, reach),
        image[region.box],
        region.mask,
        region.lines,
        tables[0][0],
        tables[0][1],
        tables[1][0],
        tables[1][1],
        tables[2][0],
        np.ascontiguousarray(tables[2][1].transpose(0, 2, 1)),
        sphere.real,
        sphere.imaginary,
        len(region.inside),
    )
    yield "m1", sphere.by_count[counts]
    first = 0
    for level, products in enumerate(sphere.products, start=2):
        c = (real[first : first + len(products)] + 1j * imaginary[first : first + len(products)]).T
        first += len(products)
        yield f"m{level}", np.sqrt(((c @ products) * c).sum(axis=1)).real
    yield "k", kurtosis


@lru_cache(maxsize=8)
def _sphere(levels: int, radius: float, subdivisions: int) -> _Sphere:
    points = icosphere(subdivisions, radius)
    polar, azimuth = np.arccos(points[:, 2] / radius), np.arctan2(points[:, 1], points[:, 0])
    by_degree = [
        np.array([harmonics(n, m, polar, azimuth) for m in range(-n, n + 1)]).reshape(2 * n + 1, -1)
        for n in range(levels)
    ]
    flags = np.tri(len(points) + 1, len(points), -1)  # row i: i samples at or above the voxel
    c = (flags[:, :, None] * by_degree[0][0][None, :, None]).sum(axis=1)
    by_count = np.sqrt(((c[:, None, :] * by_degree[0][0][None, :, None]) ** 2).sum(axis=1)).real[:, 0]
    rest = np.concatenate(by_degree[1:]) if levels > 1 else np.zeros((0, len(points)), dtype=complex)
    return _Sphere(
        points,
        np.ascontiguousarray(rest.real),
        np.ascontiguousarray(rest.imag),
        by_count,
        tuple(y @ y.T for y in by_degree[1:]),
    )


def _taps(region: Region, axis: int, steps: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """First of four taps, int64 (v, n), -1 beyond the image, and their weights, float64 (v, n, 4), 0 beyond.

    Taps count from `reach` voxels before the box. The fraction is that of the place in the whole image.
    """
    start, stop, size = region.box[axis].start, region.box[axis].stop, region.image_shape[axis]
    place = np.arange(start, stop) + steps[:, None]
    below = np.floor(place)
    y = place - below
    z = 1.0 - y
    weights = np.empty((*place.shape, 4))
    weights[..., 0] = z * z * z / 6.0
    weights[..., 1] = (y * y * (y - 2.0) * 3.0 + 4.0) / 6.0
    weights[..., 2] = (z * z * (z - 2.0) * 3.0 + 4.0) / 6.0
    weights[..., 3] = 1.0 - weights[..., 0] - weights[..., 1] - weights[..., 2]
    beyond = (place < 0) | (place > size - 1)
    weights[beyond] = 0
    first = below.astype(np.int64) - 1 - (start - reach)
    return np.where(beyond, -1, first), weights


def _spline_coefficients(image: np.ndarray, region: Region, reach: int) -> np.ndarray:
    """float64 (z, y, x) of the box and `reach` + 1 voxels around it, mirrored at the image's first and last voxel."""
    low = [max(0, part.start - reach - _MARGIN) for part in region.box]
    high = [min(n, part.stop + reach + 1 + _MARGIN) for part, n in zip(region.box, image.shape, strict=True)]
    data = image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    for axis in range(3):
        size = image.shape[axis]
        wanted = np.arange(region.box[axis].start - reach, region.box[axis].stop + reach + 1)
        if size > 1:
            period = 2 * size - 2
            wanted = np.abs(wanted) % period
            wanted = np.where(wanted >= size, period - wanted, wanted) - low[axis]
            data = np.moveaxis(data, axis, 1)
            filtered = np.empty((data.shape[0], len(wanted), data.shape[2]))
            _filter(data, wanted, _POLE, filtered)
            data = np.moveaxis(filtered, 1, axis)
        else:
            data = data.take(np.zeros(len(wanted), dtype=np.int64), axis=axis)
    return np.ascontiguousarray(data)


@njit(cache=True)
def _filter(data: np.ndarray, wanted: np.ndarray, pole: float, out: np.ndarray) -> None:
    """Spline coefficients along the middle axis of data (a, n, b), mirrored at both ends; rows `wanted` into out.

    Recursions of Unser et al. (1993), 16 lines at a time.
    """
    lanes = 16
    n = data.shape[1]
    gain = (1.0 - pole) * (1.0 - 1.0 / pole)
    far = pole ** (n - 1)
    c = np.zeros((n, lanes))
    for i in range(data.shape[0]):
        for left in range(0, data.shape[2], lanes):
            width = min(lanes, data.shape[2] - left)
            for k in range(n):
                for x in range(width):
                    c[k, x] = data[i, k, left + x] * gain
            for x in range(lanes):
                c[0, x] = c[0, x] + far * c[n - 1, x]
            power = pole
            for k in range(1, min(n - 1, 64)):
                for x in range(lanes):
                    c[0, x] += power * (c[k, x] + far * c[n - 1 - k, x])
                power *= pole
            for x in range(lanes):
                c[0, x] /= 1 - far * far
            for k in range(1, n):
                for x in range(lanes):
                    c[k, x] += pole * c[k - 1, x]
            for x in range(lanes):
                c[n - 1, x] = (pole * c[n - 2, x] + c[n - 1, x]) * pole / (pole * pole - 1)
            for k in range(n - 2, -1, -1):
                for x in range(lanes):
                    c[k, x] = pole * (c[k + 1, x] - c[k, x])
            for row in range(len(wanted)):
                for x in range(width):
                    out[i, row, left + x] = c[wanted[row], x]


@njit(cache=True)
def _sample(
    coefficients: np.ndarray,
    centres: np.ndarray,
    mask: np.ndarray,
    lines: np.ndarray,
    first_z: np.ndarray,
    weight_z: np.ndarray,
    first_y: np.ndarray,
    weight_y: np.ndarray,
    first_x: np.ndarray,
    weight_x: np.ndarray,
    real: np.ndarray,
    imaginary: np.ndarray,
    n_voxels: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Samples around every voxel of the ROI, line by line.

    first_*, weight_* : as `_taps` gives them, x with its taps before its voxels.  real, imaginary : harmonics (q, v).
    Returns int64 (n,) samples >= the voxel; float64 (q, n) twice, sums of their harmonics; float64 (n,) kurtosis.
    """
    n_points, width, n_sums = first_x.shape[0], mask.shape[2], len(real)
    out_count = np.empty(n_voxels, dtype=np.int64)
    out_real, out_imaginary = np.empty((n_sums, n_voxels)), np.empty((n_sums, n_voxels))
    out_kurtosis = np.empty(n_voxels)
    samples = np.empty((n_points, width))
    count = np.empty(width)
    sum_real, sum_imaginary = np.empty((n_sums, width)), np.empty((n_sums, width))
    lane = np.empty((8, width))
    mean, second, fourth = np.empty(width), np.empty(width), np.empty(width)
    n_out = 0
    for line in range(len(lines)):
        z, y, start, stop = lines[line]
        centre = centres[z, y]
        count[:] = 0
        sum_real[:] = 0
        sum_imaginary[:] = 0
        for v in range(n_points):
            sample = samples[v]
            sample[start:stop] = 0
            if first_z[v, z] >= 0 and first_y[v, y] >= 0:
                _interpolate(
                    coefficients[first_z[v, z] : first_z[v, z] + 4, first_y[v, y] : first_y[v, y] + 4],
                    weight_z[v, z], weight_y[v, y], first_x[v], weight_x[v], start, stop, sample,
                )  # fmt: skip
            for x in range(start, stop):
                lane[0, x] = 1.0 if sample[x] >= centre[x] else 0.0
                count[x] += lane[0, x]
            for q in range(n_sums):
                for x in range(start, stop):
                    sum_real[q, x] += lane[0, x] * real[q, v]
                    sum_imaginary[q, x] += lane[0, x] * imaginary[q, v]
        _mean_of_powers(samples, mean, 0, start, stop, lane, mean)
        _mean_of_powers(samples, mean, 2, start, stop, lane, second)
        _mean_of_powers(samples, mean, 4, start, stop, lane, fourth)
        for x in range(start, stop):
            if mask[z, y, x]:
                out_count[n_out] = int(count[x])
                flat = second[x] <= (1e-15 * mean[x]) ** 2
                out_kurtosis[n_out] = np.nan if flat else fourth[x] / (second[x] * second[x]) - 3.0
                for q in range(n_sums):
                    out_real[q, n_out] = sum_real[q, x]
                    out_imaginary[q, n_out] = sum_imaginary[q, x]
                n_out += 1
    return out_count, out_real, out_imaginary, out_kurtosis


@njit(cache=True)
def _interpolate(
    taps: np.ndarray,
    weight_z: np.ndarray,
    weight_y: np.ndarray,
    first_x: np.ndarray,
    weight_x: np.ndarray,
    start: int,
    stop: int,
    sample: np.ndarray,
) -> None:
    """Add the spline at a line of places to `sample`; taps (4, 4, x) are summed in the order z, y, x."""
    begin = start
    while begin < stop:
        if first_x[begin] < 0:
            begin += 1
            continue
        shift = first_x[begin] - begin  # the same along the line, but for rounding next to a whole number
        end = begin
        while end < stop and first_x[end] - end == shift:
            end += 1
        target = sample[begin:end]
        w0, w1, w2, w3 = (
            weight_x[0, begin:end], weight_x[1, begin:end], weight_x[2, begin:end], weight_x[3, begin:end],
        )  # fmt: skip
        for a in range(4):
            for b in range(4):
                row = taps[a, b, begin + shift : end + shift + 3]
                wz, wy = weight_z[a], weight_y[b]
                for x in range(end - begin):
                    total = target[x]
                    total += row[x] * wz * wy * w0[x]
                    total += row[x + 1] * wz * wy * w1[x]
                    total += row[x + 2] * wz * wy * w2[x]
                    total += row[x + 3] * wz * wy * w3[x]
                    target[x] = total
        begin = end


@njit(cache=True)
def _mean_of_powers(
    samples: np.ndarray, mean: np.ndarray, power: int, start: int, stop: int, lane: np.ndarray, out: np.ndarray
) -> None:
    """Mean of samples (power 0) or of (samples - mean)^power over the points, added in eight lanes as NumPy adds."""
    n = len(samples)
    whole = n - n % 8
    result = np.zeros(len(out))
    for v in range(n):
        target = lane[v % 8] if v < whole else result
        for x in range(start, stop):
            value = samples[v, x]
            if power > 0:
                value = (value - mean[x]) * (value - mean[x])
            if power == 4:
                value = value * value
            target[x] = value if v < 8 and v < whole else target[x] + value
        if v == whole - 1:
            for x in range(start, stop):
                result[x] = ((lane[0, x] + lane[1, x]) + (lane[2, x] + lane[3, x])) + (
                    (lane[4, x] + lane[5, x]) + (lane[6, x] + lane[7, x])
                )
    for x in range(start, stop):
        out[x] = result[x] / n
