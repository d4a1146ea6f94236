"""Volumes as the 3-D networks are shown them: cut of every case, kept case by case, read without loading a cohort."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.engine import Run, Task, TaskFailure
from dlr.engine.keys import UNLESS_DEFAULT
from dlr.engine.store import TASK_RECORD
from dlr.errors import InputError
from dlr.radiomics.native.diameters import diameters
from dlr.study.cases import CaseRow, OneCase, source_of
from dlr.study.linking import linked
from dlr.study.tasks import task_of
from dlr.tables import VOLUMES
from dlr.volume import RegionSettings, VolumeSettings
from dlr.volume.cut import Volume, cut_volume, read_volume, save_volume

__all__ = ["Cutting", "VolumeSet", "cut_case", "cut_one", "cutting_of", "keep_volumes", "read_volume_set"]

FOLDER = "volumes"
FACTS_FILE = "facts.json"


@dataclass(frozen=True)
class Cutting:
    """One case to cut a volume from."""

    case: OneCase
    volume: VolumeSettings
    regions: RegionSettings | None = field(default=None, metadata=UNLESS_DEFAULT)  # their widths, for Spatial


@dataclass(frozen=True)
class VolumeSet:
    """The volumes of a study that could be cut."""

    folders: dict[str, Path]  # of every case; the folder's name stands for its content in keys
    patients: dict[str, str]  # of every case
    outlined: dict[str, bool]  # of every case

    def of(self, members: set[str], outlined: bool = False) -> list[str]:
        """The cases of some patients, sorted.  outlined : those with an outline only."""
        return [
            case
            for case in sorted(self.folders)
            if self.patients[case] in members and (self.outlined[case] or not outlined)
        ]

    def names(self, cases: Sequence[str]) -> tuple[str, ...]:
        """What stands for the cases' volumes in a key."""
        return tuple(self.folders[case].name for case in cases)


def cutting_of(settings: Any, rows: Sequence[CaseRow]) -> list[Cutting]:
    """The volume of each case under a study's settings (their sections `volume` and `cohort`, and of Spatial its
    regions, whichever of them it uses).
    """
    source = source_of(settings)
    cut = settings.volume.model_copy(update={"scale": VolumeSettings().scale})  # scaling comes after cutting
    whole = {name: RegionSettings.model_fields[name].get_default() for name in ("use", "mask_input")}
    regions = settings.receptors.regions.model_copy(update=whole) if "spatial" in settings.receptors.models else None
    return [Cutting(OneCase(source, row), cut, regions) for row in rows]


def cut_one(asked: Cutting) -> tuple[Volume, float]:
    """The volume of a case, and its lesion's largest diameter in mm (NaN without outline).

    The same code serves a study and new patients.
    """
    case = asked.case.read()
    outlined = bool(case.mask.any())
    try:
        volume = cut_volume(
            case.image.array, case.mask if outlined else None, case.image.spacing, asked.volume, asked.regions
        )
    except InputError as error:
        raise InputError(f"case {case.case_id}", error.problems[0].what, error.problems[0].mend) from error
    return volume, largest_diameter(case.mask, case.image.spacing) if outlined else float("nan")


def largest_diameter(mask: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """The largest distance between two points of a lesion's surface, in mm.  mask : bool (z, y, x)."""
    box = tuple(slice(places.min(), places.max() + 1) for places in np.nonzero(mask))
    return float(diameters(np.ascontiguousarray(mask[box]), spacing)[3])


def cut_case(task: Task, folder: Path) -> None:
    """Read one case, cut its volume; leave what `save_volume` writes, and facts.json."""
    volume, diameter = cut_one(task.payload)
    save_volume(volume, folder)
    facts = {"diameter_mm": diameter if np.isfinite(diameter) else None}
    (folder / FACTS_FILE).write_text(json.dumps(facts), encoding="utf-8")


def keep_volumes(run: Run, rows: Sequence[CaseRow], spacing_known: pd.Series) -> pd.DataFrame:
    """Cut every case, keep its files beside the table, and give VOLUMES; cases that cannot be cut are named.

    spacing_known : bool by case_id; a diameter of voxels whose size is unknown is no diameter in mm (NaN).
    """
    asked = cutting_of(run.settings, rows)
    tasks = [task_of(run, one.case.row.case_id, one, may_fail=True) for one in asked]
    problems, table = [], []
    for task, result in zip(tasks, run.each_or_failure(cut_case, tasks, label="volumes"), strict=True):
        row = task.payload.case.row
        if isinstance(result, TaskFailure):
            problems.append(result.problem)
            run.warn(f"case {row.case_id} has no volume: {result.problem.what}. {result.problem.mend}")
            continue
        _link(result, run.folder / FOLDER / result.name)
        table.append({"case_id": row.case_id, "patient_id": row.patient_id, **_facts(result)})
        if not spacing_known[row.case_id]:
            table[-1]["diameter_mm"] = float("nan")
    if not table:
        raise InputError.of(problems)
    return pd.DataFrame(table)


def _facts(folder: Path) -> dict[str, object]:
    volume = read_volume(folder)
    diameter = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))["diameter_mm"]
    return {
        "file": f"{FOLDER}/{folder.name}",
        "outlined": volume.outlined,
        **dict(zip(("slices", "rows", "columns"), volume.grey.shape, strict=True)),
        **dict(zip(("spacing_z", "spacing_y", "spacing_x"), map(float, volume.spacing), strict=True)),
        "low": volume.low,
        "high": volume.high,
        "lesion_share": float(np.mean(volume.mask)),
        "diameter_mm": float("nan") if diameter is None else diameter,
    }


def _link(source: Path, target: Path) -> None:
    """A folder's files under another name: the same bytes once on the disk where it can link."""
    target.mkdir(parents=True)
    for file in sorted(path for path in source.iterdir() if path.name != TASK_RECORD):
        linked(file, target / file.name)


def read_volume_set(home: Path) -> VolumeSet:
    """The volumes that stage volumes left in `home`."""
    table = VOLUMES.read(home)
    cases = table["case_id"].tolist()
    columns: Mapping[str, list[Any]] = {name: table[name].tolist() for name in ("file", "patient_id", "outlined")}
    return VolumeSet(
        folders=dict(zip(cases, [home / file for file in columns["file"]], strict=True)),
        patients=dict(zip(cases, columns["patient_id"], strict=True)),
        outlined=dict(zip(cases, columns["outlined"], strict=True)),
    )
