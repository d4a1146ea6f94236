"""From an image and its outline to the volume that a 3-D network sees, and that volume as files.

The grey stays as it was measured: clip limits are fitted on a part's training volumes, so a case's files are the same
for every part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dlr.distance import signed_distance
from dlr.errors import InputError
from dlr.volume.regions import breast_of, region_masks
from dlr.volume.settings import RegionSettings, VolumeSettings
from dlr.words import REGIONS

__all__ = ["Volume", "cut_volume", "read_volume", "save_volume"]

WHERE = "volume for the network"


@dataclass(frozen=True)
class Volume:
    """A lesion and its surroundings on the network's grid."""

    grey: np.ndarray  # float32 (D, H, W), unscaled
    mask: np.ndarray  # bool (D, H, W): the ROI; all False where there is no outline
    outlined: bool
    spacing: tuple[float, float, float]  # mm of this grid: slices, rows, columns
    low: float  # percentiles of this grey (volume.clip), in its own unit
    high: float
    distance: np.ndarray  # float16 (D, H, W): mm from the surface of the ROI, below 0 inside; +inf outside the breast
    deepest: float  # mm: the largest depth of the ROI; 0 without outline
    sums: np.ndarray | None = None  # float32 (3, D, H, W), by region: its grey alone, resampled, the rest being 0
    shares: np.ndarray | None = None  # float32 (3, D, H, W): how much of each voxel that comes from


def cut_volume(
    image: np.ndarray,
    mask: np.ndarray | None,
    spacing: tuple[float, float, float],
    settings: VolumeSettings,
    regions: RegionSettings | None = None,
) -> Volume:
    """The outline's bounding box with its margin in mm (or the whole image), resampled to `settings.shape`.

    image : (z, y, x).  mask : (z, y, x), not 0 in the ROI, or None.  spacing : mm, z y x.
    Grey: along every axis that shrinks by a factor f a Gaussian of (f - 1) / 2 voxels against aliasing, then trilinear.
    Mask: nearest; a ROI that falls between the new voxels keeps the one its middle lies in.
    regions : their widths, for a network that is shown some regions alone: each one's grey then goes the same road
    without its neighbours, cut from the given image, so that nothing of a hidden region is smoothed or interpolated
    into a voxel that is seen. Sums over shares is that grey.
    Distance: that of the given mask, linear, so that a rim thinner than the new voxels stays where it is.
    Raises InputError where image, spacing and mask do not make such a volume, or its grey cannot be scaled.
    """
    roi = None if mask is None else np.asarray(mask) != 0
    _check(image, roi, spacing, settings)
    low, high = _box(image.shape, roi, spacing, settings)
    new = np.asarray(settings.shape)
    shrink = (high - low) / new
    grey = _on_the_grid(image, np.zeros(3, dtype=int), low, high, new).astype(np.float32)
    if roi is None or not roi.any():
        seen = np.zeros(settings.shape, dtype=bool)
    else:
        seen = _resampled((roi.astype(np.uint8), np.zeros(3)), low, shrink, new, sitk.sitkNearestNeighbor) > 0
        if not seen.any():
            middle = (np.argwhere(roi).mean(axis=0) + 0.5 - low) / shrink
            seen[tuple(np.clip(middle.astype(int), 0, new - 1))] = True
    lowest, highest = (float(value) for value in np.percentile(grey, settings.clip))
    if not highest - lowest > 1e-12 * max(1.0, float(np.abs(grey).max())):
        raise InputError(
            where=WHERE,
            what=f"its percentiles {settings.clip[0]:g} and {settings.clip[1]:g} are one grey value ({lowest:g})",
            mend="check image and outline; where most of the image is background, set volume.crop: lesion",
        )
    own = (float(spacing[0] * shrink[0]), float(spacing[1] * shrink[1]), float(spacing[2] * shrink[2]))
    distance, deepest, sums, shares = np.full(settings.shape, np.inf, dtype=np.float16), 0.0, None, None
    if roi is not None and roi.any():
        near, corner = _near(roi, low, high)
        away, breast = _distance(roi[near], spacing), breast_of(image[near], roi[near])
        distance = _resampled((away, corner), low, shrink, new, sitk.sitkLinear).astype(np.float16)
        inside = _resampled((breast.astype(np.uint8), corner), low, shrink, new, sitk.sitkNearestNeighbor) > 0
        distance[~inside & ~seen & (distance > 0)] = np.inf
        deepest = -float(away.min())
        if regions is not None:
            away[~breast & ~roi[near]] = np.inf
            parts = region_masks(away, deepest, regions)
            each = [
                [_on_the_grid(values, corner, low, high, new) for values in (np.where(part, image[near], 0), part)]
                for part in (parts[name] for name in REGIONS)
            ]
            sums, shares = (np.stack(layers).astype(np.float32) for layers in zip(*each, strict=True))
    return Volume(grey, seen, bool(seen.any()), own, lowest, highest, distance, deepest, sums, shares)


def _on_the_grid(
    values: np.ndarray, corner: np.ndarray, low: np.ndarray, high: np.ndarray, new: np.ndarray
) -> np.ndarray:
    """Values of a box whose corner lies at this voxel of the image, smoothed against aliasing and resampled."""
    shrink = (high - low) / new
    smooth, first = _smoothed(values, low - corner, high - corner, shrink)
    return _resampled((smooth, corner + first), low, shrink, new, sitk.sitkLinear)


