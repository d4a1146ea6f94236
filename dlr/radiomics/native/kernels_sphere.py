"""Kernels of the spherical binary pattern: spline coefficients, samples around every voxel, norms of their harmonics.

Operations come in SciPy's and NumPy's order, as equal samples are told apart by rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["LANES", "filter_spline", "norm_of_level", "sample_spheres"]

LANES = 16  # voxels worked at a time


@intrinsic
def _fused(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once, as NumPy multiplies complex numbers on a processor that can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@njit(cache=True)
def filter_spline(data: np.ndarray, wanted: np.ndarray, pole: float, out: np.ndarray) -> None:
    """Spline coefficients along the middle axis of data (a, n, b), mirrored at both ends; rows `wanted` into out.

    Recursions of Unser et al. (1993), LANES lines at a time.
    """
    n = data.shape[1]
    gain = (1.0 - pole) * (1.0 - 1.0 / pole)
    far = pole ** (n - 1)
    c = np.zeros((n, LANES))
    for i in range(data.shape[0]):
        for left in range(0, data.shape[2], LANES):
            width = min(LANES, data.shape[2] - left)
            for k in range(n):
                for x in range(width):
                    c[k, x] = data[i, k, left + x] * gain
            for x in range(LANES):
                c[0, x] = c[0, x] + far * c[n - 1, x]
            power = pole
            for k in range(1, min(n - 1, 64)):
                for x in range(LANES):
                    c[0, x] += power * (c[k, x] + far * c[n - 1 - k, x])
                power *= pole
            for x in range(LANES):
                c[0, x] /= 1 - far * far
            for k in range(1, n):
                for x in range(LANES):
                    c[k, x] += pole * c[k - 1, x]
            for x in range(LANES):
                c[n - 1, x] = (pole * c[n - 2, x] + c[n - 1, x]) * pole / (pole * pole - 1)
            for k in range(n - 2, -1, -1):
                for x in range(LANES):
                    c[k, x] = pole * (c[k + 1, x] - c[k, x])
            for row in range(len(wanted)):
                for x in range(width):
                    out[i, row, left + x] = c[wanted[row], x]


@njit(cache=True)
def sample_spheres(
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
    """Samples around every voxel of the ROI, line by line, LANES voxels at a time.

    coefficients, centres, weight_x : LANES longer along x than they need be.
    first_*, weight_* : first of four taps (v, n), negative beyond the image, and weights (v, n, 4), for x (v, 4, n).
    real, imaginary : harmonics (q, v).
    Returns int64 (n,) samples >= the voxel; float64 (q, n) twice, sums of their harmonics; float64 (n,) kurtosis.
    """
    n_points, n_sums = first_x.shape[0], len(real)
    out_count = np.empty(n_voxels, dtype=np.int64)
    out_real, out_imaginary = np.empty((n_sums, n_voxels)), np.empty((n_sums, n_voxels))
    out_kurtosis = np.empty(n_voxels)
    samples = np.empty((n_points, LANES))
    high, count = np.empty(LANES), np.empty(LANES)
    sum_real, sum_imaginary = np.empty((n_sums, LANES)), np.empty((n_sums, LANES))
    partial = np.empty((8, LANES))
    mean, second, fourth = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    n_out = 0
    for line in range(len(lines)):
        z, y = lines[line, 0], lines[line, 1]
        for left in range(lines[line, 2], lines[line, 3], LANES):
            right = min(left + LANES, lines[line, 3])
            count[:], sum_real[:], sum_imaginary[:] = 0, 0, 0
            for v in range(n_points):
                sample = samples[v]
                sample[:] = 0
                if first_z[v, z] >= 0 and first_y[v, y] >= 0:
                    taps = coefficients[first_z[v, z] : first_z[v, z] + 4, first_y[v, y] : first_y[v, y] + 4]
                    _interpolate(taps, weight_z[v, z], weight_y[v, y], first_x[v], weight_x[v], left, right, sample)
                for x in range(LANES):
                    high[x] = 1.0 if sample[x] >= centres[z, y, left + x] else 0.0
                    count[x] += high[x]
                for q in range(n_sums):
                    for x in range(LANES):
                        sum_real[q, x] += high[x] * real[q, v]
                        sum_imaginary[q, x] += high[x] * imaginary[q, v]
            _mean_of_powers(samples, mean, 0, partial, mean)
            _mean_of_powers(samples, mean, 2, partial, second)
            _mean_of_powers(samples, mean, 4, partial, fourth)
            for x in range(right - left):
                if mask[z, y, left + x]:
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
    left: int,
    right: int,
    sample: np.ndarray,
) -> None:
    """The spline at places left .. right of a line into `sample`; taps (4, 4, x) are summed in the order z, y, x."""
    shift = first_x[left] - left
    even = first_x[left] >= 0 and first_x[right - 1] - right + 1 == shift
    if even:  # the same step for all: not at the image's border, nor where rounding meets a whole number
        for a in range(4):
            for b in range(4):
                wz, wy = weight_z[a], weight_y[b]
                row, w = taps[a, b, left + shift :], weight_x[:, left:]
                for x in range(LANES):
                    total = sample[x]
                    total += row[x] * wz * wy * w[0, x]
                    total += row[x + 1] * wz * wy * w[1, x]
                    total += row[x + 2] * wz * wy * w[2, x]
                    total += row[x + 3] * wz * wy * w[3, x]
                    sample[x] = total
        return
    for x in range(right - left):
        at = first_x[left + x]
        if at >= 0:
            for a in range(4):
                for b in range(4):
                    for c in range(4):
                        sample[x] += taps[a, b, at + c] * weight_z[a] * weight_y[b] * weight_x[c, left + x]


@njit(cache=True)
def _mean_of_powers(samples: np.ndarray, mean: np.ndarray, power: int, partial: np.ndarray, out: np.ndarray) -> None:
    """Mean of samples (power 0) or of (samples - mean)^power over the points, added in eight parts as NumPy adds."""
    n = len(samples)
    whole = n - n % 8
    total = np.zeros(LANES)
    for v in range(n):
        target = partial[v % 8] if v < whole else total
        for x in range(LANES):
            value = samples[v, x]
            if power > 0:
                value = (value - mean[x]) * (value - mean[x])
            if power == 4:
                value = value * value
            target[x] = value if v < 8 and v < whole else target[x] + value
        if v == whole - 1:
            for x in range(LANES):
                total[x] = ((partial[0, x] + partial[1, x]) + (partial[2, x] + partial[3, x])) + (
                    (partial[4, x] + partial[5, x]) + (partial[6, x] + partial[7, x])
                )
    for x in range(LANES):
        out[x] = total[x] / n


@njit(cache=True)
def norm_of_level(real: np.ndarray, imaginary: np.ndarray, y_real: np.ndarray, y_imaginary: np.ndarray) -> np.ndarray:
    """Σᵥ (Σₘ cₘ Yₘ(v))², float64 (2, n): real and imaginary part.

    real, imaginary : c of every voxel (m, n).  y_real, y_imaginary : harmonics (m, v).
    """
    n_voxels = real.shape[1]
    out = np.zeros((2, n_voxels))
    part_real, part_imaginary = np.empty(LANES), np.empty(LANES)
    for left in range(0, n_voxels, LANES):
        width = min(LANES, n_voxels - left)
        for v in range(y_real.shape[1]):
            part_real[:], part_imaginary[:] = 0, 0
            for m in range(len(real)):
                a, b = y_real[m, v], y_imaginary[m, v]
                for x in range(width):
                    c, d = real[m, left + x], imaginary[m, left + x]
                    part_real[x] += _fused(c, a, -(d * b))
                    part_imaginary[x] += _fused(c, b, d * a)
            for x in range(width):
                out[0, left + x] += _fused(part_real[x], part_real[x], -(part_imaginary[x] * part_imaginary[x]))
                out[1, left + x] += 2 * (part_real[x] * part_imaginary[x])
    return out
