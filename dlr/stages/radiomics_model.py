"""Stage radiomics_model: from all features to the Rad signature, under every protocol asked for."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.learn import load_chain, rad_score_formula, selection_frequency
from dlr.stages.algorithms import algorithm_table
from dlr.stages.parts import study_parts
from dlr.stages.signatures import Question, SignatureTables, fit_signature, patient_frame, split_areas
from dlr.stages.tables import read_cohort, write_table
from dlr.words import SELECTION_COLUMNS, Model, Protocol

__all__ = ["radiomics_model"]


@stage(
    "radiomics_model",
    version=2,
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
    splits = []
    for target in tables.targets:
        asked = Question(target, Model.RAD.value, frame, tables.labels(target), tables.sides, select=True)
        made[target] = fit_signature(run, asked, parts, allowed)
        splits.append(split_areas(run, asked, run.settings.cohort.test_share, run.settings.evaluate.splits))
    predictions = pd.concat([m.predictions for m in made.values()], ignore_index=True)
    selection = pd.concat([m.selection for m in made.values()], ignore_index=True)
    write_table(predictions, run.folder, "predictions")
    selection[list(SELECTION_COLUMNS)].to_parquet(run.folder / "selection.parquet", index=False)
    pd.concat([m.choices for m in made.values()], ignore_index=True).to_csv(run.folder / "choices.csv", index=False)
    selection_frequency(selection[selection["protocol"] == Protocol.CROSSFIT]).to_csv(
        run.folder / "selection_frequency.csv", index=False
    )
    labels = {target: tables.labels(target) for target in tables.targets}
    algorithm_table(predictions, labels, run.seed, run.settings.evaluate.bootstrap).to_csv(
        run.folder / "algorithms.csv", index=False
    )
    pd.concat(splits, ignore_index=True).to_csv(run.folder / "splits.csv", index=False)
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
