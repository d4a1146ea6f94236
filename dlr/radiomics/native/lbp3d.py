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

from dlr.radiomics.native.kernels_sphere import LANES, filter_spline, norm_of_level, sample_spheres
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
    counts, real, imaginary, kurtosis = sample_spheres(
        _spline_coefficients(image, region, reach),
        np.pad(image[region.box], [(0, 0), (0, 0), (0, LANES)]),
        region.mask,
        region.lines,
        *tables[0],
        *tables[1],
        tables[2][0],
        np.ascontiguousarray(np.pad(tables[2][1], [(0, 0), (0, LANES), (0, 0)]).transpose(0, 2, 1)),
        sphere.real,
        sphere.imaginary,
        len(region.inside),
    )
    yield "m1", sphere.by_count[counts]
    for level in range(2, levels + 1):
        orders = slice((level - 1) ** 2 - 1, level**2 - 1)
        squared = norm_of_level(real[orders], imaginary[orders], sphere.real[orders], sphere.imaginary[orders])
        yield f"m{level}", np.sqrt(squared[0] + 1j * squared[1]).real
    yield "k", kurtosis


@lru_cache(maxsize=8)
def _sphere(levels: int, radius: float, subdivisions: int) -> _Sphere:
    points = icosphere(subdivisions, radius)
    polar, azimuth = np.arccos(points[:, 2] / radius), np.arctan2(points[:, 1], points[:, 0])
    by_degree = [
        np.array([harmonics(n, m, polar, azimuth) for m in range(-n, n + 1)]).reshape(2 * n + 1, -1)
        for n in range(levels)
    ]
    # level 1 depends on the count alone: n y added one by one, times y, squared, added over the points
    y = by_degree[0][0, 0].real
    sums = np.concatenate([[0.0], np.cumsum(np.full(len(points), y))])
    by_count = np.sqrt(np.array([np.cumsum(np.full(len(points), (n * y) * (n * y)))[-1] for n in sums]))
    rest = np.concatenate(by_degree[1:]) if levels > 1 else np.zeros((0, len(points)), dtype=complex)
    return _Sphere(
        points,
        np.ascontiguousarray(rest.real),
        np.ascontiguousarray(rest.imag),
        by_count,
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
    """float64 (z, y, x) of the box and `reach` + 1 voxels around it, mirrored at the image's first and last voxel.

    At the end of every line follow unused places, as lines are worked in blocks.
    """
    low = [max(0, part.start - reach - _MARGIN) for part in region.box]
    high = [min(n, part.stop + reach + 1 + _MARGIN) for part, n in zip(region.box, image.shape, strict=True)]
    data = image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    for axis in sorted(range(3), key=lambda axis: image.shape[axis] == 1):  # last what only repeats one voxel
        size = image.shape[axis]
        wanted = np.arange(region.box[axis].start - reach, region.box[axis].stop + reach + 1)
        if size > 1:
            period = 2 * size - 2
            wanted = np.abs(wanted) % period
            wanted = np.where(wanted >= size, period - wanted, wanted) - low[axis]
            data = np.moveaxis(data, axis, 1)
            filtered = np.empty((data.shape[0], len(wanted), data.shape[2]))
            filter_spline(data, wanted, _POLE, filtered)
            data = np.moveaxis(filtered, 1, axis)
        else:
            data = data.take(np.zeros(len(wanted), dtype=np.int64), axis=axis)
    return np.pad(data, [(0, 0), (0, 0), (0, LANES)])
