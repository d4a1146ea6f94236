"""Stage radiomics_model: from all features to the Rad signature, under every protocol asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.engine import Run, stage
from dlr.learn import load_chain, rad_score_formula
from dlr.protocols import Part
from dlr.study.algorithms import out_of_fold_area
from dlr.study.application import Application
from dlr.study.cohort import read_cohort
from dlr.study.frames import patient_frame
from dlr.study.lesion_alone import lesion_alone_rows
from dlr.study.parts import study_parts
from dlr.study.selected import reproducible_features, write_selected
from dlr.study.signatures import (
    SignatureData,
    SignatureTables,
    apply_to_new,
    fit_signature,
    simple_values,
)
from dlr.study.splits import split_areas
from dlr.tables import (
    ALGORITHMS,
    CHOICES,
    FEATURES,
    ICC_FILTER,
    LASSO_CV,
    LASSO_PATH,
    PREDICTIONS,
    RAD_SCORE,
    SELECTION,
    SELECTION_FREQUENCY,
    SPLITS,
    Table,
)  # fmt: skip
from dlr.words import Model, Protocol, Side

__all__ = ["radiomics_model"]


def apply_radiomics_model(given: Application) -> None:
    """The Rad signature of new patients, by every saved chain."""
    features = given.made.of(FEATURES)
    if len(features):
        frame = patient_frame(features, given.patients.tables, given.settings.cohort.per_patient)
        apply_to_new(given, Model.RAD, lambda saved: frame)


@stage(
    "radiomics_model",
    version=9,
    needs=["cohort", "radiomics"],
    optional=["stability"],
    sections=["cohort.per_patient", "cohort.test_share", "learn", "evaluate.splits", "evaluate.bootstrap"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
    gives=[
        PREDICTIONS, SELECTION, SELECTION_FREQUENCY, CHOICES, ALGORITHMS, SPLITS, ICC_FILTER, LASSO_PATH, LASSO_CV,
        RAD_SCORE,
    ],
    apply=apply_radiomics_model,
)  # fmt: skip
def radiomics_model(run: Run) -> None:
    """Univariable test, correlation, LASSO and several learners on the radiomics features: the Rad signature."""
    tables = read_cohort(run.needs.cohort)
    frame = patient_frame(FEATURES.read(run.needs.radiomics), tables, run.settings.cohort.per_patient)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    allowed = reproducible_features(run)
    made: dict[str, SignatureTables] = {}
    splits, effects, alone = [], [], []
    for target in tables.targets:
        asked = SignatureData(target, Model.RAD.value, frame, tables.labels(target), tables.sides, select=True)
        made[target.name] = fit_signature(run, asked, parts, allowed)
        alone += lesion_alone_rows(run, asked, parts, allowed)
        splits.append(split_areas(run, tables, asked, made[target.name].choices, allowed))
        if allowed is not None and target.binary:
            effects.append(filter_effect(run, asked, parts, allowed))
    selection = write_selected(run, tables, made, alone)
    SPLITS.write(run.folder, pd.concat(splits, ignore_index=True))
    if effects:
        ICC_FILTER.write(run.folder, pd.concat(effects, ignore_index=True))
    write_rad_scores(run, made)
    empty = selection.groupby(["target", "protocol", "seed", "fold"])["step"].agg(
        lambda s: s.isin(["lasso", "prepared"]).any()
    )
    if not empty.all():
        run.warn(f"{int((~empty).sum())} of {len(empty)} chains kept no feature and say the same of everybody")


def filter_effect(
    run: Run, asked: SignatureData, parts: tuple[Part, ...], allowed: dict[str, list[str]]
) -> pd.DataFrame:
    """What the reproducibility filter does: out-of-fold AUC of logistic regression with it and without it (ICC_FILTER).

    Over the folds of the first seed; `features` is the median offered to a fold.
    """
    folds = [part for part in parts if part.protocol == Protocol.CROSSFIT and part.seed == 0]
    everything = {part.name: list(asked.frame.values.columns) for part in folds}
    rows = []
    for icc, offered in ((run.settings.learn.icc_filter, allowed), (None, everything)):
        label = f"{asked.model} {'without' if icc is None else 'with'} the ICC filter"
        values = simple_values(run, asked, folds, label, offered)
        tables = [
            value.rename("value").rename_axis("patient_id").reset_index().assign(fold=part.fold, seed=part.seed)
            for part, value in zip(folds, values, strict=True)
        ]
        if not tables:
            return ICC_FILTER.empty()
        chains = pd.concat(tables, ignore_index=True)
        inside = chains["patient_id"].map(asked.sides) == Side.TRAIN
        known = chains[inside & chains["patient_id"].isin(asked.labels.index)]
        area = out_of_fold_area(known, asked.labels)
        features = float(np.median([len(offered[part.name]) for part in folds]))
        rows.append((asked.target.name, np.nan if icc is None else icc, features, *area))
    return pd.DataFrame(rows, columns=list(ICC_FILTER.names))


def write_rad_scores(run: Run, made: dict[str, SignatureTables]) -> None:
    """Path, error and Rad-score of the LASSO fitted on the whole training side (protocol paper), by target."""
    found: dict[Table, list[pd.DataFrame]] = {LASSO_PATH: [], LASSO_CV: [], RAD_SCORE: []}
    lines = []
    for target, tables in made.items():
        folder = tables.parts.get(Protocol.PAPER.value)
        if folder is None or not (folder / "lasso_path.parquet").exists():
            continue
        found[LASSO_PATH].append(pd.read_parquet(folder / "lasso_path.parquet").assign(target=target))
        found[LASSO_CV].append(pd.read_parquet(folder / "lasso_cv.parquet").assign(target=target))
        score = load_chain(folder / "chains").rad_score
        if score is not None and score.features:
            found[RAD_SCORE].append(score.table().assign(target=target))
            lines.append((f"{target}: " if len(made) > 1 else "") + rad_score_formula(score))
    for table, rows in found.items():
        if rows:
            table.write(run.folder, pd.concat(rows, ignore_index=True))
    if lines:
        (run.folder / "rad_score.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
