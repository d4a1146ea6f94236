"""Stage cohort: the manifest is read and checked whole, sides and folds are drawn once."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from dlr.cohort import columns_to_json, draw_folds, draw_side, files_of_manifest, flow_chart, load_cohort
from dlr.engine import Inputs, Run, stage
from dlr.settings import StudySettings
from dlr.words import Side

__all__ = ["cohort"]


def _files(inputs: Inputs, settings: StudySettings) -> dict[str, Path]:
    """What stage cohort opens beside the manifest: a replaced image is another cohort."""
    if inputs.manifest is None:
        return {}
    return files_of_manifest(inputs.manifest, settings.cohort, images=inputs.features is None)


@stage(
    "cohort",
    version=3,
    sections=["cohort", "learn.folds", "learn.seeds", "learn.protocols"],
    libraries=["pandas", "simpleitk", "pillow"],
    files=_files,
)
def cohort(run: Run) -> None:
    """Patients, images, outlines and clinical values read and checked; sides and folds drawn."""
    settings, learn = run.settings.cohort, run.settings.learn
    manifest = run.inputs.manifest
    assert manifest is not None, "the command line gives every run a manifest"
    loaded = load_cohort(manifest, settings, images=run.inputs.features is None)
    for line in loaded.mappings:
        run.log(line)
    table = loaded.table.assign(side=draw_side(loaded.table, loaded.targets, run.seed, settings.test_share))
    folds = draw_folds(table, loaded.targets, run.seed, learn.folds, learn.seeds, learn.protocols)
    table.to_parquet(run.folder / "cohort.parquet", index=False)
    table.to_csv(run.folder / "cohort.csv", index=False)
    folds.to_parquet(run.folder / "folds.parquet", index=False)
    loaded.cases.to_csv(run.folder / "cases.csv", index=False)
    flow_chart(table, loaded.targets).to_csv(run.folder / "flow.csv", index=False)
    loaded.notes.to_csv(run.folder / "notes.csv", index=False)
    loaded.mapping_table.to_csv(run.folder / "mappings.csv", index=False)
    columns = {
        "targets": [asdict(target) for target in loaded.targets],
        "kind": loaded.kind,
        "columns": json.loads(columns_to_json(loaded.columns)),
    }
    (run.folder / "columns.json").write_text(json.dumps(columns, ensure_ascii=False, indent=1), encoding="utf-8")
    for where, what in loaded.notes[["where", "what"]].drop_duplicates().itertuples(index=False):
        run.warn(f"{where}: {what}")
    sides = table.drop_duplicates("patient_id")["side"].value_counts()
    run.log(", ".join(f"{sides[side.value]} patients {side}" for side in Side if side.value in sides))
