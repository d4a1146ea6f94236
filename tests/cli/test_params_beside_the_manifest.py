"""A params.yaml beside the manifest is used without --params, and said so; what `dlr init` drafts runs as it is."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from launching import dlr_
from PIL import Image

SAID = "params.yaml, beside the manifest"


def total(folder: Path, study: str = "toy") -> str:
    return (folder / "runs" / study / "total.txt").read_text()


def test_run_takes_params_yaml_beside_the_manifest_and_says_so(folder, tmp_path, monkeypatch):
    (folder / "params.yaml").write_text("square: {power: 3}\n")
    said = dlr_("run", "toy", "-j", "1")
    assert total(folder) == "36\n"
    assert said.stderr.count(SAID) == 1
    assert str(folder / "params.yaml") in said.stderr
    monkeypatch.chdir(tmp_path)  # beside the manifest, wherever the shell is
    assert dlr_("run", "toy", "-j", "1", "--manifest", "my study/data_manifest.csv").exit_code == 0
    assert total(tmp_path) == "36\n"


def test_without_such_a_file_nothing_is_said(folder):
    assert "beside the manifest" not in dlr_("run", "toy", "-j", "1").stderr


def test_params_given_win_over_the_file_beside_the_manifest(folder):
    (folder / "params.yaml").write_text("square: {power: 3}\n")
    (folder / "other.yaml").write_text("square: {power: 4}\n")
    said = dlr_("run", "toy", "-j", "1", "--params", "other.yaml")
    assert total(folder) == "98\n"
    assert SAID not in said.stderr


def test_set_wins_over_the_file_beside_the_manifest(folder):
    (folder / "params.yaml").write_text("square: {power: 3}\n")
    dlr_("run", "toy", "-j", "1", "--set", "square.power=1")
    assert total(folder) == "6\n"


@pytest.mark.parametrize("command", [("doctor", "--pipeline", "toy"), ("run-stage", "square", "toy", "-j", "1")])
def test_a_mistake_in_the_file_is_met_by_every_command_that_reads_it(folder, command):
    (folder / "params.yaml").write_text("square: {powr: 3}\n")
    said = dlr_(*command)
    assert said.exit_code == 2
    assert "params.yaml" in said.stderr
    assert "did you mean square.power?" in said.stderr


def test_status_compares_with_the_file_as_it_is_now(folder):
    (folder / "params.yaml").write_text("square: {power: 3}\n")
    dlr_("run", "toy", "-j", "1", "--set", "total.start=100")
    (folder / "params.yaml").write_text("square: {power: 4}\n")
    said = dlr_("status")
    assert "square.power: 3 → 4" in said.stdout
    assert "total.start" not in said.stdout  # what the run was given with --set stays
    assert SAID in said.stderr


def test_status_takes_a_file_that_was_written_after_the_run(folder):
    dlr_("run", "toy", "-j", "1")
    (folder / "params.yaml").write_text("square: {power: 4}\n")
    assert "square.power: 2 → 4" in dlr_("status").stdout


def test_a_study_that_was_run_with_params_keeps_its_own_settings(folder):
    (folder / "other.yaml").write_text("square: {power: 4}\n")
    dlr_("run", "toy", "-j", "1", "--params", "other.yaml")
    (folder / "params.yaml").write_text("square: {power: 3}\n")
    said = dlr_("status")
    assert "square.power" not in said.stdout
    assert SAID not in said.stderr


def test_a_study_that_does_not_say_how_it_was_started_keeps_its_own_settings(folder):
    dlr_("run", "toy", "-j", "1")
    file = folder / "runs" / "toy" / "run.json"
    content = json.loads(file.read_text())
    del content["started"]
    file.write_text(json.dumps(content))
    (folder / "params.yaml").write_text("square: {power: 3}\n")
    assert "square.power" not in dlr_("status").stdout


def draft(folder: Path, target: str) -> None:
    """Two dozen stills with outlines, drafted by `dlr init`, the target filled in."""
    rng = np.random.default_rng(3)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(24):
        picture = rng.integers(30, 220, (40, 48)).astype(np.uint8)
        mask = np.zeros((40, 48), np.uint8)
        mask[10 : 25 + i % 3, 12:30] = 255
        Image.fromarray(picture).save(folder / "images" / f"P{i:02}.png")
        Image.fromarray(mask).save(folder / "masks" / f"P{i:02}.png")
    said = dlr_("init", folder, "--target", target)
    assert said.exit_code == 0, said.stderr
    assert "--params" not in said.stdout
    manifest = folder / "data_manifest.csv"
    with manifest.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = csv.reader(stream)
    with manifest.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([header, *([*row[:4], str(i % 2), str(40 + i)] for i, row in enumerate(rows))])


@pytest.mark.parametrize(
    "target", ["malignant", "er", "her2", "ER status", "no", "1", "null", "甲", "a: b", "# x", "'y'"]
)
def test_what_init_drafts_passes_the_doctor_from_another_folder(tmp_path, monkeypatch, target):
    place = tmp_path / "my own study"
    draft(place, target)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    said = dlr_("doctor", place / "data_manifest.csv")
    assert said.exit_code == 0, said.stderr
    assert SAID in said.stderr
    assert "no error, " in said.stdout


def test_init_keeps_only_the_variables_that_the_draft_has_columns_for(tmp_path):
    draft(tmp_path / "mine", "malignant")
    text = (tmp_path / "mine" / "params.yaml").read_text(encoding="utf-8")
    assert "variables: null" in text
    assert "[er, calcification]" in text.partition("variables: null")[2].partition("\n")[0]  # as an example, after #


def test_init_refuses_a_target_that_is_another_column_of_the_draft(tmp_path):
    draft(tmp_path / "mine", "malignant")
    shutil.move(tmp_path / "mine" / "data_manifest.csv", tmp_path / "old.csv")
    (tmp_path / "mine" / "params.yaml").unlink()
    said = dlr_("init", tmp_path / "mine", "--target", "mask")
    assert said.exit_code == 2
    assert "--target mask" in said.stderr
    assert not (tmp_path / "mine" / "params.yaml").exists()


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        ("nowhere.yaml", "neither a shipped profile nor a file"),
        ("ultrasound2", "ultrasound2d"),
        ("/dev/zero", "nor a file"),
    ],
)
def test_the_doctor_looks_at_the_profile_before_any_picture(tmp_path, monkeypatch, profile, word):
    (tmp_path / "data_manifest.csv").write_text("patient_id,image,mask,her2\nP1,a.png,b.png,1\n")
    monkeypatch.chdir(tmp_path)
    said = dlr_("doctor", "--set", f"radiomics.profile={profile}")
    assert said.exit_code == 2 and "radiomics.profile" in said.stderr and word in " ".join(said.stderr.split())
    assert not (tmp_path / "runs").exists()
