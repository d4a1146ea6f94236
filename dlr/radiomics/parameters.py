"""The parameter file of pyradiomics 3.0.1: which keys it has, which values they take, and their defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from dlr.errors import Problem
from dlr.radiomics.catalogue import DEPRECATED, FAMILIES, IMAGE_TYPES, WITHDRAWN

__all__ = ["DEFAULTS", "INTERPOLATORS", "SECTIONS", "check_parameters"]

SECTIONS = ("imageType", "featureClass", "setting", "voxelSetting")

# of the whole extraction; a family's and a filter's own defaults stand with them
DEFAULTS: dict[str, Any] = {
    "minimumROIDimensions": 2,
    "minimumROISize": None,
    "normalize": False,
    "normalizeScale": 1,
    "removeOutliers": None,
    "resampledPixelSpacing": None,
    "interpolator": "sitkBSpline",
    "preCrop": False,
    "padDistance": 5,
    "distances": [1],
    "force2D": False,
    "force2Ddimension": 0,
    "resegmentRange": None,
    "label": 1,
    "additionalInfo": True,
}

INTERPOLATORS = (
    "sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian", "sitkLabelGaussian",
    "sitkHammingWindowedSinc", "sitkCosineWindowedSinc", "sitkWelchWindowedSinc", "sitkLanczosWindowedSinc",
    "sitkBlackmanWindowedSinc",
)  # fmt: skip

Rule = Callable[[Any], Any]  # gives the value in its right type, or raises ValueError("wants ...")


def _number(low: float = -math.inf, above: float = -math.inf) -> Rule:
    """A finite number >= low and > above; "1e-5" counts, as YAML 1.1 reads it as text."""
    wants = "a number" + _bounds(low, above)

    def rule(value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise ValueError(wants) from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(wants)
        if not math.isfinite(value) or value < low or value <= above:
            raise ValueError(wants)
        return value

    return rule


def _integer(low: float = -math.inf, high: float = math.inf) -> Rule:
    wants = "a whole number" + _bounds(low) + (f" and at most {high}" if math.isfinite(high) else "")

    def rule(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(wants)
        return value

    return rule


def _bounds(low: float, above: float = -math.inf) -> str:
    return (f" >= {low:g}" if math.isfinite(low) else "") + (f" > {above:g}" if math.isfinite(above) else "")


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _one_of(*choices: str) -> Rule:
    def rule(value: Any) -> Any:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value

    return rule


def _list_of(item: Rule, lengths: Iterable[int] | None = None) -> Rule:
    allowed = None if lengths is None else tuple(lengths)

    def rule(value: Any) -> list[Any]:
        if not isinstance(value, list) or (allowed is not None and len(value) not in allowed):
            size = "" if allowed is None else " of " + " or ".join(map(str, allowed)) + " values"
            raise ValueError(f"a list{size}")
        return [item(entry) for entry in value]

    return rule


def _interpolator(value: Any) -> str:
    """The name; a number is its place in SimpleITK's list of 1 to 10 (later releases count otherwise)."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(INTERPOLATORS):
        return INTERPOLATORS[value - 1]
    if value not in INTERPOLATORS:
        raise ValueError("one of " + ", ".join(INTERPOLATORS) + " or a number from 1 to 10")
    return value


def _wavelet(value: Any) -> str:
    import pywt

    if value not in pywt.wavelist(kind="discrete"):
        raise ValueError("a discrete wavelet of PyWavelets, such as coif1, haar, db2 or sym4")
    return value


SETTINGS: dict[str, Rule] = {
    "minimumROIDimensions": _integer(1, 3),
    "minimumROISize": _integer(1),
    "geometryTolerance": _number(above=0),
    "correctMask": _switch,
    "additionalInfo": _switch,
    "label": _integer(1),
    "label_channel": _integer(0),
    "binWidth": _number(above=0),
    "binCount": _integer(1),
    "normalize": _switch,
    "normalizeScale": _number(above=0),
    "removeOutliers": _number(above=0),
    "resampledPixelSpacing": _list_of(_number(0), (3,)),
    "interpolator": _interpolator,
    "padDistance": _integer(0),
    "distances": _list_of(_integer(1)),
    "force2D": _switch,
    "force2Ddimension": _integer(0, 2),
    "resegmentRange": _list_of(_number(), (1, 2)),
    "resegmentMode": _one_of("absolute", "relative", "sigma"),
    "resegmentShape": _switch,
    "preCrop": _switch,
    "sigma": _list_of(_number(above=0)),
    "start_level": _integer(0),
    "level": _integer(1),
    "wavelet": _wavelet,
    "gradientUseSpacing": _switch,
    "lbp2DRadius": _number(above=0),
    "lbp2DSamples": _integer(1),
    "lbp2DMethod": _one_of("default", "ror", "uniform", "var"),
    "lbp3DLevels": _integer(1),
    "lbp3DIcosphereRadius": _number(above=0),
    "lbp3DIcosphereSubdivision": _integer(0),
    "voxelArrayShift": _integer(),
    "symmetricalGLCM": _switch,
    "weightingNorm": _one_of("euclidean", "manhattan", "infinity", "no_weighting"),
    "gldm_a": _integer(0),
}

