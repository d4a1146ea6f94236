"""All cases of a study before its frozen backbones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.deep import DeepSettings
from dlr.engine import Run
from dlr.study.cases import CaseRow, source_of
from dlr.study.cohort import CohortTables
from dlr.study.deep_chains import BACKBONES, backbone_file
from dlr.study.frames import PatientFrame, patient_frame
from dlr.study.pictures import (
    embedding_table,
    picture_case,
    picture_tasks,
    picturing_of,
    read_pictured,
    write_outlines,
)

__all__ = ["Pictured", "picture_all"]


@dataclass(frozen=True)
class Pictured:
    """What every backbone saw of the cases."""

    frames: dict[str, PatientFrame]  # frozen features, by backbone
    tables: dict[str, pd.DataFrame]  # the same by case, by backbone
    weights_sha256: dict[str, str]  # of the saved backbones
    pictures: dict[str, Path]  # folder of every case's picture
    patients: dict[str, str]  # of every case


def picture_all(run: Run, tables: CohortTables, rows: Sequence[CaseRow]) -> Pictured:
    """Every case's picture and its frozen features by every backbone; the backbones are kept for new patients."""
    from dlr.deep import load_weights
    from dlr.deep.weights import weights_file
    from dlr.networks import save_weights

    settings: DeepSettings = run.settings.deep
    if settings.weights != "none":
        for name in settings.backbones:
            weights_file(name, settings.weights)  # all are asked for before the long work
    source = source_of(run.settings, run.needs.superres)
    origins: dict[str, Any] = {}
    frames: dict[str, PatientFrame] = {}
    by_case: dict[str, pd.DataFrame] = {}
    digests: dict[str, str] = {}
    found = Pictured(frames, by_case, digests, {}, {row.case_id: row.patient_id for row in rows})
    (run.folder / BACKBONES).mkdir()
    for name in settings.backbones:
        backbone, origin = load_weights(name, settings.weights, run.seed)
        file = backbone_file(run.folder, name)
        save_weights(backbone, file)
        digests[name] = sha256(file.read_bytes()).hexdigest()
        tasks = picture_tasks(run, picturing_of(run.settings, source, rows, name, file, digests[name]))
        results = run.each_or_failure(picture_case, tasks, label=f"cases by {name}")
        pictures, features = read_pictured(run, tasks, results)
        by_case[name] = embedding_table(features, found.patients)
        frames[name] = patient_frame(by_case[name], tables, run.settings.cohort.per_patient)
        origins[name] = asdict(origin)
        found = replace(found, pictures=pictures)
    write_outlines(run.folder, found.pictures)
    slices = "all" if tables.kind == "volume" and settings.slices != "largest" else "largest"
    about = {"mode": settings.mode, "flips": settings.flips, "slices": slices, "backbones": origins}
    (run.folder / "deep.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    return found
