"""First-order features: the distribution of intensities (IBSI reference manual, 3.3 and 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.discretise import Levels
from dlr.radiomics.native.family import EPSILON, Family

__all__ = ["FIRSTORDER", "Intensities"]


@dataclass(frozen=True)
class Intensities:
    """The intensities of a ROI; NaN (undefined) voxels do not count, except in the histogram."""

    values: np.ndarray  # float64 (n,)
    levels: Levels
    shift: float  # voxelArrayShift
    voxel_volume: float  # mm³

    @classmethod
    def of(cls, values: np.ndarray, levels: Levels, shift: float, voxel_volume: float) -> Intensities:
        """From an image type's values, float64 or float32, of which some may be NaN."""
        undefined = np.isnan(values)
        defined = values[~undefined] if undefined.any() else values
        return cls(defined.astype(np.float64, copy=False), levels, shift, voxel_volume)

    @once
    def p(self) -> np.ndarray:
        """Share of voxels at each grey level present."""
        return self.levels.counts / self.levels.counts.sum()

    @once
    def ascending(self) -> np.ndarray:
        """The values, sorted."""
        return np.sort(self.values)

    @once
    def mean(self) -> float:
        """x̄"""
        return float(self.values.mean())

    @once
    def _moments(self) -> np.ndarray:
        return _moments(self.values, self.mean, self.shift) / len(self.values)

    @property
    def variance(self) -> float:
        """m₂ = Σ (x − x̄)² / n"""
        return float(self._moments[0])

    @property
    def third_moment(self) -> float:
        """m₃ = Σ (x − x̄)³ / n"""
        return float(self._moments[1])

    @property
    def fourth_moment(self) -> float:
        """m₄ = Σ (x − x̄)⁴ / n"""
        return float(self._moments[2])

    @property
    def mean_absolute_deviation(self) -> float:
        """Σ |x − x̄| / n"""
        return float(self._moments[3])

    @property
    def mean_square(self) -> float:
        """Σ (x + c)² / n, the mean energy of the shifted intensities."""
        return float(self._moments[4])

    @property
    def energy(self) -> float:
        """Σ (x + c)²"""
        return self.mean_square * len(self.values)

    def percentile(self, share: float) -> float:
        """Between the two nearest ranks in proportion."""
        place = (len(self.ascending) - 1) * share
        below = int(place)
        low = self.ascending[below]
        high = self.ascending[min(below + 1, len(self.ascending) - 1)]
        return float(low + (high - low) * (place - below))

    @once
    def middle(self) -> np.ndarray:
        """The values from the 10th to the 90th percentile, both included, sorted."""
        low = np.searchsorted(self.ascending, self.percentile(0.1), side="left")
        high = np.searchsorted(self.ascending, self.percentile(0.9), side="right")
        return self.ascending[low:high]


@njit(cache=True, fastmath={"reassoc"})  # sums in any order, so by vector instructions
def _moments(values: np.ndarray, mean: float, shift: float) -> np.ndarray:
    """Σ (x − x̄)², Σ (x − x̄)³, Σ (x − x̄)⁴, Σ |x − x̄| and Σ (x + shift)², float64 (5,)."""
    second = third = fourth = absolute = energy = 0.0
    for i in range(len(values)):
        x = values[i] - mean
        second += x * x
        third += x * x * x
        fourth += (x * x) * (x * x)
        absolute += abs(x)
        energy += (values[i] + shift) * (values[i] + shift)
    return np.array([second, third, fourth, absolute, energy])


FIRSTORDER: Family[Intensities] = Family("firstorder")


@FIRSTORDER.feature("Energy", "N8CA", "Σ (x + c)²")
def energy(v: Intensities) -> float:
    return v.energy


@FIRSTORDER.feature("TotalEnergy", "", "voxel volume · Σ (x + c)²")
def total_energy(v: Intensities) -> float:
    return v.voxel_volume * v.energy


@FIRSTORDER.feature("Entropy", "TLU2", "−Σᵢ pᵢ log₂(pᵢ + ε)")
def entropy(v: Intensities) -> float:
    return -np.sum(v.p * np.log2(v.p + EPSILON))


@FIRSTORDER.feature("Minimum", "1GSF", "min x")
def minimum(v: Intensities) -> float:
    return v.ascending[0]


@FIRSTORDER.feature("10Percentile", "QG58", "P₁₀")
def percentile_10(v: Intensities) -> float:
    return v.percentile(0.1)


@FIRSTORDER.feature("90Percentile", "8DWT", "P₉₀")
def percentile_90(v: Intensities) -> float:
    return v.percentile(0.9)


@FIRSTORDER.feature("Maximum", "84IY", "max x")
def maximum(v: Intensities) -> float:
    return v.ascending[-1]


@FIRSTORDER.feature("Mean", "Q4LE", "x̄ = Σ x / n")
def mean(v: Intensities) -> float:
    return v.mean


@FIRSTORDER.feature("Median", "Y12H", "P₅₀")
def median(v: Intensities) -> float:
    return v.percentile(0.5)


@FIRSTORDER.feature("InterquartileRange", "SALO", "P₇₅ − P₂₅")
def interquartile_range(v: Intensities) -> float:
    return v.percentile(0.75) - v.percentile(0.25)


@FIRSTORDER.feature("Range", "2OJQ", "max x − min x")
def value_range(v: Intensities) -> float:
    return v.ascending[-1] - v.ascending[0]


@FIRSTORDER.feature("MeanAbsoluteDeviation", "4FUA", "Σ |x − x̄| / n")
def mean_absolute_deviation(v: Intensities) -> float:
    return v.mean_absolute_deviation


@FIRSTORDER.feature("RobustMeanAbsoluteDeviation", "1128", "mean |x − mean x| over P₁₀ ≤ x ≤ P₉₀")
def robust_mean_absolute_deviation(v: Intensities) -> float:
    return np.abs(v.middle - v.middle.mean()).mean() if len(v.middle) else np.nan


@FIRSTORDER.feature("RootMeanSquared", "5ZWQ", "√(Σ (x + c)² / n)")
def root_mean_squared(v: Intensities) -> float:
    return np.sqrt(v.mean_square)


@FIRSTORDER.feature("StandardDeviation", "", "√(Σ (x − x̄)² / n)")
def standard_deviation(v: Intensities) -> float:
    return np.sqrt(v.variance)


@FIRSTORDER.feature("Skewness", "KE2A", "m₃ / σ³, 0 where σ = 0")
def skewness(v: Intensities) -> float:
    return v.third_moment / v.variance**1.5 if v.variance else 0.0


@FIRSTORDER.feature("Kurtosis", "IPH6", "m₄ / σ⁴, 0 where σ = 0")
def kurtosis(v: Intensities) -> float:
    return v.fourth_moment / v.variance**2 if v.variance else 0.0


@FIRSTORDER.feature("Variance", "ECT3", "σ² = Σ (x − x̄)² / n")
def variance(v: Intensities) -> float:
    return v.variance


@FIRSTORDER.feature("Uniformity", "BJ5W", "Σᵢ pᵢ²")
def uniformity(v: Intensities) -> float:
    return v.p @ v.p
