"""Neighbourhood grey-tone difference: how far levels stand from their neighbours' mean (IBSI manual, 3.10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.family import Family

__all__ = ["NGTDM", "Ngtdm"]


@dataclass(frozen=True)
class Ngtdm:
    """By grey level present: voxels, and the sum of their distances to their neighbours' mean."""

    n: np.ndarray  # float64 (K,)
    s: np.ndarray  # float64 (K,)
    grey: np.ndarray  # float64 (K,)

    @once
    def voxels(self) -> float:
        """N, those without neighbours included."""
        return self.n.sum()

    @once
    def p(self) -> np.ndarray:
        """pᵢ = nᵢ / N"""
        return self.n / self.voxels

    @once
    def ps(self) -> np.ndarray:
        """pᵢ sᵢ"""
        return self.p * self.s

    @once
    def step(self) -> np.ndarray:
        """i − j (K, K)"""
        return self.grey[:, None] - self.grey


NGTDM: Family[Ngtdm] = Family("ngtdm")


@NGTDM.feature("Coarseness", "QCDE", "1 / Σᵢ pᵢ sᵢ, 10⁶ where that sum is 0")
def coarseness(m: Ngtdm) -> float:
    return 1 / m.ps.sum() if m.ps.sum() else 1e6


@NGTDM.feature("Contrast", "65HE", "Σᵢⱼ pᵢ pⱼ (i − j)² / (K (K − 1)) · Σᵢ sᵢ / N, 0 for one level")
def contrast(m: Ngtdm) -> float:
    k = len(m.p)
    return m.p @ m.step**2 @ m.p * m.s.sum() / m.voxels / (k * (k - 1)) if k > 1 else 0.0


@NGTDM.feature("Busyness", "NQ30", "Σᵢ pᵢ sᵢ / Σᵢⱼ |i pᵢ − j pⱼ|, 0 where that sum is 0")
def busyness(m: Ngtdm) -> float:
    weighted = m.grey * m.p
    spread = np.abs(weighted[:, None] - weighted).sum()
    return m.ps.sum() / spread if spread else 0.0


@NGTDM.feature("Complexity", "HDEZ", "Σᵢⱼ |i − j| (pᵢ sᵢ + pⱼ sⱼ) / (pᵢ + pⱼ) / N")
def complexity(m: Ngtdm) -> float:
    return (np.abs(m.step) * (m.ps[:, None] + m.ps) / (m.p[:, None] + m.p)).sum() / m.voxels


@NGTDM.feature("Strength", "1X9X", "Σᵢⱼ (pᵢ + pⱼ)(i − j)² / Σᵢ sᵢ, 0 where that sum is 0")
def strength(m: Ngtdm) -> float:
    return ((m.p[:, None] + m.p) * m.step**2).sum() / m.s.sum() if m.s.sum() else 0.0
