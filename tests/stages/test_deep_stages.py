"""The deep branch of a study: its tables, new patients, fusion, and what is left out or refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from dlr.engine import Pipeline, Result, Study, open_study, read_yaml, resolve
from dlr.errors import InputError
from dlr.settings import StudySettings
from dlr.stages.attention import attention
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.fuse import fuse
from dlr.stages.fusion_model import fusion_model
from dlr.stages.radiomics import radiomics
from dlr.study.prediction import predict_table
from dlr.tables import PREDICTIONS
from dlr.words import signature
from tests.stages.small_study import bytes_of, run_stills, still_study

DEEP = Pipeline("her2_ultrasound", [cohort, radiomics, deep, attention, fuse, fusion_model], StudySettings)
NETWORKS = Pipeline("her2_ultrasound", [cohort, deep], StudySettings)
TUNED = (
    "deep.mode=fine_tune", "deep.backbone=resnet18", "deep.weights=none", "deep.input.size=32", "learn.folds=2",
    "learn.protocols=[crossfit]", "deep.training.epochs=2", "deep.training.device=cpu", "deep.training.batch_size=8",
)  # fmt: skip


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("frozen")
    manifest = still_study(folder, patients=30)
    return manifest, run_stills(manifest, folder / "runs" / "small", pipeline=DEEP)


@pytest.fixture(scope="module")
def opened(frozen: tuple[Path, Result]) -> Study:
    """The study as `dlr predict` finds it, before other tests run it with other settings."""
    return open_study(frozen[1].study)


@pytest.fixture(scope="module")
def tuned(frozen: tuple[Path, Result]) -> Result:
    manifest, _ = frozen
    return run_stills(manifest, manifest.parent / "runs" / "tuned", *TUNED, pipeline=DEEP)


def table(result: Result, stage: str, name: str = "predictions.parquet") -> pd.DataFrame:
    path = result.folders[stage] / name
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def sides_of(result: Result) -> pd.Series:
    """Side of every patient that is not excluded."""
    cases = table(result, "cohort", "cohort.parquet")
    return cases[cases["excluded"] == ""].drop_duplicates("patient_id").set_index("patient_id")["side"]


def test_predictions_hold_every_patient_under_both_protocols(frozen) -> None:
    _, result = frozen
    sides = sides_of(result)
    for stage, model in (("deep", "DL"), ("fusion_model", "DLR")):
        rows = table(result, stage)
        assert tuple(rows.columns) == PREDICTIONS.names and set(rows["model"]) == {model}
        chosen = rows[rows["algorithm"] == "chosen"]
        assert rows["value"].between(0, 1).all()
        counts = chosen[chosen["protocol"] == "crossfit"].groupby("patient_id").size()
        assert (counts[sides[counts.index] == "train"] == 1).all() and (
            counts[sides[counts.index] == "test"] == 3
        ).all()
        assert set(chosen.loc[chosen["protocol"] == "paper", "patient_id"]) == set(sides.index)


def test_tables_of_attention_and_fusion_are_as_declared(frozen) -> None:
    _, result = frozen
    columns = (
        "case_id", "target", "model", "variant", "seed", "fold", "layer", "scale", "region", "measure", "value",
        "null_value",
    )  # fmt: skip
    maps = table(result, "attention", "attention.csv")
    assert tuple(maps.columns) == columns and set(maps["measure"]) == {"energy", "pointing", "iou"}
    assert set(maps["variant"]) == {"outlines of other cases", "random weights"}
    pca = table(result, "fuse", "pca.csv")
    assert (pca.groupby("part")["explained"].sum() <= 1 + 1e-9).all() and {"component", "seed", "fold"} <= set(pca)
    shares = table(result, "fusion_model", "shares.csv")
    features = table(result, "radiomics", "features.parquet").shape[1] - 2
    assert shares[shares["step"] == "joined"].set_index("block")["count"]["Rad"] == features


@pytest.mark.slow
def test_the_deep_study_gives_the_same_bytes_again(frozen, tmp_path: Path) -> None:
    manifest, result = frozen
    again = run_stills(manifest, tmp_path / "again", pipeline=DEEP, jobs=2)
    for stage in ("deep", "attention", "fuse", "fusion_model"):
        first, second = (bytes_of(each.folders[stage]) for each in (result, again))
        assert first and [name for name in first if first[name] != second.get(name)] == []


def assert_new_patients_get(result: Result, study: Study, manifest: Path) -> None:
    """The test side's rows of the manifest, predicted as new patients, give the study's own values."""
    sides = sides_of(result)
    rows = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    new = manifest.parent / f"new_{study.folder.name}.csv"
    rows[rows["patient_id"].map(sides) == "test"].to_csv(new, index=False)
    settings = resolve(StudySettings, read_yaml(study.settings_file.read_text(encoding="utf-8"), "settings"))
    found = predict_table(study, DEEP, settings, new).probabilities
    for stage, model in (("deep", "DL"), ("fusion_model", "DLR")):
        stored = table(result, stage)
        own = signature(stored[stored["algorithm"] == "chosen"])
        own = own[own["side"] == "test"].set_index(["protocol", "patient_id"])["value"]
        given = found[found["model"] == model].set_index(["protocol", "patient_id"])["probability"]
        assert len(given) == len(own) > 0
        np.testing.assert_allclose(given.loc[own.index], own, atol=1e-9)


def test_new_patients_get_the_study_s_own_values(frozen, opened: Study) -> None:
    assert_new_patients_get(frozen[1], opened, frozen[0])


@pytest.mark.slow
def test_new_patients_go_through_fine_tuned_networks_too(frozen, tuned: Result) -> None:
    assert_new_patients_get(tuned, open_study(tuned.study), frozen[0])


def test_fine_tuning_stands_beside_its_frozen_baseline(tuned: Result) -> None:
    rows = table(tuned, "deep")
    assert set(rows["algorithm"]) == {"frozen resnet18", "fine-tuned resnet18", "chosen"}
    chosen, own = (rows[rows["algorithm"] == name]["value"].to_numpy() for name in ("chosen", "fine-tuned resnet18"))
    assert np.array_equal(chosen, own)
    curves = table(tuned, "deep", "curves.csv")
    assert {"model", "seed", "fold", "epoch", "part", "measure", "value"} <= set(curves)
    assert set(curves["part"]) == {"train", "validation"}
    assert not (tuned.study / "checkpoints").exists()


def test_embeddings_of_a_fold_are_its_own_network_s(tuned: Result) -> None:
    rows = table(tuned, "deep", "embeddings.parquet")
    both = rows.set_index(["case_id", "fold"])["e0000"].unstack()
    assert (both[0] != both[1]).all() and set(rows["role"]) == {"train", "held-out"}


def test_too_many_components_are_refused_with_the_largest_possible(frozen, opened: Study) -> None:
    manifest, result = frozen
    with pytest.raises(InputError, match=r"64 components need 65.*the largest possible is \d+"):
        run_stills(manifest, result.study, "fuse.n_components=64", pipeline=DEEP)


def test_a_share_of_variance_is_taken_too(frozen, opened: Study) -> None:
    manifest, result = frozen
    again = run_stills(manifest, result.study, "fuse.n_components=0.8", pipeline=DEEP)
    pca = table(again, "fuse", "pca.csv")
    assert (pca.groupby("part")["explained"].sum() >= 0.8 - 1e-9).all()


def test_several_backbones_are_chosen_among_inside_each_fold(frozen, opened: Study) -> None:
    manifest, result = frozen
    again = run_stills(
        manifest, result.study, "deep.backbone=[resnet18, efficientnet_lite0]", "deep.weights=none",
        "learn.folds=2", "learn.protocols=[crossfit]", "deep.input.size=32", pipeline=NETWORKS,
    )  # fmt: skip
    choices = table(again, "deep", "choices.csv")
    best = choices.loc[choices.groupby("part")["value"].idxmin()]
    assert best["chosen"].all() and choices["chosen"].sum() == choices["part"].nunique()
    algorithms = table(again, "deep", "algorithms.csv")
    assert (algorithms["n_tried"] == 2).all()


def test_weights_that_are_not_here_stop_the_study_before_the_long_work(frozen, tmp_path: Path, monkeypatch) -> None:
    manifest, _ = frozen
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match="efficientnet_lite0, whose weights are installed"):
        run_stills(manifest, tmp_path / "run", "deep.backbone=resnet50", pipeline=NETWORKS)


def test_without_the_extra_the_stages_leave_themselves_out(frozen, tmp_path: Path, monkeypatch) -> None:
    manifest, _ = frozen
    monkeypatch.setattr(sys.modules["dlr.stages.deep"], "missing_modules", lambda extra: ("timm",))
    result = run_stills(manifest, tmp_path / "run", pipeline=DEEP)
    assert result.left_out["deep"] == 'timm not installed: pip install "dlr[deep]"'
    assert {"attention", "fuse", "fusion_model"} <= set(result.left_out)


def test_origin_and_digest_of_the_weights_are_recorded(frozen) -> None:
    _, result = frozen
    about = json.loads((result.folders["deep"] / "deep.json").read_text(encoding="utf-8"))
    origin = about["backbones"]["efficientnet_lite0"]
    assert origin["weights"] == "imagenet" and len(origin["sha256"]) == 64 and "0.1.0" in origin["source"]
