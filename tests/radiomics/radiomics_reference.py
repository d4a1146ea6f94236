"""Reference values and the engines they are held against (tests/reference/; the READMEs there name every origin)."""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from dlr.radiomics.profile import Profile, parse_profile

REFERENCE = Path(__file__).parents[1] / "reference"
VALUES = REFERENCE / "pyradiomics_values"
PHANTOM = REFERENCE / "ibsi"
SHARED = Path(__file__).parents[3] / "shared" / "reference" / "pyradiomics"  # images too large for this repository

CLOSE = {"rtol": 1e-6, "atol": 1e-9}  # of an engine to pyradiomics; near 0 the last digits are rounding


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


ENGINE_NAMES = [
    pytest.param(name, marks=pytest.mark.skipif(not _importable(module), reason=f"{module} is not installed"))
    for name, module in (("pyradiomics", "radiomics"), ("native", "dlr.radiomics.native.engine"))
]
needs_pyradiomics = pytest.mark.skipif(not _importable("radiomics"), reason="pyradiomics is not installed")


def profile_of(name: str = "test", **sections: Any) -> Profile:
    """A profile from its sections: imageType=..., featureClass=..., setting=..."""
    return parse_profile(json.dumps(sections), name)


@cache
def frozen_values(profile: str) -> dict[str, dict[str, float]]:
    """pyradiomics' values by case and feature."""
    with (VALUES / f"{profile}_values_float64.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    cases = [name for name in rows[0] if name != "feature"]
    return {case: {row["feature"]: float(row[case]) for row in rows} for case in cases}


def case_files(case: str) -> tuple[Path, Path]:
    """Image and mask of a frozen case."""
    return VALUES / "inputs" / f"{case}_image.nrrd", VALUES / "inputs" / f"{case}_mask.nrrd"


def case_arrays(case: str) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Image float64, ROI bool and spacing, all (z, y, x)."""
    image, mask = (sitk.ReadImage(str(path)) for path in case_files(case))
    z, y, x = reversed(image.GetSpacing())
    return sitk.GetArrayFromImage(image).astype(np.float64), sitk.GetArrayFromImage(mask) == 1, (z, y, x)


@cache
def baseline(family: str) -> dict[str, tuple[str, dict[str, Any], dict[str, float]]]:
    """pyradiomics' own baseline of a feature class: column -> (image, settings, values)."""
    with (REFERENCE / "pyradiomics" / "baseline" / f"baseline_{family}.csv").open(encoding="utf-8") as table:
        rows = {row["featureName"]: row for row in csv.DictReader(table)}
    columns = [name for name in rows["diagnostics_Configuration_TestCase"] if name != "featureName"]
    return {
        column: (
            rows["diagnostics_Configuration_TestCase"][column],
            ast.literal_eval(rows["diagnostics_Configuration_Settings"][column]),
            {name: float(row[column]) for name, row in rows.items() if not name.startswith("diagnostics")},
        )
        for column in columns
    }


def baseline_files(image: str) -> tuple[Path, Path]:
    """Image and label of a baseline case, here or in the shared folder; skips where it is in neither."""
    for folder in (REFERENCE / "pyradiomics", SHARED):
        if (folder / f"{image}_image.nrrd").exists():
            return folder / f"{image}_image.nrrd", folder / f"{image}_label.nrrd"
    pytest.skip(f"{image}_image.nrrd is not in {SHARED}")


def ball(shape: tuple[int, ...], radius: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A noisy image with whole numbers, float64, and a ball (a disk on one slice) in its middle."""
    rng = np.random.default_rng(seed)
    image = np.round(rng.normal(100, 30, shape))
    middle = [(size - 1) / 2 for size in shape]
    distance = sum((axis - centre) ** 2 for axis, centre in zip(np.indices(shape), middle, strict=True))
    return image, distance <= radius**2
