"""Positive controls: structure planted into an output, or wiped out of it, that the checks must find.

A dot is a Gaussian of SD 1.3 pixels. A null-space dot is twice as strong, less its block means: the input's grid sees
nothing of it. A wiped spot is the output's strongest bright spot of the lesion, replaced by its surroundings.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from dlr.superres.grid import block_means, enlarged

__all__ = ["dot", "null_space_dot", "somewhere", "wiped_spot"]

DOT_SD = 1.3
SPOT_SD = 3.0  # of the spot that is wiped, pixels
SURROUNDINGS = 8.0  # SD of the blur that it is replaced by


def somewhere(region: np.ndarray, generator: np.random.Generator) -> tuple[int, int]:
    """A pixel (row, column) of a region, each as likely."""
    places = np.flatnonzero(region)
    row, column = np.unravel_index(places[generator.integers(len(places))], region.shape)
    return int(row), int(column)


def dot(shape: tuple[int, ...], centre: tuple[int, int], amplitude: float) -> np.ndarray:
    """A bright dot to add to an image (h, w) in units; amplitude in levels of 255."""
    return amplitude / 255 * _spot(shape, centre, DOT_SD)


def null_space_dot(shape: tuple[int, ...], centre: tuple[int, int], amplitude: float, scale: int) -> np.ndarray:
    """Twice the dot less its block means."""
    twice = 2 * dot(shape, centre, amplitude)
    return twice - enlarged(block_means(twice, scale), scale)


def wiped_spot(output: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """The output (h, w) without the lesion's strongest bright spot."""
    band = gaussian_filter(output, SPOT_SD) - gaussian_filter(output, 1.6 * SPOT_SD)
    row, column = np.unravel_index(np.argmax(np.where(lesion, band, -np.inf)), output.shape)
    share = np.minimum(1.0, 2 * _spot(output.shape, (int(row), int(column)), SPOT_SD))
    wiped: np.ndarray = output + share * (gaussian_filter(output, SURROUNDINGS) - output)
    return wiped.astype(np.float32)


def _spot(shape: tuple[int, ...], centre: tuple[int, int], sd: float) -> np.ndarray:
    rows, columns = np.arange(shape[0]) - centre[0], np.arange(shape[1]) - centre[1]
    return np.exp(-(rows[:, None] ** 2 + columns[None, :] ** 2) / (2 * sd**2)).astype(np.float32)
