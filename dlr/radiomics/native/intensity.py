"""Filters of single intensities, scaled so that the range stays alike.

values : float64 (n,) of the ROI.  largest : max|x| of the whole image.
"""

from __future__ import annotations

import numpy as np

__all__ = ["exponential", "logarithm", "square", "squareroot"]


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
