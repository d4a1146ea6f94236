"""What stage cohort left, as all later stages read it: cases, patients, labels, folds, clinical columns, targets."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.cohort import Column, columns_from_json, encode_clinical, largest_roi_cases
from dlr.cohort.cases import IMAGE_COLUMNS
from dlr.engine.study import folder_of_inputs
from dlr.errors import InputError
from dlr.study.cases import CaseRow, rows_of
from dlr.tables import CASES, COHORT, FOLDS
from dlr.words import Available, Side, Target, TargetKind

__all__ = [
    "BEFORE_BIOPSY",
    "BIOPSY_FREE",
    "CohortTables",
    "absolute_paths",
    "binary_words",
    "categories",
    "clinical_values",
    "read_cohort",
    "relative_paths",
]

BEFORE_BIOPSY = "before biopsy"  # the variant of a model that takes only what is known then
BIOPSY_FREE = (Available.IMAGING, Available.BLOOD)
COLUMNS_FILE = "columns.json"
FAR = 2  # folders above the manifest's, up to which images count as part of the project


@dataclass(frozen=True)
class CohortTables:
    """The cohort of a study, or new patients in its form (without folds, sides and targets)."""

    cases: pd.DataFrame  # COHORT without the excluded cases
    folds: pd.DataFrame
    facts: pd.DataFrame  # CASES by case_id; empty without images
    columns: tuple[Column, ...]
    targets: tuple[Target, ...]
    kind: str  # still, volume; "" without images
    spacing_known: bool | None = None  # of every image of the study; None without images

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row a patient (its first case), indexed by patient_id in the order of the manifest."""
        return self.cases.drop_duplicates("patient_id").set_index("patient_id")

    @property
    def sides(self) -> pd.Series:
        """Side of every patient."""
        return self.patients["side"]

    @property
    def binary_targets(self) -> tuple[Target, ...]:
        """The targets of two classes."""
        return tuple(target for target in self.targets if target.binary)

    @cached_property
    def _labels(self) -> dict[str, pd.Series]:
        out = {}
        for target in self.targets:
            values = pd.to_numeric(self.patients[target.name])
            out[target.name] = values[values.notna()].astype(int if target.binary else float)
        return out

    def labels(self, target: Target | str) -> pd.Series:
        """0/1, or per cent, of every patient whose target is known, indexed by patient_id."""
        return self._labels[target if isinstance(target, str) else target.name]

    def clinical(self, before_biopsy: bool = False, indicators: bool = False) -> pd.DataFrame:
        """The clinical columns as learners take them, a row a patient; NaN where unknown.

        indicators : beside every column another, 1 where it is unknown (learn.missing_indicator).
        """
        columns = [c for c in self.columns if not before_biopsy or c.available in BIOPSY_FREE]
        values = self.encode(columns)
        if indicators:
            unknown = {f"{c.name}, missing": self.encode([c]).isna().any(axis=1).astype(float) for c in columns}
            values = values.assign(**unknown)
        return values

    def clinical_variants(self, indicators: bool = False) -> dict[str, pd.DataFrame]:
        """`clinical` by variant of the Clinical signature; one that would repeat it, or be empty, is none."""
        early, values = (self.clinical(before, indicators) for before in (True, False))
        return {"": values, **({BEFORE_BIOPSY: early} if 0 < early.shape[1] < values.shape[1] else {})}

    def encode(self, columns: Sequence[Column]) -> pd.DataFrame:
        """Some clinical columns as numbers, a row a patient; NaN where unknown."""
        return encode_clinical(self.patients, columns)

    def ids(self, side: Side) -> list[str]:
        """The patients of a side."""
        return list(self.sides.index[self.sides == side])

    def rows_for_networks(self, policy: str) -> list[CaseRow]:
        """The cases a network sees: a patient's largest ROI, or all where probabilities or features are averaged."""
        cases = self.cases[self.cases["image"] != ""]
        if policy == "largest_roi":
            cases = cases[cases["case_id"].isin(largest_roi_cases(cases, self.facts["roi_size"]))]
        return rows_of(cases)


def read_cohort(folder: Path) -> CohortTables:
    """Read the outputs of stage cohort."""
    cases, facts = absolute_paths(COHORT.read(folder), folder_of_inputs(folder)), CASES.read(folder)
    try:
        spec = json.loads((folder / COLUMNS_FILE).read_text(encoding="utf-8"))
        targets = tuple(_target(entry) for entry in spec["targets"])
        columns, kind = columns_from_json(json.dumps(spec["columns"])), str(spec["kind"])
        known = spec.get("spacing_known", bool(facts["spacing_known"].all()) if len(facts) else None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        where = str(folder / COLUMNS_FILE)
        raise InputError(where, f"cannot be read ({error})", "run the study again: it is made anew") from error
    return CohortTables(
        cases=cases[cases["excluded"] == ""].reset_index(drop=True),
        facts=facts.set_index("case_id"),
        folds=FOLDS.read(folder),
        columns=columns,
        targets=targets,
        kind=kind,
        spacing_known=known,  # a shared copy holds no cases, and says it
    )


def relative_paths(cases: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Images and outlines as a table keeps them: from the manifest's folder where they lie near it, so that a project
    may move as a whole; others stay where they are."""

    def near(path: str) -> str:
        try:
            found = Path(os.path.relpath(path, os.path.realpath(folder))) if path else Path()
        except ValueError:  # another drive
            return path
        return found.as_posix() if path and found.parts[: FAR + 1].count("..") <= FAR else path

    return cases.assign(**{name: cases[name].map(near) for name in IMAGE_COLUMNS})


def absolute_paths(cases: pd.DataFrame, folder: Path | None) -> pd.DataFrame:
    """The same from the root of the disk; as they are where the folder is not known."""
    if folder is None:
        return cases
    return cases.assign(
        **{
            name: cases[name].map(lambda path: os.path.normpath(folder / path) if path else "")
            for name in IMAGE_COLUMNS
        }
    )


def _target(entry: object) -> Target:
    """Of columns.json; release 0.1.0 wrote names alone, which were of two classes."""
    if isinstance(entry, str):
        return Target(entry)
    assert isinstance(entry, dict)
    return Target(entry["name"], TargetKind(entry["kind"]), tuple(entry["derived_from"]))


def clinical_values(tables: CohortTables, columns: Sequence[Column]) -> pd.DataFrame:
    """Clinical columns as a logistic model takes them, a row a patient: numbers, and categories in the order of their
    levels where one is nominal."""
    numeric = tables.encode([c for c in columns if c.kind != "nominal"])
    for column in columns:
        if column.kind == "nominal":
            numeric[column.name] = categories(tables, column)
    return numeric[[c.name for c in columns]]


def categories(tables: CohortTables, column: Column) -> pd.Series:
    """A column of levels as categories in their order, a row a patient; NaN where unknown."""
    text = tables.patients[column.name].astype(object)
    known = text.where(text.isin(column.levels), np.nan)
    return known.astype(pd.CategoricalDtype(list(column.levels)))


def binary_words(column: Column) -> tuple[str, str]:
    """How the values 0 and 1 of a binary column are called."""
    negative, positive = column.levels or ("no", "yes")
    return negative, positive
