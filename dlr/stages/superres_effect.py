"""Stage superres_effect: what enhancing does to the signatures, and whether measurements and decisions survive it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.deep_chains import FROZEN
from dlr.study.superres_effect import Fitted, deep_on, other_images, rad_on
from dlr.study.superres_survival import check_rows, decisions, survivors, textures
from dlr.tables import CHECKS, ENHANCED, PREDICTIONS, SURVIVAL
from dlr.words import NATIVE_IMAGES

__all__ = ["superres_effect"]

SECTIONS = (
    *(f"superres.{name}" for name in ("method", "effect", "scale", "measure_on", "degradation")),
    "cohort", "radiomics", "learn", "deep",
)  # fmt: skip
LIBRARIES = (
    "numpy", "scipy", "simpleitk", "pywavelets", "scikit-learn", "lightgbm", "xgboost", "pillow", "torch",
    "torchvision", "timm", "vit-pytorch",
)  # fmt: skip
FEWEST = 2  # check patients of whom a share has an interval


def heeded_by(settings: Any) -> tuple[Sequence[str], Sequence[str]]:
    """Nothing but the setting that leaves the stage out, where one does."""
    if settings.superres.method == "none":
        return ["superres.method"], ()
    if not settings.superres.effect:
        return ["superres.method", "superres.effect"], ()
    return SECTIONS, LIBRARIES


@stage(
    "superres_effect",
    version=4,
    needs=["cohort", "superres"],
    optional=["radiomics", "stability", "radiomics_model", "deep"],
    sections=SECTIONS,
    libraries=LIBRARIES,
    heeds=heeded_by,
    gives=[PREDICTIONS, SURVIVAL, CHECKS],
)
def superres_effect(run: Run) -> None:
    """The same signatures on native and bicubic images; radiomics and decisions of simulated pairs (checks G and H)."""
    if not run.settings.superres.effect:
        run.leave_out("superres.effect is false")
    tables = read_cohort(run.needs.cohort)
    predictions, native = signatures(run, tables)
    if not predictions:
        run.leave_out("no signature of images can be fitted again: there are neither radiomics nor a frozen network")
    PREDICTIONS.write(run.folder, pd.concat(predictions, ignore_index=True))
    if native:
        survival(run, tables, native)


def signatures(run: Run, tables: CohortTables) -> tuple[list[pd.DataFrame], list[Fitted]]:
    """PREDICTIONS of Rad and DL on other images, and the Rad chains of the native ones."""
    predictions, native = [], []
    rad = run.needs.radiomics is not None and run.needs.radiomics_model is not None
    deep = run.needs.deep is not None and run.settings.deep.mode == FROZEN
    if run.needs.deep is not None and not deep:
        run.warn("fine-tuned networks are not fitted again on other images: the effect is of Rad alone")
    for images in other_images(run.settings):
        if rad:
            fitted = rad_on(run, tables, images)
            predictions += [one.predictions for one in fitted]
            native += fitted if images.variant == NATIVE_IMAGES else []
        if deep:
            predictions += deep_on(run, tables, images)
    return predictions, native


def survival(run: Run, tables: CohortTables, native: Sequence[Fitted]) -> None:
    """SURVIVAL, rows G and H of CHECKS, and verdict.json of these and of the checks of stage superres."""
    from dlr.superres.checks import flip_check, survival_check, survival_of
    from dlr.superres.verdict import verdict

    features = survivors(run, tables, check_rows(tables, ENHANCED.read(run.needs.superres)))
    if len(features["truth"]) < FEWEST:
        run.warn("checks G and H are left out: fewer than two check patients could be measured")
        return
    truth, restored, bicubic = textures(run, features)
    SURVIVAL.write(run.folder, survival_of(truth, restored, bicubic))
    checks = [survival_check(truth, restored, bicubic, run.seed)]
    decided = decisions(tables, native, features)
    if decided["truth"].empty:
        run.warn("check H is left out: no target of two classes has a cut-off of cross-fitted chains")
    else:
        made = {subject: table.to_numpy() for subject, table in decided.items()}
        checks.append(flip_check(made["truth"], made["restored"], made["bicubic"], run.seed))
    CHECKS.write(run.folder, pd.concat(checks, ignore_index=True))
    if CHECKS.there(run.needs.superres):
        every = pd.concat([CHECKS.read(run.needs.superres), *checks], ignore_index=True)
        said = json.dumps(asdict(verdict(every)), ensure_ascii=False, indent=1)
        (run.folder / "verdict.json").write_text(said, encoding="utf-8")
