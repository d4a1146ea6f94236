"""Regions of a lesion by the signed distance from its surface: core, rim, peritumoral tissue; and the breast."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dlr.volume.settings import RegionSettings
from dlr.words import REGIONS

__all__ = ["breast_of", "region_masks", "regions_in_use"]

AIR = 0.05  # of the 99th percentile of an image


def region_masks(distance: np.ndarray, deepest: float, settings: RegionSettings) -> dict[str, np.ndarray]:
    """By name, the regions as bool arrays of the distance's shape; disjoint, and each may be empty.

    distance : signed, mm; +inf belongs to no region.  deepest : the largest depth of the lesion, mm.
    """
    core = -min(settings.core_mm, settings.core_share * deepest)
    return {
        "core": distance <= core,
        "rim": (core < distance) & (distance <= settings.rim_mm),
        "peritumoral": (settings.rim_mm < distance) & (distance <= settings.peritumoral_mm),
    }


def regions_in_use(settings: RegionSettings) -> tuple[str, ...]:
    """Names of the regions that are pooled over, from the inside out."""
    return tuple(name for name in REGIONS if name in settings.use)


def breast_of(image: np.ndarray, lesion: np.ndarray | None = None) -> np.ndarray:
    """Where the breast is, bool of the image's shape: its largest connected part above air, holes in slices filled.

    lesion : bool, of the same shape; with it the parts that it touches, as the other breast or the chest may be larger.
    image : (z, y, x) or (y, x), as measured. Air is 0, or the lowest grey where that is less; what lies above it by AIR
    of the 99th percentile is tissue, so that suppressed fat is inside. Smoothed by a Gaussian of one pixel within
    slices against noise, and the pixel by which that moves the edge outwards is taken off again.
    """
    grey, other = np.asarray(image, dtype=np.float32), (1,) * (image.ndim - 2)
    smooth = ndimage.gaussian_filter(grey, (*(0,) * len(other), 1, 1))
    lowest = min(0.0, float(smooth.min()))
    tissue = smooth > lowest + AIR * (np.percentile(smooth, 99) - lowest)
    cross = ndimage.generate_binary_structure(2, 1).reshape((*other, 3, 3))
    parts, count = ndimage.label(ndimage.binary_erosion(tissue, cross, border_value=1))
    if not count:
        return np.ones(image.shape, dtype=bool)
    touched = np.unique(parts[lesion]) if lesion is not None else np.zeros(0, dtype=int)
    kept = touched[touched > 0] if touched.any() else [1 + np.argmax(np.bincount(parts.ravel())[1:])]
    largest = np.isin(parts, kept)
    return ndimage.binary_fill_holes(largest, cross)
