"""Stage permutations: the cheap chains again on shuffled outcomes, for a p beside each out-of-fold AUC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlr.engine import Run, stage
from dlr.study.blocks import blocks_of
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.parts import study_parts
from dlr.study.permuting import UNASKED, permutation_rows, seconds_of_all
from dlr.tables import PERMUTATIONS
from dlr.words import Protocol, Side

__all__ = ["permutations", "permutations_of_volumes"]

SECTIONS = ("evaluate.permutations", "cohort.per_patient", "learn")
OF_COMBINED = ("combine", "clinical.splines", "fuse.n_components")
LIBRARIES = ("numpy", "scipy", "scikit-learn")


def heeded_by(settings: Any) -> tuple[Sequence[str], Sequence[str]]:
    """Nothing but the setting that leaves the stage out, where it does."""
    if not settings.evaluate.permutations:
        return SECTIONS[:1], ()
    return (*SECTIONS, *(OF_COMBINED if hasattr(settings, "combine") else ())), LIBRARIES


def foretell_permutations(run: Run) -> float:
    """Seconds of all shuffles, told from the cohort alone."""
    reason = why_none(run, tables := read_cohort(run.needs.cohort))
    return 0.0 if reason else seconds_of_all(run, tables)


def why_none(run: Run, tables: CohortTables) -> str:
    """Why nothing is shuffled in this study, "" where something is."""
    if not run.settings.evaluate.permutations:
        return UNASKED
    if Protocol.CROSSFIT not in run.settings.learn.protocols:
        return "shuffled outcomes go through cross-fitting, and learn.protocols does not name crossfit"
    if not tables.binary_targets:
        return "shuffles are judged by the AUC, and no target is of two classes"
    return ""


@stage(
    "permutations",
    version=2,
    needs=["cohort"],
    optional=["radiomics", "stability", "clinical", "radiomics_model", "deep", "averaged", "fusion_model", "combine"],
    sections=[*SECTIONS, *OF_COMBINED],
    libraries=LIBRARIES,
    heeds=heeded_by,
    publish=[PERMUTATIONS.file],
    gives=[PERMUTATIONS],
    foretell=foretell_permutations,
)
def permutations(run: Run) -> None:
    """How often shuffled outcomes do as well as the true ones, every cheap chain fitted again on each shuffle."""
    tables = read_cohort(run.needs.cohort)
    if reason := why_none(run, tables):
        run.leave_out(reason)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    blocks = blocks_of(run, tables, tables.ids(Side.TRAIN), parts)
    if not blocks.models:
        run.leave_out("the study has no cheap chain to fit again")
    if run.needs.deep is not None and not blocks.deep:
        run.log("fine-tuned networks are not fitted again on shuffled outcomes: DL has no p, nor has what holds it")
    PERMUTATIONS.write(run.folder, permutation_rows(run, tables, blocks))


permutations_of_volumes = replace(permutations, sections=SECTIONS)  # their pipelines have no Combined model
