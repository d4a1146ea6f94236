"""One call for one ROI, from files, SimpleITK images or arrays.

What reads files and what knows SimpleITK is imported when such a thing is given: who only measures arrays starts fast.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dlr.radiomics import engines
from dlr.radiomics.columns import expected_columns
from dlr.radiomics.inputs import WHERE, Inputs, as_volume, kind_of, roi_of
from dlr.radiomics.interface import Engine, Measured
from dlr.radiomics.profile import Profile, load_profile

if TYPE_CHECKING:
    import SimpleITK as sitk

__all__ = ["Pixels", "extract", "measure"]

Pixels: TypeAlias = "str | Path | sitk.Image | np.ndarray | tuple[np.ndarray, tuple[float, ...]]"


def extract(
    image: Pixels, mask: Pixels, profile: Profile | str | Path, engine: Engine | str | None = None
) -> dict[str, float]:
    """Every feature of one ROI, float64, in the profile's order; NaN where a feature is undefined (see `measure`).

    image, mask : a path, a SimpleITK image, or an array (z, y, x) or (y, x) with its spacing in mm in the same order;
    a mask may be a bare array.
    Files are read as a study reads a case, and give the numbers of its row: masks as people save them, a picture cut to
    what was scanned and as thick as its pixels are wide. The profile's `correctMask` and `geometryTolerance` stand for
    `cohort.geometry` and `cohort.geometry_tolerance` there. Only one slice with a header of its own (NIfTI, NRRD, MHA)
    is taken at that header's word, whole and as thick as it says. SimpleITK images, what is given beside one, and files
    whose profile names a `label_channel` are taken as pyradiomics takes them.
    The ROI is True, the one label that the mask has, or of several the profile's `label`.
    Example: extract("case.nrrd", "mask.nrrd", "hu1561")["original_glcm_Contrast"]
    """
    checked = profile if isinstance(profile, Profile) else load_profile(profile)
    given = _read(image, mask, checked)
    measured = _measured(given, checked, engine)
    columns = expected_columns(checked, kind_of(given.image))
    return {column: measured.values.get(column, math.nan) for column in columns}


def measure(image: Pixels, mask: Pixels, profile: Profile | str | Path, engine: Engine | str | None = None) -> Measured:
    """As `extract`, with the reason of every missing feature and what is to be said of the files."""
    checked = profile if isinstance(profile, Profile) else load_profile(profile)
    return _measured(_read(image, mask, checked), checked, engine)


def _measured(given: Inputs, profile: Profile, engine: Engine | str | None) -> Measured:
    chosen = engines.engine(engine) if engine is None or isinstance(engine, str) else engine
    found = chosen.measure(given.image, given.mask, given.spacing, profile)
    return Measured(found.values, found.missing, (*given.notes, *found.notes)) if given.notes else found


def _read(image: Pixels, mask: Pixels, profile: Profile) -> Inputs:
    """Image and ROI by the road that belongs to what was given."""
    files = [isinstance(given, str | Path) for given in (image, mask)]
    of_simpleitk = any(hasattr(given, "GetSpacing") for given in (image, mask))
    if of_simpleitk or (all(files) and profile.settings.get("label_channel")):
        from dlr.radiomics.simpleitk_images import read_images

        return read_images(image, mask, profile.settings)
    if any(files):
        from dlr.radiomics.case_files import read_files

        return read_files(image, mask, profile.settings)
    return _arrays(image, mask, profile.settings["label"])


def _arrays(image: Any, mask: Any, label: int) -> Inputs:
    values, spacing = as_volume(image)
    labels, _ = as_volume(mask)
    return Inputs(values.astype(np.float64), roi_of(labels, label, WHERE), spacing)
