"""A study by the protocol that leaves a whole cohort out: from the manifest to its metrics."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.engine import Result
from dlr.words import CHOSEN
from tests.stages.small_study import edit_csv, feature_study, run_features


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("left_out")
    manifest = feature_study(folder)

    def of_three_hospitals(table: pd.DataFrame) -> None:
        table["cohort"] = [("east", "north", "west")[n % 3] for n in range(len(table))]

    edit_csv(manifest, of_three_hospitals)
    return run_features(manifest, folder / "runs", "learn.protocols=[crossfit, leave_one_cohort_out]")


def test_each_patient_is_predicted_once_by_the_chain_that_left_its_cohort_out(study: Result) -> None:
    cohort = pd.read_parquet(study.folders["cohort"] / "cohort.parquet").set_index("patient_id")["cohort"]
    rows = pd.read_parquet(study.folders["radiomics_model"] / "predictions.parquet")
    rows = rows[(rows["protocol"] == "leave_one_cohort_out") & (rows["algorithm"] == CHOSEN)]
    assert sorted(rows["patient_id"]) == sorted(cohort.index) and set(rows["side"]) == {"test"}
    assert rows.groupby("fold")["patient_id"].agg(lambda ids: set(cohort[ids])).tolist() == [
        {"east"},
        {"north"},
        {"west"},
    ]


def test_its_values_stand_in_the_metrics_as_out_of_fold(study: Result) -> None:
    metrics = pd.read_csv(study.folders["evaluate"] / "metrics.csv", keep_default_na=False)
    row = metrics[
        (metrics["protocol"] == "leave_one_cohort_out")
        & (metrics["model"] == "Rad")
        & (metrics["algorithm"] == CHOSEN)
        & (metrics["subset"] == "all")
        & (metrics["metric"] == "auc")
    ]
    assert len(row) == 1 and row.iloc[0]["method"].startswith("out-of-fold") and int(row.iloc[0]["n"]) == 90


def test_a_cohort_has_rows_of_its_own_from_five_patients_of_a_class_on(study: Result) -> None:
    table = pd.read_parquet(study.folders["cohort"] / "cohort.parquet")
    metrics = pd.read_csv(study.folders["evaluate"] / "metrics.csv", keep_default_na=False)
    own = metrics[(metrics["protocol"] == "crossfit") & (metrics["model"] == "Rad") & (metrics["algorithm"] == CHOSEN)]
    areas = own[own["metric"] == "auc"].set_index(["side", "subset"])["n"].astype(int).to_dict()
    expected = table["side"].value_counts().rename(lambda side: (side, "all")).to_dict()
    for (side, cohort), rows in table.groupby(["side", "cohort"]):
        if min((rows["her2"] == 1).sum(), (rows["her2"] == 0).sum()) >= 5:
            expected[side, f"cohort={cohort}"] = len(rows)
    assert areas == expected and len(areas) > 2
    looks = pd.read_csv(study.folders["evaluate"] / "looks.csv")
    assert looks["patients"].tolist() == [90], "everybody, of the protocol that leaves a cohort out"
