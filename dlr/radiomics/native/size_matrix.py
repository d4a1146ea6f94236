"""What run-length, size-zone and dependence matrices share: counts by grey level and by a size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlr.radiomics.native.batch import padded_together
from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.family import EPSILON

__all__ = ["SizeMatrix"]


@dataclass(frozen=True)
class SizeMatrix:
    """Counts by grey level i and size j, of one image or several; run-length matrices have one a direction."""

    counts: np.ndarray  # float64 (images, directions, K, S)
    grey: np.ndarray  # float64 (images, 1, K)
    size: np.ndarray  # float64 (images, 1, S), the sizes that occur

    @classmethod
    def of(cls, counts: np.ndarray, grey: np.ndarray, size: np.ndarray) -> SizeMatrix:
        """Of one image.  counts : (directions, K, S).  grey : (K,).  size : (S,)."""
        return cls(counts[None].astype(np.float64), grey[None, None], size[None, None])

    @classmethod
    def joined(cls, matrices: Sequence[SizeMatrix]) -> SizeMatrix:
        """Of several images with as many directions; levels and sizes that one lacks have no counts there."""
        return cls(
            padded_together([m.counts for m in matrices], 0),
            padded_together([m.grey for m in matrices], 1),
            padded_together([m.size for m in matrices], 1),
        )

    @property
    def extent(self) -> tuple[int, ...]:
        """Directions and cells of one."""
        return self.counts.shape[1:]

    @once
    def by_grey(self) -> np.ndarray:
        """gᵢ = Σⱼ nᵢⱼ (images, directions, K)"""
        return self.counts.sum(axis=-1)

    @once
    def by_size(self) -> np.ndarray:
        """sⱼ = Σᵢ nᵢⱼ (images, directions, S)"""
        return self.counts.sum(axis=-2)

    @once
    def total(self) -> np.ndarray:
        """N = Σᵢⱼ nᵢⱼ (images, directions); NaN for a direction without counts."""
        total = self.by_grey.sum(axis=-1)
        return np.where(total == 0, np.nan, total)

    def over_grey(self, of_grey: np.ndarray) -> np.ndarray:
        """Σᵢ f(i) gᵢ / N (images, directions)"""
        return (self.by_grey * of_grey).sum(axis=-1) / self.total

    def over_sizes(self, of_size: np.ndarray) -> np.ndarray:
        """Σⱼ f(j) sⱼ / N (images, directions)"""
        return (self.by_size * of_size).sum(axis=-1) / self.total

    def over_both(self, of_grey: np.ndarray, of_size: np.ndarray) -> np.ndarray:
        """Σᵢⱼ f(i) h(j) nᵢⱼ / N (images, directions)"""
        return (of_grey[..., None, :] @ self.counts @ of_size[..., None])[..., 0, 0] / self.total

    @once
    def voxels(self) -> np.ndarray:
        """Σⱼ j sⱼ (images, directions)"""
        return (self.by_size * self.size).sum(axis=-1)

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
        p = self.counts / self.total[..., None, None]
        return -(p * np.log2(p + EPSILON)).sum(axis=(-2, -1))

    @once
    def grey_variance(self) -> np.ndarray:
        """Σᵢ (i − μ)² gᵢ / N, μ = Σᵢ i gᵢ / N"""
        return self.over_grey((self.grey - self.over_grey(self.grey)[..., None]) ** 2)

    @once
    def size_variance(self) -> np.ndarray:
        """Σⱼ (j − μ)² sⱼ / N, μ = Σⱼ j sⱼ / N"""
        return self.over_sizes((self.size - self.over_sizes(self.size)[..., None]) ** 2)
