"""What each protocol's tables say of a whole study of numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlr.engine import Result
from dlr.stats import auc, youden
from dlr.tables import LOOKS, METRICS, PREDICTIONS
from dlr.words import CHOSEN, signature
from tests.stages.small_study import feature_study, run_features


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("protocols")
    manifest = feature_study(folder)
    return run_features(manifest, folder / "runs", "learn.protocols=[paper, crossfit, nested]")


@pytest.fixture(scope="module")
def predictions(study: Result) -> pd.DataFrame:
    return pd.read_parquet(study.folders["radiomics_model"] / "predictions.parquet")


@pytest.fixture(scope="module")
def metrics(study: Result) -> pd.DataFrame:
    table = pd.read_csv(study.folders["evaluate"] / "metrics.csv", keep_default_na=False)
    return table[table["algorithm"] == CHOSEN].astype({"value": float}, errors="ignore")


def one(metrics: pd.DataFrame, **names: str) -> pd.Series:
    rows = metrics
    for column, value in {"variant": "", "subset": "all", **names}.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, rows
    return rows.iloc[0]


def test_predictions_have_the_fixed_columns(predictions: pd.DataFrame) -> None:
    assert tuple(predictions.columns) == PREDICTIONS.names


def test_every_training_patient_is_out_of_fold_once_a_seed(predictions: pd.DataFrame) -> None:
    rows = predictions[(predictions["protocol"] == "crossfit") & (predictions["algorithm"] == CHOSEN)]
    train = rows[rows["side"] == "train"]
    assert (train.groupby(["patient_id", "seed"]).size() == 1).all()
    test = rows[rows["side"] == "test"]
    assert (test.groupby("patient_id").size() == 3).all(), "K x S chains predict every test patient"


def test_under_nested_everybody_is_held_out_once(predictions: pd.DataFrame, study: Result) -> None:
    rows = predictions[(predictions["protocol"] == "nested") & (predictions["algorithm"] == CHOSEN)]
    cohort = pd.read_parquet(study.folders["cohort"] / "cohort.parquet")
    assert sorted(rows["patient_id"]) == sorted(cohort["patient_id"])
    assert set(rows["side"]) == {"test"}


def test_nested_values_are_out_of_fold_values(metrics: pd.DataFrame) -> None:
    row = one(metrics, model="Rad", protocol="nested", side="test", metric="auc")
    assert row["method"].startswith("out-of-fold")
    assert np.isfinite(float(row["lower"]))


def test_the_test_auc_is_delongs_of_the_mean_logit(
    metrics: pd.DataFrame, predictions: pd.DataFrame, study: Result
) -> None:
    rows = signature(predictions)
    rows = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "test") & (rows["algorithm"] == CHOSEN)]
    cohort = pd.read_parquet(study.folders["cohort"] / "cohort.parquet").set_index("patient_id")
    expected = auc(cohort.loc[rows["patient_id"], "her2"].to_numpy() == 1, rows["value"].to_numpy())
    row = one(metrics, model="Rad", protocol="crossfit", side="test", metric="auc")
    assert float(row["value"]) == pytest.approx(expected.value, abs=1e-12)
    assert float(row["lower"]) == pytest.approx(expected.lower, abs=1e-12)


def test_the_cut_off_comes_from_training_patients(predictions: pd.DataFrame, study: Result) -> None:
    rows = signature(predictions)
    rows = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "train") & (rows["algorithm"] == CHOSEN)]
    cohort = pd.read_parquet(study.folders["cohort"] / "cohort.parquet").set_index("patient_id")
    expected = youden(cohort.loc[rows["patient_id"], "her2"].to_numpy() == 1, rows["value"].to_numpy())
    cutoffs = pd.read_csv(study.folders["evaluate"] / "cutoffs.csv", keep_default_na=False)
    row = cutoffs[(cutoffs["model"] == "Rad") & (cutoffs["protocol"] == "crossfit")].iloc[0]
    assert float(row["cutoff"]) == pytest.approx(expected.value, abs=1e-12)


def test_metrics_have_the_fixed_columns(study: Result) -> None:
    table = pd.read_csv(study.folders["evaluate"] / "metrics.csv")
    assert tuple(table.columns) == METRICS.names


def test_no_p_is_printed_for_out_of_fold_differences(study: Result) -> None:
    table = pd.read_csv(study.folders["evaluate"] / "comparisons.csv")
    out_of_fold = table[table["method"].str.startswith("out-of-fold")]
    assert len(out_of_fold) and out_of_fold["p"].isna().all()
    held_out = table[(table["side"] == "test") & (table["protocol"] == "crossfit")]
    assert len(held_out) and held_out["p"].notna().all()


def test_apparent_values_are_named_apparent(metrics: pd.DataFrame) -> None:
    row = one(metrics, model="Rad", protocol="paper", side="train", metric="auc")
    assert row["method"].startswith("apparent")


def test_a_look_counts_every_patient_whose_test_value_was_seen(study: Result, predictions: pd.DataFrame) -> None:
    """Under nested everybody is a test patient once."""
    seen = predictions[(predictions["side"] == "test") & (predictions["protocol"] == "nested")]["patient_id"].nunique()
    assert LOOKS.read(study.folders["evaluate"])["patients"].tolist() == [seen] == [90]


def test_the_study_goes_without_images_and_says_what_it_leaves_out(study: Result) -> None:
    assert study.folders["stability"] is None
    assert "feature table" in study.left_out["stability"]
