"""Stage superres: a generator is fitted or taken, checked on simulated pairs, and every image enhanced by it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.engine import Run, stage
from dlr.errors import require_extra
from dlr.study.cases import ENHANCEMENT
from dlr.study.cohort import read_cohort
from dlr.study.generators import fitted_generator, seconds_of_all, taken_generator, weights_files
from dlr.study.superres import (
    LIBRARIES,
    UNASKED,
    enhance_all,
    heeded_by,
    members_of,
    native_images,
    superres_settings,
)
from dlr.study.superres_checks import check_all, judged, shown_lesions
from dlr.superres import SuperresSettings
from dlr.tables import CHECKED, CHECKS, ENHANCED, FIDELITY, SUPERRES_CURVES, SUPERRES_EXAMPLES

__all__ = ["superres"]


@stage(
    "superres",
    version=1,
    needs=["cohort"],
    sections=["cohort", *(f"superres.{name}" for name in SuperresSettings.model_fields)],
    libraries=LIBRARIES,
    heeds=heeded_by,
    files=weights_files,
    gives=[ENHANCED, CHECKED, FIDELITY, CHECKS, SUPERRES_CURVES, SUPERRES_EXAMPLES],
)
def superres(run: Run) -> None:
    """Every image enhanced before anything is measured in it, and what that adds and invents."""
    settings = superres_settings(run)
    if settings.method == "none":
        run.leave_out(UNASKED)
    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None or not len(tables.facts):
        run.leave_out("the study has no images to enhance")
    if tables.kind == "volume":
        run.leave_out("the study has volumes, and generators enhance stills")
    require_extra("superres", f"superres.method {settings.method}")
    members = members_of(run, tables, settings)
    said = {} if settings.fitted else taken_generator(run, settings, tables)  # before an image is read
    native = native_images(run, members, lambda: seconds_of_all(run, tables, settings))
    before = None
    if settings.fitted:
        before, said = fitted_generator(run, settings, members, native)
    table = enhance_all(run, tables, members, settings)
    ENHANCED.write(run.folder, table)
    checked, folders = check_all(run, settings, members, native, before)
    CHECKED.write(run.folder, checked)
    if folders:
        SUPERRES_EXAMPLES.write(run.folder, shown_lesions(run, checked, folders))
    patients = len({row.patient_id for row in members.checked if row.case_id in folders})
    verdict = write_verdict(run, checked, patients)
    write_about(run, settings, said | {"check_patients": patients})
    run.log(f"{len(table)} images enhanced x{settings.scale} by {settings.method}: {verdict}")


def write_verdict(run: Run, checked: pd.DataFrame, patients: int) -> str:
    """FIDELITY, CHECKS, and verdict.json, whose word is given back."""
    from dlr.superres.verdict import verdict

    fidelity, checks = judged(run, checked, patients)
    FIDELITY.write(run.folder, fidelity)
    CHECKS.write(run.folder, checks)
    found = verdict(checks)
    _write(run.folder / "verdict.json", asdict(found))
    return found.word


def write_about(run: Run, settings: SuperresSettings, said: dict[str, Any]) -> None:
    """superres.json: the method, where its weights come from, on how many patients it was fitted and checked."""
    usual = {"origin": {}, "fitted_on": 0, "discriminator_auc": None}
    own = {name: getattr(settings, name) for name in ("method", "scale", "measure_on", "consistent")}
    network = {"network": settings.network if settings.fitted else None}
    _write(run.folder / ENHANCEMENT, own | network | usual | said)


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
