"""Grey levels: fixed bin width from a multiple of the width, or fixed bin count over the ROI's range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

__all__ = ["DEFAULT_BIN_WIDTH", "Levels", "bin_edges", "discretise"]

DEFAULT_BIN_WIDTH = 25


@dataclass(frozen=True)
class Levels:
    """The grey levels of a ROI; levels that no voxel has are left out of all matrices."""

    codes: np.ndarray  # int32, one a voxel: 1..K, the rank of its grey level among those present
    present: np.ndarray  # int64 (K,), the grey levels present, ascending
    counts: np.ndarray  # int64 (K,), voxels of each

    @property
    def highest(self) -> int:
        """Ng: the highest grey level."""
        return int(self.present[-1])

    @property
    def gapless(self) -> bool:
        """Whether every level from 1 to the highest is present, so that a code is a grey level."""
        return self.highest == len(self.present)


def discretise(values: np.ndarray, settings: Mapping[str, Any]) -> Levels:
    """Grey levels by the profile's binCount or binWidth.  values : (n,), float64 or float32, in their own precision.

    NaN (a texture undefined at a voxel) goes to the level above the last edge, as in pyradiomics.
    """
    edges = bin_edges(values, settings)
    levels = np.empty(len(values), dtype=np.int32)
    counts = _digitise(values.astype(np.float64, copy=False), edges.astype(np.float64, copy=False), levels)
    present = np.flatnonzero(counts)
    if len(present) == present[-1]:
        return Levels(levels, present, counts[present])
    rank = np.zeros(len(counts), dtype=np.int32)
    rank[present] = np.arange(1, len(present) + 1)
    return Levels(rank[levels], present, counts[present])


def bin_edges(values: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Ascending edges; a value equal to an edge belongs to the bin above it."""
    if np.isnan(values).any():
        values = values[~np.isnan(values)]
        if not values.size:
            return np.array([-0.5, 0.5])
    count = settings.get("binCount")
    if count is not None:
        edges = np.histogram_bin_edges(values, count)
        edges[-1] += 1
        return edges
    width = settings.get("binWidth", DEFAULT_BIN_WIDTH)
    lowest, highest = values.min(), values.max()
    # arange, not multiples of the width: its rounding decides where values on an edge go
    edges = np.arange(lowest - lowest % width, highest + 2 * width, width)
    return np.array([edges[0] - 0.5, edges[0] + 0.5]) if len(edges) == 1 else edges


@njit(cache=True)
def _digitise(values: np.ndarray, edges: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Write the number of edges <= value into `levels`; give how many voxels each level has, int64 (edges + 1,)."""
    last = len(edges)
    counts = np.zeros(last + 1, dtype=np.int64)
    low = edges[0]
    per_width = (last - 1) / (edges[last - 1] - low)
    for i in range(len(values)):
        value = values[i]
        if value != value:
            level = last
        else:
            guess = (value - low) * per_width
            level = min(max(int(guess) + 1, 0), last) if guess < last else last
            while level > 0 and value < edges[level - 1]:
                level -= 1
            while level < last and value >= edges[level]:
                level += 1
        levels[i] = level
        counts[level] += 1
    return counts
