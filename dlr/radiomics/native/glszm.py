"""Grey-level size zone: connected zones of equal level i and j voxels (IBSI reference manual, 3.8)."""

from __future__ import annotations

import numpy as np

from dlr.radiomics.native.family import Family
from dlr.radiomics.native.size_matrix import SizeMatrix

__all__ = ["GLSZM"]

GLSZM: Family[SizeMatrix] = Family("glszm")


@GLSZM.feature("SmallAreaEmphasis", "5QRC", "Σⱼ sⱼ / j² / N")
def small_area_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_sizes(1 / m.size2)


@GLSZM.feature("LargeAreaEmphasis", "48P8", "Σⱼ sⱼ j² / N")
def large_area_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_sizes(m.size2)


@GLSZM.feature("LowGrayLevelZoneEmphasis", "XMSY", "Σᵢ gᵢ / i² / N")
def low_grey_level_zone_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_grey(1 / m.grey2)


@GLSZM.feature("HighGrayLevelZoneEmphasis", "5GN9", "Σᵢ gᵢ i² / N")
def high_grey_level_zone_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_grey(m.grey2)


@GLSZM.feature("SmallAreaLowGrayLevelEmphasis", "5RAI", "Σᵢⱼ nᵢⱼ / (i² j²) / N")
def small_area_low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(1 / m.grey2, 1 / m.size2)


@GLSZM.feature("SmallAreaHighGrayLevelEmphasis", "HW1V", "Σᵢⱼ nᵢⱼ i² / j² / N")
def small_area_high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(m.grey2, 1 / m.size2)


@GLSZM.feature("LargeAreaLowGrayLevelEmphasis", "YH51", "Σᵢⱼ nᵢⱼ j² / i² / N")
def large_area_low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(1 / m.grey2, m.size2)


@GLSZM.feature("LargeAreaHighGrayLevelEmphasis", "J17V", "Σᵢⱼ nᵢⱼ i² j² / N")
def large_area_high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(m.grey2, m.size2)


@GLSZM.feature("GrayLevelNonUniformity", "JNSA", "Σᵢ gᵢ² / N")
def grey_level_non_uniformity(m: SizeMatrix) -> np.ndarray:
    return (m.by_grey**2).sum(axis=-1) / m.total


@GLSZM.feature("GrayLevelNonUniformityNormalized", "Y1RO", "Σᵢ gᵢ² / N²")
def grey_level_non_uniformity_normalised(m: SizeMatrix) -> np.ndarray:
    return (m.by_grey**2).sum(axis=-1) / m.total**2


@GLSZM.feature("SizeZoneNonUniformity", "4JP3", "Σⱼ sⱼ² / N")
def size_zone_non_uniformity(m: SizeMatrix) -> np.ndarray:
    return (m.by_size**2).sum(axis=-1) / m.total


@GLSZM.feature("SizeZoneNonUniformityNormalized", "VB3A", "Σⱼ sⱼ² / N²")
def size_zone_non_uniformity_normalised(m: SizeMatrix) -> np.ndarray:
    return (m.by_size**2).sum(axis=-1) / m.total**2


@GLSZM.feature("ZonePercentage", "P30P", "N / Σⱼ j sⱼ")
def zone_percentage(m: SizeMatrix) -> np.ndarray:
    return m.total / m.voxels


@GLSZM.feature("GrayLevelVariance", "BYLV", "Σᵢ (i − μ)² gᵢ / N, μ = Σᵢ i gᵢ / N")
def grey_level_variance(m: SizeMatrix) -> np.ndarray:
    return m.grey_variance


@GLSZM.feature("ZoneVariance", "3NSA", "Σⱼ (j − μ)² sⱼ / N, μ = Σⱼ j sⱼ / N")
def zone_variance(m: SizeMatrix) -> np.ndarray:
    return m.size_variance


@GLSZM.feature("ZoneEntropy", "GU8N", "−Σᵢⱼ pᵢⱼ log₂(pᵢⱼ + ε), p = n / N")
def zone_entropy(m: SizeMatrix) -> np.ndarray:
    return m.entropy
