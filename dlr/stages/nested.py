"""Stage nested: the Combined model on patients whom neither it nor its signatures have seen, where asked for."""

from __future__ import annotations

from dlr.engine import Run, stage
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.nesting import UNASKED, nested_rows, seconds_of_all
from dlr.tables import PREDICTIONS
from dlr.words import Protocol

__all__ = ["nested"]


def foretell_nested(run: Run) -> float:
    """Seconds of all inner chains, told from the cohort alone."""
    tables = read_cohort(run.needs.cohort)
    return 0.0 if why_none(run, tables) else seconds_of_all(run, tables)


def why_none(run: Run, tables: CohortTables) -> str:
    """Why there is no nested Combined model in this study, "" where there is one."""
    if not run.settings.combine.inner:
        return UNASKED
    if Protocol.NESTED not in run.settings.learn.protocols:
        return "combine.inner looks inside the outer folds of nested, and learn.protocols does not name nested"
    if not tables.binary_targets:
        return "the Combined model is logistic, and no target is of two classes"
    return ""


@stage(
    "nested",
    version=2,
    needs=["cohort", "combine"],
    optional=["radiomics", "stability", "clinical", "radiomics_model", "deep", "fusion_model"],
    sections=["combine", "clinical.splines", "fuse.n_components", "cohort.per_patient", "learn"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
    gives=[PREDICTIONS],
    foretell=foretell_nested,
)
def nested(run: Run) -> None:
    """The Combined model inside every outer fold: its signatures cross-fitted again, the fold's patients held out."""
    tables = read_cohort(run.needs.cohort)
    if reason := why_none(run, tables):
        run.leave_out(reason)
    rows = nested_rows(run, tables)
    if rows.empty:
        run.leave_out("no outer fold has a Combined model to fit")
    PREDICTIONS.write(run.folder, rows)
