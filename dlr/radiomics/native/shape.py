"""Shape: outline and extent in three dimensions (IBSI reference manual, 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.diameters import Diameters, diameters
from dlr.radiomics.native.family import Family
from dlr.radiomics.native.mesh import area_and_volume

__all__ = ["SHAPE", "Solid", "principal_variances"]


@dataclass(frozen=True)
class Solid:
    """A ROI as a body."""

    mask: np.ndarray  # bool (z, y, x), in its bounding box
    spacing: tuple[float, float, float]  # mm (z, y, x)

    @once
    def _mesh(self) -> tuple[float, float]:
        return area_and_volume(self.mask, self.spacing)

    @property
    def area(self) -> float:
        """A, of the mesh, in mm²."""
        return self._mesh[0]

    @property
    def volume(self) -> float:
        """V, of the mesh, in mm³."""
        return self._mesh[1]

    @once
    def diameters(self) -> Diameters:
        """Largest distances of mesh points in planes of equal z, y, x, and over all, in mm."""
        return diameters(self.mask, self.spacing)

    @once
    def variances(self) -> np.ndarray:
        """λ₀ ≤ λ₁ ≤ λ₂ of the voxels' positions along their principal axes, in mm²."""
        return principal_variances(self.mask, self.spacing)


def principal_variances(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Eigenvalues of the covariance (over n, not n - 1) of the positions of a mask's voxels, ascending."""
    position = np.stack(np.nonzero(mask)) * np.array(spacing)[:, None]
    position = (position - position.mean(axis=1, keepdims=True)) / np.sqrt(position.shape[1])
    # the general solver finds the 0 of a flat ROI exactly
    values = np.sort(np.linalg.eigvals(position @ position.T).real)
    return np.where((values < 0) & (values > -1e-10), 0.0, values)  # rounding of a flat ROI


def _root(ratio: float) -> float:
    return np.sqrt(ratio) if ratio >= 0 else np.nan


SHAPE: Family[Solid] = Family("shape")


@SHAPE.feature("MeshVolume", "RNU0", "V")
def mesh_volume(s: Solid) -> float:
    return s.volume


@SHAPE.feature("VoxelVolume", "YEKZ", "voxels · their volume")
def voxel_volume(s: Solid) -> float:
    return s.mask.sum() * np.prod(s.spacing)


@SHAPE.feature("SurfaceArea", "C0JK", "A")
def surface_area(s: Solid) -> float:
    return s.area


@SHAPE.feature("SurfaceVolumeRatio", "2PR5", "A / V")
def surface_volume_ratio(s: Solid) -> float:
    return s.area / s.volume


@SHAPE.feature("Sphericity", "QCFX", "∛(36 π V²) / A")
def sphericity(s: Solid) -> float:
    return (36 * np.pi * s.volume**2) ** (1 / 3) / s.area


@SHAPE.feature("Compactness1", "", "V / (A^³⁄₂ √π)")
def compactness_1(s: Solid) -> float:
    return s.volume / (s.area**1.5 * np.sqrt(np.pi))


@SHAPE.feature("Compactness2", "", "36 π V² / A³")
def compactness_2(s: Solid) -> float:
    return 36 * np.pi * s.volume**2 / s.area**3


@SHAPE.feature("SphericalDisproportion", "", "A / ∛(36 π V²)")
def spherical_disproportion(s: Solid) -> float:
    return s.area / (36 * np.pi * s.volume**2) ** (1 / 3)


@SHAPE.feature("Maximum3DDiameter", "L0JK", "max |a − b| over mesh points")
def maximum_3d_diameter(s: Solid) -> float:
    return s.diameters[3]


@SHAPE.feature("Maximum2DDiameterSlice", "", "max |a − b| over mesh points of equal z")
def maximum_2d_diameter_slice(s: Solid) -> float:
    return s.diameters[0]


@SHAPE.feature("Maximum2DDiameterColumn", "", "max |a − b| over mesh points of equal y")
def maximum_2d_diameter_column(s: Solid) -> float:
    return s.diameters[1]


@SHAPE.feature("Maximum2DDiameterRow", "", "max |a − b| over mesh points of equal x")
def maximum_2d_diameter_row(s: Solid) -> float:
    return s.diameters[2]


@SHAPE.feature("MajorAxisLength", "TDIC", "4 √λ₂")
def major_axis_length(s: Solid) -> float:
    return 4 * _root(s.variances[2])


@SHAPE.feature("MinorAxisLength", "P9VJ", "4 √λ₁")
def minor_axis_length(s: Solid) -> float:
    return 4 * _root(s.variances[1])


@SHAPE.feature("LeastAxisLength", "7J51", "4 √λ₀")
def least_axis_length(s: Solid) -> float:
    return 4 * _root(s.variances[0])


@SHAPE.feature("Elongation", "Q3CK", "√(λ₁ / λ₂)")
def elongation(s: Solid) -> float:
    return _root(s.variances[1] / s.variances[2])


@SHAPE.feature("Flatness", "N17B", "√(λ₀ / λ₂)")
def flatness(s: Solid) -> float:
    return _root(s.variances[0] / s.variances[2])
