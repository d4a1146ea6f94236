"""Which columns a profile gives: they follow from the profile and the kind of input, before any image is read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple

from dlr.radiomics.catalogue import FAMILIES, SHAPE_FAMILIES, WITHDRAWN
from dlr.radiomics.profile import Profile
from dlr.radiomics.regions import LESION, region_and_rest

__all__ = ["ColumnName", "InputKind", "expected_columns", "features_of", "image_names", "split_column", "wavelet_axes"]


class InputKind(StrEnum):
    """What is measured."""

    STILL = "still"  # one slice (1, y, x)
    VOLUME = "volume"  # several


class ColumnName(NamedTuple):
    """A column's name in its parts: wavelet-LLH_glcm_Contrast."""

    image_type: str
    family: str
    feature: str


def split_column(name: str) -> ColumnName:
    """The three parts of a column's name, whichever region it is of."""
    image_type, family, feature = region_and_rest(name)[1].split("_", 2)
    return ColumnName(image_type, family, feature)


def expected_columns(profile: Profile, kind: InputKind | str, regions: Sequence[str] = (LESION,)) -> tuple[str, ...]:
    """Names of all features that the profile gives for this kind of input, in pyradiomics' order, region by region.

    A region's name stands before all but the lesion's.
    A multi-slice ROI under `force2D` has no 2-D shape: these columns are there and missing, with that reason.
    """
    shapes = [
        f"original_{family}_{feature}"
        for family in SHAPE_FAMILIES
        if family in profile.families and (family == "shape" or profile.settings["force2D"])
        for feature in features_of(profile, family)
    ]
    textures = [
        f"{image}_{family}_{feature}"
        for image_type in profile.image_types
        for image in image_names(profile, image_type, kind)
        for family in profile.families
        if family not in SHAPE_FAMILIES
        for feature in features_of(profile, family)
    ]
    columns = tuple(dict.fromkeys(shapes + textures))
    return tuple(name if region == LESION else f"{region}_{name}" for region in regions for name in columns)


def image_names(profile: Profile, image_type: str, kind: InputKind | str) -> tuple[str, ...]:
    """The images that one image type gives, as they stand in column names."""
    settings = profile.settings_of(image_type)
    match image_type:
        case "LoG":
            # ITK's recursive filter needs four voxels on each axis: none on a still
            sigmas = settings.get("sigma", []) if InputKind(kind) is InputKind.VOLUME else []
            return tuple(f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in sigmas)
        case "Wavelet":
            return _wavelet_names(settings)
        case "LBP2D":
            return ("lbp-2D",)
        case "LBP3D":
            levels = settings.get("lbp3DLevels", 2)
            return (*(f"lbp-3D-m{level}" for level in range(1, levels + 1)), "lbp-3D-k")
        case _:
            return (image_type.lower(),)


def wavelet_axes(settings: dict[str, Any]) -> tuple[int, ...]:
    """Array axes (z = 0, y = 1, x = 2) of a band's letters, first letter first."""
    left_out = settings["force2Ddimension"] if settings["force2D"] else None
    return tuple(axis for axis in (2, 1, 0) if axis != left_out)


def _wavelet_names(settings: dict[str, Any]) -> tuple[str, ...]:
    """Detail bands level by level, then the approximation of the last level."""
    letters, levels = len(wavelet_axes(settings)), settings.get("level", 1)
    bands = ["".join(band) for band in product("LH", repeat=letters)]
    prefixes = ["wavelet", *(f"wavelet{level}" for level in range(2, levels + 1))]
    details = [f"{prefix}-{band}" for prefix in prefixes for band in bands[1:]]
    return (*details, f"{prefixes[-1]}-{bands[0]}")


def features_of(profile: Profile, family: str) -> tuple[str, ...]:
    """The features of a family that a profile asks for, those that pyradiomics has withdrawn left out."""
    named = profile.families[family]
    if not named:
        return FAMILIES[family]
    return tuple(feature for feature in named if feature not in WITHDRAWN.get(family, {}))
