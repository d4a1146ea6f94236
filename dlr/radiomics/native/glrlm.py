"""Grey-level run length: runs of equal level i and length j, a matrix a direction (IBSI reference manual, 3.7)."""

from __future__ import annotations

import numpy as np

from dlr.radiomics.native.family import Family
from dlr.radiomics.native.size_matrix import SizeMatrix

__all__ = ["GLRLM"]

GLRLM: Family[SizeMatrix] = Family("glrlm")


@GLRLM.feature("ShortRunEmphasis", "22OV", "Σⱼ sⱼ / j² / N")
def short_run_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_sizes(1 / m.size2)


@GLRLM.feature("LongRunEmphasis", "W4KF", "Σⱼ sⱼ j² / N")
def long_run_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_sizes(m.size2)


@GLRLM.feature("LowGrayLevelRunEmphasis", "V3SW", "Σᵢ gᵢ / i² / N")
def low_grey_level_run_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_grey(1 / m.grey2)


@GLRLM.feature("HighGrayLevelRunEmphasis", "G3QZ", "Σᵢ gᵢ i² / N")
def high_grey_level_run_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_grey(m.grey2)


@GLRLM.feature("ShortRunLowGrayLevelEmphasis", "HTZT", "Σᵢⱼ nᵢⱼ / (i² j²) / N")
def short_run_low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(1 / m.grey2, 1 / m.size2)


@GLRLM.feature("ShortRunHighGrayLevelEmphasis", "GD3A", "Σᵢⱼ nᵢⱼ i² / j² / N")
def short_run_high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(m.grey2, 1 / m.size2)


@GLRLM.feature("LongRunLowGrayLevelEmphasis", "IVPO", "Σᵢⱼ nᵢⱼ j² / i² / N")
def long_run_low_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(1 / m.grey2, m.size2)


@GLRLM.feature("LongRunHighGrayLevelEmphasis", "3KUM", "Σᵢⱼ nᵢⱼ i² j² / N")
def long_run_high_grey_level_emphasis(m: SizeMatrix) -> np.ndarray:
    return m.over_both(m.grey2, m.size2)


@GLRLM.feature("GrayLevelNonUniformity", "R5YN", "Σᵢ gᵢ² / N")
def grey_level_non_uniformity(m: SizeMatrix) -> np.ndarray:
    return (m.by_grey**2).sum(axis=-1) / m.total


@GLRLM.feature("GrayLevelNonUniformityNormalized", "OVBL", "Σᵢ gᵢ² / N²")
def grey_level_non_uniformity_normalised(m: SizeMatrix) -> np.ndarray:
    return (m.by_grey**2).sum(axis=-1) / m.total**2


@GLRLM.feature("RunLengthNonUniformity", "W92Y", "Σⱼ sⱼ² / N")
def run_length_non_uniformity(m: SizeMatrix) -> np.ndarray:
    return (m.by_size**2).sum(axis=-1) / m.total


@GLRLM.feature("RunLengthNonUniformityNormalized", "IC23", "Σⱼ sⱼ² / N²")
def run_length_non_uniformity_normalised(m: SizeMatrix) -> np.ndarray:
    return (m.by_size**2).sum(axis=-1) / m.total**2


@GLRLM.feature("RunPercentage", "9ZK5", "N / Σⱼ j sⱼ")
def run_percentage(m: SizeMatrix) -> np.ndarray:
    return m.total / m.voxels


@GLRLM.feature("GrayLevelVariance", "8CE5", "Σᵢ (i − μ)² gᵢ / N, μ = Σᵢ i gᵢ / N")
def grey_level_variance(m: SizeMatrix) -> np.ndarray:
    return m.grey_variance


@GLRLM.feature("RunVariance", "SXLW", "Σⱼ (j − μ)² sⱼ / N, μ = Σⱼ j sⱼ / N")
def run_variance(m: SizeMatrix) -> np.ndarray:
    return m.size_variance


@GLRLM.feature("RunEntropy", "HJ9O", "−Σᵢⱼ pᵢⱼ log₂(pᵢⱼ + ε), p = n / N")
def run_entropy(m: SizeMatrix) -> np.ndarray:
    return m.entropy
