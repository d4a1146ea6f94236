"""`dlr share`: what a study's maker hands on, as a folder or a .zip, and what it must never hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from dlr.cli import app
from dlr.study.sharing import _copy_table, _without, _without_folders
from tests.stages.small_study import feature_study, run_features


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/a/clinical.xlsx", "clinical.xlsx"),
        ("C:\\Users\\a\\clinical.xlsx", "clinical.xlsx"),
        ("\\\\server\\share\\x.csv", "x.csv"),
        ("~/x.csv", "x.csv"),
        ("images/P1.png", "images/P1.png"),
        ("deep.weights=/data/w.pt", "deep.weights=w.pt"),
        (
            "dlr run --manifest /data/m.csv --set 'learn.folds=[1, 2]'",
            "dlr run --manifest m.csv --set 'learn.folds=[1, 2]'",
        ),
        ('dlr run --manifest "$HOME"/us/m.csv', "dlr run --manifest m.csv"),
        ("mm/s", "mm/s"),
    ],
)
def test_a_path_becomes_a_name(text, shown):
    assert _without_folders({"a": [text]}) == {"a": [shown]}


def test_a_key_goes_wherever_it_stands():
    assert _without("example", {"sets": [{"example": {"age": 50}, "n": 1}], "example": 2}) == {"sets": [{"n": 1}]}


@pytest.mark.parametrize("column", ["patient_id", "case_id", "copy_of", "where", "image", "mask_reader1"])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_of_patients_keeps_its_header_alone(tmp_path: Path, column, ending):
    table = pd.DataFrame({column: ["secret"], "value": [0.5]})
    before, after = tmp_path / f"before{ending}", tmp_path / f"after{ending}"
    table.to_csv(before, index=False) if ending == ".csv" else table.to_parquet(before, index=False)
    _copy_table(before, after, with_patients=False)
    assert b"secret" not in after.read_bytes()
    kept = pd.read_csv(after) if ending == ".csv" else pd.read_parquet(after)
    assert list(kept.columns) == [column, "value"] and kept.empty
    _copy_table(before, after, with_patients=True)
    assert b"secret" in after.read_bytes()


def test_no_study_and_a_place_that_is_taken_are_said(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["share"])
    assert done.exit_code == 2 and "no study has run here" in done.stderr


@pytest.mark.slow
def test_a_shared_study_opens_predicts_and_names_no_patient(tmp_path: Path, monkeypatch):
    manifest = feature_study(tmp_path / "ours")
    run_features(manifest, tmp_path / "ours" / "runs" / "mine")
    monkeypatch.chdir(tmp_path / "ours")
    assert CliRunner().invoke(app, ["share", "runs/mine", "--out", "../a.zip"]).exit_code == 0
    assert CliRunner().invoke(app, ["share", "runs/mine", "--out", "../a"]).exit_code == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        there = {path.relative_to(tmp_path).as_posix(): path for path in (tmp_path / "a").rglob("*") if path.is_file()}
        assert set(packed.namelist()) == there.keys() and packed.testzip() is None
        assert all(packed.read(name) == path.read_bytes() for name, path in there.items())
    ids = pd.read_csv(manifest, dtype=str)["patient_id"]
    for path in there.values():
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not any(name in text for name in ids) and str(tmp_path) not in text, path
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert "AUC" in page and "holds no rows of patients" in page and "had nothing to write into cohort" not in page
    assert json.loads((tmp_path / "a" / "run.json").read_text())["manifest"] == "data_manifest.csv"
    new = pd.read_csv(manifest, dtype=str).drop(columns="her2").merge(
        pd.read_csv(manifest.parent / "features.csv", dtype=str), on="patient_id"
    )  # fmt: skip
    new.head(9).to_csv(tmp_path / "new.csv", index=False)
    for study, out in (("runs/mine", "ours.csv"), ("../a", "theirs.csv")):
        done = CliRunner().invoke(app, ["predict", study, "../new.csv", "--out", f"../{out}", "--jobs", "1"])
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()
    taken = CliRunner().invoke(app, ["share", "runs/mine", "--out", "../a"])
    assert taken.exit_code == 2 and "is there already" in taken.stderr
