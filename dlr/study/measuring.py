"""The measuring of one case, as worker processes do it: they load this module and neither tables nor models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dlr.engine import Task
from dlr.radiomics import Measured, Profile, measure, perturb_mask
from dlr.radiomics.perturbation import Perturbation
from dlr.randomness import rng
from dlr.study.cases import OneCase

__all__ = ["VALUES", "Measuring", "measure_case", "measure_one"]

VALUES = "values.json"


@dataclass(frozen=True)
class Measuring:
    """One ROI to measure: as it is outlined, or after a seeded perturbation of its outline."""

    case: OneCase
    profile: Profile
    engine: str
    engine_version: str
    perturbation: Perturbation | None = None
    seed: int | None = None  # of the perturbation


def measure_case(task: Task, folder: Path) -> None:
    """Read one case, measure it, leave values.json."""
    measured = measure_one(task.payload)
    record = {"values": measured.values, "missing": measured.missing, "notes": list(measured.notes)}
    (folder / VALUES).write_text(json.dumps(record), encoding="utf-8")


def measure_one(asked: Measuring) -> Measured:
    """Every feature of one ROI; the same code serves a study and new patients."""
    case = asked.case.read()
    mask = case.mask
    if asked.perturbation is not None:
        assert asked.seed is not None
        generator = rng(asked.seed, "perturbation", asked.perturbation, case.case_id)
        mask = perturb_mask(mask, case.image.spacing, generator, asked.perturbation)
    return measure((case.image.array, case.image.spacing), mask, asked.profile, asked.engine)
