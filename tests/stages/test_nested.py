"""Stage nested in a study: an honest value of Combined beside the stacked one, asked for by combine.inner."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from dlr.engine import Pipeline, Result
from dlr.settings import StudySettings
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.evaluate import evaluate
from dlr.stages.nested import nested, why_none
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.tables import COMPARISONS, METRICS, NET_BENEFIT, PREDICTIONS
from tests.stages.small_study import bytes_of, feature_study, run_features, run_stills, still_study
from tests.study.hand_made import HER2

PIPELINE = Pipeline(
    "her2_ultrasound", (cohort, radiomics, clinical, radiomics_model, combine, nested, evaluate), StudySettings
)
QUICK = (
    "learn.protocols=[crossfit, nested]", "learn.algorithms=[logistic]", "learn.max_grid=2", "learn.inner_folds=2",
    "learn.lasso_folds=3", "learn.folds=2", "cohort.clinical=[age, er]", "combine.variables=[er, age]",
    "evaluate.splits=0",
)  # fmt: skip


def run(folder: Path, *more: str, jobs: int = 1) -> Result:
    return run_features(
        folder / "data_manifest.csv", folder / "runs" / "a", *QUICK, *more, pipeline=PIPELINE, jobs=jobs
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("nested")
    feature_study(folder, patients=54, features=8, signal=3.0)
    return folder, run(folder, "combine.inner=true")


def test_combined_stands_beside_its_parts_on_patients_held_out_once(made) -> None:
    _, result = made
    rows = PREDICTIONS.read(result.folders["nested"])
    others = PREDICTIONS.read(result.folders["radiomics_model"])
    others = others[(others["protocol"] == "nested") & (others["algorithm"] == "chosen")]
    assert set(rows["model"]) == {"Combined"} and set(rows["protocol"]) == {"nested"} and set(rows["side"]) == {"test"}
    for _, own in rows.groupby("variant"):
        keys = ["patient_id", "seed", "fold"]
        assert not own.duplicated(keys).any() and set(map(tuple, own[keys].to_numpy())) == set(
            map(tuple, others[keys].to_numpy())
        )


def test_it_is_evaluated_as_an_honest_value_beside_the_stacked_one(made) -> None:
    _, result = made
    table = METRICS.read(result.folders["evaluate"])
    own = table[(table["model"] == "Combined") & (table["variant"] == "") & (table["subset"] == "all")]
    roles = own[own["metric"] == "auc"].set_index(["protocol", "side"])["role"].to_dict()
    assert roles == {
        ("crossfit", "train"): "stacked, optimistic", ("crossfit", "test"): "held-out",
        ("nested", "test"): "out-of-fold",
    }  # fmt: skip
    nested_rows = own[own["protocol"] == "nested"].set_index("metric")
    assert nested_rows.at["auc", "method"].startswith("out-of-fold, ") and nested_rows.at["auc", "value"] > 0.6
    assert "cut-offs chosen on the other folds" in nested_rows.at["sensitivity", "method"]
    compared = COMPARISONS.read(result.folders["evaluate"])
    pair = compared[(compared["protocol"] == "nested") & (compared["model_a"] == "Combined")]
    assert "Clinical" in set(pair["model_b"]) and pair["p"].isna().all()
    benefit = NET_BENEFIT.read(result.folders["evaluate"])
    assert len(benefit[(benefit["model"] == "Combined") & (benefit["protocol"] == "nested")])


def test_unasked_or_without_outer_folds_there_is_none() -> None:
    def why(inner: bool, protocols: list[str], targets: int) -> str:
        settings = SimpleNamespace(combine=SimpleNamespace(inner=inner), learn=SimpleNamespace(protocols=protocols))
        return why_none(SimpleNamespace(settings=settings), SimpleNamespace(binary_targets=targets * [HER2]))

    assert why(False, ["crossfit", "nested"], 1) == "combine.inner is false"
    assert "learn.protocols does not name nested" in why(True, ["crossfit"], 1)
    assert "no target is of two classes" in why(True, ["nested"], 0)
    assert why(True, ["nested"], 1) == ""


@pytest.mark.slow
def test_the_same_bytes_on_two_workers_and_nothing_is_fitted_twice(made, tmp_path: Path) -> None:
    folder, result = made
    again = run(folder, "combine.inner=true", "evaluate.bootstrap=101")
    assert again["nested"].computed == 0
    feature_study(tmp_path, patients=54, features=8, signal=3.0)
    other = run(tmp_path, "combine.inner=true", jobs=2)
    assert bytes_of(other.folders["nested"]) == bytes_of(result.folders["nested"])


@pytest.mark.slow
def test_a_study_of_stills_has_it_by_radiomics_and_deep_components(tmp_path: Path) -> None:
    manifest = still_study(tmp_path)
    settings = (*QUICK, "cohort.clinical=[er, calcification]", "combine.variables=[er]", "combine.inner=true")
    result = run_stills(manifest, tmp_path / "runs" / "a", *settings)
    rows = PREDICTIONS.read(result.folders["nested"])
    assert set(rows["variant"]) == {"", "before biopsy"} or set(rows["variant"]) == {""}
    metrics = METRICS.read(result.folders["evaluate"])
    own = metrics[(metrics["metric"] == "auc") & (metrics["protocol"] == "nested") & (metrics["algorithm"] == "chosen")]
    assert {"Clinical", "Rad", "DL", "DLR", "Combined"} <= set(own["model"])
    assert pd.notna(own["value"]).all()
