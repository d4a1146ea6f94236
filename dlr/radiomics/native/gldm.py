"""Grey-level dependence: voxels of level i with j − 1 neighbours of like level (IBSI reference manual, 3.11)."""

from __future__ import annotations

import numpy as np

from dlr.radiomics.native.family import Family
from dlr.radiomics.native.size_matrix import SizeMatrix

__all__ = ["GLDM"]

GLDM: Family[SizeMatrix] = Family("gldm")


@GLDM.feature("SmallDependenceEmphasis", "SODN", "Σⱼ sⱼ / j² / N")
def small_dependence_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_sizes(1 / m.size2)


@GLDM.feature("LargeDependenceEmphasis", "IMOQ", "Σⱼ sⱼ j² / N")
def large_dependence_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_sizes(m.size2)


@GLDM.feature("LowGrayLevelEmphasis", "TL9H", "Σᵢ gᵢ / i² / N")
def low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_grey(1 / m.grey2)


@GLDM.feature("HighGrayLevelEmphasis", "OAE7", "Σᵢ gᵢ i² / N")
def high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_grey(m.grey2)


@GLDM.feature("SmallDependenceLowGrayLevelEmphasis", "EQ3F", "Σᵢⱼ nᵢⱼ / (i² j²) / N")
def small_dependence_low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(1 / m.grey2, 1 / m.size2)


@GLDM.feature("SmallDependenceHighGrayLevelEmphasis", "JA6D", "Σᵢⱼ nᵢⱼ i² / j² / N")
def small_dependence_high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(m.grey2, 1 / m.size2)


@GLDM.feature("LargeDependenceLowGrayLevelEmphasis", "NBZI", "Σᵢⱼ nᵢⱼ j² / i² / N")
def large_dependence_low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(1 / m.grey2, m.size2)


@GLDM.feature("LargeDependenceHighGrayLevelEmphasis", "9QMG", "Σᵢⱼ nᵢⱼ i² j² / N")
def large_dependence_high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(m.grey2, m.size2)


@GLDM.feature("GrayLevelNonUniformity", "FP8K", "Σᵢ gᵢ² / N")
def grey_level_non_uniformity(m: SizeMatrix) -> np.ndarray:
    return (m.by_grey**2).sum(axis=-1) / m.total


@GLDM.feature("DependenceNonUniformity", "Z87G", "Σⱼ sⱼ² / N")
def dependence_non_uniformity(m: SizeMatrix) -> np.ndarray:
    return (m.by_size**2).sum(axis=-1) / m.total


@GLDM.feature("DependenceNonUniformityNormalized", "OKJI", "Σⱼ sⱼ² / N²")
def dependence_non_uniformity_normalised(m: SizeMatrix) -> np.ndarray:
    return (m.by_size**2).sum(axis=-1) / m.total**2


@GLDM.feature("GrayLevelVariance", "1PFV", "Σᵢ (i − μ)² gᵢ / N, μ = Σᵢ i gᵢ / N")
def grey_level_variance(m: SizeMatrix) -> np.ndarray:
    return m.grey_variance


@GLDM.feature("DependenceVariance", "DNX2", "Σⱼ (j − μ)² sⱼ / N, μ = Σⱼ j sⱼ / N")
def dependence_variance(m: SizeMatrix) -> np.ndarray:
    return m.size_variance


@GLDM.feature("DependenceEntropy", "FCBV", "−Σᵢⱼ pᵢⱼ log₂(pᵢⱼ + ε), p = n / N")
def dependence_entropy(m: SizeMatrix) -> np.ndarray:
    return m.entropy
