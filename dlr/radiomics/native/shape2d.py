"""Shape in one plane: a closed contour through the midpoints between ROI pixels and their neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.diameters import diameters
from dlr.radiomics.native.family import Family
from dlr.radiomics.native.shape import principal_variances

__all__ = ["SHAPE2D", "Area"]

# a square's corners (0,0) (0,1) (1,1) (1,0) as bits 0 to 3, the midpoints of its edges (y, x) and, for each of the 16
# cases, the pieces of contour from edge to edge with the ROI to their left; opposite corners alone stay apart
_MIDPOINTS = np.array([(0, 0.5), (0.5, 1), (1, 0.5), (0.5, 0)])
_PIECES: tuple[tuple[tuple[int, int], ...], ...] = (
    (), ((3, 0),), ((0, 1),), ((3, 1),), ((1, 2),), ((1, 2), (3, 0)), ((0, 2),), ((3, 2),),
    ((2, 3),), ((2, 0),), ((0, 1), (2, 3)), ((2, 1),), ((1, 3),), ((1, 0),), ((0, 3),), (),
)  # fmt: skip


@dataclass(frozen=True)
class Area:
    """A ROI as a plane figure."""

    mask: np.ndarray  # bool (rows, columns), in its bounding box
    spacing: tuple[float, float]  # mm

    @once
    def _contour(self) -> tuple[float, float]:
        padded = np.pad(self.mask, 1).astype(np.int64)
        case = padded[:-1, :-1] + 2 * padded[:-1, 1:] + 4 * padded[1:, 1:] + 8 * padded[1:, :-1]
        perimeter = surface = 0.0
        spacing = np.array(self.spacing)
        for number, pieces in enumerate(_PIECES):
            where = np.argwhere(case == number) if pieces else ()
            for piece in pieces if len(where) else ():
                a, b = ((where + _MIDPOINTS[end]) * spacing for end in piece)
                perimeter += len(where) * float(np.hypot(*(a[0] - b[0])))
                surface += float((a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]).sum()) / 2
        return perimeter, surface

    @property
    def perimeter(self) -> float:
        """P, in mm."""
        return self._contour[0]

    @property
    def surface(self) -> float:
        """A, enclosed by the contour, in mm²."""
        return self._contour[1]

    @once
    def diameter(self) -> float:
        """Largest distance of contour points, in mm."""
        return diameters(self.mask[None], (1.0, *self.spacing))[0]

    @once
    def variances(self) -> np.ndarray:
        """λ₀ ≤ λ₁ of the pixels' positions along their principal axes, in mm²."""
        return principal_variances(self.mask, self.spacing)


SHAPE2D: Family[Area] = Family("shape2D")


@SHAPE2D.feature("MeshSurface", "", "A")
def mesh_surface(s: Area) -> float:
    return s.surface


@SHAPE2D.feature("PixelSurface", "", "pixels · their area")
def pixel_surface(s: Area) -> float:
    return s.mask.sum() * np.prod(s.spacing)


@SHAPE2D.feature("Perimeter", "", "P")
def perimeter(s: Area) -> float:
    return s.perimeter


@SHAPE2D.feature("PerimeterSurfaceRatio", "", "P / A")
def perimeter_surface_ratio(s: Area) -> float:
    return s.perimeter / s.surface


@SHAPE2D.feature("Sphericity", "", "2 √(π A) / P")
def sphericity(s: Area) -> float:
    return 2 * np.sqrt(np.pi * s.surface) / s.perimeter


@SHAPE2D.feature("SphericalDisproportion", "", "P / (2 √(π A))")
def spherical_disproportion(s: Area) -> float:
    return s.perimeter / (2 * np.sqrt(np.pi * s.surface))


@SHAPE2D.feature("MaximumDiameter", "", "max |a − b| over contour points")
def maximum_diameter(s: Area) -> float:
    return s.diameter


@SHAPE2D.feature("MajorAxisLength", "", "4 √λ₁")
def major_axis_length(s: Area) -> float:
    return 4 * np.sqrt(max(s.variances[1], 0))


@SHAPE2D.feature("MinorAxisLength", "", "4 √λ₀")
def minor_axis_length(s: Area) -> float:
    return 4 * np.sqrt(max(s.variances[0], 0))


@SHAPE2D.feature("Elongation", "", "√(λ₀ / λ₁)")
def elongation(s: Area) -> float:
    return np.sqrt(max(s.variances[0], 0) / s.variances[1])
