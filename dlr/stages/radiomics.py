"""Stage radiomics: every feature of every ROI, one row a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import CohortSettings, load_feature_table, match_features
from dlr.engine import Run, Task, TaskFailure, stage
from dlr.errors import InputError
from dlr.radiomics import (
    Profile,
    engine,
    expected_columns,
    family_counts,
    feature_dictionary,
    load_profile,
)
from dlr.stages.measuring import measure_case
from dlr.stages.tables import read_cohort
from dlr.words import Target

__all__ = ["case_tasks", "radiomics", "read_measured"]

READING = (
    "kind", "lesion_policy", "mask_label", "mask_blur_limit", "roi_min_voxels", "pixel_spacing_mm", "spacing", "colour",
    "colour_margin", "scanned_region", "geometry_tolerance", "geometry",
)  # fmt: skip


@stage(
    "radiomics",
    version=2,
    needs=["cohort"],
    sections=["radiomics", "cohort"],
    libraries=["simpleitk", "numpy", "scipy", "pywavelets"],
)
def radiomics(run: Run) -> None:
    """Every feature of every ROI, one row a case."""
    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None:
        take_feature_table(run, run.inputs.features, tables.cases, tables.target_specs)
        return
    if not tables.cases["image"].ne("").any():
        run.leave_out("the manifest names no images, and no feature table was given (--features)")
    profile = load_profile(run.settings.radiomics.profile)
    rows = tables.cases.to_dict("records")
    tasks = case_tasks(run, rows, profile, run.settings.radiomics.engine)
    columns = expected_columns(profile, tables.kind)
    values, missing, notes = read_measured(tasks, run.each(measure_case, tasks, label="cases"), columns)
    for line in notes:
        run.warn(line)
    unknown = int((~tables.facts["spacing_known"]).sum())
    if unknown:
        run.warn(
            f"{unknown} of {len(tables.facts)} images carry no pixel spacing: sizes are in pixels, not millimetres"
        )
    features = values.reindex(index=tables.cases["case_id"]).rename_axis("case_id").reset_index()
    features.insert(1, "patient_id", tables.cases["patient_id"].to_numpy())
    features.to_parquet(run.folder / "features.parquet", index=False)
    features.to_csv(run.folder / "features.csv", index=False)
    missing.to_csv(run.folder / "missing.csv", index=False)
    feature_dictionary(profile, tables.kind).to_csv(run.folder / "dictionary.csv", index=False)
    family_counts(profile, tables.kind).to_csv(run.folder / "families.csv", index=False)
    (run.folder / "profile.yaml").write_text(profile.text, encoding="utf-8")
    run.log(f"{len(columns)} features of {len(features)} cases, profile {profile.name}")


def case_tasks(
    run: Run, rows: list[dict[str, Any]], profile: Profile, engine_name: str, outline: str = "mask", **more: Any
) -> list[Task]:
    """The measuring of each case as a task, whose key is the case's own files and what changes their reading."""
    cohort: CohortSettings = run.settings.cohort
    shared = {
        "reading": {name: getattr(cohort, name) for name in READING},
        "profile": profile.sha256,
        "engine": engine_name,
        "engine_version": engine(engine_name).version,
        "outline": outline,
        **more,
    }
    suffix = "-".join(str(value) for value in (outline, *more.values()) if value != "mask")
    tasks = []
    for row in rows:
        spacing = row.get("pixel_spacing_mm")
        files = {name: run.digest(row[name]) for name in {"image", "mask", outline}}
        own = {
            **files,
            "label": str(row["mask_label"]),
            "part": str(row.get("lesion_part") or ""),
            "spacing": None if spacing is None or np.isnan(spacing) else float(spacing),
        }
        tasks.append(
            Task(
                name="-".join(filter(None, [str(row["case_id"]), suffix])),
                key={**shared, **own},
                payload={
                    "row": row,
                    "cohort": cohort,
                    "profile": profile,
                    "engine": engine_name,
                    "outline": outline,
                    **more,
                },
                may_fail=True,
            )
        )
    return tasks


def read_measured(
    tasks: list[Task], results: list[Path | TaskFailure], columns: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Features float64 by case_id, what is missing and why, and the notes, out of the cases' folders.

    Raises InputError with every problem when no case could be measured.
    """
    values, missing, notes, problems = {}, [], [], []
    for task, result in zip(tasks, results, strict=True):
        case_id = task.payload["row"]["case_id"]
        if isinstance(result, TaskFailure):
            problems.append(result.problem)
            missing.append((case_id, "all", result.problem.what))
            notes.append(f"case {case_id} is left out: {result.problem.what}. {result.problem.mend}")
            continue
        record = json.loads((result / "values.json").read_text(encoding="utf-8"))
        values[case_id] = np.array([record["values"].get(column, np.nan) for column in columns])
        missing += [(case_id, feature, reason) for feature, reason in record["missing"].items()]
        notes += [f"case {case_id}: {note}" for note in record["notes"]]
    if not values:
        raise InputError.of(problems)
    table = pd.DataFrame(np.stack(list(values.values())), index=list(values), columns=list(columns))
    return table, pd.DataFrame(missing, columns=["case_id", "feature", "reason"]), notes


def take_feature_table(run: Run, path: Path, cases: pd.DataFrame, targets: tuple[Target, ...]) -> None:
    """Somebody's own feature table stands in for the measuring."""
    columns = [c for c in cases.columns if c not in ("patient_id", "case_id")]
    features = match_features(load_feature_table(path, columns, targets=targets), cases)
    features.to_parquet(run.folder / "features.parquet", index=False)
    features.to_csv(run.folder / "features.csv", index=False)
    names = [c for c in features.columns if c not in ("patient_id", "case_id")]
    pd.DataFrame({"case_id": [], "feature": [], "reason": []}).to_csv(run.folder / "missing.csv", index=False)
    given = {"family": "given", "image_type": "given"}
    pd.DataFrame([{**given, "count": len(names)}]).to_csv(run.folder / "families.csv", index=False)
    dictionary = pd.DataFrame({"name": names}).assign(**given, ibsi_code="", unit="", noise_on_one_slice=False)
    dictionary.to_csv(run.folder / "dictionary.csv", index=False)
    run.log(f"{len(names)} features taken from {path.name}")
