"""The measuring of one case, as worker processes do it: they load this module and neither tables nor models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from dlr.cohort import read_case
from dlr.engine import Task
from dlr.radiomics import engine, perturb_mask
from dlr.randomness import rng

__all__ = ["measure_case", "measure_perturbed"]


def measure_case(task: Task, folder: Path) -> None:
    """Read one case, measure it, leave values.json."""
    given = task.payload
    case = read_case(given["row"], given["cohort"], given["outline"])
    _write_measured(task, folder, case.image.array, case.mask, case.image.spacing)


def measure_perturbed(task: Task, folder: Path) -> None:
    """Read one case, perturb its outline, measure it, leave values.json."""
    given = task.payload
    case = read_case(given["row"], given["cohort"])
    generator = rng(given["seed"], "perturbation", given["perturbation"], case.case_id)
    mask = perturb_mask(case.mask, case.image.spacing, generator, given["perturbation"])
    _write_measured(task, folder, case.image.array, mask, case.image.spacing)


def _write_measured(
    task: Task, folder: Path, image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    """Measure one ROI with the task's engine and profile, leave values.json."""
    measured = engine(task.payload["engine"]).measure(image, mask, spacing, task.payload["profile"])
    record = {"values": measured.values, "missing": measured.missing, "notes": list(measured.notes)}
    (folder / "values.json").write_text(json.dumps(record), encoding="utf-8")
