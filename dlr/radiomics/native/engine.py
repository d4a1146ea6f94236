"""The native engine: prepares, filters, counts and evaluates; one ROI at a time, on one thread, without state."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import dlr
from dlr.errors import InputError, Problem
from dlr.radiomics.catalogue import SHAPE_FAMILIES
from dlr.radiomics.columns import expected_columns, features_of
from dlr.radiomics.inputs import WHERE, check_input, kind_of
from dlr.radiomics.interface import Measured
from dlr.radiomics.native.batch import FormulaBatch
from dlr.radiomics.native.discretise import discretise
from dlr.radiomics.native.family import Family
from dlr.radiomics.native.firstorder import FIRSTORDER, Intensities
from dlr.radiomics.native.glcm import GLCM
from dlr.radiomics.native.gldm import GLDM
from dlr.radiomics.native.glrlm import GLRLM
from dlr.radiomics.native.glszm import GLSZM
from dlr.radiomics.native.images import filtered
from dlr.radiomics.native.kernels import count_zones
from dlr.radiomics.native.ngtdm import NGTDM
from dlr.radiomics.native.preparation import Prepared, prepare
from dlr.radiomics.native.region import Region
from dlr.radiomics.native.shape import SHAPE, Solid
from dlr.radiomics.native.shape2d import SHAPE2D, Area
from dlr.radiomics.native.textures import Textures
from dlr.radiomics.profile import Profile
from dlr.radiomics.reasons import UNDEFINED, sort_measured

__all__ = ["TEXTURE_FAMILIES", "NativeEngine", "is_compiled"]

logger = logging.getLogger(__name__)

TEXTURE_FAMILIES: dict[str, Family[Any]] = {
    family.name: family for family in (GLCM, GLDM, GLRLM, GLSZM, NGTDM)
}  # named as the matrices of `Textures`

_ONE_BY_ONE = ("firstorder", "ngtdm")  # the other families are evaluated for many images together

_UNDEFINED = UNDEFINED | {"glrlm": "no straight line holds two voxels of the ROI"}


class NativeEngine:
    """pyradiomics' definitions, compiled (docs/native_engine.md lists where it differs on purpose)."""

    name = "native"

    def __init__(self) -> None:
        if not is_compiled():
            logger.warning("compiling the native radiomics engine for this machine, once: about a minute")

    @property
    def version(self) -> str:
        """dlr's own release."""
        return dlr.__version__

    def measure(
        self, image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float], profile: Profile
    ) -> Measured:
        """Every feature of the profile for one ROI (see `Engine.measure`)."""
        check_input(image, mask, spacing)
        _require_supported(profile)
        columns = expected_columns(profile, kind_of(image))
        image = np.require(image, np.float64, ["C", "W"])  # kernels are compiled for one kind of array
        roi = prepare(image, np.require(mask, bool, ["C", "W"]), spacing, profile.settings)
        given, refused = _shapes(profile, roi)
        region = Region.of(roi.mask, roi.spacing)
        largest = np.float64(max(roi.image.max(), -roi.image.min()))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            images = _Images(region, profile)
            for image_type in profile.image_types:
                settings = profile.settings_of(image_type)
                try:
                    for name, values in filtered(image_type, roi.image, largest, region, settings):
                        images.add(name, values, settings)
                except MemoryError as error:
                    raise InputError(
                        WHERE,
                        f"the texture matrices of {image_type} do not fit in memory",
                        "the bins are too fine for this image: raise binWidth, or set binCount for that image type",
                    ) from error
            given.update(images.features())
        return sort_measured(columns, given, refused, image.shape, _why)


def is_compiled() -> bool:
    """Whether numba's cache holds the kernels (one stands for all: a change of any file compiles that file's anew)."""
    folder = count_zones.stats.cache_path
    return folder is not None and any(Path(folder).glob("kernels.count_zones-*.nbi"))


