"""False and lost structures: bright and dark spots of one image that another does not hold (checks C, D and F).

A structure is an extremum of a difference of Gaussians (SD and 1.6 SD, which peaks at spots about as large as SD),
where its strength is above a limit: a percentile of the truth's own, and twice what the input's noise reaches when it
is enlarged. It is matched where the other image reaches half of the limit, with the same sign, within 2 SD: noise alone
makes no structure and hides none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

__all__ = ["FALSE", "LOST", "SIZES", "SPECKLE_SIZES", "false_structures", "lost_structures"]

SIZES = (1.5, 3.0)  # SD of the finer Gaussian, in pixels of the truth
SPECKLE_SIZES = (1.5, 3.0, 6.0)
FALSE, LOST = 97.0, 99.0  # percentiles of the truth
NOISE = 99.9  # percentile of the noise
WIDER = 1.6
MATCHED = 0.5  # of the limit


def false_structures(
    truth: np.ndarray,
    output: np.ndarray,
    noise: np.ndarray,
    region: np.ndarray,
    sizes: Sequence[float] = SIZES,
    percentile: float = FALSE,
) -> int:
    """How many structures the output has in a region that the truth has not.

    truth, output, noise : (h, w) in units, noise that of the input, enlarged.  region : bool (h, w).
    """
    limits = (_limit(truth, noise, region, size, percentile) for size in sizes)
    return sum(_unmatched(output, truth, region, size, limit) for size, limit in zip(sizes, limits, strict=True))


def lost_structures(truth: np.ndarray, output: np.ndarray, noise: np.ndarray, region: np.ndarray) -> int:
    """How many structures the truth has in a region that the output has not; arrays as of `false_structures`."""
    limits = (_limit(truth, noise, region, size, LOST) for size in SIZES)
    return sum(_unmatched(truth, output, region, size, limit) for size, limit in zip(SIZES, limits, strict=True))


def _limit(truth: np.ndarray, noise: np.ndarray, region: np.ndarray, size: float, percentile: float) -> float:
    own, its = (np.abs(_band(image, size)[region]) for image in (truth, noise))
    return float(max(np.percentile(own, percentile), np.percentile(its, NOISE) / MATCHED))


def _band(image: np.ndarray, size: float) -> np.ndarray:
    """Difference of Gaussians."""
    found: np.ndarray = gaussian_filter(image, size) - gaussian_filter(image, WIDER * size)
    return found


def _unmatched(image: np.ndarray, other: np.ndarray, region: np.ndarray, size: float, limit: float) -> int:
    """Extrema of an image's band in the region above the limit that the other's does not match."""
    mine, its = _band(image, size), _band(other, size)
    reach = _disc(2 * size)
    count = 0
    for sign in (1.0, -1.0):
        peak = region & (sign * mine > limit) & (sign * mine == maximum_filter(sign * mine, size=3))
        if peak.any():
            count += int((peak & (maximum_filter(sign * its, footprint=reach) < MATCHED * limit)).sum())
    return count


def _disc(radius: float) -> np.ndarray:
    """Offsets within a radius, bool."""
    steps = np.arange(-int(radius), int(radius) + 1)
    return steps[:, None] ** 2 + steps[None, :] ** 2 <= radius**2
