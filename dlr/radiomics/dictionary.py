"""The feature dictionary: what every column is, in which unit, under which IBSI code; how many there are of which."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import pandas as pd

from dlr.radiomics.columns import ColumnName, InputKind, expected_columns, split_column, wavelet_axes
from dlr.radiomics.profile import Profile
from dlr.radiomics.regions import LESION

__all__ = ["Definition", "definitions", "family_counts", "feature_dictionary"]

DICTIONARY_COLUMNS = ["name", "family", "image_type", "ibsi_code", "unit", "noise_on_one_slice"]

_DIRECTIONAL = ("glcm", "glrlm")  # aggregated over directions, so the weighting of these is part of the definition
_SHIFTED = ("Energy", "TotalEnergy", "RootMeanSquared")


def feature_dictionary(profile: Profile, kind: InputKind | str, regions: Sequence[str] = (LESION,)) -> pd.DataFrame:
    """A row a column: name, family, image_type, ibsi_code, unit, noise_on_one_slice.

    `ibsi_code` is given where pyradiomics' definition under this profile and IBSI's coincide, else it is empty; it
    names the feature, whatever the filter. Binning is not part of it: bins of fixed width start at a multiple of the
    width here, at the ROI's minimum in IBSI.
    `noise_on_one_slice`: a wavelet band that is high-pass across the one slice of a still, so rounding noise.
    """
    rows = []
    for name in expected_columns(profile, kind, regions):
        column = split_column(name)
        known = definitions()[column.family, column.feature]
        settings = _settings(profile, column)
        code = known.ibsi_code if known.coincides and _as_ibsi(column, settings) else ""
        noise = InputKind(kind) is InputKind.STILL and _crosses_the_slice(column.image_type, settings)
        rows.append((name, column.family, column.image_type, code, known.unit, noise))
    return pd.DataFrame(rows, columns=DICTIONARY_COLUMNS)


def family_counts(profile: Profile, kind: InputKind | str, regions: Sequence[str] = (LESION,)) -> pd.DataFrame:
    """Columns family, image_type, count (over all regions); a row a family and image, in the profile's order."""
    names = pd.DataFrame([split_column(name) for name in expected_columns(profile, kind, regions)])
    return names.groupby(["family", "image_type"], sort=False).size().rename("count").reset_index()


class Definition(NamedTuple):
    """What a feature is, whatever the image it is measured on."""

    unit: str  # empty where it has none
    ibsi_code: str
    ibsi_feature: str
    coincides: bool  # with IBSI's definition, checked on its digital phantom
    note: str


@cache
def definitions() -> dict[tuple[str, str], Definition]:
    """By family and feature; derived from the IBSI reference manual."""
    with files("dlr.radiomics").joinpath("definitions.csv").open(encoding="utf-8") as table:
        return {
            (row["family"], row["feature"]): Definition(
                row["unit"], row["ibsi_code"], row["ibsi_feature"], row["coincides"] == "yes", row["note"]
            )
            for row in csv.DictReader(table)
        }


def _settings(profile: Profile, column: ColumnName) -> dict[str, Any]:
    """Settings of the image type that a column's image belongs to."""
    stem = column.image_type.split("-")[0].rstrip("0123456789")
    by_stem = {"log": "LoG", "lbp": "LBP2D" if column.image_type == "lbp-2D" else "LBP3D"}
    for image_type in profile.image_types:
        if image_type == by_stem.get(stem) or image_type.lower() == stem:
            return profile.settings_of(image_type)
    return profile.settings  # shape, in a profile without Original


def _as_ibsi(column: ColumnName, settings: dict[str, Any]) -> bool:
    """Whether the settings leave the feature's definition as IBSI has it."""
    match column.family:
        case "glcm" if not settings.get("symmetricalGLCM", True):
            return False
        case "gldm" if settings.get("gldm_a", 0) != 0:
            return False
        case "firstorder" if column.feature in _SHIFTED and settings.get("voxelArrayShift", 0) != 0:
            return False
    weighting = settings.get("weightingNorm")
    return column.family not in _DIRECTIONAL or weighting in (None, "no_weighting")


def _crosses_the_slice(image_type: str, settings: dict[str, Any]) -> bool:
    """Whether an image is a wavelet band that is high-pass along z."""
    if not image_type.startswith("wavelet"):
        return False
    return ("H", 0) in zip(image_type.split("-")[1], wavelet_axes(settings), strict=True)
