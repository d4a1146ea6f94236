"""The measuring of one case, as worker processes do it: they load this module and neither tables nor models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dlr.cohort import Case
from dlr.distance import signed_distance
from dlr.engine import Task
from dlr.engine.keys import UNLESS_DEFAULT
from dlr.errors import InputError
from dlr.radiomics import Measured, Profile, expected_columns, measure, perturb_mask
from dlr.radiomics.inputs import kind_of
from dlr.radiomics.perturbation import Perturbation, equivalent_radius
from dlr.radiomics.regions import LESION, OUTSIDE, region_mask
from dlr.randomness import rng
from dlr.study.cases import OneCase
from dlr.volume.regions import breast_of

__all__ = ["SHARE", "VALUES", "Measuring", "measure_case", "measure_one", "region_masks_of"]

VALUES = "values.json"
SHARE = 1 / 20  # of the lesion's equivalent diameter: what a millimetre stands for where the spacing is unknown


@dataclass(frozen=True)
class Measuring:
    """One ROI to measure with the regions around it: as outlined, or after a seeded perturbation of its outline."""

    case: OneCase
    profile: Profile
    engine: str
    engine_version: str
    perturbation: Perturbation | None = None
    seed: int | None = None  # of the perturbation
    regions: tuple[str, ...] = field(default=(LESION,), metadata=UNLESS_DEFAULT)


def measure_case(task: Task, folder: Path) -> None:
    """Read one case, measure it, leave values.json."""
    measured = measure_one(task.payload)
    record = {"values": measured.values, "missing": measured.missing, "notes": list(measured.notes)}
    (folder / VALUES).write_text(json.dumps(record), encoding="utf-8")


def measure_one(asked: Measuring) -> Measured:
    """Every feature of one ROI and its regions; the same code serves a study and new patients."""
    case = asked.case.read()
    mask = case.mask
    if asked.perturbation is not None:
        assert asked.seed is not None
        generator = rng(asked.seed, "perturbation", asked.perturbation, case.case_id)
        mask = perturb_mask(mask, case.image.spacing, generator, asked.perturbation)
    pixels = (case.image.array, case.image.spacing)
    lesion = measure(pixels, mask, asked.profile, asked.engine)
    values, missing, notes = dict(lesion.values), dict(lesion.missing), list(lesion.notes)
    for name, region in region_masks_of(case, mask, asked.regions).items():
        try:
            if not region.any():
                raise InputError(name, "no voxel of the image lies in it", "take another width")
            found = measure(pixels, region, asked.profile, asked.engine)
        except InputError as error:  # a small lesion has no core: the case keeps the rest of its features
            columns = expected_columns(asked.profile, kind_of(case.image.array))
            found = Measured({}, dict.fromkeys(columns, f"{name}: {error.problems[0].what}"))
        values |= {f"{name}_{column}": value for column, value in found.values.items()}
        missing |= {f"{name}_{column}": reason for column, reason in found.missing.items()}
        notes += [f"{name}: {note}" for note in found.notes if note not in lesion.notes]
    return Measured(values, missing, tuple(notes))


def region_masks_of(case: Case, mask: np.ndarray, regions: Sequence[str]) -> dict[str, np.ndarray]:
    """The regions beside the lesion by name, bool (z, y, x) on the image's grid; each may be empty.

    mask : the lesion's outline, bool (z, y, x), not empty.
    In a volume they end where the breast does; a still is the part of the screen that was scanned.
    """
    names = [name for name in regions if name != LESION]
    if not names:
        return {}
    spacing, known = case.image.spacing, case.image.spacing_known
    millimetre = 1.0 if known else 2 * equivalent_radius(mask, spacing) * SHARE
    distance = signed_distance(mask, spacing)
    found = {name: region_mask(name, distance, millimetre) for name in names}
    if case.image.array.shape[0] > 1 and any(name.startswith(OUTSIDE) for name in names):
        within = breast_of(case.image.array, mask) | mask
        found = {name: region & within for name, region in found.items()}
    return found
