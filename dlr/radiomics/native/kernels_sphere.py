"""Kernels of the spherical binary pattern: spline coefficients, samples around every voxel, norms of their harmonics.

Operations come in SciPy's and NumPy's order, as equal samples are told apart by rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["LANES", "filter_spline", "norm_of_level", "sample_spheres"]

LANES = 16  # lines of voxels are worked in multiples of this
_BLOCK = 8 * LANES  # voxels worked at a time, so many that taking slices costs little beside


def _multiply_and_add(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once, as NumPy multiplies complex numbers on a processor that can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


_fused: Any = intrinsic(_multiply_and_add)


@njit("void(float64[:,:,:], int64[::1], float64, float64[:,:,:])", cache=True)  # one version for all strides
def filter_spline(data: np.ndarray, wanted: np.ndarray, pole: float, out: np.ndarray) -> None:
    """Spline coefficients along the middle axis of data (a, n, b), mirrored at both ends; rows `wanted` into out.

    Recursions of Unser et al. (1993).
    """
    n = data.shape[1]
    gain = (1.0 - pole) * (1.0 - 1.0 / pole)
    far = pole ** float(n - 1)  # by pow(), not by multiplications
    c = np.empty((n, _BLOCK))
    for i in range(data.shape[0]):
        for left in range(0, data.shape[2], _BLOCK):
            width = min(_BLOCK, data.shape[2] - left)
            for k in range(n):
                row, source = c[k], data[i, k, left : left + width]
                for x in range(width):
                    row[x] = source[x] * gain
            first, last = c[0], c[n - 1]
            for x in range(width):
                first[x] = first[x] + far * last[x]
            power = pole
            for k in range(1, min(n - 1, 64)):  # later terms are below rounding
                row, mirrored = c[k], c[n - 1 - k]
                for x in range(width):
                    first[x] += power * (row[x] + far * mirrored[x])
                power *= pole
            for x in range(width):
                first[x] /= 1 - far * far
            for k in range(1, n):
                row, before = c[k], c[k - 1]
                for x in range(width):
                    row[x] += pole * before[x]
            before = c[n - 2]
            for x in range(width):
                last[x] = (pole * before[x] + last[x]) * pole / (pole * pole - 1)
            for k in range(n - 2, -1, -1):
                row, after = c[k], c[k + 1]
                for x in range(width):
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
    samples = np.empty((n_points, _BLOCK))
    high, count = np.empty(_BLOCK), np.empty(_BLOCK)
    sum_real, sum_imaginary = np.empty((n_sums, _BLOCK)), np.empty((n_sums, _BLOCK))
    product = np.empty(_BLOCK + LANES)
    partial = np.empty((8, _BLOCK))
    mean, second, fourth = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    n_out = 0
    for line in range(len(lines)):
        z, y = lines[line, 0], lines[line, 1]
        for left in range(lines[line, 2], lines[line, 3], _BLOCK):
            right = min(left + _BLOCK, lines[line, 3])
            n = (right - left + LANES - 1) // LANES * LANES
            centre = centres[z, y, left : left + n]
            lit = centre[: right - left].min() > 0
            count[:n], sum_real[:, :n], sum_imaginary[:, :n] = 0, 0, 0
            for v in range(n_points):
                sample = samples[v, :n]
                sample[:] = 0
                if first_z[v, z] >= 0 and first_y[v, y] >= 0:
                    _interpolate(
                        coefficients, first_z[v, z], first_y[v, y], first_x[v], weight_z[v, z], weight_y[v, y],
                        weight_x[v], left, right, product, sample,
                    )  # fmt: skip
                elif lit:
                    continue  # 0, beyond the image, is below every centre: nothing is counted
                for x in range(n):
                    high[x] = 1.0 if sample[x] >= centre[x] else 0.0
                    count[x] += high[x]
                for q in range(n_sums):
                    a, b, row_real, row_imaginary = real[q, v], imaginary[q, v], sum_real[q], sum_imaginary[q]
                    for x in range(n):
                        row_real[x] += high[x] * a
                        row_imaginary[x] += high[x] * b
            _mean_of_powers(samples, n, mean, 0, partial, mean)
            _mean_of_powers(samples, n, mean, 2, partial, second)
            _mean_of_powers(samples, n, mean, 4, partial, fourth)
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
    product: np.ndarray,
    sample: np.ndarray,
) -> None:
    """The spline at places left .. right of a line into `sample` (as many, rounded up to LANES), in order z, y, x."""
    n = len(sample)
    begin = first_x[left]
    # the same step for all: not at the image's border, nor where rounding meets a whole number
    even = begin >= 0 and first_x[right - 1] - right + 1 == begin - left
    # slices of contiguous arrays, by which the loops become vector instructions
    w0, w1 = weight_x[0, left : left + n], weight_x[1, left : left + n]
    w2, w3 = weight_x[2, left : left + n], weight_x[3, left : left + n]
    for a in range(4):
        for b in range(4):
            wz, wy = weight_z[a], weight_y[b]
            if even:
                row = coefficients[first_z + a, first_y + b, begin : begin + n + 3]
                for x in range(n + 3):
                    product[x] = row[x] * wz * wy
                for x in range(n):
                    total = sample[x]
                    total += product[x] * w0[x]
                    total += product[x + 1] * w1[x]
                    total += product[x + 2] * w2[x]
                    total += product[x + 3] * w3[x]
                    sample[x] = total
                continue
            for x in range(right - left):
                at = first_x[left + x]
                for c in range(4 if at >= 0 else 0):
                    sample[x] += coefficients[first_z + a, first_y + b, at + c] * wz * wy * weight_x[c, left + x]


@njit(cache=True)
def _mean_of_powers(
    samples: np.ndarray, n: int, mean: np.ndarray, power: int, partial: np.ndarray, out: np.ndarray
) -> None:
    """Mean of samples (power 0) or of (samples - mean)^power over the points, added in eight parts as NumPy adds."""
    n_points = len(samples)
    whole = n_points - n_points % 8
    total = np.zeros(_BLOCK)
    for v in range(n_points):
        sample, target = samples[v, :n], partial[v % 8] if v < whole else total
        if v < 8 and v < whole:
            target[:] = 0
        if power == 0:
            for x in range(n):
                target[x] += sample[x]
        elif power == 2:
            for x in range(n):
                target[x] += (sample[x] - mean[x]) * (sample[x] - mean[x])
        else:
            for x in range(n):
                square = (sample[x] - mean[x]) * (sample[x] - mean[x])
                target[x] += square * square
        if v == whole - 1:
            for x in range(n):
                total[x] = ((partial[0, x] + partial[1, x]) + (partial[2, x] + partial[3, x])) + (
                    (partial[4, x] + partial[5, x]) + (partial[6, x] + partial[7, x])
                )
    for x in range(n):
        out[x] = total[x] / n_points


@njit(cache=True)
def norm_of_level(real: np.ndarray, imaginary: np.ndarray, y_real: np.ndarray, y_imaginary: np.ndarray) -> np.ndarray:
    """Σᵥ (Σₘ cₘ Yₘ(v))², float64 (2, n): real and imaginary part.

    real, imaginary : c of every voxel (m, n).  y_real, y_imaginary : harmonics (m, v).
    """
    n_orders, n_voxels = real.shape
    out = np.empty((2, n_voxels))
    part_real, part_imaginary = np.empty((2, _BLOCK))
    for left in range(0, n_voxels, _BLOCK):
        n = min(_BLOCK, n_voxels - left)
        total_real, total_imaginary = out[0, left : left + n], out[1, left : left + n]
        total_real[:], total_imaginary[:] = 0, 0
        for v in range(y_real.shape[1]):
            part_real[:n], part_imaginary[:n] = 0, 0
            for m in range(n_orders):
                a, b = y_real[m, v], y_imaginary[m, v]
                own, other = real[m, left : left + n], imaginary[m, left : left + n]
                for x in range(n):
                    part_real[x] += _fused(own[x], a, -(other[x] * b))
                    part_imaginary[x] += _fused(own[x], b, other[x] * a)
            for x in range(n):
                total_real[x] += _fused(part_real[x], part_real[x], -(part_imaginary[x] * part_imaginary[x]))
                total_imaginary[x] += 2 * (part_real[x] * part_imaginary[x])
    return out
