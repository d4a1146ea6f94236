"""External patients cross-fitted among themselves, and molecular subtypes: from the manifest to prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.engine import Pipeline, Result, Screen, open_study, resolve, run_pipeline
from dlr.settings import DceStudySettings, ReceptorStudySettings, StudySettings, SubtypeSettings
from dlr.stages.cohort import cohort
from dlr.stages.evaluate import evaluate
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.subtypes import subtypes
from dlr.study.cohort import read_cohort
from dlr.study.parts import study_parts
from dlr.study.prediction import predict_table
from dlr.tables import CUTOFFS, METRICS, PREDICTIONS, SUBTYPE_METRICS, SUBTYPES
from dlr.words import CHOSEN, Subtype
from tests.stages.setting_studies import keys_of
from tests.stages.small_study import bytes_of, edit_csv, targets_study
from tests.stages.test_every_setting_acts import leaves


class Settings(StudySettings):
    """Numbers-only studies with subtypes."""

    subtypes: SubtypeSettings = SubtypeSettings()


PIPELINE = Pipeline("with_subtypes", [cohort, radiomics, radiomics_model, evaluate, subtypes], Settings)
QUICK = (
    "cohort.target=[er, pr, her2, ki67]", "cohort.clinical=[age]", "cohort.external=[away]", "cohort.test_share=0",
    "learn.protocols=[crossfit, external_crossfit]", "learn.folds=2", "learn.seeds=1", "learn.algorithms=[logistic]",
    "learn.regressors=[ridge]", "learn.select=false", "learn.max_grid=1", "evaluate.bootstrap=100", "evaluate.splits=0",
)  # fmt: skip


def run(manifest: Path, out: str, *more: str) -> Result:
    settings = resolve(Settings, {}, [*QUICK, *more])
    features = manifest.parent / "features.csv"
    return run_pipeline(
        PIPELINE, manifest.parent / out, manifest, settings, features=features, screen=Screen(quiet=True)
    )


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 women, of whom every third comes from elsewhere; er and pr are known for all."""
    manifest = targets_study(tmp_path_factory.mktemp("external"), patients=100)

    def elsewhere(table: pd.DataFrame) -> None:
        table["cohort"] = ["away" if n % 3 == 0 else "here" for n in range(len(table))]
        table["er"] = [str((n // 2) % 2) for n in range(len(table))]
        table["pr"] = [str((n // 4) % 2) for n in range(len(table))]

    edit_csv(manifest, elsewhere)
    return manifest


@pytest.fixture(scope="module")
def study(manifest: Path) -> Result:
    return run(manifest, "runs")


def within(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["protocol"] == "external_crossfit"]


def test_each_external_patient_is_predicted_once_by_others_and_by_the_frozen_chains_as_before(study: Result) -> None:
    tables = read_cohort(study.folders["cohort"])
    external = sorted(tables.sides.index[tables.sides == "external"])
    rows = PREDICTIONS.read(study.folders["radiomics_model"])
    rows = rows[(rows["algorithm"] == CHOSEN) & (rows["target"] == "her2")]
    assert sorted(within(rows)["patient_id"]) == external and set(within(rows)["side"]) == {"external"}
    frozen = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "external")]
    assert sorted(frozen["patient_id"]) == sorted(external * 2), "by both chains of the training side"


def test_the_two_ways_are_told_apart_in_the_metrics(study: Result) -> None:
    metrics = METRICS.read(study.folders["evaluate"])
    metrics = metrics[(metrics["side"] == "external") & (metrics["subset"] == "all") & (metrics["algorithm"] == CHOSEN)]
    auc = metrics[(metrics["metric"] == "auc") & (metrics["target"] == "her2")].set_index("protocol")["method"]
    assert auc["external_crossfit"].startswith("out-of-fold, within fold and seed") and "DeLong" in auc["crossfit"]
    assert {"baseline_mae", "mae_gain"} <= set(within(metrics).loc[lambda t: t["target"] == "ki67", "metric"])
    cutoffs = CUTOFFS.read(study.folders["evaluate"])
    assert set(cutoffs["protocol"]) == {"crossfit", "external_crossfit"}


def test_noise_in_an_external_fold_leaves_every_chain_that_predicts_it_byte_equal(
    study: Result, manifest: Path, tmp_path: Path
) -> None:
    tables = read_cohort(study.folders["cohort"])
    parts = study_parts(tables.folds, ["external_crossfit"], tables.sides)
    noisy = tmp_path / manifest.name
    noisy.write_bytes(manifest.read_bytes())
    features = pd.read_csv(manifest.parent / "features.csv", dtype={"patient_id": str})
    held_out = features["patient_id"].isin(parts[0].predict)
    columns = features.columns[1:]
    features.loc[held_out, columns] = np.random.default_rng(1).normal(size=(int(held_out.sum()), len(columns)))
    features.to_csv(tmp_path / "features.csv", index=False)
    other = run(noisy, "runs")
    for target in ("her2", "ki67"):
        chains = [result.folders["radiomics_model"] / "chains" / target / "all" for result in (study, other)]
        equal = {
            part.name: bytes_of(chains[0] / part.name) == bytes_of(chains[1] / part.name)
            for part in study_parts(tables.folds, ["crossfit", "external_crossfit"], tables.sides)
        }
        assert equal == {
            "crossfit-s0-f0": True, "crossfit-s0-f1": True, "external_crossfit-s0-f0": True,
            "external_crossfit-s0-f1": False,
        }  # fmt: skip


def test_subtypes_are_called_on_every_side_that_has_a_cut_off_and_their_truth_is_the_manifests(study: Result) -> None:
    rows = SUBTYPES.read(study.folders["subtypes"])
    tables = read_cohort(study.folders["cohort"])
    counts = tables.sides.value_counts()
    assert rows.groupby(["protocol", "side", "role"]).size().to_dict() == {
        ("crossfit", "train", "out-of-fold"): counts["train"],
        ("crossfit", "external", "held-out"): counts["external"],
        ("external_crossfit", "external", "out-of-fold"): counts["external"],
    }
    assert set(rows["model"]) == {"Rad"} and Subtype.LUMINAL_A_OR_B not in set(rows["called"])
    for row in rows.itertuples():
        er, pr, her2, ki67 = (tables.labels(name)[row.patient_id] for name in ("er", "pr", "her2", "ki67"))
        luminal = "luminal B/HER2-positive" if her2 else "luminal A" if ki67 < 20 else "luminal B/HER2-negative"
        assert row.true == (luminal if er or pr else "HER2-enriched" if her2 else "triple negative")
    metrics = SUBTYPE_METRICS.read(study.folders["subtypes"])
    accuracy = metrics[(metrics["metric"] == "accuracy") & (metrics["protocol"] == "crossfit")].set_index("side")
    for side in ("train", "external"):
        own = rows[(rows["protocol"] == "crossfit") & (rows["side"] == side)]
        assert accuracy.loc[side, "value"] == (own["true"] == own["called"]).mean()


def test_new_patients_are_called_what_the_study_calls_them(study: Result, manifest: Path, tmp_path: Path) -> None:
    """External patients as new ones: the mean over the frozen chains, at the training side's cut-offs."""
    tables = read_cohort(study.folders["cohort"])
    new = pd.read_csv(manifest.parent / "features.csv", dtype={"patient_id": str})
    new[new["patient_id"].isin(tables.ids("external"))].to_csv(tmp_path / "new.csv", index=False)  # type: ignore[arg-type]
    found = predict_table(open_study(study.study), PIPELINE, study.settings, tmp_path / "new.csv").subtypes
    rows = SUBTYPES.read(study.folders["subtypes"])
    known = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "external")].set_index("patient_id")["called"]
    assert found.columns.tolist() == ["patient_id", "model", "variant", "protocol", "called", "rule"]
    assert set(found["protocol"]) == {"crossfit", "external_crossfit"}
    said = found[found["protocol"] == "crossfit"].set_index("patient_id")["called"]
    assert said.to_dict() == known.to_dict()


def test_the_rule_moves_the_key_and_what_is_called(study: Result, manifest: Path) -> None:
    before = keys_of(study.study)
    other = run(manifest, "runs", "subtypes.rule=st_gallen_2011")
    after = keys_of(other.study)
    assert before["evaluate"] == after["evaluate"] and before["subtypes"] != after["subtypes"]
    rows, earlier = SUBTYPES.read(study.folders["subtypes"]), SUBTYPES.read(other.folders["subtypes"])
    assert set(earlier["rule"]) == {"st_gallen_2011"}
    assert (rows["called"] != earlier["called"]).any() or (rows["true"] != earlier["true"]).any()
    assert set(leaves(DceStudySettings)) - set(leaves(ReceptorStudySettings)) == {"subtypes.rule"}


def test_the_stage_leaves_itself_out_where_a_receptor_is_no_target(manifest: Path) -> None:
    result = run(manifest, "runs", "cohort.target=[her2]")
    assert result.folders["subtypes"] is None
    assert "this study has no target er or pr" in result.left_out["subtypes"]