def _check(
    image: np.ndarray, roi: np.ndarray | None, spacing: tuple[float, float, float], settings: VolumeSettings
) -> None:
    """InputError in words, or nothing."""
    if image.ndim != 3:
        raise InputError(
            WHERE, f"the image has {image.ndim} dimensions", "give one volume of three: slices, rows, columns"
        )
    if min(image.shape) < 2:
        kind = "one slice" if image.shape[0] < 2 else "one row or column"
        raise InputError(WHERE, f"the image has {kind} (its shape is {image.shape})", "give a volume, not a picture")
    if len(spacing) != 3 or not all(np.isfinite(edge) and edge > 0 for edge in spacing):
        raise InputError(
            WHERE, f"its spacing is {tuple(spacing)} mm", "three edges above 0: correct the image's header"
        )
    if not np.isfinite(image).all():
        raise InputError(WHERE, "the image holds values that are not numbers (NaN or infinite)", "export it again")
    if image.min() == image.max():
        raise InputError(WHERE, f"the whole image is one grey value ({image.flat[0]:g})", "check the file")
    if roi is not None and roi.shape != image.shape:
        raise InputError(
            WHERE, f"the mask's shape {roi.shape} is not the image's {image.shape}", "give the mask of this image"
        )
    if settings.crop == "lesion" and (roi is None or not roi.any()):
        what = "there is no outline to cut around" if roi is None else "the mask is empty"
        raise InputError(WHERE, what, "outline the lesion, or set volume.crop: whole")


def _box(
    shape: tuple[int, ...], roi: np.ndarray | None, spacing: tuple[float, float, float], settings: VolumeSettings
) -> tuple[np.ndarray, np.ndarray]:
    """First voxel, and the one after the last, of what is cut; int (3,) each."""
    whole = np.zeros(3, dtype=int), np.asarray(shape)
    if settings.crop == "whole" or roi is None:
        return whole
    ends = [
        np.flatnonzero(roi.any(axis=tuple(other for other in range(3) if other != axis)))[[0, -1]] for axis in range(3)
    ]
    margin = np.ceil(settings.margin_mm / np.asarray(spacing) - 1e-9).astype(int)
    first, last = np.transpose(ends)
    return np.maximum(first - margin, whole[0]), np.minimum(last + 1 + margin, whole[1])


def _smoothed(
    image: np.ndarray, low: np.ndarray, high: np.ndarray, shrink: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The box without what a coarser grid could not show, with a rim that its edge is interpolated from; its corner."""
    sigma = np.maximum(shrink - 1, 0) / 2
    rim = np.ceil(3 * sigma).astype(int) + 1
    first, last = np.maximum(low - rim, 0), np.minimum(high + rim, image.shape)
    cut = image[tuple(slice(a, b) for a, b in zip(first, last, strict=True))].astype(np.float32)
    if (sigma > 0).any():
        variance = [float(value) for value in sigma[::-1] ** 2]  # ITK counts x, y, z
        smooth = sitk.DiscreteGaussian(
            sitk.GetImageFromArray(cut), variance, maximumKernelWidth=512, maximumError=0.001, useImageSpacing=False
        )
        cut = sitk.GetArrayFromImage(smooth)
    return cut, first


def _near(roi: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
    """The box with the ROI and one voxel more on every side, for its edge to be interpolated from; its corner.

    The voxels that distances are measured to lie in the ROI or next to it.
    """
    own = np.argwhere(roi)
    first = np.maximum(np.minimum(low, own.min(axis=0)) - 1, 0)
    last = np.minimum(np.maximum(high, own.max(axis=0) + 1) + 1, roi.shape)
    return tuple(slice(a, b) for a, b in zip(first, last, strict=True)), first


def _distance(roi: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Signed distances in mm; where there is nothing but the ROI its surface is the edge of the image."""
    if roi.all():
        return signed_distance(np.pad(roi, 1), spacing)[1:-1, 1:-1, 1:-1]
    return signed_distance(roi, spacing)


def _resampled(
    placed: tuple[np.ndarray, np.ndarray], low: np.ndarray, shrink: np.ndarray, new: np.ndarray, how: int
) -> np.ndarray:
    """Values of an array on the new grid, whose first voxel begins where voxel `low` of the image does.

    placed : the array, and the voxel of the image that its corner is.
    """
    values, corner = placed
    source = sitk.GetImageFromArray(values)
    source.SetOrigin([float(k) for k in corner[::-1]])  # in voxels of the image
    begin = low - 0.5 + 0.5 * shrink
    return sitk.GetArrayFromImage(
        sitk.Resample(
            source,
            [int(n) for n in new[::-1]],
            sitk.Transform(),
            how,
            [float(k) for k in begin[::-1]],
            [float(f) for f in shrink[::-1]],
            source.GetDirection(),
        )
    )


def save_volume(volume: Volume, folder: Path) -> None:
    """grey.npy, mask.npy, distance.npy, of regions sums.npy and shares.npy, and volume.json; the same bytes always."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "grey.npy", volume.grey)
    np.save(folder / "mask.npy", volume.mask)
    np.save(folder / "distance.npy", volume.distance)
    if volume.sums is not None and volume.shares is not None:
        np.save(folder / "sums.npy", volume.sums)
        np.save(folder / "shares.npy", volume.shares)
    own = ("outlined", "spacing", "low", "high", "deepest")
    about = {name: getattr(volume, name) for name in own}
    (folder / "volume.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def read_volume(folder: Path, mmap: bool = True) -> Volume:
    """A saved volume.

    mmap : its voxels stay on the disk until they are looked at.
    Raises InputError where the folder is absent or damaged.
    """
    try:
        about = json.loads((folder / "volume.json").read_text(encoding="utf-8"))
        of_regions = ("sums", "shares") if (folder / "sums.npy").is_file() else ()
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r" if mmap else None)
            for name in ("grey", "mask", "distance", *of_regions)
        }
        z, y, x = about.pop("spacing")
        return Volume(**arrays, **about, spacing=(z, y, x))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(str(folder), f"its volume cannot be read ({error})", "run the study again") from error