VOXEL_SETTINGS: dict[str, Rule] = {
    "kernelRadius": _integer(1),
    "maskedKernel": _switch,
    "initValue": _number(),
    "voxelBatch": _integer(1),
}

_MAY_BE_EMPTY = {"interpolator", "weightingNorm", "minimumROISize", "removeOutliers", "resampledPixelSpacing",
                 "resegmentRange", "binCount"}  # fmt: skip


def check_parameters(given: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[Problem]]:
    """The file's content with values in their right types, and everything wrong with it.

    given : the parsed file.  Returns the sections imageType, featureClass, setting and voxelSetting, all there.
    """
    problems = [
        Problem(f"{where}, {key}", "no such section", _nearest(key, SECTIONS)) for key in given if key not in SECTIONS
    ]
    sections: dict[str, dict[str, Any]] = {}
    for name in SECTIONS:
        section = given.get(name)
        if section is not None and not isinstance(section, Mapping):
            problems.append(Problem(f"{where}, {name}", "holds no keys", f"write keys below {name}: or leave it out"))
            section = None
        sections[name] = dict(section or {})
    out: dict[str, Any] = {
        "imageType": _image_types(sections["imageType"], where, problems),
        "featureClass": _families(sections["featureClass"], where, problems),
        "setting": _values(sections["setting"], SETTINGS, f"{where}, setting", problems),
        "voxelSetting": _values(sections["voxelSetting"], VOXEL_SETTINGS, f"{where}, voxelSetting", problems),
    }
    return out, problems


def _image_types(section: dict[str, Any], where: str, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for name, own in section.items():
        place = f"{where}, imageType, {name}"
        if name not in IMAGE_TYPES:
            problems.append(Problem(place, "no such image type", _nearest(name, IMAGE_TYPES)))
        elif own is not None and not isinstance(own, Mapping):
            problems.append(Problem(place, "holds no keys", f"write {name}: {{}} or settings below it"))
        else:
            out[name] = _values(dict(own or {}), SETTINGS, place, problems)
    return out or {"Original": {}}


def _families(section: dict[str, Any], where: str, problems: list[Problem]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for family, names in section.items():
        place = f"{where}, featureClass, {family}"
        if family not in FAMILIES:
            problems.append(Problem(place, "no such feature class", _nearest(family, FAMILIES)))
            continue
        if names is not None and not isinstance(names, list):
            problems.append(Problem(place, "is neither empty nor a list of features", "write one '- Name' a line"))
            continue
        known = (*FAMILIES[family], *DEPRECATED.get(family, ()), *WITHDRAWN.get(family, {}))
        for name in names or ():
            if str(name) not in known:
                problems.append(Problem(place, f"no feature {str(name)[:60]!r}", _nearest(str(name), known)))
        out[family] = list(dict.fromkeys(map(str, names or ())))
    return out or {family: [] for family in FAMILIES}


def _values(section: dict[str, Any], rules: dict[str, Rule], where: str, problems: list[Problem]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in section.items():
        if key not in rules:
            problems.append(Problem(f"{where}, {key}", "no such setting of pyradiomics 3.0.1", _nearest(key, rules)))
            continue
        if value is None and key in _MAY_BE_EMPTY:
            out[key] = None
            continue
        try:
            out[key] = rules[key](value)
        except ValueError as wants:
            problems.append(Problem(f"{where}, {key}", f"{value!r} is not allowed", f"it takes {wants}"))
    return out


def _nearest(name: object, known: Iterable[str]) -> str:
    names = list(known)
    lower = {entry.lower(): entry for entry in names}
    found = get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.5)
    return f"did you mean {lower[found[0]]}?" if found else "known: " + ", ".join(names)
