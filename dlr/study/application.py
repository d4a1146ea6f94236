"""New patients before a fitted study: what each of its stages is given, and what it gives to the next.

A stage that can be applied says how by `apply=` (a function of one Application). It reads its own saved outputs and
what stages before it made of the same patients, calls the functions that served the study's own test side, and gives
tables. `dlr predict` and validation are loops over the stages; they name none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.cohort import Cohort, load_new_cases
from dlr.engine import Pipeline, Study
from dlr.engine.plan import settings_of
from dlr.engine.run import View
from dlr.engine.threads import one_thread
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings
from dlr.study.cases import CaseRow
from dlr.study.cohort import CohortTables, read_cohort
from dlr.tables import COHORT, Table

__all__ = ["BAD_COLUMNS", "NEW", "Application", "Applied", "NewPatients", "apply_study", "read_new_patients"]

NEW = "new"  # the side of patients who belong to no side
BAD_COLUMNS = ("case_id", "patient_id", "where", "what", "mend")


@dataclass(frozen=True)
class NewPatients:
    """Patients of another table, read as the study's own were."""

    tables: CohortTables
    table: Path  # that names them
    holds_features: bool  # it holds a feature table's columns, as the study started from one
    bad: pd.DataFrame  # BAD_COLUMNS: cases that cannot be read
    jobs: int = 1

    @property
    def ids(self) -> list[str]:
        """The patients that can be read."""
        return list(self.tables.patients.index)


@dataclass
class Applied:
    """What the stages applied so far have made of the new patients."""

    tables: dict[Table, list[pd.DataFrame]] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)  # by case: what a stage could not look at

    def give(self, table: Table, rows: pd.DataFrame) -> None:
        """Rows of a table; refused by column where they are not of its form."""
        self.tables.setdefault(table, []).append(table.conform(rows))

    def of(self, table: Table) -> pd.DataFrame:
        """All rows of a table so far."""
        given = [rows for rows in self.tables.get(table, []) if len(rows)]
        return pd.concat(given, ignore_index=True) if given else table.empty()


@dataclass(frozen=True)
class Application:
    """What a stage is given to apply itself to new patients."""

    home: Path  # its own outputs in the study
    needs: Any  # outputs of the stages it reads, as in a run
    settings: Any  # the settings it declared, as in a run
    seed: int
    patients: NewPatients
    made: Applied

    def outlined(self, rows: Sequence[CaseRow]) -> list[CaseRow]:
        """The cases with an outline, for a stage that looks at what lies inside; the others are named."""
        for row in rows:
            if not row.outlined:
                what = "has no outline, which radiomics and frozen networks need"
                self.cannot(row, Problem(f"case {row.case_id}", what, "outline the lesion"))
        return [row for row in rows if row.outlined]

    def cannot(self, row: CaseRow, problem: Problem) -> None:
        """Name a case that this stage cannot look at; the others go on."""
        self.made.problems.setdefault(row.case_id, problem)


def read_new_patients(study: Study, settings: StudySettings, manifest: Path, jobs: int = 1) -> NewPatients:
    """The patients of a manifest, read under the study's own settings, columns and units."""
    home = next((folder for folder in study.folders.values() if COHORT.there(folder)), None)
    if home is None:
        raise InputError(str(study.folder), "this study holds no cohort", "run the study to its end: dlr run")
    trained = read_cohort(home)
    from_features = study.inputs.features is not None
    new: Cohort = load_new_cases(
        manifest, settings.cohort, trained.columns, images=not from_features, kind=trained.kind,
        spacing_known=trained.spacing_known,
    )  # fmt: skip
    tables = CohortTables(
        cases=new.table[new.table["excluded"] == ""].reset_index(drop=True),
        folds=pd.DataFrame(),
        facts=new.cases.set_index("case_id"),
        columns=trained.columns,
        targets=trained.targets,
        kind=trained.kind,
    )
    return NewPatients(tables, manifest, from_features, new.bad, jobs)


def apply_study(study: Study, pipeline: Pipeline, settings: StudySettings, patients: NewPatients) -> Applied:
    """Every stage that can be applied and is there, in the pipeline's order."""
    made = Applied()
    for stage in applicable(study, pipeline):
        sources = pipeline.sources(stage.name)
        about = f"the needs of stage {stage.name}"
        declared = dict.fromkeys((*stage.needs, *stage.optional))
        folder = study.folders[stage.name]
        assert folder is not None and stage.apply is not None
        given = Application(
            home=folder,
            needs=View(about, {**declared, **{source: study.folders.get(source) for source in sources}}),
            settings=settings_of(stage, settings),
            seed=settings.seed,
            patients=patients,
            made=made,
        )
        with one_thread():
            stage.apply(given)
    return made


def applicable(study: Study, pipeline: Pipeline) -> Sequence[Any]:
    """The stages of a study that can be applied to new patients."""
    return [stage for stage in pipeline.stages if stage.apply and study.folders.get(stage.name) is not None]
