"""The filter of stable features in a study: what it takes away, and what it does to the result."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.engine import Pipeline
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.stability import stability
from tests.stages.small_study import run_stills


def test_unstable_features_are_in_no_chain_and_the_filter_is_shown_beside_none(whole_study) -> None:
    _, result = whole_study
    table = pd.read_parquet(result.folders["stability"] / "stability.parquet")
    kept = table.groupby(["part", "feature"])["kept"].all()
    selection = pd.read_parquet(result.folders["radiomics_model"] / "selection.parquet")
    folds = selection[(selection["protocol"] == "crossfit") & (selection["seed"] == 0)]
    for fold, rows in folds.groupby("fold"):
        left = set(rows.loc[rows["step"] == "stability", "feature"])
        stable = kept[f"crossfit-s0-f{fold}"]
        assert set(stable.index[stable]) == set(rows["feature"]) - left and left
    effect = pd.read_csv(result.folders["radiomics_model"] / "icc_filter.csv")
    assert effect["icc"].iloc[0] == 0.75 and np.isnan(effect["icc"].iloc[1])
    offered, everything = effect["features"]
    by_part = kept.groupby("part").sum()
    assert offered == by_part[by_part.index.str.startswith("crossfit-s0-")].median()
    features = pd.read_parquet(result.folders["radiomics"] / "features.parquet")
    assert everything == features.shape[1] - 2 > offered
    areas = effect[["lower", "out_of_fold_auc", "upper"]].to_numpy()
    assert (np.diff(areas, axis=1) >= 0).all()


def test_the_filtered_chain_shown_is_the_study_s_own(whole_study) -> None:
    _, result = whole_study  # of one seed
    effect = pd.read_csv(result.folders["radiomics_model"] / "icc_filter.csv")
    algorithms = pd.read_csv(result.folders["radiomics_model"] / "algorithms.csv").set_index("algorithm")
    assert abs(effect["out_of_fold_auc"].iloc[0] - algorithms["out_of_fold"]["logistic"]) < 1e-12


def test_the_icc_that_is_asked_for_is_the_one_that_chooses(whole_study, tmp_path) -> None:
    """learn.icc_filter moves what is kept, what learners are offered and what is printed, all alike."""
    manifest, result = whole_study
    few = Pipeline("her2_ultrasound", [cohort, radiomics, stability, radiomics_model], StudySettings)
    strict = run_stills(manifest, tmp_path / "strict", "learn.icc_filter=0.95", pipeline=few)
    table = pd.read_parquet(strict.folders["stability"] / "stability.parquet")
    assert (table["kept"] == (table["icc"] >= 0.95)).all()
    before = pd.read_parquet(result.folders["stability"] / "stability.parquet")
    assert table["kept"].sum() < before["kept"].sum()
    effect = pd.read_csv(strict.folders["radiomics_model"] / "icc_filter.csv")
    assert effect["icc"].iloc[0] == 0.95
    kept = table[table["part"].str.startswith("crossfit-s0-")].groupby(["part", "feature"])["kept"].all()
    assert effect["features"].iloc[0] == kept.groupby("part").sum().median()
