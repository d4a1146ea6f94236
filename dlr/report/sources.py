"""What the report may read: declared tables of the stages, the settings, and what the run says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["About", "Sources"]

_TEXT = ("patient_id", "case_id", "subset", "variant", "level", "header_or_value", "mapped_to", "mapping", "reason")


@dataclass(frozen=True)
class About:
    """What a run says about itself; no clock and no host name, so that the page is the same bytes every time."""

    study: str  # name of the study's run
    pipeline: str
    version: str  # of dlr
    seed: int
    versions: Mapping[str, str] = field(default_factory=dict)  # of the libraries that matter to the numbers
    run_folder: str = ""  # as a user would type it, for the commands on the page
    command: str = ""  # the line that made this run
    warnings: tuple[tuple[str, str], ...] = ()  # stage, warning


class Sources:
    """Read-only access to the stages' folders; what is not there has a reason in plain words."""

    def __init__(
        self,
        folders: Mapping[str, Path | None],
        left_out: Mapping[str, str],
        settings: Mapping[str, Any],
        about: About,
    ) -> None:
        self.folders = dict(folders)
        self.left_out = dict(left_out)
        self.settings = dict(settings)
        self.about = about
        self._tables: dict[tuple[str, str], pd.DataFrame | None] = {}

    def path(self, stage: str, name: str) -> Path | None:
        """The file of a stage, or None where it is not there."""
        folder = self.folders.get(stage)
        if folder is None or not (folder / name).is_file():
            return None
        return folder / name

    def table(self, stage: str, name: str) -> pd.DataFrame | None:
        """A table of a stage (CSV or Parquet); None where it is not there or has no rows."""
        if (stage, name) not in self._tables:
            path = self.path(stage, name)
            self._tables[stage, name] = None if path is None else _read(path)
        table = self._tables[stage, name]
        return None if table is None or table.empty else table

    def json(self, stage: str, name: str) -> Any:
        """A JSON file of a stage; None where it is not there."""
        path = self.path(stage, name)
        return None if path is None else json.loads(path.read_text(encoding="utf-8"))

    def text(self, stage: str, name: str) -> str | None:
        """A text file of a stage; None where it is not there."""
        path = self.path(stage, name)
        return None if path is None else path.read_text(encoding="utf-8").strip()

    def why(self, stage: str, what: str = "this table") -> str:
        """Why something of a stage is not there, as a sentence."""
        if stage in self.left_out:
            reason = self.left_out[stage].strip()
            return f"Stage {stage} left itself out: {reason}{'' if reason.endswith('.') else '.'}"
        if self.folders.get(stage) is None:
            return f"This run has no stage {stage}."
        return f"Stage {stage} wrote no {what}."

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting by its dotted name, such as "learn.folds"."""
        value: Any = self.settings
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return default
            value = value[part]
        return value

    @cached_property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The clinical columns by name: kind, levels, available, unit, label."""
        spec = self.json("cohort", "columns.json") or []
        rows = spec["columns"] if isinstance(spec, Mapping) else spec
        return {row["name"]: row for row in rows}

    def title_of(self, variable: str) -> str:
        """A clinical column as a reader meets it: its label and unit, else its name."""
        row = self.columns.get(variable)
        if row is None:
            return variable
        label = row.get("label") or variable
        return f"{label} ({row['unit']})" if row.get("unit") else label

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The outcomes of the study, in the order of its settings."""
        target = self.setting("cohort.target")
        if isinstance(target, str):
            return (target,)
        if target:
            return tuple(target)
        metrics = self.table("evaluate", "metrics.csv")
        return () if metrics is None else tuple(t for t in dict.fromkeys(metrics["target"]) if t != "macro")

    def by_target(self, table: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
        """A table's rows by outcome: ending of a file name, ending of a title (both empty for one outcome), rows."""
        if "target" not in table or table["target"].nunique() < 2:
            return [("", "", table)]
        groups = table.groupby("target", sort=False)
        return [(f"_{number}", f" for {target}", rows) for number, (target, rows) in enumerate(groups, start=1)]

    @cached_property
    def patients(self) -> pd.DataFrame | None:
        """A row a patient that is not excluded: patient_id, side, targets, clinical columns."""
        cases = self.table("cohort", "cohort.parquet")
        if cases is None:
            return None
        kept = cases[cases["excluded"].isna() | cases["excluded"].isin(["", False])]
        return kept.drop_duplicates("patient_id")


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.stat().st_size == 0:
        return pd.DataFrame()
    header = pd.read_csv(path, nrows=0).columns
    return pd.read_csv(path, dtype={name: str for name in _TEXT if name in header})
