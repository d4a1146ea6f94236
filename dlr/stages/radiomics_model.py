"""Stage radiomics_model: from all features to the Rad signature, under every protocol asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.engine import Run, stage
from dlr.learn import load_chain, rad_score_formula
from dlr.protocols import Part
from dlr.randomness import rng
from dlr.stages.algorithms import out_of_fold_area
from dlr.stages.parts import study_parts
from dlr.stages.signatures import (
    Question,
    SignatureTables,
    fit_signature,
    patient_frame,
    simple_values,
    split_areas,
    write_selected,
)
from dlr.stages.tables import read_cohort
from dlr.words import Model, Protocol, Side

__all__ = ["radiomics_model"]


@stage(
    "radiomics_model",
    version=3,
    needs=["cohort", "radiomics"],
    optional=["stability"],
    sections=["cohort.per_patient", "cohort.test_share", "learn", "evaluate.splits", "evaluate.bootstrap"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
)
def radiomics_model(run: Run) -> None:
    """t-test, correlation, LASSO and five classifiers on the radiomics features: the Rad signature."""
    tables = read_cohort(run.needs.cohort)
    features = pd.read_parquet(run.needs.radiomics / "features.parquet")
    frame = patient_frame(features, tables, run.settings.cohort.per_patient)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    allowed = reproducible_features(run)
    made: dict[str, SignatureTables] = {}
    splits, effects = [], []
    for target in tables.targets:
        asked = Question(target, Model.RAD.value, frame, tables.labels(target), tables.sides, select=True)
        made[target] = fit_signature(run, asked, parts, allowed)
        splits.append(split_areas(run, asked, run.settings.cohort.test_share, run.settings.evaluate.splits))
        if allowed is not None:
            effects.append(filter_effect(run, asked, parts, allowed))
    selection = write_selected(run, tables, made)
    pd.concat(splits, ignore_index=True).to_csv(run.folder / "splits.csv", index=False)
    if effects:
        pd.concat(effects, ignore_index=True).to_csv(run.folder / "icc_filter.csv", index=False)
    write_rad_scores(run, made)
    empty = selection.groupby(["target", "protocol", "seed", "fold"])["step"].agg(lambda s: (s == "lasso").any())
    if not empty.all():
        run.warn(f"{int((~empty).sum())} of {len(empty)} chains kept no feature and give the training prevalence")


def reproducible_features(run: Run) -> dict[str, list[str]] | None:
    """By part, the features whose ICC in that part's training patients reaches the chosen one; None = no filter."""
    if run.needs.stability is None or run.settings.learn.icc_filter is None:
        return None
    stability = pd.read_parquet(run.needs.stability / "stability.parquet")
    kept = stability.groupby(["part", "feature"], sort=True)["kept"].all()
    return {str(part): list(rows[rows].index.get_level_values("feature")) for part, rows in kept.groupby("part")}


def filter_effect(run: Run, asked: Question, parts: tuple[Part, ...], allowed: dict[str, list[str]]) -> pd.DataFrame:
    """What the reproducibility filter does: out-of-fold AUC of logistic regression with it and without it.

    Over the folds of the first seed. Returns target, icc, features (median offered to a fold), out_of_fold_auc,
    lower, upper; no icc means no filter.
    """
    folds = [part for part in parts if part.protocol == Protocol.CROSSFIT and part.seed == 0]
    everything = {part.name: list(asked.frame.values.columns) for part in folds}
    rows = []
    for icc, offered in ((run.settings.learn.icc_filter, allowed), (None, everything)):
        label = f"{asked.model} {'with' if icc else 'without'} the ICC filter"
        values = simple_values(run, asked, folds, label, offered)
        tables = [
            value.rename("value").rename_axis("patient_id").reset_index().assign(fold=part.fold, seed=part.seed)
            for part, value in zip(folds, values, strict=True)
        ]
        chains = pd.concat(tables, ignore_index=True)
        inside = chains["patient_id"].map(asked.sides) == Side.TRAIN
        known = chains[inside & chains["patient_id"].isin(asked.labels.index)]
        generator = rng(run.seed, "icc filter", asked.target)
        area = out_of_fold_area(known, asked.labels, generator, run.settings.evaluate.bootstrap)
        features = float(np.median([len(offered[part.name]) for part in folds]))
        rows.append((asked.target, icc, features, *area))
    return pd.DataFrame(rows, columns=["target", "icc", "features", "out_of_fold_auc", "lower", "upper"])


def write_rad_scores(run: Run, made: dict[str, SignatureTables]) -> None:
    """Path, error and Rad-score of the LASSO fitted on the whole training side (protocol paper), by target."""
    paths, errors, scores, lines = [], [], [], []
    for target, tables in made.items():
        folder = tables.parts.get(Protocol.PAPER.value)
        if folder is None or not (folder / "lasso_path.parquet").exists():
            continue
        paths.append(pd.read_parquet(folder / "lasso_path.parquet").assign(target=target))
        errors.append(pd.read_parquet(folder / "lasso_cv.parquet").assign(target=target))
        score = load_chain(folder / "chains").rad_score
        if score is not None and score.features:
            scores.append(score.table().assign(target=target))
            lines.append(rad_score_formula(score))
    for name, rows in (("lasso_path", paths), ("lasso_cv", errors), ("rad_score", scores)):
        if rows:
            pd.concat(rows, ignore_index=True).to_csv(run.folder / f"{name}.csv", index=False)
    if lines:
        (run.folder / "rad_score.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
