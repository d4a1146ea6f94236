"""One call for one ROI, from files, SimpleITK images or arrays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dlr.errors import InputError
from dlr.radiomics import engines
from dlr.radiomics.columns import expected_columns
from dlr.radiomics.inputs import WHERE, kind_of
from dlr.radiomics.interface import Engine, Measured
from dlr.radiomics.profile import Profile, load_profile

__all__ = ["Pixels", "extract", "measure"]

Pixels = str | Path | sitk.Image | tuple[np.ndarray, tuple[float, ...]] | np.ndarray


def extract(
    image: Pixels, mask: Pixels, profile: Profile | str | Path, engine: Engine | str | None = None
) -> dict[str, float]:
    """Every feature of one ROI, float64, in the profile's order; NaN where a feature is undefined (see `measure`).

    image, mask : a path, a SimpleITK image, or an array (z, y, x) or (y, x) with its spacing in mm in the same order;
    a mask may be a bare array. The ROI is the profile's `label`, or True.
    Example: extract("case.nrrd", "mask.nrrd", "hu1561")["original_glcm_Contrast"]
    """
    checked = profile if isinstance(profile, Profile) else load_profile(profile)
    array, roi, spacing = _read(image, mask, checked)
    measured = _engine(engine).measure(array, roi, spacing, checked)
    columns = expected_columns(checked, kind_of(array))
    return {column: measured.values.get(column, math.nan) for column in columns}


def measure(image: Pixels, mask: Pixels, profile: Profile | str | Path, engine: Engine | str | None = None) -> Measured:
    """As `extract`, with the reason of every missing feature."""
    checked = profile if isinstance(profile, Profile) else load_profile(profile)
    return _engine(engine).measure(*_read(image, mask, checked), checked)


def _engine(chosen: Engine | str | None) -> Engine:
    return engines.engine(chosen) if chosen is None or isinstance(chosen, str) else chosen


def _read(image: Pixels, mask: Pixels, profile: Profile) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Image float64 (z, y, x), ROI bool (z, y, x), spacing in mm (z, y, x)."""
    settings = profile.settings
    seen, drawn = _load(image, "image"), _load(mask, "mask")
    if isinstance(seen, sitk.Image):
        seen = _one_channel(seen)
        array, spacing = sitk.GetArrayFromImage(seen), tuple(reversed(seen.GetSpacing()))
    else:
        array, spacing = seen
    if isinstance(drawn, sitk.Image):
        drawn = _label_channel(drawn, settings.get("label_channel", 0))
        if isinstance(seen, sitk.Image):
            drawn = _on_grid(drawn, seen, settings)
        labels = sitk.GetArrayFromImage(drawn)
    else:
        labels = drawn[0]
    roi = labels if labels.dtype == bool else _roi(labels, settings["label"])
    return array.astype(np.float64), roi, spacing  # type: ignore[return-value]


def _load(source: Pixels, what: str) -> sitk.Image | tuple[np.ndarray, tuple[float, ...]]:
    """A 3-D SimpleITK image, or a 3-D array with its spacing."""
    if isinstance(source, str | Path):
        if not Path(source).is_file():
            raise InputError(str(source), f"there is no such {what} file", "check the path")
        try:
            source = sitk.ReadImage(str(source))
        except RuntimeError as error:
            line = str(error).strip().splitlines()[-1]
            raise InputError(
                str(source), f"cannot be read as {what}: {line}", "save it as NRRD, NIfTI or PNG"
            ) from error
    if isinstance(source, sitk.Image):
        return sitk.JoinSeries(source) if source.GetDimension() == 2 else source
    array, spacing = source if isinstance(source, tuple) else (np.asarray(source), (1.0,) * np.ndim(source))
    if array.ndim == 2:
        return array[np.newaxis], (1.0, *(float(edge) for edge in spacing[-2:]))
    return array, tuple(float(edge) for edge in spacing)


def _one_channel(image: sitk.Image) -> sitk.Image:
    """A grey image; one saved in colour is taken where its channels agree."""
    channels = image.GetNumberOfComponentsPerPixel()
    if channels == 1:
        return image
    colours = sitk.GetArrayViewFromImage(image)[..., :3]
    if (colours != colours[..., :1]).any():
        raise InputError(WHERE, f"the image has {channels} colour channels that differ", "convert it to grey levels")
    return sitk.VectorIndexSelectionCast(image, 0)


def _label_channel(mask: sitk.Image, channel: int) -> sitk.Image:
    channels = mask.GetNumberOfComponentsPerPixel()
    if channels == 1:
        return mask
    if channel >= channels:
        raise InputError(WHERE, f"the mask has {channels} channels, label_channel is {channel}", "name one from 0")
    return sitk.VectorIndexSelectionCast(mask, channel)


def _roi(labels: np.ndarray, label: int) -> np.ndarray:
    """Voxels of the label; fractions would be cut to whole numbers by others, so they are refused."""
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
        raise InputError(WHERE, "the mask holds fractions", "save it with whole-number labels (no interpolation)")
    roi = labels == label
    if not roi.any():
        present = ", ".join(f"{value:g}" for value in np.unique(labels)[:10] if value != 0)
        raise InputError(
            WHERE,
            f"the mask holds no label {label}" + (f", but {present}" if present else ": it is empty"),
            "set label in the profile, or outline the lesion",
        )
    return roi


def _on_grid(mask: sitk.Image, image: sitk.Image, settings: dict) -> sitk.Image:
    """The mask if it lies on the image's grid; with `correctMask`, a mask of another grid resampled to it."""
    tolerance = settings.get("geometryTolerance") or 1e-6
    near = tolerance * image.GetSpacing()[0]
    same_grid = mask.GetSize() == image.GetSize() and all(
        np.allclose(a, b, rtol=0, atol=margin)
        for a, b, margin in (
            (mask.GetSpacing(), image.GetSpacing(), near),
            (mask.GetOrigin(), image.GetOrigin(), near),
            (mask.GetDirection(), image.GetDirection(), tolerance),
        )
    )
    if same_grid:
        return mask
    if not settings.get("correctMask", False):
        raise InputError(
            WHERE,
            f"mask grid (size {mask.GetSize()}, spacing {mask.GetSpacing()}, origin {mask.GetOrigin()}) differs from "
            f"image grid (size {image.GetSize()}, spacing {image.GetSpacing()}, origin {image.GetOrigin()})",
            "name the right mask file, resample it to the image, or set correctMask: true in the profile",
        )
    _require_inside(mask, image, settings["label"])
    return sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)


def _require_inside(mask: sitk.Image, image: sitk.Image, label: int) -> None:
    """Refuse a ROI that reaches beyond the image by more than a thousandth of a voxel, as pyradiomics does."""
    where = np.nonzero(sitk.GetArrayViewFromImage(mask) == label)
    if not where[0].size:
        return
    corners = [
        [float(axis.min()) - 0.5 for axis in reversed(where)],
        [float(axis.max()) + 0.5 for axis in reversed(where)],
    ]
    found = np.array(
        [
            image.TransformPhysicalPointToContinuousIndex(mask.TransformContinuousIndexToPhysicalPoint(corner))
            for corner in corners
        ]
    )
    margin = 0.5 + 1e-3
    if (found.min(0) < -margin).any() or (found.max(0) > np.array(image.GetSize()) - 1 + margin).any():
        raise InputError(WHERE, "the ROI reaches beyond the image", "name the mask that belongs to this image")
