"""Adding a model takes one file (tests/stages/toy_model.py), its settings class and one line in a pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.engine import Pipeline, Result, Screen, open_study, resolve, run_pipeline
from dlr.settings import StudySettings
from dlr.stages.report import report
from dlr.study.combined import read_sets
from dlr.study.prediction import predict_table
from dlr.tables import COMPARISONS, CUTOFFS, METRICS, OPTIMISM_GAP, PREDICTIONS
from dlr.words import signature
from tests.stages.small_study import SMALL, TABLES_ONLY, feature_study
from tests.stages.toy_model import TOY, ToySettings, toy


class ToyStudySettings(StudySettings):
    toy: ToySettings = ToySettings()


def with_toy() -> Pipeline:
    """The tables-only pipeline, with the one line more."""
    stages = list(TABLES_ONLY.stages)
    stages.insert(TABLES_ONLY.names.index("combine"), toy)
    return Pipeline("her2_ultrasound", [*stages, report], ToyStudySettings)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("toy")
    manifest = feature_study(folder)
    settings = resolve(ToyStudySettings, {}, [*SMALL, "combine.signature=Toy"])
    features = manifest.parent / "features.csv"
    return manifest, run_pipeline(
        with_toy(), folder / "runs", manifest, settings, features=features, screen=Screen(quiet=True)
    )


@pytest.mark.slow
def test_it_is_evaluated_on_every_side_with_its_cut_off(study: tuple[Path, Result]) -> None:
    _, result = study
    metrics = METRICS.read(result.folders["evaluate"])
    own = metrics[metrics["model"] == TOY.name]
    assert {"auc", "brier", "calibration_slope", "sensitivity"} <= set(own["metric"])
    assert {("paper", "train"), ("crossfit", "train"), ("crossfit", "test")} <= set(
        zip(own["protocol"], own["side"], strict=True)
    )
    assert TOY.name in set(CUTOFFS.read(result.folders["evaluate"])["model"])
    assert TOY.name in set(OPTIMISM_GAP.read(result.folders["evaluate"])["model"])
    comparisons = COMPARISONS.read(result.folders["evaluate"])
    assert TOY.name in {*comparisons["model_a"], *comparisons["model_b"]}


@pytest.mark.slow
def test_it_is_combined_where_it_is_admissible_and_first_where_it_was_named(study: tuple[Path, Result]) -> None:
    _, result = study
    sets = read_sets(result.folders["combine"])
    signatures = [s.model.candidates.signatures for s in sets if s.protocol == "crossfit" and not s.variant]
    assert ("Toy",) in signatures and ("Rad",) in signatures
    assert not any({"Toy", "Rad"} <= set(names) for names in signatures), "two image signatures in one model"
    assert all("Toy" in s.model.candidates.signatures for s in sets if s.primary)


@pytest.mark.slow
def test_it_is_reported_by_its_name_and_words(study: tuple[Path, Result]) -> None:
    _, result = study
    page = (result.folders["report"] / "report.html").read_text(encoding="utf-8")
    assert page.count(">Toy") > 3
    table = pd.read_csv(result.folders["report"] / "tables" / "models_her2.csv")
    assert TOY.name in set(table["model"])


@pytest.mark.slow
def test_it_is_predicted_by_the_code_that_served_the_test_side(study: tuple[Path, Result], tmp_path: Path) -> None:
    manifest, result = study
    sides = pd.read_parquet(result.folders["cohort"] / "cohort.parquet").set_index("patient_id")["side"]
    ids = {"patient_id": str}
    new = pd.read_csv(manifest, dtype=ids).drop(columns="her2")
    new = new.merge(pd.read_csv(manifest.parent / "features.csv", dtype=ids), on="patient_id")
    new[new["patient_id"].map(sides).eq("test")].to_csv(tmp_path / "new.csv", index=False)
    opened = open_study(result.study)
    found = predict_table(opened, with_toy(), result.settings, tmp_path / "new.csv").probabilities
    for stage, model in (("toy", "Toy"), ("combine", "Combined")):
        stored = signature(PREDICTIONS.read(result.folders[stage]))
        both = stored[stored["side"] == "test"].merge(
            found[found["model"] == model], on=["patient_id", "target", "model", "variant", "protocol"]
        )
        assert len(both) == (stored["side"] == "test").sum() > 0
        assert np.abs(both["value"] - both["probability"]).max() < 1e-9


@pytest.mark.slow
def test_its_setting_moves_its_key_and_nobody_elses(study: tuple[Path, Result]) -> None:
    manifest, result = study
    settings = resolve(ToyStudySettings, {}, [*SMALL, "combine.signature=Toy", "toy.steepness=2"])
    again = run_pipeline(
        with_toy(), result.study, manifest, settings, features=manifest.parent / "features.csv", until="toy",
        screen=Screen(quiet=True),
    )  # fmt: skip
    states = {outcome.stage: outcome.state for outcome in again.outcomes}
    assert states["toy"] == "computed" and states["radiomics_model"] == "cached"
    chains = [json.loads(p.read_text())["slope"] for p in sorted(again.folders["toy"].rglob("toy.json"))]
    before = [json.loads(p.read_text())["slope"] for p in sorted(result.folders["toy"].rglob("toy.json"))]
    assert np.allclose(np.array(chains), 2 * np.array(before))
