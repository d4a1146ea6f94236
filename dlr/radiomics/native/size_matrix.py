"""What run-length, size-zone and dependence matrices share: counts by grey level and by a size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.radiomics.native.family import EPSILON
from dlr.radiomics.native.once import once

__all__ = ["SizeMatrix"]


@dataclass(frozen=True)
class SizeMatrix:
    """Counts by grey level i and size j; run-length matrices have one a direction."""

    counts: np.ndarray  # float64 (K, S) or (directions, K, S)
    grey: np.ndarray  # float64 (K,)
    size: np.ndarray  # float64 (S,), the sizes that occur

    @once
    def by_grey(self) -> np.ndarray:
        """gᵢ = Σⱼ nᵢⱼ"""
        return self.counts.sum(axis=-1)

    @once
    def by_size(self) -> np.ndarray:
        """sⱼ = Σᵢ nᵢⱼ"""
        return self.counts.sum(axis=-2)

    @once
    def total(self) -> np.ndarray:
        """N = Σᵢⱼ nᵢⱼ; NaN for a direction without counts."""
        total = self.by_grey.sum(axis=-1)
        return np.where(total == 0, np.nan, total)[()]

    @once
    def voxels(self) -> np.ndarray:
        """Σⱼ j sⱼ"""
        return self.by_size @ self.size

    @once
    def grey2(self) -> np.ndarray:
        """i²"""
        return self.grey**2

    @once
    def size2(self) -> np.ndarray:
        """j²"""
        return self.size**2

    @once
    def entropy(self) -> np.ndarray:
        """−Σᵢⱼ pᵢⱼ log₂(pᵢⱼ + ε), p = n / N"""
        p = self.counts / np.asarray(self.total)[..., None, None]
        return -(p * np.log2(p + EPSILON)).sum(axis=(-2, -1))

    @once
    def grey_variance(self) -> np.ndarray:
        """Σᵢ (i − μ)² gᵢ / N, μ = Σᵢ i gᵢ / N"""
        return _variance(self.by_grey, self.grey, self.total)

    @once
    def size_variance(self) -> np.ndarray:
        """Σⱼ (j − μ)² sⱼ / N, μ = Σⱼ j sⱼ / N"""
        return _variance(self.by_size, self.size, self.total)


def _variance(weights: np.ndarray, values: np.ndarray, total: np.ndarray) -> np.ndarray:
    mean = (weights @ values) / total
    return (weights * (values - np.asarray(mean)[..., None]) ** 2).sum(axis=-1) / total
