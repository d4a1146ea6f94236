"""What the report may read: the tables that stages give, the settings, and what the run says about itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.report.blocks import Block, Missing
from dlr.report.press import slug
from dlr.settings import StudySettings
from dlr.tables import COHORT, PREDICTIONS, Table
from dlr.words import MODELS, Model, ModelSpec, Target, TargetKind

__all__ = ["About", "Sources"]

THREE_D = {"single": Model.SINGLE_TASK, "multi": Model.MULTI_TASK, "spatial": Model.SPATIAL}  # by receptors.models


@dataclass(frozen=True)
class About:
    """What a run says about itself; no clock and no host name, so that the page is the same bytes every time."""

    study: str  # name of the study's run
    pipeline: str
    version: str  # of dlr
    seed: int
    versions: Mapping[str, str] = field(default_factory=dict)  # of the libraries that matter to the numbers
    run_folder: str = ""  # as a user would type it, for the commands on the page
    commands: tuple[str, ...] = ()  # the lines that made this run
    warnings: tuple[tuple[str, str], ...] = ()  # stage, warning
    further: Mapping[str, Any] = field(default_factory=dict)  # settings of a pipeline's own, as plain values
    lacks: tuple[str, ...] = ()  # sections of the house's settings that this pipeline has not
    without_patients: bool = False  # it is of a copy to hand on, whose tables of patients hold no rows


class Sources:
    """Read-only access to what the stages gave; what is not there has a reason in plain words.

    folders : outputs of every stage by its name, in the pipeline's order; None for one that left itself out.
    left_out : why, by stage.  gives : the tables of every stage.  models : those that stages name beyond the house's.
    """

    def __init__(
        self,
        folders: Mapping[str, Path | None],
        left_out: Mapping[str, str],
        settings: StudySettings,
        about: About,
        gives: Mapping[str, tuple[Table, ...]],
        models: tuple[ModelSpec, ...] = (),
    ) -> None:
        self.left_out = dict(left_out)
        self.settings = settings
        self.about = about
        self.models = (*MODELS, *models)
        self._folders = dict(folders)
        self._gives = {stage: tuple(tables) for stage, tables in gives.items()}
        self._tables: dict[Table, pd.DataFrame | None] = {}

    def table(self, table: Table) -> pd.DataFrame | None:
        """All rows of a table, of every stage that gives it, in the pipeline's order; None where there are none."""
        if table not in self._tables:
            found = [table.read(folder) for folder in self._givers(table) if table.there(folder)]
            rows = pd.concat(found, ignore_index=True) if len(found) > 1 else (found[0] if found else None)
            self._tables[table] = None if rows is None or rows.empty else rows
        return self._tables[table]

    def of(self, table: Table, target: Target, **named: str) -> pd.DataFrame | None:
        """The rows of one target, and of what else is named; None where there are none."""
        rows = self.table(table)
        if rows is None:
            return None
        for column, value in {"target": target.name, **named}.items():
            rows = rows[rows[column] == value]
        return None if rows.empty else rows

    def gives(self, table: Table) -> bool:
        """Whether a stage of this pipeline gives a table: where none does, the page does not speak of it."""
        return any(table in given for given in self._gives.values())

    def missing(self, what: str, table: Table, why: str = "") -> list[Block]:
        """That a part is not there and why, for the reader of a pipeline that could have had it; else nothing."""
        return [Missing(what, why or self.why(table))] if self.gives(table) else []

    def why(self, table: Table) -> str:
        """Why a table has no rows, or none of an outcome, in sentences."""
        if self.table(table) is not None:
            return "No stage gave it for this outcome."
        if self.about.without_patients and {"patient_id", "case_id", "where"} & table.columns.keys():
            return "This copy of the study holds no rows of patients."
        stages = [stage for stage, given in self._gives.items() if table in given]
        if not stages:
            return f"No stage of this run gives {table.file}."
        absent = [stage for stage in stages if self._folders.get(stage) is None]
        return " ".join(map(self._why_absent, absent)) or f"Stage {stages[0]} had nothing to write into {table.file}."

    def _why_absent(self, stage: str) -> str:
        if stage not in self.left_out:
            return f"This run has no stage {stage}."
        reason = self.left_out[stage].strip()
        return f"Stage {stage} left itself out: {reason}{'' if reason.endswith('.') else '.'}"

    def document(self, name: str) -> Any:
        """A JSON file by its name, of whichever stage wrote it; None where none did."""
        folders = [folder for folder in self._folders.values() if folder is not None]
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        return None if path is None else json.loads(path.read_text(encoding="utf-8"))

    def beside(self, table: Table, name: str) -> Path | None:
        """A file that lies in the folder of a table, by its name; None where it is not there."""
        return next((folder / name for folder in self._givers(table) if (folder / name).is_file()), None)

    def _givers(self, table: Table) -> Iterator[Path]:
        for stage, given in self._gives.items():
            folder = self._folders.get(stage)
            if table in given and folder is not None:
                yield folder

    @cached_property
    def _spec(self) -> dict[str, Any]:
        return self.document("columns.json") or {"targets": [], "columns": []}

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The outcomes of the study, in the order of its settings."""
        return tuple(
            Target(one) if isinstance(one, str) else Target(
                one["name"], TargetKind(one.get("kind", TargetKind.BINARY)), tuple(one.get("derived_from", ()))
            )
            for one in self._spec["targets"]
        )  # fmt: skip

    @property
    def several(self) -> bool:
        """Whether the page must say which outcome it speaks of."""
        return len(self.targets) > 1

    @cached_property
    def _slugs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for target in self.targets:
            own = slug(target.name)
            while own.casefold() in map(str.casefold, found.values()):  # not every disk tells A from a
                own += "_"
            found[target.name] = own
        return found

    def slug(self, target: Target) -> str:
        """A target as part of a file name, another one for each."""
        return self._slugs[target.name]

    @cached_property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The clinical columns by name: kind, levels, available, unit, label."""
        return {row["name"]: row for row in self._spec["columns"]}

    def title_of(self, variable: str) -> str:
        """A clinical column as a reader meets it: its label and unit, else its name."""
        row = self.columns.get(variable)
        if row is None:
            return variable
        label = row.get("label") or variable
        return f"{label} ({row['unit']})" if row.get("unit") else label

    def model(self, name: str) -> ModelSpec:
        """What a model is; one that nobody has named is called by its name."""
        return next((spec for spec in self.models if spec.name == name), ModelSpec(name, name))

    def place(self, model: str) -> int:
        """A model's place in every list and legend; those that nobody has named stand last."""
        names = [spec.name for spec in self.models]
        return names.index(model) if model in names else len(names)

    def has(self, side: str) -> bool:
        """Whether patients of the study belong to a side."""
        return self.patients is not None and bool((self.patients["side"] == side).any())

    @property
    def networks_asked(self) -> tuple[str, ...]:
        """The 3-D networks that the settings ask for."""
        asked = (self.about.further.get("receptors") or {}).get("models", ())
        return tuple(model.value for name, model in THREE_D.items() if name in asked)

    @cached_property
    def networks_of_volumes(self) -> tuple[str, ...]:
        """The 3-D networks that were trained: those that predicted."""
        table = self.table(PREDICTIONS)
        found = set() if table is None else set(table["model"])
        return tuple(model.value for model in THREE_D.values() if model in found)

    def counted(self, target: Target) -> str:
        """An outcome with what is known of it: "her2 in 160 patients (46 positive, 2 unknown)"."""
        if self.patients is None or target.name not in self.patients:
            return target.name
        values = pd.to_numeric(self.patients[target.name], errors="coerce")
        said = [f"{values.sum():.0f} positive"] if target.binary else []
        said += [f"{values.isna().sum()} unknown"] if values.isna().any() else []
        return f"{target.name} in {len(values)} patients" + (f" ({', '.join(said)})" if said else "")

    @property
    def title(self) -> str:
        """What the page is about: the outcomes and their patients, unless report.title says otherwise."""
        if self.settings.report.title or not self.targets or self.patients is None:
            return self.settings.report.title or self.about.study
        if not self.several:
            return self.counted(self.targets[0])
        *names, last = (target.name for target in self.targets)
        return f"{', '.join(names)} and {last} in {len(self.patients)} patients"

    @cached_property
    def patients(self) -> pd.DataFrame | None:
        """A row a patient that is not excluded: patient_id, side, targets, clinical columns."""
        cases = self.table(COHORT)
        return None if cases is None else cases[cases["excluded"] == ""].drop_duplicates("patient_id")
