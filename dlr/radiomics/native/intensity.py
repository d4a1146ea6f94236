"""Filters of single intensities, scaled by the largest |x| of the whole image so that the range stays alike."""

from __future__ import annotations

import numpy as np

__all__ = ["exponential", "logarithm", "square", "squareroot"]


def square(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """(c x)², c = 1 / √max|x|"""
    return ((1 / np.sqrt(_largest(image))) * values) ** 2


def squareroot(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """sign(x) √(|x| max|x|)"""
    return np.copysign(np.sqrt(np.abs(values) * _largest(image)), values)


def logarithm(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """c sign(x) log(|x| + 1), c = max|x| / log(max|x| + 1)"""
    largest = _largest(image)
    return np.copysign(np.log(np.abs(values) + 1), values) * (largest / np.log(largest + 1))


def exponential(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """exp(c x), c = log(max|x|) / max|x|"""
    largest = _largest(image)
    return np.exp((np.log(largest) / largest) * values)


def _largest(image: np.ndarray) -> np.float64:
    return np.float64(max(image.max(), -image.min()))
