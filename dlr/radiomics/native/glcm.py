"""Grey-level co-occurrence: pairs of neighbouring levels, a matrix a direction (IBSI reference manual, 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from dlr.radiomics.native.batch import padded_together
from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.family import EPSILON, Family

__all__ = ["GLCM", "Glcm"]


@dataclass(frozen=True)
class Glcm:
    """Co-occurrence probabilities of one image or several, and their marginals."""

    p: np.ndarray  # float64 (images, directions, K, K), each sums to 1
    grey: np.ndarray  # float64 (images, 1, K), the grey level of each row and column
    levels: np.ndarray  # int64 (images,), how many of the K rows and columns are an image's own
    highest: np.ndarray  # int64 (images, 1, 1), Ng, levels without voxels counted

    @classmethod
    def of(cls, p: np.ndarray, grey: np.ndarray, highest: int) -> Glcm:
        """Of one image.  p : (directions, K, K).  grey : (K,)."""
        return cls(p[None], grey[None, None], np.array([len(grey)]), np.array([[[highest]]]))

    @classmethod
    def joined(cls, matrices: Sequence[Glcm]) -> Glcm:
        """Of several images with as many directions; levels that one lacks have no pairs there."""
        return cls(
            padded_together([m.p for m in matrices], 0),
            padded_together([m.grey for m in matrices], 1),
            np.concatenate([m.levels for m in matrices]),
            np.concatenate([m.highest for m in matrices]),
        )

    @property
    def extent(self) -> tuple[int, ...]:
        """Directions and cells of one, those of its diagonals among them."""
        return self.p.shape[1], max(self.p.shape[2] ** 2, 2 * int(self.highest.max()))

    @once
    def px(self) -> np.ndarray:
        """Row marginal (images, directions, K)."""
        return self.p.sum(axis=3)

    @once
    def py(self) -> np.ndarray:
        """Column marginal (images, directions, K)."""
        return self.p.sum(axis=2)

    @once
    def mean_x(self) -> np.ndarray:
        """μx (images, directions)"""
        return (self.px * self.grey).sum(axis=-1)

    @once
    def mean_y(self) -> np.ndarray:
        """μy (images, directions)"""
        return (self.py * self.grey).sum(axis=-1)

    @once
    def deviation_x(self) -> np.ndarray:
        """i − μx (images, directions, K)"""
        return self.grey - self.mean_x[..., None]

    @once
    def deviation_y(self) -> np.ndarray:
        """j − μy (images, directions, K)"""
        return self.grey - self.mean_y[..., None]

    @once
    def variance_x(self) -> np.ndarray:
        """σx² (images, directions)"""
        return (self.px * self.deviation_x**2).sum(axis=-1)

    @once
    def variance_y(self) -> np.ndarray:
        """σy² (images, directions)"""
        return (self.py * self.deviation_y**2).sum(axis=-1)

    def expected(self, of_row: np.ndarray, of_column: np.ndarray) -> np.ndarray:
        """Σᵢⱼ f(i) h(j) pᵢⱼ (images, directions)"""
        return (of_row[..., None, :] @ self.p @ of_column[..., None])[..., 0, 0]

    @once
    def _diagonals(self) -> tuple[np.ndarray, np.ndarray]:
        return _sum_diagonals(self.p, self.grey[:, 0].astype(np.int64), int(self.highest.max()))

    @property
    def p_difference(self) -> np.ndarray:
        """p₍x₋y₎(k), k = |i − j| = 0 .. Ng − 1 (images, directions, Ng)."""
        return self._diagonals[0]

    @property
    def p_sum(self) -> np.ndarray:
        """p₍x₊y₎(k), k = i + j = 2 .. 2 Ng (images, directions, 2 Ng − 1)."""
        return self._diagonals[1]

    @once
    def difference(self) -> np.ndarray:
        """k = |i − j| (Ng,)"""
        return np.arange(self.p_difference.shape[-1], dtype=np.float64)

    @once
    def sum(self) -> np.ndarray:
        """k = i + j (2 Ng − 1,)"""
        return np.arange(2.0, 2 + self.p_sum.shape[-1])

    @once
    def mean_difference(self) -> np.ndarray:
        """Σₖ k p₍x₋y₎(k) (images, directions)"""
        return self.p_difference @ self.difference

    @once
    def deviation_sum(self) -> np.ndarray:
        """k − μx − μy (images, directions, 2 Ng − 1)"""
        return self.sum - (self.mean_x + self.mean_y)[..., None]

    @once
    def hxy(self) -> np.ndarray:
        """Joint entropy (images, directions)."""
        return -_total(self.p * np.log2(self.p + EPSILON))

    @once
    def independent(self) -> np.ndarray:
        """px(i) py(j) (images, directions, K, K)"""
        return self.px[..., :, None] * self.py[..., None, :]

    @once
    def log_independent(self) -> np.ndarray:
        """log₂(px(i) py(j) + ε)"""
        return np.log2(self.independent + EPSILON)


def _total(table: np.ndarray) -> np.ndarray:
    """Sum over all axes but images and directions."""
    return table.sum(axis=tuple(range(2, table.ndim)))


@njit(cache=True)
def _sum_diagonals(p: np.ndarray, grey: np.ndarray, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """p (images, directions, K, K) added up over |i − j| and over i + j - 2.  grey : int64 (images, K)."""
    n_images, n_directions, n_levels, _ = p.shape
    difference = np.zeros((n_images, n_directions, highest))
    sums = np.zeros((n_images, n_directions, 2 * highest - 1))
    for image in range(n_images):
        level = grey[image]
        for a in range(n_directions):
            own, own_difference, own_sum = p[image, a], difference[image, a], sums[image, a]
            for i in range(n_levels):
                for j in range(n_levels):
                    own_difference[abs(level[i] - level[j])] += own[i, j]
                    own_sum[level[i] + level[j] - 2] += own[i, j]
    return difference, sums


GLCM: Family[Glcm] = Family("glcm")


@GLCM.feature("Autocorrelation", "QWB0", "Σᵢⱼ i j pᵢⱼ")
def autocorrelation(m: Glcm) -> np.ndarray:
    return m.expected(m.grey, m.grey)


@GLCM.feature("JointAverage", "60VM", "μx = Σᵢⱼ i pᵢⱼ")
def joint_average(m: Glcm) -> np.ndarray:
    return m.mean_x


@GLCM.feature("ClusterProminence", "AE86", "Σᵢⱼ (i + j − μx − μy)⁴ pᵢⱼ")
def cluster_prominence(m: Glcm) -> np.ndarray:
    return _total(m.p_sum * m.deviation_sum**4)


@GLCM.feature("ClusterShade", "7NFM", "Σᵢⱼ (i + j − μx − μy)³ pᵢⱼ")
def cluster_shade(m: Glcm) -> np.ndarray:
    return _total(m.p_sum * m.deviation_sum**3)


@GLCM.feature("ClusterTendency", "DG8W", "Σᵢⱼ (i + j − μx − μy)² pᵢⱼ")
def cluster_tendency(m: Glcm) -> np.ndarray:
    return _total(m.p_sum * m.deviation_sum**2)


@GLCM.feature("Contrast", "ACUI", "Σᵢⱼ (i − j)² pᵢⱼ")
def contrast(m: Glcm) -> np.ndarray:
    return m.p_difference @ m.difference**2


@GLCM.feature("Correlation", "NI2N", "Σᵢⱼ (i − μx)(j − μy) pᵢⱼ / (σx σy + ε), 1 where σx σy = 0")
def correlation(m: Glcm) -> np.ndarray:
    spread = np.sqrt(m.variance_x * m.variance_y)
    covariance = m.expected(m.deviation_x, m.deviation_y)
    return np.where(spread == 0, 1.0, covariance / (spread + EPSILON))


@GLCM.feature("DifferenceAverage", "TF7R", "Σₖ k p₍x₋y₎(k)")
def difference_average(m: Glcm) -> np.ndarray:
    return m.mean_difference


@GLCM.feature("DifferenceEntropy", "NTRS", "−Σₖ p₍x₋y₎(k) log₂(p₍x₋y₎(k) + ε)")
def difference_entropy(m: Glcm) -> np.ndarray:
    return -_total(m.p_difference * np.log2(m.p_difference + EPSILON))


@GLCM.feature("DifferenceVariance", "D3YU", "Σₖ (k − DifferenceAverage)² p₍x₋y₎(k)")
def difference_variance(m: Glcm) -> np.ndarray:
    return _total(m.p_difference * (m.difference - m.mean_difference[..., None]) ** 2)


@GLCM.feature("JointEnergy", "8ZQL", "Σᵢⱼ pᵢⱼ²")
def joint_energy(m: Glcm) -> np.ndarray:
    return _total(m.p**2)


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
    q = (m.p / (m.independent + EPSILON)) @ m.p.transpose(0, 1, 3, 2)
    out = np.ones(m.p.shape[:2])
    for image in np.flatnonzero(m.levels > 1):
        own = slice(m.levels[image])
        second = np.sort(np.linalg.eigvals(q[image, :, own, own]).real, axis=1)[:, -2]
        out[image] = np.sqrt(np.where(second < 0, np.nan, second))
    return out


@GLCM.feature("Idmn", "1QCO", "Σₖ p₍x₋y₎(k) / (1 + k² / Ng²)")
def idmn(m: Glcm) -> np.ndarray:
    return _total(m.p_difference / (1 + m.difference**2 / m.highest**2))


@GLCM.feature("Id", "IB1Z", "Σₖ p₍x₋y₎(k) / (1 + k)")
def inverse_difference(m: Glcm) -> np.ndarray:
    return m.p_difference @ (1 / (1 + m.difference))


@GLCM.feature("Idn", "NDRX", "Σₖ p₍x₋y₎(k) / (1 + k / Ng)")
def idn(m: Glcm) -> np.ndarray:
    return _total(m.p_difference / (1 + m.difference / m.highest))


@GLCM.feature("InverseVariance", "E8JP", "Σₖ p₍x₋y₎(k) / k², k ≥ 1")
def inverse_variance(m: Glcm) -> np.ndarray:
    return _total(m.p_difference[..., 1:] / m.difference[1:] ** 2)


@GLCM.feature("MaximumProbability", "GYBY", "max pᵢⱼ")
def maximum_probability(m: Glcm) -> np.ndarray:
    return m.p.max(axis=(2, 3))


@GLCM.feature("SumAverage", "ZGXS", "Σₖ k p₍x₊y₎(k)")
def sum_average(m: Glcm) -> np.ndarray:
    return m.p_sum @ m.sum


@GLCM.feature("SumEntropy", "P6QZ", "−Σₖ p₍x₊y₎(k) log₂(p₍x₊y₎(k) + ε)")
def sum_entropy(m: Glcm) -> np.ndarray:
    return -_total(m.p_sum * np.log2(m.p_sum + EPSILON))


@GLCM.feature("SumSquares", "UR99", "Σᵢⱼ (i − μx)² pᵢⱼ")
def sum_squares(m: Glcm) -> np.ndarray:
    return m.variance_x
