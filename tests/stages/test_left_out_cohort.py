"""A study by the protocol that leaves a whole cohort out: from the manifest to its metrics."""

from __future__ import annotations

import pandas as pd
import pytest

import dlr.report
from dlr.engine import Pipeline, Result
from dlr.settings import StudySettings
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.evaluate import evaluate
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.report import report
from dlr.study.signatures import saved_chains
from dlr.tables import METRICS, NOTES, PREDICTIONS
from dlr.words import CHOSEN
from tests.stages.small_study import SEVERAL, edit_csv, feature_study, run_features, targets_study

REPORTED = Pipeline(
    name="her2_ultrasound",
    settings=StudySettings,
    stages=[cohort, radiomics, clinical, radiomics_model, evaluate, report],
)


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


def test_a_cohort_has_its_area_from_two_patients_of_a_class_on(study: Result) -> None:
    table = pd.read_parquet(study.folders["cohort"] / "cohort.parquet")
    metrics = pd.read_csv(study.folders["evaluate"] / "metrics.csv", keep_default_na=False)
    own = metrics[(metrics["protocol"] == "crossfit") & (metrics["model"] == "Rad") & (metrics["algorithm"] == CHOSEN)]
    areas = own[own["metric"] == "auc"].set_index(["side", "subset"])["n"].astype(int).to_dict()
    expected = table["side"].value_counts().rename(lambda side: (side, "all")).to_dict()
    for (side, name), rows in table.groupby(["side", "cohort"]):
        if min((rows["her2"] == 1).sum(), (rows["her2"] == 0).sum()) >= 2:
            expected[side, f"cohort={name}"] = len(rows)
    assert areas == expected and len(areas) > 2
    looks = pd.read_csv(study.folders["evaluate"] / "looks.csv")
    assert looks["patients"].tolist() == [90], "everybody, of the protocol that leaves a cohort out"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Three targets of two hospitals, one of which knows no er; the first section of the report."""
    folder = tmp_path_factory.mktemp("several")
    manifest = targets_study(folder, patients=100)

    def of_two_hospitals(table: pd.DataFrame) -> None:
        table["cohort"] = [("east", "west")[n // 2 % 2] for n in range(len(table))]
        table.loc[table["cohort"] == "east", "er"] = ""

    edit_csv(manifest, of_two_hospitals)
    few = (
        "learn.algorithms=[logistic]",
        "cohort.clinical=[age]",
        "learn.lasso_folds=3",
        "learn.regressors=[ridge]",
        "evaluate.splits=0",
    )
    protocols = "learn.protocols=[crossfit, leave_one_cohort_out]"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dlr.report, "contents", lambda sources: ["answer"])
        return run_features(manifest, folder / "runs", SEVERAL, protocols, *few, pipeline=REPORTED)


def test_a_target_that_one_hospital_alone_knows_is_said_and_not_fitted_without_it(several: Result) -> None:
    notes = NOTES.read(several.folders["cohort"])
    said = notes.loc[notes["where"] == "leave_one_cohort_out, er", "what"].tolist()
    assert [line.split(":")[0] for line in said] == [
        "nobody of cohort east has a known er",
        "not fitted without cohort west",
    ]
    home = several.folders["radiomics_model"]
    left_out = [saved for saved in saved_chains(home) if saved.part.protocol == "leave_one_cohort_out"]
    assert sorted((saved.target, saved.part.outer) for saved in left_out) == [
        ("er", 0), ("her2", 0), ("her2", 1), ("ki67", 0), ("ki67", 1),
    ]  # fmt: skip
    rows = PREDICTIONS.read(home)
    rows = rows[(rows["protocol"] == "leave_one_cohort_out") & (rows["algorithm"] == CHOSEN)]
    assert rows.groupby("target").size().to_dict() == {"er": 50, "her2": 100, "ki67": 100}


def test_the_other_targets_are_judged_without_each_hospital_and_the_report_is_written(several: Result) -> None:
    metrics = METRICS.read(several.folders["evaluate"])
    left_out = metrics[(metrics["protocol"] == "leave_one_cohort_out") & (metrics["model"] == "Rad")]
    assert set(left_out["target"]) >= {"her2", "ki67"} and "er" not in set(left_out["target"])
    page = (several.folders["report"] / "report.html").read_text(encoding="utf-8")
    assert "left-out cohort" in page.lower()
