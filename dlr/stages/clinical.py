"""Stage clinical: Table 1, odds ratios, sample size, and the Clinical signature."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.algorithms import write_algorithms
from dlr.study.application import Application
from dlr.study.cohort import BEFORE_BIOPSY, read_cohort
from dlr.study.description import write_odds_ratios, write_table_one
from dlr.study.frames import PatientFrame
from dlr.study.parts import study_parts
from dlr.study.signatures import SignatureData, apply_to_new, fit_signature
from dlr.study.splits import split_areas
from dlr.tables import (
    ALGORITHMS,
    CHOICES,
    IMPUTED_ODDS,
    MULTIVARIABLE,
    PREDICTIONS,
    SAMPLE_SIZE,
    SPLITS,
    STEPWISE,
    TABLE1_OUTCOME,
    TABLE1_SIDE,
    UNIVARIABLE,
    VIF,
)  # fmt: skip
from dlr.words import Model

__all__ = ["clinical"]


def apply_clinical(given: Application) -> None:
    """The Clinical signature of new patients, by every saved chain."""
    tables = given.patients.tables
    indicators = given.settings.learn.missing_indicator
    frames = {early: PatientFrame.by_patient(tables.clinical(early, indicators)) for early in (False, True)}
    apply_to_new(given, Model.CLINICAL, lambda saved: frames[saved.variant == BEFORE_BIOPSY])


@stage(
    "clinical",
    version=9,
    needs=["cohort"],
    sections=["clinical", "learn", "evaluate.splits", "evaluate.bootstrap", "cohort.test_share"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
    gives=[
        PREDICTIONS, CHOICES, ALGORITHMS, SPLITS, TABLE1_SIDE, TABLE1_OUTCOME, UNIVARIABLE, MULTIVARIABLE, STEPWISE,
        VIF, IMPUTED_ODDS, SAMPLE_SIZE,
    ],
    apply=apply_clinical,
)  # fmt: skip
def clinical(run: Run) -> None:
    """Table 1, odds ratios, events per variable, and the Clinical signature."""
    tables = read_cohort(run.needs.cohort)
    if not tables.columns:
        run.leave_out("the manifest has no clinical columns (cohort.clinical names none)")
    write_table_one(run, tables)
    write_odds_ratios(run, tables)
    predictions, choices, splits = [], [], []
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    variants = tables.clinical_variants(run.settings.learn.missing_indicator)
    for target in tables.targets:
        labels = tables.labels(target)
        for variant, values in variants.items():
            frame = PatientFrame.by_patient(values)
            asked = SignatureData(
                target, Model.CLINICAL.value, frame, labels, tables.sides, select=False, variant=variant
            )
            made = fit_signature(run, asked, parts)
            predictions.append(made.predictions)
            choices.append(made.choices)
            if not variant:
                splits.append(split_areas(run, tables, asked, made.choices))
    table = pd.concat(predictions, ignore_index=True)
    PREDICTIONS.write(run.folder, table)
    CHOICES.write(run.folder, pd.concat(choices, ignore_index=True))
    SPLITS.write(run.folder, pd.concat(splits, ignore_index=True))
    write_algorithms(run, tables, table, run.settings.learn.reported)
