"""Stage evaluate: every measure of every signature, on the side where it is valid; it reads predictions only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.engine import Run, stage
from dlr.errors import InputError
from dlr.study.ablation import ablation_table, is_ablation_row
from dlr.study.application import Application
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.comparisons import comparison_table, reclassification_table
from dlr.study.confounding import confounder_table, found_levels, sides_apart, within_levels
from dlr.study.curves import (
    calibration_table,
    decision_table,
    histogram_table,
    per_cent_table,
    precision_recall_table,
    roc_table,
)
from dlr.study.cutoffs import Cutoffs, cut_offs
from dlr.study.macro import macro_rows
from dlr.study.measures import (
    SMALLEST_SUBSET,
    Evaluated,
    evaluated_signatures,
    measures,
    optimism_gap,
)
from dlr.study.medians import training_medians
from dlr.study.net_benefit import net_benefit_table
from dlr.study.subsets import cohorts_of, strata_of
from dlr.study.unknown_outcomes import unknown_outcome_rows
from dlr.tables import (
    ABLATION,
    CALIBRATION,
    COMPARISONS,
    CONFOUNDERS,
    CUTOFFS,
    DECISION,
    HISTOGRAM,
    LOOKS,
    METRICS,
    NET_BENEFIT,
    OPTIMISM_GAP,
    PER_CENT,
    PR,
    PREDICTIONS,
    RECLASSIFICATION,
    ROC,
    VOLUMES,
)  # fmt: skip
from dlr.words import CHOSEN, HELD_AGAINST, MODELS, Side

__all__ = ["evaluate"]


def apply_evaluate(given: Application) -> None:
    """The cut-offs from the study's training patients, for new ones."""
    given.made.give(CUTOFFS, CUTOFFS.read(given.home))


@stage(
    "evaluate",
    version=11,
    needs=["cohort"],
    asks=[PREDICTIONS, VOLUMES],
    sections=["evaluate"],
    libraries=["numpy", "scipy"],
    publish=["metrics.csv", "comparisons.csv", "ablation.csv", NET_BENEFIT.file],
    gives=[
        METRICS, COMPARISONS, CUTOFFS, ROC, PR, CALIBRATION, DECISION, HISTOGRAM, PER_CENT, OPTIMISM_GAP,
        RECLASSIFICATION, LOOKS, ABLATION, CONFOUNDERS, NET_BENEFIT,
    ],
    apply=apply_evaluate,
)  # fmt: skip
def evaluate(run: Run) -> None:
    """AUC, calibration, net benefit and all else with intervals; comparisons; curves; the look count."""
    tables = read_cohort(run.needs.cohort)
    found = [PREDICTIONS.read(folder) for folder in run.every(PREDICTIONS)]
    if not found:
        run.leave_out("there is no signature to evaluate: neither radiomics nor clinical columns gave one")
    every = evaluated_signatures(pd.concat(found, ignore_index=True), tables)
    everything = [one for one in every if not is_ablation_row(one)]
    settings = run.settings.evaluate
    models = [spec.name for spec in (*MODELS, *run.models)]
    for name in settings.primary:
        if name not in models:
            raise InputError("evaluate.primary", f"{name!r} is no model", f"name two of {', '.join(models)}")
    cutoffs = cut_offs(everything)
    confounders = confounder_table(tables, run.seed)
    CONFOUNDERS.write(run.folder, confounders)
    rows = metric_rows(run, tables, everything, cutoffs, confounders)
    metrics = pd.DataFrame([*rows, *unknown_outcome_rows(everything)], columns=list(METRICS.names))
    METRICS.write(run.folder, metrics)
    CUTOFFS.write(run.folder, cutoffs.table())
    main = [one for one in everything if one.algorithm == CHOSEN and not one.variant]
    chosen = [one for one in everything if one.algorithm == CHOSEN]
    variants = [one for one in chosen if one.variant in HELD_AGAINST]
    COMPARISONS.write(run.folder, comparison_table(main, settings.primary, run.seed, settings.bootstrap, variants))
    two_classes = [one for one in chosen if one.two_classes]
    ROC.write(run.folder, roc_table(two_classes))
    PR.write(run.folder, precision_recall_table(two_classes))
    CALIBRATION.write(run.folder, calibration_table(two_classes))
    prevalence = settings.target_prevalence
    DECISION.write(run.folder, decision_table(two_classes, prevalence, settings.decision_band))
    NET_BENEFIT.write(run.folder, net_benefit_table(two_classes, settings.net_benefit_at, prevalence))
    HISTOGRAM.write(run.folder, histogram_table(two_classes, cutoffs))
    PER_CENT.write(run.folder, per_cent_table(chosen))
    OPTIMISM_GAP.write(run.folder, optimism_gap(metrics))
    ablation = ablation_table(every, run.seed, settings.bootstrap)
    if len(ablation):
        ABLATION.write(run.folder, ablation)
    if settings.reclassification:
        RECLASSIFICATION.write(run.folder, reclassification_table(main))
    seen = sum(len(one.patients) for one in main[:1] if one.side != Side.TRAIN)
    looks = run.look(patients=max([len(one.patients) for one in main if one.side == Side.TEST], default=seen))
    LOOKS.write(run.folder, pd.DataFrame([vars(look) for look in looks]))


def metric_rows(
    run: Run, tables: CohortTables, signatures: list[Evaluated], cutoffs: Cutoffs, confounders: pd.DataFrame
) -> list[dict]:
    """METRICS: whole sides, cohorts and strata that have enough patients of both classes, and all targets together."""
    settings, cohorts = run.settings.evaluate, cohorts_of(tables)
    strata, lines = strata_of(tables, settings.strata, [VOLUMES.read(folder) for folder in run.every(VOLUMES)])
    for line in lines:
        run.warn(line)
    subsets = {f"cohort={name}": set(cohorts.index[cohorts == name]) for name in sorted(cohorts.unique())} | strata
    medians, levels = training_medians(tables), found_levels(tables, confounders)
    rows, everything = [], []

    def rows_of(one: Evaluated) -> list[dict]:
        baseline = np.nan if one.target.binary else medians[one.target.name].of(one)
        return measures(one, cutoffs.of(one), run.seed, settings.bootstrap, baseline)

    for one in signatures:
        rows += rows_of(one)
        if one.algorithm != CHOSEN:
            continue
        for column, own in levels[one.target.name].items():
            rows += within_levels(one, column, own, SMALLEST_SUBSET)
        parts = [one.of(patients, name) for name, patients in subsets.items()]
        for part in parts:
            rows += rows_of(part)
        everything += [one, *(part for part in parts if part.smallest_group >= SMALLEST_SUBSET)]
    rows += macro_rows(everything, cutoffs, run.seed, settings.bootstrap)
    return rows + sides_apart(signatures)
