"""False and lost structures: bright and dark spots of one image that another does not hold (checks C, D and F).

A structure is an extremum of a difference of Gaussians (SD and 1.6 SD, which peaks at spots about as large as SD),
where its strength is above a limit, a percentile of the truth's own. It is matched where the other image reaches half
of the limit, with the same sign, within 2 SD.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

__all__ = ["SIZES", "SPECKLE_SIZES", "false_structures", "lost_structures"]

SIZES = (1.5, 3.0)  # SD of the finer Gaussian, in pixels of the truth
SPECKLE_SIZES = (1.5, 3.0, 6.0)
FALSE, LOST = 97.0, 99.0  # percentiles of the truth
WIDER = 1.6
MATCHED = 0.5


def false_structures(
    truth: np.ndarray,
    output: np.ndarray,
    region: np.ndarray,
    sizes: Sequence[float] = SIZES,
    percentile: float = FALSE,
) -> int:
    """How many structures the output has in a region that the truth has not; images (h, w) in units."""
    return sum(_unmatched(*_bands(output, truth, size), region, size, 1, percentile) for size in sizes)


def lost_structures(
    truth: np.ndarray,
    output: np.ndarray,
    region: np.ndarray,
    sizes: Sequence[float] = SIZES,
    percentile: float = LOST,
) -> int:
    """How many structures the truth has in a region that the output has not; images (h, w) in units."""
    return sum(_unmatched(*_bands(truth, output, size), region, size, 0, percentile) for size in sizes)


def _bands(first: np.ndarray, second: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    return _band(first, size), _band(second, size)


def _band(image: np.ndarray, size: float) -> np.ndarray:
    """Difference of Gaussians."""
    found: np.ndarray = gaussian_filter(image, size) - gaussian_filter(image, WIDER * size)
    return found


def _unmatched(
    band: np.ndarray, other: np.ndarray, region: np.ndarray, size: float, truth: int, percentile: float
) -> int:
    """Extrema of `band` in the region that `other` does not match; `truth`: which of the two (0, 1) is the truth."""
    limit = np.percentile(np.abs((band, other)[truth][region]), percentile)
    reach = _disc(2 * size)
    count = 0
    for sign in (1.0, -1.0):
        mine, its = sign * band, sign * other
        peak = region & (mine > limit) & (mine == maximum_filter(mine, size=3))
        count += int((peak & (maximum_filter(its, footprint=reach) < MATCHED * limit)).sum())
    return count


def _disc(radius: float) -> np.ndarray:
    """Offsets within a radius, bool."""
    steps = np.arange(-int(radius), int(radius) + 1)
    return steps[:, None] ** 2 + steps[None, :] ** 2 <= radius**2
