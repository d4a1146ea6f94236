"""Low resolution as a scanner would have given it: blur, a coarser grid, speckle, and what the export adds.

The blur is of grey levels, which are logarithms of the echo. Blurring the amplitudes instead raises the mean grey
level of an image by about 2.4 of 255, and a network seems to gain by taking that away again.
Order and ranges after the blind models of photographs: Zhang et al. 2021, arXiv 2103.14006.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import digamma

from dlr.superres.grid import block_means
from dlr.superres.settings import DegradationSettings

__all__ = ["Degraded", "Drawn", "degraded", "draw", "speckle"]

LEVELS = 255


@dataclass(frozen=True)
class Drawn:
    """One way of seeing worse."""

    axial: float  # SD of the blur along the beam (rows), pixels of the given image
    lateral: float  # SD of the blur across the beam (columns)
    looks: float  # independent speckle patterns averaged
    jpeg: int | None  # quality, None: not compressed


@dataclass(frozen=True)
class Degraded:
    """An image as a coarser scanner gives it, and what it would give without noise: float32 (h, w), 0 to 1."""

    low: np.ndarray  # whole levels of 255
    clean: np.ndarray


def draw(generator: np.random.Generator, settings: DegradationSettings) -> Drawn:
    """Every part uniform over its range."""
    axial, lateral, looks = (
        generator.uniform(*limits) for limits in (settings.axial, settings.lateral, settings.looks)
    )
    jpeg = None if settings.jpeg is None else int(generator.integers(*settings.jpeg, endpoint=True))
    return Drawn(axial, lateral, looks, jpeg)


def degraded(
    truth: np.ndarray, scale: int, drawn: Drawn, settings: DegradationSettings, generator: np.random.Generator
) -> Degraded:
    """What a grid coarser by `scale` holds of an image: blurred, averaged over blocks, speckled, rounded.

    truth : (h·s, w·s) in units, 0 to 1; rows and columns beyond a multiple of the scale are left out.
    """
    blurred = gaussian_filter(np.asarray(truth, dtype=np.float32), (drawn.axial, drawn.lateral), mode="nearest")
    clean = block_means(blurred, scale)
    noise = speckle(clean.shape, drawn.looks, settings.dynamic_range_db, generator)
    low = np.clip(np.where(clean > 0, clean + noise, clean), 0, 1)  # black is no echo, or none of the picture's field
    if drawn.jpeg is not None:
        low = _through_jpeg(low, drawn.jpeg)
    return Degraded((np.rint(low * LEVELS) / LEVELS).astype(np.float32), clean.astype(np.float32))


def speckle(
    shape: tuple[int, ...], looks: float, dynamic_range_db: float, generator: np.random.Generator
) -> np.ndarray:
    """Speckle of intensity, the mean of so many exponential looks, on a logarithmic grey scale: mean 0, in units.

    One gain for the whole image would undo the mean of the logarithm, so it is taken away.
    The variance is (10 / ln 10 / dynamic range)² · ψ'(looks).
    """
    logarithm = np.log(generator.gamma(looks, 1 / looks, shape)) - digamma(looks) + np.log(looks)
    return 10 / np.log(10) * logarithm / dynamic_range_db


def _through_jpeg(grey: np.ndarray, quality: int) -> np.ndarray:
    """Written and read again as JPEG of one channel."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.rint(grey * LEVELS).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), dtype=np.float64) / LEVELS
