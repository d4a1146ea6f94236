"""Stage subtypes: the molecular subtype that every signature of ER, PR and HER2 calls, beside the true one."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.application import Application
from dlr.study.cohort import read_cohort
from dlr.study.subtypes import RECEPTORS, called_subtypes, subtype_metrics
from dlr.tables import CUTOFFS, PREDICTIONS, SUBTYPE_METRICS, SUBTYPES
from dlr.words import CHOSEN

__all__ = ["subtypes"]


def apply_subtypes(given: Application) -> None:
    """What the signatures of new patients call them, at the cut-offs of the study's training patients."""
    made, targets = given.made, given.patients.tables.targets
    rule = given.settings.subtypes.rule
    made.give(SUBTYPES, called_subtypes(made.of(PREDICTIONS), made.of(CUTOFFS), targets, rule))


@stage(
    "subtypes",
    version=2,
    needs=["cohort", "evaluate"],
    asks=[PREDICTIONS],
    sections=["subtypes"],
    libraries=["numpy", "pandas"],
    gives=[SUBTYPES, SUBTYPE_METRICS],
    apply=apply_subtypes,
)
def subtypes(run: Run) -> None:
    """Luminal A and B, HER2-enriched and triple negative, by the rule that the settings name."""
    tables, rule = read_cohort(run.needs.cohort), run.settings.subtypes.rule
    missing = [name for name in RECEPTORS if name not in {target.name for target in tables.targets}]
    if missing:
        run.leave_out(f"subtypes are made of ER, PR and HER2: this study has no target {' or '.join(missing)}")
    per_cent = [name for name in RECEPTORS if name not in {target.name for target in tables.binary_targets}]
    if per_cent:
        run.leave_out(
            f"subtypes are called at cut-offs of two classes: {' and '.join(per_cent)} is answered in per cent"
        )
    predictions = pd.concat([PREDICTIONS.read(folder) for folder in run.every(PREDICTIONS)], ignore_index=True)
    chosen = predictions[predictions["algorithm"] == CHOSEN]
    labels = {target.name: tables.labels(target) for target in tables.targets}
    found = called_subtypes(chosen, CUTOFFS.read(run.needs.evaluate), tables.targets, rule, labels)
    if found.empty:
        run.leave_out("no signature answers ER, PR and HER2 with a cut-off for each")
    SUBTYPES.write(run.folder, found)
    SUBTYPE_METRICS.write(run.folder, subtype_metrics(found))
