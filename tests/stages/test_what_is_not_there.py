"""Studies in which a part is missing: the others go on, and what is missing says why."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dlr.engine import Result, open_study
from dlr.errors import InputError
from dlr.study.prediction import predict_table
from dlr.tables import METRICS
from tests.stages.small_study import TABLES_ONLY, edit_csv, feature_study, run_features, targets_study

QUICK = ("learn.algorithms=[logistic]", "learn.folds=2", "learn.inner_folds=2", "evaluate.splits=0",
         "combine.variables=[calcification]", "combine.bootstrap=0")  # fmt: skip


def models(result: Result) -> set[str]:
    return set(METRICS.read(result.folders["evaluate"])["model"])


def test_a_study_whose_combined_models_all_fail_is_evaluated_without_them(tmp_path: Path) -> None:
    manifest = feature_study(tmp_path, 60, 20, seed=1, signal=0.0)
    edit_csv(manifest, lambda table: table.__setitem__("calcification", "0"))
    for seed in (1, 2):
        result = run_features(manifest, tmp_path / f"run{seed}", *QUICK, "learn.protocols=[crossfit]", f"seed={seed}")
        assert {"Clinical", "Rad"} <= models(result)


@pytest.mark.parametrize("protocol", ["nested"])
def test_without_paper_and_crossfit_the_combined_model_is_left_out_with_its_reason(
    tmp_path: Path, protocol: str
) -> None:
    manifest = feature_study(tmp_path, 70, 20)
    result = run_features(manifest, tmp_path / "run", *QUICK, "learn.protocols=[nested]")
    assert result.folders["combine"] is None and result.folders["nomogram"] is None
    assert "her2: the Combined model is fitted under paper or crossfit" in result.left_out["combine"]
    assert models(result) == {"Clinical", "Rad"}


def test_of_per_cents_alone_the_combined_model_says_that_it_is_logistic(tmp_path: Path) -> None:
    manifest = targets_study(tmp_path, 70, 40)
    result = run_features(manifest, tmp_path / "run", *QUICK, "cohort.target=ki67", "learn.protocols=[crossfit]")
    assert result.left_out["combine"] == "ki67: the Combined model is logistic, and this target is in per cent"


def test_prediction_does_not_read_the_target(tmp_path: Path) -> None:
    manifest = targets_study(tmp_path, 70, 40)
    result = run_features(manifest, tmp_path / "run", *QUICK, "cohort.target=ki67", "learn.protocols=[crossfit]")
    ids = {"patient_id": str}
    new = pd.read_csv(manifest, dtype=ids).merge(pd.read_csv(tmp_path / "features.csv", dtype=ids), on="patient_id")
    new["ki67"] = new["ki67"].astype(str)
    new.loc[0, "ki67"] = "unknown"
    new.head(5).to_csv(tmp_path / "new.csv", index=False)
    found = predict_table(open_study(result.study), TABLES_ONLY, result.settings, tmp_path / "new.csv").probabilities
    assert set(found["target"]) == {"ki67"} and found["per_cent"].between(0, 100).all()


def test_a_variable_that_cannot_enter_is_named(tmp_path: Path) -> None:
    manifest = feature_study(tmp_path, 60, 20)
    named = "combine.variables=[her2, nothere, calcification]"
    result = run_features(manifest, tmp_path / "run", *QUICK, "learn.protocols=[crossfit]", named)
    said = " ".join(open_study(result.study).records["combine"]["warnings"])
    assert "her2 cannot enter the Combined model: it is a target of this study" in said
    assert "nothere cannot enter the Combined model: the study has no such clinical column" in said


@pytest.mark.parametrize(
    "wrong", ["combine.signature=Clinical", "combine.signature=Typo", "evaluate.primary=[Typo, Rad]"]
)
def test_a_model_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    manifest = feature_study(tmp_path, 60, 20)
    with pytest.raises(InputError, match="is no model"):
        run_features(manifest, tmp_path / "run", *QUICK, "learn.protocols=[crossfit]", wrong)
