"""Before any filter: normalisation, resampling or cropping, resegmentation; in pyradiomics' order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from dlr.errors import InputError
from dlr.radiomics.inputs import WHERE, check_roi
from dlr.radiomics.native.region import bounding_box

if TYPE_CHECKING:
    import SimpleITK as sitk

__all__ = ["Prepared", "normalised", "prepare"]

Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class Prepared:
    """What filters and shape work on."""

    image: np.ndarray  # float64 (z, y, x)
    mask: np.ndarray  # bool: the ROI of intensities and textures
    shape_mask: np.ndarray  # bool: the ROI of shape, cut to the box of `mask`
    spacing: Spacing  # mm (z, y, x)


def prepare(image: np.ndarray, mask: np.ndarray, spacing: Spacing, settings: Mapping[str, Any]) -> Prepared:
    """Raises InputError where the ROI vanishes or is too small on the way."""
    if settings["normalize"]:
        image = normalised(image, settings["normalizeScale"], settings["removeOutliers"])
    if settings["interpolator"] is not None and settings["resampledPixelSpacing"] is not None:
        image, mask, spacing = _resampled(image, mask, spacing, settings)
    elif settings["preCrop"]:
        check_roi(mask, settings)
        image, mask = _cropped(image, mask, settings["padDistance"])
    check_roi(mask, settings)
    if settings["resegmentRange"] is None:
        return Prepared(image, mask, mask, spacing)
    narrowed = _resegmented(image, mask, settings)
    check_roi(narrowed, settings)
    if settings.get("resegmentShape", False):
        return Prepared(image, narrowed, narrowed, spacing)
    outline = np.zeros_like(mask)
    outline[bounding_box(narrowed)] = mask[bounding_box(narrowed)]
    return Prepared(image, narrowed, outline, spacing)


def normalised(image: np.ndarray, scale: float, outliers: float | None) -> np.ndarray:
    """Mean 0 and standard deviation (n - 1) `scale` over the whole image, clipped at `outliers` deviations.

    To the last digit as ITK's filter on one thread: that digit decides ties of the spherical binary pattern. ITK itself
    adds up as many parts as the machine has cores.
    """
    total, of_squares = _sums(image.ravel())
    sigma = np.sqrt((of_squares - total * total / image.size) / (image.size - 1))
    scaled = (image - total / image.size) * (1.0 / sigma)
    if outliers is not None:
        scaled = scaled.clip(-outliers, outliers)
    return scaled * scale


@njit(cache=True)
def _sums(values: np.ndarray) -> tuple[float, float]:
    """Sum of the values and of their squares, compensated for rounding (Kahan)."""
    total = lost = squares = lost_squares = 0.0
    for value in values:
        term = value - lost
        following = total + term
        lost = (following - total) - term
        total = following
        term = value * value - lost_squares
        following = squares + term
        lost_squares = (following - squares) - term
        squares = following
    return total, squares


def _cropped(image: np.ndarray, mask: np.ndarray, pad: int) -> tuple[np.ndarray, np.ndarray]:
    box = tuple(
        slice(max(0, part.start - pad), min(size, part.stop + pad))
        for part, size in zip(bounding_box(mask), mask.shape, strict=True)
    )
    return np.ascontiguousarray(image[box]), np.ascontiguousarray(mask[box])


def _resampled(
    image: np.ndarray, mask: np.ndarray, spacing: Spacing, settings: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, Spacing]:
    """Image by the profile's interpolator, ROI by nearest neighbour, on the grid around the ROI.

    The grid's corner is the image's; a spacing of 0, or an axis along which the ROI is one voxel, stays as it is.
    """
    import SimpleITK as sitk

    box = bounding_box(mask)
    lower, upper = (np.array([part.start for part in box][::-1]), np.array([part.stop for part in box][::-1]))
    given = np.array(spacing[::-1])  # x, y, z, as SimpleITK and the profile have it
    wanted = np.array(settings["resampledPixelSpacing"], dtype=np.float64)
    wanted = np.where((wanted == 0) | (upper - lower == 1), given, wanted)
    if np.allclose(given, wanted):
        return *_cropped(image, mask, settings["padDistance"]), spacing
    ratio, size = given / wanted, np.array(mask.shape[::-1])
    first = np.maximum(np.floor((lower - 0.5) * ratio - settings["padDistance"]), 0)
    last = np.minimum(np.ceil((upper - 0.5) * ratio + settings["padDistance"]), np.ceil(size * ratio) - 1)
    drawn = _itk(mask.astype(np.uint8), given)
    grid = sitk.Image([int(n) for n in last - first + 1], sitk.sitkUInt8)
    grid.SetSpacing(wanted.tolist())
    grid.SetOrigin(
        drawn.TransformContinuousIndexToPhysicalPoint((0.5 * (wanted - given) / given + first / ratio).tolist())
    )
    kind = getattr(sitk, settings["interpolator"])
    roi = sitk.GetArrayFromImage(_on_grid(drawn, grid, sitk.sitkNearestNeighbor)) == 1
    if not roi.any():
        raise InputError(
            WHERE,
            f"the ROI vanishes at the spacing {settings['resampledPixelSpacing']} mm (x, y, z)",
            "resample to finer voxels, or exclude the case",
        )
    fine = sitk.GetArrayFromImage(_resampled_image(_itk(image, given), grid, kind))
    z, y, x = (float(edge) for edge in wanted[::-1])
    return fine, roi, (z, y, x)


def _resampled_image(image: sitk.Image, grid: sitk.Image, interpolator: int) -> sitk.Image:
    """The image on the grid, 0 beyond it.

    An axis of two voxels is prolonged by its reflection before a B-spline: ITK's would read beyond its coefficients
    there (its mirrored index -1 is not mirrored again). May go when ITK's interpolator mirrors more than once.
    """
    import SimpleITK as sitk

    if interpolator != sitk.sitkBSpline or 2 not in image.GetSize():
        return _on_grid(image, grid, interpolator)
    pads = [4 if size == 2 else 0 for size in image.GetSize()]
    longer = _itk(
        np.pad(sitk.GetArrayFromImage(image), [(pad, pad) for pad in reversed(pads)], mode="reflect"),
        np.array(image.GetSpacing()),
    )
    longer.SetOrigin(image.TransformIndexToPhysicalPoint([-pad for pad in pads]))
    return _on_grid(longer, grid, interpolator) * _on_grid(image * 0 + 1, grid, sitk.sitkNearestNeighbor)


def _on_grid(image: sitk.Image, grid: sitk.Image, interpolator: int) -> sitk.Image:
    import SimpleITK as sitk

    resample = sitk.ResampleImageFilter()
    resample.SetNumberOfThreads(1)
    resample.SetReferenceImage(grid)
    resample.SetInterpolator(interpolator)
    resample.SetOutputPixelType(image.GetPixelID())
    return resample.Execute(image)


def _itk(array: np.ndarray, spacing: np.ndarray) -> sitk.Image:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(edge) for edge in spacing])
    return image


def _resegmented(image: np.ndarray, mask: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """The voxels of the ROI within resegmentRange: absolute, times the ROI's maximum, or in its deviations."""
    values = image[mask]
    limits = sorted(settings["resegmentRange"])
    match settings.get("resegmentMode", "absolute"):
        case "relative":
            limits = [values.max() * limit for limit in limits]
        case "sigma":
            limits = [values.mean() + values.std() * limit for limit in limits]
    kept = values >= limits[0]
    if len(limits) == 2:
        kept &= values <= limits[1]
    if kept.sum() <= 1:
        raise InputError(
            WHERE,
            f"resegmentRange keeps {kept.sum()} of the ROI's {len(values)} voxels",
            "widen resegmentRange, or exclude the case",
        )
    narrowed = np.zeros_like(mask)
    narrowed[mask] = kept
    return narrowed
