"""Stage cohort: the manifest is read and checked whole, sides and folds are drawn once."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from dlr.cohort import columns_to_json, draw_folds, draw_side, files_of_manifest, flow_chart, load_cohort
from dlr.engine import Inputs, Run, stage
from dlr.settings import StudySettings
from dlr.study.cohort import COLUMNS_FILE, relative_paths
from dlr.study.parts import fitted_targets, not_fitted
from dlr.tables import CASES, COHORT, FLOW, FOLDS, MAPPINGS, NOTES
from dlr.words import Side

__all__ = ["cohort"]


def _files(inputs: Inputs, settings: StudySettings) -> dict[str, Path]:
    """What stage cohort opens beside the manifest: a replaced image is another cohort."""
    if inputs.manifest is None:
        return {}
    return files_of_manifest(inputs.manifest, settings.cohort, images=inputs.features is None)


@stage(
    "cohort",
    version=12,
    sections=["cohort", "learn.folds", "learn.seeds", "learn.protocols"],
    libraries=["pandas", "simpleitk", "pillow"],
    files=_files,
    gives=[COHORT, FOLDS, CASES, FLOW, NOTES, MAPPINGS],
)
def cohort(run: Run) -> None:
    """Patients, images, outlines and clinical values read and checked; sides and folds drawn."""
    settings, learn = run.settings.cohort, run.settings.learn
    manifest = run.inputs.manifest
    assert manifest is not None, "the command line gives every run a manifest"
    loaded = load_cohort(manifest, settings, images=run.inputs.features is None)
    for line in loaded.mappings:
        run.log(line)
    shares = (settings.test_share, settings.validation_share)
    table = loaded.table.assign(side=draw_side(loaded.table, loaded.targets, run.seed, *shares))
    folds = draw_folds(table, loaded.targets, run.seed, learn.folds, learn.seeds, learn.protocols)
    asked = (table, folds, learn.protocols, loaded.targets)
    said, targets = list(not_fitted(*asked)), fitted_targets(*asked)
    left = [one.name for one in loaded.targets if one.name not in {target.name for target in targets}]
    said += [(name, "fitted under no protocol: the study goes on without it") for name in left]
    table = table.drop(columns=left)
    COHORT.write(run.folder, relative_paths(table, manifest.parent))
    FOLDS.write(run.folder, folds)
    CASES.write(run.folder, loaded.cases)
    FLOW.write(run.folder, flow_chart(table, targets))
    notes = pd.concat([loaded.notes, pd.DataFrame(said, columns=list(NOTES.names))], ignore_index=True)
    NOTES.write(run.folder, notes)
    MAPPINGS.write(run.folder, loaded.mapping_table)
    columns = {
        "targets": [asdict(target) for target in targets],
        "kind": loaded.kind,
        "columns": json.loads(columns_to_json(loaded.columns)),
    }
    (run.folder / COLUMNS_FILE).write_text(json.dumps(columns, ensure_ascii=False, indent=1), encoding="utf-8")
    for where, what in notes[["where", "what"]].drop_duplicates().itertuples(index=False):
        run.warn(f"{where}: {what}")
    sides = table.drop_duplicates("patient_id")["side"].value_counts()
    run.log(", ".join(f"{sides[side.value]} patients {side}" for side in Side if side.value in sides))
