"""How stages read one another's tables: the cohort, its labels and its clinical columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import Column, columns_from_json, encode_clinical
from dlr.words import Available, Side, Target, TargetKind

__all__ = ["BEFORE_BIOPSY", "BIOPSY_FREE", "CohortTables", "read_cohort", "write_table"]

BEFORE_BIOPSY = "before biopsy"  # the variant of a model that takes only what is known then
BIOPSY_FREE = (Available.IMAGING, Available.BLOOD)


@dataclass(frozen=True)
class CohortTables:
    """What stage cohort left: a row a case, the folds, the clinical columns and the targets."""

    cases: pd.DataFrame  # cohort.parquet without the excluded cases
    folds: pd.DataFrame
    facts: pd.DataFrame  # cases.csv: grid, spacing and ROI size by case_id; empty without images
    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    target_specs: tuple[Target, ...]
    kind: str  # still, volume; "" without images

    @property
    def patients(self) -> pd.DataFrame:
        """A row a patient (its first case), indexed by patient_id in the order of the manifest."""
        return self.cases.drop_duplicates("patient_id").set_index("patient_id")

    @property
    def sides(self) -> pd.Series:
        """Side of every patient."""
        return self.patients["side"]

    def labels(self, target: str) -> pd.Series:
        """0/1 of every patient whose target is known, indexed by patient_id."""
        values = pd.to_numeric(self.patients[target])
        return values[values.notna()].astype(int)

    def clinical(self, before_biopsy: bool = False) -> pd.DataFrame:
        """The clinical columns as learners take them, a row a patient; NaN where unknown."""
        return self.encode([c for c in self.columns if not before_biopsy or c.available in BIOPSY_FREE])

    def encode(self, columns: Sequence[Column]) -> pd.DataFrame:
        """Some clinical columns as numbers, a row a patient; NaN where unknown."""
        return encode_clinical(self.patients, columns)

    def ids(self, side: Side) -> list[str]:
        """The patients of a side."""
        return list(self.sides.index[self.sides == side])


def read_cohort(folder: Path) -> CohortTables:
    """Read the outputs of stage cohort."""
    cases = pd.read_parquet(folder / "cohort.parquet")
    spec = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    targets = tuple(_target(one) for one in spec["targets"])
    return CohortTables(
        cases=cases[cases["excluded"] == ""].reset_index(drop=True),
        facts=pd.read_csv(folder / "cases.csv", dtype={"case_id": str, "patient_id": str}).set_index("case_id"),
        folds=pd.read_parquet(folder / "folds.parquet"),
        columns=columns_from_json(json.dumps(spec["columns"])),
        targets=tuple(target.name for target in targets),
        target_specs=targets,
        kind=spec["kind"],
    )


def _target(written: str | dict[str, Any]) -> Target:
    """A target as stage cohort wrote it; the first release wrote a name alone."""
    if isinstance(written, str):
        return Target(written)
    return Target(written["name"], TargetKind(written["kind"]), tuple(written["derived_from"]))


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.parquet for programs and NAME.csv for people."""
    table.to_parquet(folder / f"{name}.parquet", index=False)
    table.replace({np.nan: None}).to_csv(folder / f"{name}.csv", index=False)
