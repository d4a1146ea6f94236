"""SimpleITK images as pyradiomics takes them: `label_channel`, `geometryTolerance`, `correctMask`, thick slices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dlr.cohort.formats import LARGEST, recognise
from dlr.cohort.headers import check_header
from dlr.errors import InputError
from dlr.radiomics.inputs import WHERE, Inputs, as_volume, roi_of

__all__ = ["read_images"]


def read_images(image: Any, mask: Any, settings: Mapping[str, Any]) -> Inputs:
    """Image and ROI out of SimpleITK images, what stands beside one (a path or an array), or two files.

    settings : the profile's.
    """
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
    return Inputs(array.astype(np.float64), roi_of(labels, settings["label"], WHERE), spacing)  # type: ignore[arg-type]


def _load(source: Any, what: str) -> sitk.Image | tuple[np.ndarray, tuple[float, ...]]:
    """A 3-D SimpleITK image, or a 3-D array with its spacing."""
    if isinstance(source, str | Path):
        check_header(Path(source), recognise(Path(source))[0], LARGEST)
        try:
            source = sitk.ReadImage(str(source))
        except RuntimeError as error:
            line = str(error).strip().splitlines()[-1]
            raise InputError(
                str(source), f"cannot be read as {what}: {line}", "save it as NRRD, NIfTI or PNG"
            ) from error
    if isinstance(source, sitk.Image):
        return sitk.JoinSeries(source) if source.GetDimension() == 2 else source
    return as_volume(source)


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


def _on_grid(mask: sitk.Image, image: sitk.Image, settings: Mapping[str, Any]) -> sitk.Image:
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
    where = np.nonzero(roi_of(sitk.GetArrayFromImage(mask), label, WHERE))
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
