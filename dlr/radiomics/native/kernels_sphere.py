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


def _multiply_and_add(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once, as NumPy multiplies complex numbers on a processor that can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


_fused: Any = intrinsic(_multiply_and_add)


@njit("void(float64[:,:,:], int64[::1], float64, float64[:,:,:])", cache=True)  # one version for all strides
def filter_spline(data: np.ndarray, wanted: np.ndarray, pole: float, out: np.ndarray) -> None:
    """Spline coefficients along the middle axis of data (a, n, b), mirrored at both ends; rows `wanted` into out.

    Recursions of Unser et al. (1993), LANES lines at a time.
    """
    n = data.shape[1]
    gain = (1.0 - pole) * (1.0 - 1.0 / pole)
    far = pole ** float(n - 1)  # by pow(), not by multiplications
    c = np.zeros((n, LANES))
    for i in range(data.shape[0]):
        for left in range(0, data.shape[2], LANES):
            width = min(LANES, data.shape[2] - left)
            for k in range(n):
                row, source = c[k], data[i, k, left : left + width]
                for x in range(width):
                    row[x] = source[x] * gain
            first, last = c[0], c[n - 1]
            for x in range(LANES):
                first[x] = first[x] + far * last[x]
            power = pole
            for k in range(1, min(n - 1, 64)):  # later terms are below rounding
                row, mirrored = c[k], c[n - 1 - k]
                for x in range(LANES):
                    first[x] += power * (row[x] + far * mirrored[x])
                power *= pole
            for x in range(LANES):
                first[x] /= 1 - far * far
            for k in range(1, n):
                row, before = c[k], c[k - 1]
                for x in range(LANES):
                    row[x] += pole * before[x]
            before = c[n - 2]
            for x in range(LANES):
                last[x] = (pole * before[x] + last[x]) * pole / (pole * pole - 1)
            for k in range(n - 2, -1, -1):
                row, after = c[k], c[k + 1]
                for x in range(LANES):
                    row[x] = pole * (after[x] - row[x])
            for k in range(len(wanted)):
                row, target = c[wanted[k]], out[i, k, left : left + width]
                for x in range(width):
                    target[x] = row[x]


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
            centre = centres[z, y, left : left + LANES]
            lit = centre[: right - left].min() > 0
            count[:], sum_real[:], sum_imaginary[:] = 0, 0, 0
            for v in range(n_points):
                sample = samples[v]
                sample[:] = 0
                if first_z[v, z] >= 0 and first_y[v, y] >= 0:
                    _interpolate(
                        coefficients, first_z[v, z], first_y[v, y], first_x[v], weight_z[v, z], weight_y[v, y],
                        weight_x[v], left, right, sample,
                    )  # fmt: skip
                elif lit:
                    continue  # 0, beyond the image, is below every centre: nothing is counted
                for x in range(LANES):
                    high[x] = 1.0 if sample[x] >= centre[x] else 0.0
                    count[x] += high[x]
                for q in range(n_sums):
                    a, b, row_real, row_imaginary = real[q, v], imaginary[q, v], sum_real[q], sum_imaginary[q]
                    for x in range(LANES):
                        row_real[x] += high[x] * a
                        row_imaginary[x] += high[x] * b
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
    coefficients: np.ndarray,
    first_z: int,
    first_y: int,
    first_x: np.ndarray,
    weight_z: np.ndarray,
    weight_y: np.ndarray,
    weight_x: np.ndarray,
    left: int,
    right: int,
    sample: np.ndarray,
) -> None:
    """The spline at places left .. right of a line into `sample` (LANES,), taps summed in the order z, y, x."""
    begin = first_x[left]
    # the same step for all: not at the image's border, nor where rounding meets a whole number
    even = begin >= 0 and first_x[right - 1] - right + 1 == begin - left
    # slices of contiguous arrays, by which the loops become vector instructions
    w0, w1 = weight_x[0, left : left + LANES], weight_x[1, left : left + LANES]
    w2, w3 = weight_x[2, left : left + LANES], weight_x[3, left : left + LANES]
    for a in range(4):
        for b in range(4):
            wz, wy = weight_z[a], weight_y[b]
            if even:
                row = coefficients[first_z + a, first_y + b, begin : begin + LANES + 3]
                for x in range(LANES):
                    total = sample[x]
                    total += row[x] * wz * wy * w0[x]
                    total += row[x + 1] * wz * wy * w1[x]
                    total += row[x + 2] * wz * wy * w2[x]
                    total += row[x + 3] * wz * wy * w3[x]
                    sample[x] = total
                continue
            for x in range(right - left):
                at = first_x[left + x]
                for c in range(4 if at >= 0 else 0):
                    sample[x] += coefficients[first_z + a, first_y + b, at + c] * wz * wy * weight_x[c, left + x]


@njit(cache=True)
def _mean_of_powers(samples: np.ndarray, mean: np.ndarray, power: int, partial: np.ndarray, out: np.ndarray) -> None:
    """Mean of samples (power 0) or of (samples - mean)^power over the points, added in eight parts as NumPy adds."""
    n = len(samples)
    whole = n - n % 8
    total = np.zeros(LANES)
    for v in range(n):
        sample, target = samples[v], partial[v % 8] if v < whole else total
        if v < 8 and v < whole:
            target[:] = 0
        if power == 0:
            for x in range(LANES):
                target[x] += sample[x]
        elif power == 2:
            for x in range(LANES):
                target[x] += (sample[x] - mean[x]) * (sample[x] - mean[x])
        else:
            for x in range(LANES):
                square = (sample[x] - mean[x]) * (sample[x] - mean[x])
                target[x] += square * square
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
    n_orders, n_voxels = real.shape
    out = np.empty((2, n_voxels))
    c, d = np.zeros((n_orders, LANES)), np.zeros((n_orders, LANES))
    part_real, part_imaginary, total_real, total_imaginary = np.zeros((4, LANES))
    for left in range(0, n_voxels, LANES):
        width = min(LANES, n_voxels - left)
        for m in range(n_orders):
            c[m, :width], d[m, :width] = real[m, left : left + width], imaginary[m, left : left + width]
        total_real[:], total_imaginary[:] = 0, 0
        for v in range(y_real.shape[1]):
            part_real[:], part_imaginary[:] = 0, 0
            for m in range(n_orders):
                a, b, own, other = y_real[m, v], y_imaginary[m, v], c[m], d[m]
                for x in range(LANES):
                    part_real[x] += _fused(own[x], a, -(other[x] * b))
                    part_imaginary[x] += _fused(own[x], b, other[x] * a)
            for x in range(LANES):
                total_real[x] += _fused(part_real[x], part_real[x], -(part_imaginary[x] * part_imaginary[x]))
                total_imaginary[x] += 2 * (part_real[x] * part_imaginary[x])
        out[0, left : left + width], out[1, left : left + width] = total_real[:width], total_imaginary[:width]
    return out
