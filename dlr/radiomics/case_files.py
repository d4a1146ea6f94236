"""Image and mask files of one ROI, read by the road of a study (`dlr.cohort`), so that one file gives one number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort import CohortSettings, read_mask
from dlr.cohort.decoded import Decoded
from dlr.cohort.formats import decode
from dlr.cohort.images import finish_image, one_still
from dlr.cohort.masks import labels_in, read_labels
from dlr.cohort.outlines import outline_of
from dlr.radiomics.inputs import WHERE, Inputs, as_volume, chosen_label, roi_of

__all__ = ["read_files"]


def read_files(image: Any, mask: Any, settings: Mapping[str, Any]) -> Inputs:
    """Image and ROI, one or both from a file; the other one as an array, alone or with its spacing.

    settings : the profile's; its smallest ROI replaces the cohort's.
    """
    reading = _reading(settings)
    if not isinstance(mask, str | Path):
        labels, _ = as_volume(mask)
        roi = roi_of(labels, settings["label"], WHERE)
        return _seen(image, one_still(decode(Path(image), largest=reading.largest_image)), reading, roi)
    if not isinstance(image, str | Path):
        label = _label(Path(mask), settings["label"], None)
        values, spacing = as_volume(image)
        drawn = read_mask(mask, reading, label=label)
        return Inputs(values.astype(np.float64), drawn.array, spacing, drawn.notes)
    decoded = one_still(decode(Path(image), largest=reading.largest_image))
    label = _label(Path(mask), settings["label"], decoded)
    outline = outline_of({"mask": str(mask), "mask_label": label}, "mask", decoded, reading)
    seen = _seen(image, decoded, reading, outline.roi)
    return Inputs(seen.image, seen.mask, seen.spacing, (*seen.notes, *outline.notes))


def _seen(image: str | Path, decoded: Decoded, reading: CohortSettings, roi: np.ndarray) -> Inputs:
    """Grey values and ROI as a study has them; one slice with a header of its own is whole, and as thick as that says.

    Of a picture only its pixels are known: a study cuts it to what was scanned and makes its thickness of its edges.
    """
    if decoded.grid is None or decoded.array.shape[0] > 1:
        seen = finish_image(Path(image), decoded, reading, roi, None)
        return Inputs(seen.array, seen.kept(roi), seen.spacing, seen.notes)
    whole = finish_image(Path(image), decoded, reading.model_copy(update={"scanned_region": "whole"}), roi, None)
    return Inputs(whole.array, roi, decoded.spacing or whole.spacing, whole.notes)


def _reading(settings: Mapping[str, Any]) -> CohortSettings:
    """How a study would read the files, with what the profile says of it."""
    own: dict[str, Any] = {"roi_min_voxels": 1, "geometry": "resample" if settings.get("correctMask") else "refuse"}
    if settings.get("geometryTolerance"):
        own["geometry_tolerance"] = float(settings["geometryTolerance"])  # also above what a study allows itself
    return CohortSettings().model_copy(update=own)


def _label(mask: Path, label: int, image: Decoded | None) -> float | None:
    """The number of the ROI, None where the mask's edges are blurred: its values are then no labels."""
    present = labels_in(read_labels(mask, onto=image))
    return None if present is None else chosen_label(present, label, str(mask))
