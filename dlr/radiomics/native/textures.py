"""The texture matrices of one image type: levels counted once, weighted, shaped for the families' formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlr.radiomics.native.computed_once import once
from dlr.radiomics.native.discretise import Levels
from dlr.radiomics.native.glcm import Glcm
from dlr.radiomics.native.kernels import count_neighbours, count_runs, count_zones
from dlr.radiomics.native.ngtdm import Ngtdm
from dlr.radiomics.native.region import Region, directions
from dlr.radiomics.native.size_matrix import SizeMatrix

__all__ = ["Textures"]


class Textures:
    """Matrices of the levels of a region under one image type's settings; each is counted when first asked for."""

    def __init__(self, region: Region, levels: Levels, settings: Mapping[str, Any]) -> None:
        self.region, self.levels, self.settings = region, levels, settings
        self.flat_axis: int | None = settings["force2Ddimension"] if settings["force2D"] else None
        self.distances = tuple(sorted(set(settings["distances"])))
        self.pad = max(1, *self.distances)
        self.grey = levels.present.astype(np.float64)

    @once
    def codes(self) -> np.ndarray:
        """Ranks of grey levels, padded."""
        return self.region.padded(self.levels.codes, self.pad)

    @once
    def _neighbours(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        offsets = directions(self.region.mask.shape, self.distances, self.flat_axis)
        greys = self.codes
        if not self.levels.gapless:
            greys = np.concatenate([[0], self.levels.present]).astype(np.int32)[self.codes]
        counted = count_neighbours(
            self.codes,
            greys,
            self.region.neighbours(offsets),
            self.region.lines,
            offsets,
            self.pad,
            len(self.grey),
            self.settings.get("gldm_a", 0),
        )
        return offsets, *counted

    @once
    def glcm(self) -> Glcm:
        """Directions without pairs are left out; none left: no direction."""
        offsets, pairs, _, _ = self._neighbours
        counts = pairs[:, 1:, 1:].astype(np.float64)
        if self.settings.get("symmetricalGLCM", True):
            counts = counts + counts.transpose(0, 2, 1)
        norm = self.settings.get("weightingNorm")
        if norm is not None:
            weights = np.exp(-(self._lengths(offsets, norm) ** 2)) if norm != "no_weighting" else np.ones(len(offsets))
            counts = np.tensordot(weights, counts, axes=1)[None]
        total = counts.sum(axis=(1, 2))
        return Glcm.of(counts[total > 0] / total[total > 0, None, None], self.grey, self.levels.highest)

    @once
    def glrlm(self) -> SizeMatrix:
        """Directions in which no line holds two voxels are left out."""
        offsets = directions(self.region.mask.shape, (1,), self.flat_axis)
        runs = count_runs(self.codes, self.region.lines, offsets, self.pad, len(self.grey))
        counts = runs[:, 1:, 1:-1]
        lined = self.region.has_lines(offsets)
        norm = self.settings.get("weightingNorm")
        if norm is not None:
            weights = self._lengths(offsets, norm) if norm != "no_weighting" else np.ones(len(offsets))
            counts = np.tensordot(weights * lined, counts, axes=1)[None]
        else:
            counts = counts[lined]
        occurs = counts.any(axis=(0, 1))
        return SizeMatrix.of(counts[:, :, occurs], self.grey, 1.0 + np.flatnonzero(occurs))

    @once
    def glszm(self) -> SizeMatrix:
        """Zones of 26-connected voxels; with force2D of 8-connected ones in each plane."""
        codes, lines = self.codes, self.region.lines
        if self.flat_axis:
            codes = np.ascontiguousarray(np.moveaxis(codes, self.flat_axis, 0))
            lines = self.region.turned(self.flat_axis).lines
        zones, sizes = count_zones(
            codes, lines, self.pad, len(self.grey), len(self.levels.codes), self.flat_axis is not None
        )
        return SizeMatrix.of(zones[None], self.grey, sizes.astype(np.float64))

    @once
    def gldm(self) -> SizeMatrix:
        """Voxels by dependence; a voxel counts among its own dependents."""
        counts = self._neighbours[2][1:]
        occurs = counts.any(axis=0)
        return SizeMatrix.of(counts[None, :, occurs], self.grey, 1.0 + np.flatnonzero(occurs))

    @once
    def ngtdm(self) -> Ngtdm:
        """Voxels and contrasts by level."""
        return Ngtdm(self.levels.counts.astype(np.float64), self._neighbours[3][1:], self.grey)

    def _lengths(self, offsets: np.ndarray, norm: str) -> np.ndarray:
        """Lengths of the offsets in mm."""
        steps = np.abs(offsets) * np.array(self.region.spacing)
        match norm:
            case "infinity":
                return steps.max(axis=1)
            case "manhattan":
                return steps.sum(axis=1)
            case _:
                return np.sqrt((steps**2).sum(axis=1))
