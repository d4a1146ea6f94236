"""Profiles: which features are measured and how, in pyradiomics' own parameter-file format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from dlr.errors import InputError
from dlr.radiomics.catalogue import WITHDRAWN
from dlr.radiomics.parameters import DEFAULTS, check_parameters

__all__ = ["Profile", "load_profile", "parse_profile", "shipped_profiles"]

# read before any filter is applied, so that a value below an image type changes nothing
_WHOLE_EXTRACTION = (
    "normalize", "normalizeScale", "removeOutliers", "resampledPixelSpacing", "interpolator", "preCrop",
    "resegmentRange", "resegmentMode", "resegmentShape", "minimumROIDimensions", "minimumROISize", "correctMask",
    "geometryTolerance", "label", "label_channel", "additionalInfo",
)  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """A checked parameter file."""

    name: str
    text: str  # as written
    parameters: dict[str, Any]  # imageType, featureClass, setting, voxelSetting: checked, without defaults
    sha256: str  # of the parameters in their order, so comments do not count

    def key(self, digest: Callable[[Any], str]) -> str:
        """What a measurement depends on, for a task's key."""
        return self.sha256

    @property
    def image_types(self) -> dict[str, dict[str, Any]]:
        """Image types in file order, each with its own settings; {"Original": {}} where the file names none."""
        return self.parameters["imageType"]

    @property
    def families(self) -> dict[str, list[str]]:
        """Feature families in file order with the features named, [] = all; all families where the file names none."""
        return self.parameters["featureClass"]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the whole extraction, defaults filled in."""
        return {**DEFAULTS, **self.parameters["setting"]}

    def settings_of(self, image_type: str) -> dict[str, Any]:
        """The settings under which one image type is filtered and measured."""
        return {**self.settings, **self.image_types[image_type]}

    @property
    def notes(self) -> tuple[str, ...]:
        """What in the file has no effect, and why."""
        out = [
            f"{family} {feature} is not measured: {WITHDRAWN[family][feature]}"
            for family, features in self.families.items()
            for feature in features
            if feature in WITHDRAWN.get(family, {})
        ]
        for image_type, own in self.image_types.items():
            out += [
                f"{key} below {image_type} has no effect: it belongs under setting"
                for key in own
                if key in _WHOLE_EXTRACTION
            ]
        if "LoG" in self.image_types and not self.settings_of("LoG").get("sigma"):
            out.append("LoG names no sigma: it gives no image")
        if "shape2D" in self.families and not self.settings["force2D"]:
            out.append("shape2D is not measured: it needs force2D: true")
        if self.parameters["voxelSetting"]:
            out.append("voxelSetting has no effect: features are measured per lesion, not per voxel")
        return tuple(out)


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with the package."""
    names = (entry.name for entry in files("dlr.params.radiomics").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_profile(name: str | Path) -> Profile:
    """A shipped profile by its name, or a parameter file (YAML or JSON) by its path.

    Raises InputError with every problem of the file, each with the nearest known name.
    """
    shipped = shipped_profiles()
    if str(name) in shipped:
        return parse_profile(files("dlr.params.radiomics").joinpath(f"{name}.yaml").read_text("utf-8"), str(name))
    path = Path(name)
    if not path.is_file():
        near = get_close_matches(str(name), shipped, n=1)
        raise InputError(
            where="radiomics.profile",
            what=f"{str(name)!r} is neither a shipped profile nor a file",
            mend=(f"did you mean {near[0]}? " if near else "")
            + f"Shipped: {', '.join(shipped)}; or give the path of a pyradiomics parameter file",
        )
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(str(path), "is not text in UTF-8", "save the parameter file as UTF-8") from None
    return parse_profile(text, path.stem, where=str(path))


def parse_profile(text: str, name: str, where: str | None = None) -> Profile:
    """A profile from the text of a parameter file."""
    place = where or f"profile {name}"
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise InputError(place, "holds anchors that are repeated (*)", "write out what they stand for")
        given = yaml.load(text, Loader=_NoDuplicates)
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = str(getattr(error, "problem", None) or f"is not YAML ({error})")[:200]
        raise InputError(place + line, what, "mend the YAML (keys end in a colon, two blanks a level)") from None
    if not isinstance(given, Mapping):
        raise InputError(place, "holds no sections", "write imageType:, featureClass: and setting: with keys below")
    parameters, problems = check_parameters(given, place)
    if problems:
        raise InputError.of(problems)
    digest = sha256(json.dumps(parameters).encode()).hexdigest()
    return Profile(name=name, text=text, parameters=parameters, sha256=digest)


class _NoDuplicates(yaml.SafeLoader):
    """Of a key written twice, plain YAML would silently keep the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are all different."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
