"""Laplacian of Gaussian by ITK's recursive filter (Deriche 1993; Farnebäck and Westin 2006), cropped to the region.

Second derivative along one axis, smoothing along the others, for each axis; results are rounded to float32 after every
pass, as ITK keeps them.
"""

from __future__ import annotations

from math import cos, exp, sin

import numpy as np
from numba import njit

from dlr.radiomics.native.region import Region

__all__ = ["fits", "laplacian_of_gaussian"]

_MARGIN = 14  # sigmas around the region that reach into it
_SMALLEST = 4  # voxels on each axis, as the recursion looks four back


def fits(shape: tuple[int, ...], spacing: tuple[float, ...], sigma: float) -> bool:
    """Whether an image is large enough for the filter."""
    return all(
        size >= _SMALLEST and size >= np.ceil(sigma / edge) + 1 for size, edge in zip(shape, spacing, strict=True)
    )


def laplacian_of_gaussian(image: np.ndarray, region: Region, sigma: float) -> np.ndarray:
    """float32 (z, y, x) of the region's box: sigma² (∂²/∂x² + ∂²/∂y² + ∂²/∂z²) of the smoothed image, per mm².

    image : float64 (z, y, x), whole, continued by its border values.  sigma : mm.
    """
    ranges = []
    for part, size, edge in zip(region.box, image.shape, region.spacing, strict=True):
        margin = max(_SMALLEST, int(np.ceil(_MARGIN * sigma / edge)))
        ranges.append((max(0, part.start - margin), min(size, part.stop + margin)))
    crop = image[tuple(slice(low, high) for low, high in ranges)]
    keep = [(part.start - low, part.stop - low) for part, (low, _) in zip(region.box, ranges, strict=True)]
    total = np.zeros(region.mask.shape, dtype=np.float32)
    for axis in (2, 1, 0):
        passed = _along(crop, axis, _coefficients(sigma, region.spacing[axis], second=True), keep[axis])
        for other in (2, 1, 0):
            if other != axis:
                passed = _along(passed, other, _coefficients(sigma, region.spacing[other], second=False), keep[other])
        total = (total + passed / region.spacing[axis] ** 2).astype(np.float32)
    return total


def _along(data: np.ndarray, axis: int, coefficients: np.ndarray, keep: tuple[int, int]) -> np.ndarray:
    """The filter along an axis, of which rows keep[0] to keep[1] are kept."""
    lined = data.swapaxes(0, 1) if axis == 0 else data.swapaxes(1, 2) if axis == 2 else data
    out = np.empty((lined.shape[0], keep[1] - keep[0], lined.shape[2]))
    _recurse(lined, coefficients, keep[0], out)
    return out.swapaxes(0, 1) if axis == 0 else out.swapaxes(1, 2) if axis == 2 else out


def _coefficients(sigma: float, spacing: float, second: bool) -> np.ndarray:
    """n (4), m (4), d (4), then the answers to a constant 1 of both recursions and two zeros: float64 (4, 4).

    The Gaussian, or its second derivative times sigma² (across-scale normalisation), as two damped waves on each side.
    """
    width = sigma / spacing
    w1, l1, w2, l2 = 0.6681 / width, -1.3932 / width, 2.0787 / width, -1.3732 / width
    cos1, sin1, exp1, cos2, sin2, exp2 = cos(w1), sin(w1), exp(l1), cos(w2), sin(w2), exp(l2)
    d = np.array(
        [
            -2 * (exp2 * cos2 + exp1 * cos1),
            4 * cos2 * cos1 * exp1 * exp2 + exp1 * exp1 + exp2 * exp2,
            -2 * cos1 * exp1 * exp2 * exp2 - 2 * cos2 * exp2 * exp1 * exp1,
            exp1 * exp1 * exp2 * exp2,
        ]
    )

    def numerator(a1: float, b1: float, a2: float, b2: float) -> np.ndarray:
        return np.array(
            [
                a1 + a2,
                exp2 * (b2 * sin2 - (a2 + 2 * a1) * cos2) + exp1 * (b1 * sin1 - (a1 + 2 * a2) * cos1),
                2 * exp1 * exp2 * ((a1 + a2) * cos2 * cos1 - b1 * cos2 * sin1 - b2 * cos1 * sin2)
                + a2 * exp1 * exp1
                + a1 * exp2 * exp2,
                exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2) + exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1),
            ]
        )

    order = np.arange(5.0)
    sd, dd, ed = 1 + d.sum(), order[1:] @ d, order[1:] ** 2 @ d
    n = numerator(1.3530, 1.8151, -0.3531, 0.0902)
    if second:
        n2 = numerator(-1.3563, 5.2318, 0.3446, -2.2355)
        n = n2 - (2 * n2.sum() - sd * n2[0]) / (2 * n.sum() - sd * n[0]) * n  # a constant gives 0
        sn, dn, en = n.sum(), order[:4] @ n, order[:4] ** 2 @ n
        n = n * sigma**2 / ((en * sd * sd - ed * sn * sd - 2 * dn * dd * sd + 2 * dd * dd * sn) / sd**3)
    else:
        n = n / (2 * n.sum() / sd - n[0])  # weights add up to 1
    m = np.append(n[1:], 0.0) - d * n[0]
    return np.array([n, m, d, [n.sum() / sd, m.sum() / sd, 0, 0]])


@njit("void(float64[:,:,:], float64[:,::1], int64, float64[:,:,:])", cache=True)  # one version for all strides
def _recurse(data: np.ndarray, coefficients: np.ndarray, first: int, out: np.ndarray) -> None:
    """Both recursions along the middle axis of data (a, n, b); rows first.. of their sum into out, as float32.

    Border values continue beyond both ends. 64 lines at a time.
    """
    lanes = 64
    n = data.shape[1]
    n0, n1, n2, n3 = coefficients[0]
    m1, m2, m3, m4 = coefficients[1]
    d1, d2, d3, d4 = coefficients[2]
    source, before, after = np.zeros((n + 8, lanes)), np.zeros((n + 8, lanes)), np.zeros((n + 8, lanes))
    settled_before, settled_after = coefficients[3, 0], coefficients[3, 1]
    for i in range(data.shape[0]):
        for left in range(0, data.shape[2], lanes):
            width = min(lanes, data.shape[2] - left)
            for k in range(n):
                row, given = source[k + 4], data[i, k, left : left + width]
                for x in range(width):
                    row[x] = given[x]
            for k in range(4):
                source[k], source[n + 4 + k] = source[4], source[n + 3]
                before[k], after[n + 4 + k] = source[4] * settled_before, source[n + 3] * settled_after
            for k in range(4, n + 4):
                s, b = source[k - 3 : k + 1], before[k - 4 : k + 1]
                for x in range(lanes):
                    ahead = s[3, x] * n0 + s[2, x] * n1 + s[1, x] * n2 + s[0, x] * n3
                    b[4, x] = ahead - (b[3, x] * d1 + b[2, x] * d2 + b[1, x] * d3 + b[0, x] * d4)
            for k in range(n + 3, 3, -1):
                s, a = source[k + 1 : k + 5], after[k : k + 5]
                for x in range(lanes):
                    back = s[0, x] * m1 + s[1, x] * m2 + s[2, x] * m3 + s[3, x] * m4
                    a[0, x] = back - (a[1, x] * d1 + a[2, x] * d2 + a[3, x] * d3 + a[4, x] * d4)
            for k in range(out.shape[1]):
                b0, a0, target = before[first + k + 4], after[first + k + 4], out[i, k, left : left + width]
                for x in range(width):
                    target[x] = np.float32(b0[x] + a0[x])
