"""Held-out patients cannot matter: with sides and folds held fixed, their noise leaves everything fitted byte-equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.stages.permutations import permutations
from tests.stages.small_study import TABLES_ONLY, bytes_of, feature_study, run_features

STUDY = replace(TABLES_ONLY, stages=(*TABLES_ONLY.stages, permutations))
SHUFFLED = "evaluate.permutations=1"


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, object]:
    """The same study twice: the second with the test side's labels, features and clinical values turned into noise."""
    folder = tmp_path_factory.mktemp("scrambled")
    manifest = feature_study(folder / "plain")
    first = run_features(manifest, folder / "plain" / "runs")
    sides = pd.read_parquet(first.folders["cohort"] / "cohort.parquet").set_index("patient_id")["side"]
    noisy = feature_study(folder / "noisy")
    table = pd.read_csv(noisy, dtype={"patient_id": str}).set_index("patient_id")
    features = pd.read_csv(noisy.parent / "features.csv", dtype={"patient_id": str}).set_index("patient_id")
    generator = np.random.default_rng(0)
    test = sides.index[sides == "test"]
    table.loc[test, "her2"] = generator.permutation(1 - table.loc[test, "her2"].to_numpy())
    for name in ("age", "ki67", "cea"):
        table.loc[test, name] = generator.integers(20, 90, len(test)).astype(table[name].dtype)
    features.loc[test] = generator.normal(0, 1e3, (len(test), features.shape[1]))
    table["side"] = sides
    table.reset_index().to_csv(noisy, index=False)
    features.reset_index().to_csv(noisy.parent / "features.csv", index=False)
    plain = pd.read_csv(manifest, dtype={"patient_id": str}).assign(side=sides.to_numpy())
    plain.to_csv(manifest, index=False)
    return (
        run_features(manifest, folder / "plain" / "runs2", SHUFFLED, pipeline=STUDY),
        run_features(noisy, folder / "noisy" / "runs", SHUFFLED, pipeline=STUDY),
    )


@pytest.mark.parametrize("stage", ["clinical", "radiomics_model"])
def test_scrambled_test_side_leaves_every_chain_byte_equal(studies, stage: str) -> None:
    first, second = studies
    a, b = (bytes_of(study.folders[stage] / "chains") for study in (first, second))
    assert a and a == b


def test_scrambled_test_side_leaves_selection_cutoffs_and_shuffles_equal(studies) -> None:
    first, second = studies
    files = {"radiomics_model": "selection.parquet", "evaluate": "cutoffs.csv", "permutations": "permutations.csv"}
    for stage, name in files.items():
        a, b = ((study.folders[stage] / name).read_bytes() for study in (first, second))
        assert a == b, name


def test_scrambled_test_side_leaves_the_combined_model_equal(studies) -> None:
    first, second = studies
    a, b = ((study.folders["combine"] / "combined_model.json").read_bytes() for study in (first, second))
    assert a == b


def test_scrambled_test_side_changes_the_test_predictions(studies) -> None:
    """The check above can fail: the noise did reach the study."""
    first, second = studies
    a, b = (pd.read_parquet(study.folders["radiomics_model"] / "predictions.parquet") for study in (first, second))
    train = a["side"] == "train"
    assert a[train].equals(b[train])
    assert not a[~train].equals(b[~train])


def test_scrambled_fold_leaves_that_folds_chain_byte_equal(studies, tmp_path: Path) -> None:
    first, _ = studies
    manifest = feature_study(tmp_path)
    sides = pd.read_parquet(first.folders["cohort"] / "cohort.parquet").set_index("patient_id")["side"]
    folds = pd.read_parquet(first.folders["cohort"] / "folds.parquet")
    held_out = list(folds.loc[(folds["seed"] == 0) & (folds["fold"] == 1), "patient_id"])
    features = pd.read_csv(manifest.parent / "features.csv", dtype={"patient_id": str}).set_index("patient_id")
    features.loc[held_out] = np.random.default_rng(1).normal(0, 50, (len(held_out), features.shape[1]))
    features.reset_index().to_csv(manifest.parent / "features.csv", index=False)
    pd.read_csv(manifest, dtype={"patient_id": str}).assign(side=sides.to_numpy()).to_csv(manifest, index=False)
    second = run_features(manifest, tmp_path / "runs")
    inside = "chains/her2/all/crossfit-s0-f1"
    a, b = (bytes_of(study.folders["radiomics_model"] / inside) for study in (first, second))
    assert a and a == b
    other = "chains/her2/all/crossfit-s0-f0"
    a, b = (bytes_of(study.folders["radiomics_model"] / other) for study in (first, second))
    assert a != b
