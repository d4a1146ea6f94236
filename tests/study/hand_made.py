"""Cohorts, predictions and runs typed in by hand: what the tests of this room work their expected values out from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from dlr.cohort import Column, columns_to_json
from dlr.engine import Look, Task
from dlr.engine.run import LeftOut
from dlr.settings import StudySettings
from dlr.study.cohort import CohortTables
from dlr.study.measures import Evaluated
from dlr.tables import CASES, COHORT, FOLDS, PREDICTIONS, Table
from dlr.words import CHOSEN, Role, Target, TargetKind

HER2, KI67 = Target("her2"), Target("ki67", TargetKind.PER_CENT)


def cohort_of(
    columns: Mapping[str, Sequence[Any]],
    *,
    targets: tuple[Target, ...] = (HER2,),
    clinical: tuple[Column, ...] = (),
    folds: pd.DataFrame | None = None,
    sizes: Mapping[str, float] | None = None,
) -> CohortTables:
    """A cohort of patient_id and whatever else is given; a case a patient, on the training side, without images.

    sizes : ROI size by case_id; none where there are no images.
    """
    table = pd.DataFrame(dict(columns))
    texts = {"case_id": table["patient_id"], **dict.fromkeys(COHORT.names, ""), "side": "train"} | dict(columns)
    texts["case_id"] = columns.get("case_id", table["patient_id"])
    facts = pd.DataFrame({"roi_size": pd.Series(dict(sizes or {}), dtype=float)})
    return CohortTables(table.assign(**texts), FOLDS.empty() if folds is None else folds, facts, clinical, targets, "")


def write_cohort(folder: Path, tables: CohortTables) -> Path:
    """The outputs of stage cohort; facts of cases are their ROI sizes alone."""
    folder.mkdir(parents=True, exist_ok=True)
    COHORT.write(folder, tables.cases)
    FOLDS.write(folder, tables.folds)
    facts = tables.facts.rename_axis("case_id").reset_index()
    blank = dict.fromkeys(CASES.names, 0) | {"patient_id": "", "unit": "mm", "spacing_known": True}
    CASES.write(folder, facts.assign(**{name: value for name, value in blank.items() if name not in facts}))
    spec = {"targets": [asdict(target) for target in tables.targets], "kind": tables.kind}
    columns = json.loads(columns_to_json(tables.columns))
    (folder / "columns.json").write_text(json.dumps({**spec, "columns": columns}))
    return folder


def folds_of(protocol: str, fold: Mapping[str, int], *, seed: int = 0, outer: int = -1) -> pd.DataFrame:
    """FOLDS of one drawing: the fold of every patient."""
    named = {"protocol": protocol, "patient_id": list(fold), "seed": seed, "outer": outer, "fold": list(fold.values())}
    return pd.DataFrame(named)[list(FOLDS.names)]


def predictions_of(value: Mapping[str, float], **names: Any) -> pd.DataFrame:
    """PREDICTIONS: the chosen chain of Rad for her2 on the training side's fold 0 of seed 0, unless named otherwise."""
    usual = {
        "target": "her2", "side": "train", "protocol": "crossfit", "model": "Rad", "variant": "", "algorithm": CHOSEN,
        "seed": 0, "fold": 0, "kind": "probability",
    }  # fmt: skip
    table = pd.DataFrame({"patient_id": list(value), "value": np.array(list(value.values()), dtype=float)})
    return PREDICTIONS.conform(table.assign(**{**usual, **names}))


def evaluated(
    truth: Sequence[float], value: Sequence[float], *, chains: pd.DataFrame | None = None, **names: Any
) -> Evaluated:
    """The chosen Rad signature for her2 on the test side, patients P0, P1 ..., unless named otherwise."""
    patients = names.pop("patients", tuple(f"P{k}" for k in range(len(truth))))
    if chains is None:
        chains = predictions_of(dict(zip(patients, value, strict=True)))
    usual = {
        "target": HER2, "model": "Rad", "variant": "", "algorithm": CHOSEN, "protocol": "crossfit", "side": "test",
        "role": Role.HELD_OUT.value,
    }  # fmt: skip
    return Evaluated(
        **{**usual, **names}, patients=tuple(patients), truth=np.array(truth, dtype=float),
        value=np.array(value, dtype=float), chains=chains,
    )  # fmt: skip


class HandRun(SimpleNamespace):
    """As much of a run as functions below the stages use: settings, needs, a folder, tasks done here and now."""

    def __init__(self, folder: Path | None = None, settings: Mapping[str, Any] | None = None, **more: Any) -> None:
        usual = {"needs": SimpleNamespace(), "seed": 1, "models": (), "outputs": ()}
        own = StudySettings.model_validate(dict(settings or {}))
        super().__init__(**{**usual, **more}, folder=folder, settings=own, logged=[], warned=[], asked=[], looks=[])

    def log(self, text: str) -> None:
        self.logged.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def leave_out(self, reason: str) -> NoReturn:
        raise LeftOut(reason)

    def every(self, table: Table) -> list[Path]:
        """The folders of `outputs` that hold a table."""
        return [folder for folder in self.outputs if table.there(folder)]

    def look(self, patients: int) -> tuple[Look, ...]:
        self.looks.append(patients)
        return (Look("2026-01-01 00:00:00", "a key", patients),)

    def digest(self, path: str | Path) -> str:
        return f"content of {Path(path).name}"

    def each(
        self,
        function: Callable[[Task, Path], None],
        tasks: Sequence[Task],
        label: str = "cases",
        seconds: Callable[[], float] | None = None,
    ) -> list[Path]:
        """The folders of all tasks, done in order; `asked` keeps the tasks."""
        assert self.folder is not None
        folders = []
        for task in tasks:
            folder = self.folder.parent / "tasks" / f"{len(self.asked)} {task.name}"
            folder.mkdir(parents=True)
            function(replace(task, may_fail=False), folder)
            self.asked.append(task)
            folders.append(folder)
        return folders
