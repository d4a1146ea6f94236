"""The account of detail (check E): of what the input's grid cannot hold, how much is true and how much invented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.superres.grid import bicubic, block_means

__all__ = ["Detail", "detail", "fine"]


@dataclass(frozen=True)
class Detail:
    """Shares of the variance of the truth's fine detail."""

    recovered: float  # explained by the output's
    invented: float  # variance of the output's that the truth does not explain


def fine(image: np.ndarray, scale: int) -> np.ndarray:
    """What the coarser grid cannot hold: the image less the bicubic enlargement of its block means; (h, w) in units."""
    found: np.ndarray = image - bicubic(block_means(image, scale), scale)
    return found


def detail(truth: np.ndarray, output: np.ndarray, region: np.ndarray) -> Detail:
    """Of two images' fine detail in a region: rho = their correlation, g = variance of the output's over the truth's.

    recovered rho^2 (0 where rho is negative), invented g (1 - rho^2); both NaN where the truth has no fine detail.
    """
    t, y = truth[region].astype(np.float64), output[region].astype(np.float64)
    t, y = t - t.mean(), y - y.mean()
    true, given = np.mean(t**2), np.mean(y**2)
    if true == 0:
        return Detail(np.nan, np.nan)
    if given == 0:
        return Detail(0.0, 0.0)
    rho = max(float(np.mean(t * y) / np.sqrt(true * given)), 0.0)
    return Detail(rho**2, float(given / true) * (1 - rho**2))