def _require_supported(profile: Profile) -> None:
    """Raises InputError naming every setting of the profile that this engine would otherwise leave without effect."""
    problems = []
    for image_type in profile.image_types:
        settings = profile.settings_of(image_type)
        place = f"profile {profile.name}, {image_type}"
        if not settings["distances"]:
            problems.append(Problem(place, "distances is empty", "name at least one, such as distances: [1]"))
        elif len(set(settings["distances"])) < len(settings["distances"]):
            problems.append(Problem(place, "distances names one twice", "name every distance once"))
        if image_type == "LBP2D" and settings.get("lbp2DSamples", 8) > 62:
            problems.append(Problem(place, "lbp2DSamples is above 62", "name fewer samples"))
    if problems:
        raise InputError.of(problems)


class _Images:
    """First-order and texture features of a region's images, by column."""

    def __init__(self, region: Region, profile: Profile) -> None:
        self.region = region
        self.volume = float(np.prod(region.spacing))
        self.wanted = {
            family: features_of(profile, family) for family in profile.families if family not in SHAPE_FAMILIES
        }
        self.together = {
            family: FormulaBatch(TEXTURE_FAMILIES[family], features)
            for family, features in self.wanted.items()
            if family not in _ONE_BY_ONE
        }
        self.given: dict[str, float] = {}
        self.uniform: dict[Any, str] = {}  # by value and settings, an image that is this value throughout
        self.alike: list[tuple[str, str]] = []  # images that are equal to an earlier one, and that

    def add(self, name: str, values: np.ndarray, settings: dict[str, Any]) -> None:
        """Take in an image.  values : (voxels of the ROI,), those of an undefined image all NaN."""
        if np.isnan(values[0]) and np.isnan(values).all():
            self.given.update((column, np.nan) for column in self._columns(name))
            return
        if values[0] == values[-1] and (values == values[0]).all():
            earlier = self.uniform.setdefault((float(values[0]), str(settings)), name)
            if earlier != name:
                self.alike.append((name, earlier))
                return
        levels = discretise(values, settings)
        textures = Textures(self.region, levels, settings)
        for family, features in self.wanted.items():
            if family in self.together:
                self.together[family].add(name, getattr(textures, family))
                continue
            if family == "firstorder":
                described = Intensities.of(values, levels, settings.get("voxelArrayShift", 0), self.volume)
                row = FIRSTORDER.measure(described, features)
            else:
                row = NGTDM.measure(textures.ngtdm, features)
            self.given.update(zip((f"{name}_{family}_{feature}" for feature in features), row.tolist(), strict=True))

    def features(self) -> dict[str, float]:
        """All of them."""
        for each in self.together.values():
            self.given.update(each.values())
        for name, earlier in self.alike:
            self.given.update(
                zip(self._columns(name), map(self.given.__getitem__, self._columns(earlier)), strict=True)
            )
        return self.given

    def _columns(self, name: str) -> list[str]:
        return [f"{name}_{family}_{feature}" for family, features in self.wanted.items() for feature in features]


def _shapes(profile: Profile, roi: Prepared) -> tuple[dict[str, float], dict[str, str]]:
    """Shape features, and why a family of them is not there."""
    region = Region.of(roi.shape_mask, roi.spacing)
    out: dict[str, float] = {}
    refused: dict[str, str] = {}
    if "shape" in profile.families:
        named = features_of(profile, "shape")
        measured = SHAPE.measure(Solid(region.mask, region.spacing), named).tolist()
        out.update(zip((f"original_shape_{feature}" for feature in named), measured, strict=True))
    if "shape2D" in profile.families and profile.settings["force2D"]:
        axis = profile.settings["force2Ddimension"]
        slices = region.mask.shape[axis]
        if slices > 1:
            refused["shape2D"] = f"the ROI spans {slices} slices; shape2D needs one"
        else:
            named = features_of(profile, "shape2D")
            row, column = (edge for i, edge in enumerate(region.spacing) if i != axis)
            measured = SHAPE2D.measure(Area(region.mask.squeeze(axis), (row, column)), named).tolist()
            out.update(zip((f"original_shape2D_{feature}" for feature in named), measured, strict=True))
    return out, refused


def _why(image_type: str, family: str, feature: str) -> str:
    return _UNDEFINED.get(family, f"{image_type} is undefined for this image")
