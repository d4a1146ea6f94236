"""Grey-level co-occurrence: pairs of neighbouring levels, a matrix a direction (IBSI reference manual, 3.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from dlr.radiomics.native.family import EPSILON, Family
from dlr.radiomics.native.once import once

__all__ = ["GLCM", "Glcm"]


@dataclass(frozen=True)
class Glcm:
    """Co-occurrence probabilities and their marginals."""

    p: np.ndarray  # (directions, K, K), each sums to 1
    grey: np.ndarray  # float64 (K,), the grey level of each row and column
    highest: int  # Ng, levels without voxels counted

    @once
    def px(self) -> np.ndarray:
        """Row marginal (directions, K)."""
        return self.p.sum(axis=2)

    @once
    def py(self) -> np.ndarray:
        """Column marginal (directions, K)."""
        return self.p.sum(axis=1)

    @once
    def mean_x(self) -> np.ndarray:
        """μx (directions,)"""
        return self.px @ self.grey

    @once
    def mean_y(self) -> np.ndarray:
        """μy (directions,)"""
        return self.py @ self.grey

    @once
    def deviation_x(self) -> np.ndarray:
        """i − μx (directions, K)"""
        return self.grey - self.mean_x[:, None]

    @once
    def deviation_y(self) -> np.ndarray:
        """j − μy (directions, K)"""
        return self.grey - self.mean_y[:, None]

    @once
    def variance_x(self) -> np.ndarray:
        """σx² (directions,)"""
        return np.einsum("ak,ak->a", self.px, self.deviation_x**2)

    @once
    def variance_y(self) -> np.ndarray:
        """σy² (directions,)"""
        return np.einsum("ak,ak->a", self.py, self.deviation_y**2)

    @once
    def _diagonals(self) -> tuple[np.ndarray, np.ndarray]:
        return _sum_diagonals(self.p, self.grey.astype(np.int64), self.highest)

    @property
    def p_difference(self) -> np.ndarray:
        """p₍x₋y₎(k), k = |i − j| = 0 .. Ng − 1 (directions, Ng)."""
        return self._diagonals[0]

    @property
    def p_sum(self) -> np.ndarray:
        """p₍x₊y₎(k), k = i + j = 2 .. 2 Ng (directions, 2 Ng − 1)."""
        return self._diagonals[1]

    @once
    def difference(self) -> np.ndarray:
        """k = |i − j| (Ng,)"""
        return np.arange(self.highest, dtype=np.float64)

    @once
    def sum(self) -> np.ndarray:
        """k = i + j (2 Ng − 1,)"""
        return np.arange(2, 2 * self.highest + 1, dtype=np.float64)

    @once
    def mean_difference(self) -> np.ndarray:
        """Σₖ k p₍x₋y₎(k) (directions,)"""
        return self.p_difference @ self.difference

    @once
    def deviation_sum(self) -> np.ndarray:
        """k − μx − μy (directions, 2 Ng − 1)"""
        return self.sum - (self.mean_x + self.mean_y)[:, None]

    @once
    def hxy(self) -> np.ndarray:
        """Joint entropy (directions,)."""
        return -_total(self.p * np.log2(self.p + EPSILON))

    @once
    def independent(self) -> np.ndarray:
        """px(i) py(j) (directions, K, K)"""
        return self.px[:, :, None] * self.py[:, None, :]

    @once
    def log_independent(self) -> np.ndarray:
        """log₂(px(i) py(j) + ε)"""
        return np.log2(self.independent + EPSILON)


def _total(table: np.ndarray) -> np.ndarray:
    return table.sum(axis=tuple(range(1, table.ndim)))


@njit(cache=True)
def _sum_diagonals(p: np.ndarray, grey: np.ndarray, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """p (directions, K, K) added up over |i − j| and over i + j - 2."""
    difference = np.zeros((p.shape[0], highest))
    sums = np.zeros((p.shape[0], 2 * highest - 1))
    for a in range(p.shape[0]):
        for i in range(p.shape[1]):
            for j in range(p.shape[2]):
                difference[a, abs(grey[i] - grey[j])] += p[a, i, j]
                sums[a, grey[i] + grey[j] - 2] += p[a, i, j]
    return difference, sums


GLCM: Family[Glcm] = Family("glcm")


@GLCM.feature("Autocorrelation", "QWB0", "Σᵢⱼ i j pᵢⱼ")
def autocorrelation(m: Glcm) -> np.ndarray:
    return m.grey @ m.p @ m.grey


@GLCM.feature("JointAverage", "60VM", "μx = Σᵢⱼ i pᵢⱼ")
def joint_average(m: Glcm) -> np.ndarray:
    return m.mean_x


@GLCM.feature("ClusterProminence", "AE86", "Σᵢⱼ (i + j − μx − μy)⁴ pᵢⱼ")
def cluster_prominence(m: Glcm) -> np.ndarray:
    return np.einsum("ak,ak->a", m.p_sum, m.deviation_sum**4)


@GLCM.feature("ClusterShade", "7NFM", "Σᵢⱼ (i + j − μx − μy)³ pᵢⱼ")
def cluster_shade(m: Glcm) -> np.ndarray:
    return np.einsum("ak,ak->a", m.p_sum, m.deviation_sum**3)


@GLCM.feature("ClusterTendency", "DG8W", "Σᵢⱼ (i + j − μx − μy)² pᵢⱼ")
def cluster_tendency(m: Glcm) -> np.ndarray:
    return np.einsum("ak,ak->a", m.p_sum, m.deviation_sum**2)


@GLCM.feature("Contrast", "ACUI", "Σᵢⱼ (i − j)² pᵢⱼ")
def contrast(m: Glcm) -> np.ndarray:
    return m.p_difference @ m.difference**2


@GLCM.feature("Correlation", "NI2N", "Σᵢⱼ (i − μx)(j − μy) pᵢⱼ / (σx σy + ε), 1 where σx σy = 0")
def correlation(m: Glcm) -> np.ndarray:
    spread = np.sqrt(m.variance_x * m.variance_y)
    covariance = np.einsum("ai,aij,aj->a", m.deviation_x, m.p, m.deviation_y)
    return np.where(spread == 0, 1.0, covariance / (spread + EPSILON))


@GLCM.feature("DifferenceAverage", "TF7R", "Σₖ k p₍x₋y₎(k)")
def difference_average(m: Glcm) -> np.ndarray:
    return m.mean_difference


@GLCM.feature("DifferenceEntropy", "NTRS", "−Σₖ p₍x₋y₎(k) log₂(p₍x₋y₎(k) + ε)")
def difference_entropy(m: Glcm) -> np.ndarray:
    return -_total(m.p_difference * np.log2(m.p_difference + EPSILON))


@GLCM.feature("DifferenceVariance", "D3YU", "Σₖ (k − DifferenceAverage)² p₍x₋y₎(k)")
def difference_variance(m: Glcm) -> np.ndarray:
    return _total(m.p_difference * (m.difference - m.mean_difference[:, None]) ** 2)


@GLCM.feature("JointEnergy", "8ZQL", "Σᵢⱼ pᵢⱼ²")
def joint_energy(m: Glcm) -> np.ndarray:
    return np.einsum("aij,aij->a", m.p, m.p)


@GLCM.feature("JointEntropy", "TU9B", "HXY = −Σᵢⱼ pᵢⱼ log₂(pᵢⱼ + ε)")
def joint_entropy(m: Glcm) -> np.ndarray:
    return m.hxy


@GLCM.feature("Imc1", "R8DG", "(HXY − HXY1) / max(HX, HY), HXY1 = −Σᵢⱼ pᵢⱼ log₂(px(i) py(j) + ε)")
def imc1(m: Glcm) -> np.ndarray:
    hx, hy = (-_total(q * np.log2(q + EPSILON)) for q in (m.px, m.py))
    largest = np.fmax(hx, hy)
    information = m.hxy + _total(m.p * m.log_independent)
    return np.where(largest == 0, 0.0, information / np.where(largest == 0, 1.0, largest))


@GLCM.feature("Imc2", "JN9H", "√(1 − exp(−2 (HXY2 − HXY))), HXY2 = −Σᵢⱼ px(i) py(j) log₂(px(i) py(j) + ε)")
def imc2(m: Glcm) -> np.ndarray:
    information = -_total(m.independent * m.log_independent) - m.hxy
    # by rounding below 0: no direction's information is negative
    return np.sqrt(-np.expm1(-2 * np.maximum(information, 0)))


@GLCM.feature("Idm", "WF0Z", "Σₖ p₍x₋y₎(k) / (1 + k²)")
def idm(m: Glcm) -> np.ndarray:
    return m.p_difference @ (1 / (1 + m.difference**2))


@GLCM.feature("MCC", "", "√ second largest eigenvalue of Q, Qᵢⱼ = Σₖ pᵢₖ pⱼₖ / (px(i) py(k) + ε); 1 for one level")
def mcc(m: Glcm) -> np.ndarray:
    if len(m.grey) == 1:
        return np.ones(len(m.p))
    q = (m.p / (m.independent + EPSILON)) @ m.p.transpose(0, 2, 1)
    if not np.isfinite(q).all():
        return np.full(len(m.p), np.nan)
    second = np.sort(np.linalg.eigvals(q).real, axis=1)[:, -2]
    return np.sqrt(np.where(second < 0, np.nan, second))


@GLCM.feature("Idmn", "1QCO", "Σₖ p₍x₋y₎(k) / (1 + k² / Ng²)")
def idmn(m: Glcm) -> np.ndarray:
    return m.p_difference @ (1 / (1 + m.difference**2 / m.highest**2))


@GLCM.feature("Id", "IB1Z", "Σₖ p₍x₋y₎(k) / (1 + k)")
def inverse_difference(m: Glcm) -> np.ndarray:
    return m.p_difference @ (1 / (1 + m.difference))


@GLCM.feature("Idn", "NDRX", "Σₖ p₍x₋y₎(k) / (1 + k / Ng)")
def idn(m: Glcm) -> np.ndarray:
    return m.p_difference @ (1 / (1 + m.difference / m.highest))


@GLCM.feature("InverseVariance", "E8JP", "Σₖ p₍x₋y₎(k) / k², k ≥ 1")
def inverse_variance(m: Glcm) -> np.ndarray:
    return m.p_difference[:, 1:] @ (1 / m.difference[1:] ** 2)


@GLCM.feature("MaximumProbability", "GYBY", "max pᵢⱼ")
def maximum_probability(m: Glcm) -> np.ndarray:
    return m.p.max(axis=(1, 2))


@GLCM.feature("SumAverage", "ZGXS", "Σₖ k p₍x₊y₎(k)")
def sum_average(m: Glcm) -> np.ndarray:
    return m.p_sum @ m.sum


@GLCM.feature("SumEntropy", "P6QZ", "−Σₖ p₍x₊y₎(k) log₂(p₍x₊y₎(k) + ε)")
def sum_entropy(m: Glcm) -> np.ndarray:
    return -_total(m.p_sum * np.log2(m.p_sum + EPSILON))


@GLCM.feature("SumSquares", "UR99", "Σᵢⱼ (i − μx)² pᵢⱼ")
def sum_squares(m: Glcm) -> np.ndarray:
    return m.variance_x
