"""Filters of single intensities, scaled so that the range stays alike, and the gradient magnitude.

values : float64 (n,) of the ROI.  largest : max|x| of the whole image.
"""

from __future__ import annotations

import numpy as np

from dlr.radiomics.native.region import Region

__all__ = ["exponential", "gradient_magnitude", "logarithm", "square", "squareroot"]


def square(values: np.ndarray, largest: np.float64) -> np.ndarray:
    """(c x)², c = 1 / √max|x|"""
    return ((1 / np.sqrt(largest)) * values) ** 2


def squareroot(values: np.ndarray, largest: np.float64) -> np.ndarray:
    """sign(x) √(|x| max|x|)"""
    return np.copysign(np.sqrt(np.abs(values) * largest), values)


def logarithm(values: np.ndarray, largest: np.float64) -> np.ndarray:
    """c sign(x) log(|x| + 1), c = max|x| / log(max|x| + 1)"""
    return np.copysign(np.log(np.abs(values) + 1), values) * (largest / np.log(largest + 1))


def exponential(values: np.ndarray, largest: np.float64) -> np.ndarray:
    """exp(c x), c = log(max|x|) / max|x|"""
    return np.exp((np.log(largest) / largest) * values)


def gradient_magnitude(image: np.ndarray, region: Region, use_spacing: bool) -> np.ndarray:
    """float32 (z, y, x) of the region's box, as ITK's filter gives it.  image : float64 (z, y, x), whole.

    Central differences, edges repeated beyond the image; in units of intensity a mm, or a voxel without `use_spacing`.
    """
    squares = np.zeros(region.mask.shape)
    for axis in (2, 1, 0):
        weight = 0.5 / (region.spacing[axis] if use_spacing else 1.0)
        before, after = (_shifted(image, region, axis, step) for step in (-1, 1))
        squares += (weight * after - weight * before) ** 2
    return np.sqrt(squares).astype(np.float32)


def _shifted(image: np.ndarray, region: Region, axis: int, step: int) -> np.ndarray:
    """The box moved by one voxel along an axis, the image's last voxel repeated beyond it."""
    start, stop = region.box[axis].start + step, region.box[axis].stop + step
    index = list(region.box)
    if start >= 0 and stop <= image.shape[axis]:
        index[axis] = slice(start, stop)
        return image[tuple(index)]
    index[axis] = slice(None)
    return image[tuple(index)].take(np.clip(np.arange(start, stop), 0, image.shape[axis] - 1), axis=axis)
