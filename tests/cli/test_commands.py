"""The command line: exit statuses, tables instead of tracebacks, and what a folder with a manifest needs: nothing."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from launching import ROOT, dlr_, launched

import dlr
from dlr.tables import SHARES

HEAVY = ("pandas", "numpy", "torch", "matplotlib", "numba", "sklearn", "scipy", "SimpleITK", "lightgbm")
COMMANDS = (
    "demo", "init", "doctor", "run", "run-stage", "fuse", "radiomics", "superres", "status", "predict", "nomogram",
    "report", "share",
)  # fmt: skip


def test_help_lists_every_command_and_every_command_has_examples():
    said = dlr_("--help")
    assert said.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in said.stdout
        help_of_command = dlr_(command, "--help").stdout
        assert f"Examples:\n    dlr {command}" in help_of_command


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom dlr.cli import app\n"
        "try:\n    app(['run', '--help'])\nexcept SystemExit as end:\n    assert end.code in (0, None)\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"help took {time.perf_counter() - start:.2f} s")  # shown by pytest -rP; never asserted
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_version():
    assert dlr_("--version").stdout == f"dlr {dlr.__version__}\n"


def test_in_a_folder_with_a_manifest_no_option_is_needed(folder):
    said = dlr_("run", "toy", "-j", "1")
    assert said.exit_code == 0
    assert (folder / "runs" / "toy" / "total.txt").read_text() == "14\n"
    assert said.stdout.splitlines()[0].split(None, 1) == ["study", str(folder / "runs" / "toy")]
    again = dlr_("run", "toy", "-j", "1")
    assert again.stderr.count("cached: same settings, files and versions") == 3


def test_results_are_on_stdout_and_progress_on_stderr(folder):
    said = dlr_("run", "toy", "-j", "1")
    assert "done in" in said.stderr
    assert "done in" not in said.stdout


def test_another_folder_another_place_another_setting(folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "mine.yaml").write_text("square: {power: 3}\n")
    options = ("--manifest", folder / "data_manifest.csv", "--params", "mine.yaml", "-j", "1")
    assert dlr_("run", "toy", *options, "--set", "total.start=100", "--name", "cubes").exit_code == 0
    assert Path("runs/toy-cubes/total.txt").read_text() == "136\n"
    assert dlr_("run", "toy", *options, "--out", "out here").exit_code == 0
    assert Path("out here/total.txt").read_text() == "36\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "toi"], ["toi", "did you mean toy?"]),
        (["run", "toy", "--manifest", "none.csv"], ["none.csv", "no such manifest", "--manifest"]),
        (["run", "toy", "--params", "her2_publised"], ["parameter file", "did you mean her2_published?"]),
        (["run", "toy", "--set", "squar.power=3"], ["--set squar.power=3", "did you mean square?"]),
        (["run", "toy", "--set", "square.power=many"], ["square.power", "give a whole number"]),
        (["run", "toy", "--until", "totl"], ["--until totl", "did you mean total?"]),
        (["run-stage", "sqare", "toy"], ["run-stage sqare", "did you mean square?"]),
        (["run", "toy", "--force", "listng"], ["--force listng", "did you mean listing?"]),
        (["run", "toy", "--jobs", "0"], ["--jobs", "from 1 on"]),
        (["run", "toy", "--name", "a/b"], ["--name a/b", "letters and digits"]),
        (["status"], ["no study has run here", "dlr run"]),
        (["status", "nowhere"], ["nowhere", "not the folder of a study"]),
        (["predict", "runs/none", "none.csv"], ["none.csv", "no such manifest"]),
        (["nomogram"], ["no study has run here"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0] in COMMANDS else "",
)
def test_wrong_input_is_one_table_and_exit_status_2(folder, arguments, words):
    said = dlr_(*arguments)
    assert said.exit_code == 2
    assert said.stdout == ""
    for word in ("where", "what", "mend", *words):
        assert word in said.stderr
    assert "Traceback" not in said.stderr


def test_an_unknown_option_is_exit_status_2(folder):
    assert dlr_("run", "toy", "--sett", "a=1").exit_code == 2


def test_an_empty_folder_is_told_the_three_ways_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = dlr_("run")
    assert said.exit_code == 2
    for way in ("--manifest", "dlr init", "dlr demo"):
        assert way in said.stderr


def test_every_problem_is_in_the_table(folder):
    said = dlr_("run", "toy", "--set", "a.b=1", "--set", "square.powr=1", "--set", "nonsense")
    assert said.exit_code == 2
    assert said.stderr.rstrip().endswith("3 things to mend. What was finished is kept.")


def test_the_built_in_cohort_without_its_images_says_demo(tmp_path, monkeypatch):
    shutil.copy(ROOT / "data_manifest.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    said = dlr_("run")
    assert said.exit_code == 2
    assert "dlr demo" in said.stderr
    assert "built-in cohort" in said.stderr


def test_a_fault_of_ours_is_a_line_and_the_place_of_the_log(folder):
    (folder / "n2.txt").write_text("fault")
    done = launched("run", "toy", "-j", "1")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 1
    assert "Traceback" not in out + err
    assert "ZeroDivisionError: a fault of ours" in err
    log = folder / "runs" / "toy" / "dlr.log"
    assert str(log) in err
    assert "Traceback" in log.read_text()


def test_a_fault_outside_a_study_is_written_down_too(folder, monkeypatch):
    def broken(*args):
        raise ValueError("no luck")

    monkeypatch.setattr("dlr.cli.study.find_study", broken)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    (folder / "dlr-fault.log").write_text("of another run, or another's")
    said = dlr_("status")
    assert said.exit_code == 1
    path = Path(said.stderr.rstrip().rpartition(" is in ")[2])
    assert path.parent == folder
    assert "no luck" in path.read_text()
    assert (folder / "dlr-fault.log").read_text() == "of another run, or another's"


@pytest.mark.parametrize("cell", ["images/" + "n" * 300 + ".png", "\0.png"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_manifest_that_is_not_the_built_in_one_is_left_to_the_cohort(tmp_path, monkeypatch, cell, encoding):
    (tmp_path / "images").mkdir()
    (tmp_path / "data_manifest.csv").write_bytes(f"patient_id,image,her2\n1,{cell},0\n".encode(encoding))
    monkeypatch.chdir(tmp_path)
    said = dlr_("run", "--dry-run")
    assert said.exit_code == 2
    assert "dlr demo" not in said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process is POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_the_store_whole_and_says_how_to_go_on(folder, jobs):
    process = launched("run", "toy", "-j", jobs, "--set", "square.seconds=0.5")
    study = folder / "runs" / "toy"
    while len(list(study.glob("stages/square/tasks/*/*/task.json"))) < 2 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert not any((study / ".beside").iterdir())
    said = dlr_("run", "toy", "-j", "1")
    assert said.exit_code == 0
    assert "4 of 4" not in said.stderr


def test_dry_run_prints_minutes_and_computes_no_result(folder):
    said = dlr_("run", "toy", "-j", "1", "--dry-run")
    assert said.exit_code == 0
    assert "4 numbers, one measured" in said.stdout
    assert "About 0.0 minutes, and 1 stage whose time is known" in said.stdout
    assert not (folder / "runs" / "toy" / "total.txt").exists()


def test_fuse_prints_what_each_block_brings(folder, monkeypatch):
    dlr_("run", "toy", "-j", "1")
    table = pd.DataFrame({"target": ["her2"] * 2, "step": "kept", "block": ["Rad", "DL"], "count": [4.25, 2.0]})
    SHARES.write(folder, table)
    asked = {}

    def fused(start, **options):
        asked.update(options, n_components=start.sets)
        return SimpleNamespace(folders={"fusion_model": folder})

    monkeypatch.setattr("dlr.cli.start.Start.run", fused)
    monkeypatch.setattr("dlr.cli.start._resolved", lambda *_: None)
    said = dlr_("fuse", "--pca", "0.95")
    assert [line.split() for line in said.stdout.splitlines() if line.split()[:1] in (["target"], ["her2"])] == [
        ["target", "step", "block", "count"],
        ["her2", "kept", "Rad", "4.2"],
        ["her2", "kept", "DL", "2.0"],
    ]
    assert (asked["only"], asked["n_components"]) == ("fusion_model", ("fuse.n_components=0.95",))


def test_run_stage_prints_its_folder(folder):
    said = dlr_("run-stage", "square", "toy", "-j", "1")
    assert json.loads((Path(said.stdout.strip()) / "squares.json").read_text())["n3.txt"] == 9
    assert "extra left itself out: there is nothing extra" in dlr_("run-stage", "extra", "toy", "-j", "1").stdout


def test_run_stage_takes_what_is_there_unless_it_is_forced(folder):
    dlr_("run-stage", "square", "toy", "-j", "1")
    assert dlr_("run-stage", "square", "toy", "-j", "1").stderr.count("cached: ") == 2
    assert "forced" in dlr_("run-stage", "square", "toy", "-j", "1", "--force").stderr


def test_nomogram_and_report_come_again_or_say_why_not(folder):
    assert dlr_("run", "paper", "-j", "1").exit_code == 0
    assert dlr_("nomogram").stdout.splitlines()[0] == "nomogram left itself out: no model to draw"
    said = dlr_("report")
    assert "left itself out" not in said.stdout
    assert said.stdout.splitlines()[-1].split(None, 1) == ["report", str(folder / "runs" / "paper" / "report.html")]


def test_status_says_what_is_there_and_what_moved(folder):
    dlr_("run", "toy", "-j", "1", "--set", "square.power=3")
    said = dlr_("status")
    assert said.exit_code == 0
    assert "power: " not in said.stdout  # the study's own settings, not the defaults
    assert "left out" in said.stdout
    assert "Every number raised to a power." in said.stdout
    assert "The test side was looked at under 1 key." in said.stdout
    (folder / "n1.txt").write_text("5")
    assert "n1.txt changed" in dlr_("status", "runs/toy").stdout
    assert "square.power: 3 → 4" in dlr_("status", "--set", "square.power=4").stdout


def test_several_studies_are_told_apart(folder):
    dlr_("run", "toy", "-j", "1")
    dlr_("run", "toy", "-j", "1", "--name", "two")
    said = dlr_("status")
    assert said.exit_code == 2
    assert "toy-two" in said.stderr


def test_a_study_found_by_its_only_folder_is_reported_again(folder):
    dlr_("run", "toy", "-j", "1")
    said = dlr_("report")
    assert said.exit_code == 2
    assert "pipeline toy has no such stage" in said.stderr


def test_demo_makes_the_cohort_runs_one_seed_and_prints_the_results_last(tmp_path, monkeypatch):
    from toy_pipeline import make_study

    import dlr.phantom

    made = []

    def make_cohort(folder, *, progress):
        made.append(folder)
        progress(1, 2)
        return make_study(folder, {"a.txt": "3"}).rename(folder / "data_manifest.csv")

    monkeypatch.setattr(dlr.phantom, "make_cohort", make_cohort)
    monkeypatch.chdir(tmp_path)
    said = dlr_("demo", "--pipeline", "toy", "--out", "first look", "-j", "1")
    assert said.exit_code == 0
    assert made == [Path("first look")]
    study = tmp_path / "first look" / "runs" / "toy"
    assert "seeds: 1" in (study / "settings.yaml").read_text()
    for name in ("report.html", "nomogram.pdf"):
        (study / name).write_text("")
    again = dlr_("demo", "--pipeline", "toy", "--out", "first look", "-j", "1")
    assert [line.split(None, 1)[1] for line in again.stdout.splitlines()[-2:]] == [
        str(study / "report.html"),
        str(study / "nomogram.pdf"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("pipeline", "letter"), [("receptors_ultrasound3d", "V"), ("receptors_dcemri", "D")])
def test_demo_of_volumes_makes_them_with_small_settings_beside_in_a_folder_of_its_own(
    pipeline, letter, tmp_path, monkeypatch
):
    import dlr.cli.run

    asked = []

    class Stop(Exception):
        pass

    def prepare(*arguments, **options):
        asked.append((arguments, options))
        raise Stop

    monkeypatch.setattr(dlr.cli.run, "prepare", prepare)
    monkeypatch.chdir(tmp_path)
    dlr_("demo", "--pipeline", pipeline)
    folder = Path(pipeline)
    (arguments, options) = asked[0]
    assert arguments == (pipeline, folder / "data_manifest.csv")
    assert options["out"] == folder / "runs" / pipeline
    assert len(list(folder.glob("volumes/*.nii.gz"))) == 320
    small = (folder / "params.yaml").read_text()
    assert small == (ROOT / "params" / f"{pipeline}_demo.yaml").read_text()

    # what was edited stays, what is there is not made again, what is missing is
    (folder / "params.yaml").write_text("cohort: {target: er}\n")
    times = {path: path.stat().st_mtime_ns for path in folder.glob("volumes/*")}
    dlr_("demo", "--pipeline", pipeline)
    assert (folder / "params.yaml").read_text() == "cohort: {target: er}\n"
    assert {path: path.stat().st_mtime_ns for path in folder.glob("volumes/*")} == times
    (folder / "volumes" / f"{letter}007.nii.gz").unlink()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / folder)
    said = dlr_("run", pipeline)
    assert said.exit_code == 2
    assert f"dlr demo --pipeline {pipeline}" in said.stderr


@pytest.mark.parametrize("pipeline", ["receptors_ultrasound3d", "receptors_dcemri"])
def test_small_settings_of_the_demo_are_settings_of_the_pipeline(pipeline, tmp_path):
    from dlr.cli.start import prepare

    manifest = tmp_path / "data_manifest.csv"
    manifest.write_text("patient_id\n")
    settings = prepare(pipeline, manifest, f"{pipeline}_demo").settings
    assert settings.receptors.depth == 10


def test_init_drafts_a_manifest_from_images_and_masks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("images/甲 1.png", "images/b.nii.gz", "images/alone.png", "masks/甲 1_mask.png", "masks/b.nii.gz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    said = dlr_("init", "--target", "malignant")
    assert said.exit_code == 0
    lines = (tmp_path / "data_manifest.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines == [
        "patient_id,case_id,image,mask,malignant,age",
        "b,b,images/b.nii.gz,masks/b.nii.gz,,",
        "甲 1,甲 1,images/甲 1.png,masks/甲 1_mask.png,,",
    ]
    assert "target: malignant" in (tmp_path / "params.yaml").read_text(encoding="utf-8")
    again = dlr_("init")
    assert again.exit_code == 2
    assert (tmp_path / "data_manifest.csv").read_text(encoding="utf-8-sig").splitlines() == lines


@pytest.mark.parametrize(
    ("given", "header", "written"),
    [
        ([], "er,pr,her2", "[er, pr, her2]"),
        (["--target", "ki67 high", "--target", "a, b"], 'ki67 high,"a, b"', '[ki67 high, "a, b"]'),
        (["--target", "pr"], "pr", "pr"),
    ],
)
def test_init_drafts_several_targets(tmp_path, given, header, written):
    for name in ("images/a.nii.gz", "masks/a.nii.gz"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    assert dlr_("init", tmp_path, "--pipeline", "receptors_ultrasound3d", *given).exit_code == 0
    lines = (tmp_path / "data_manifest.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == f"patient_id,case_id,image,mask,{header},age"
    assert len(next(csv.reader([lines[1]]))) == len(next(csv.reader([lines[0]])))
    assert f"  target: {written}\n" in (tmp_path / "params.yaml").read_text(encoding="utf-8")


def test_init_refuses_a_target_twice(tmp_path):
    said = dlr_("init", tmp_path, "--target", "er", "--target", "er")
    assert said.exit_code == 2
    assert "--target er" in said.stderr


def test_init_without_images_says_where_they_should_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = dlr_("init")
    assert said.exit_code == 2
    assert "masks/P001.png" in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_doctor_prints_the_installation_and_checks_the_first_stage(folder):
    said = dlr_("doctor", "--pipeline", "toy")
    assert said.exit_code == 0
    assert "scikit-learn" in said.stdout
    assert "no error, 0 warnings" in said.stdout
    assert list((folder / "runs" / "toy" / "stages").iterdir()) == [folder / "runs" / "toy" / "stages" / "listing"]


def test_doctor_refuses_features_where_no_stage_takes_them(folder):
    said = dlr_("doctor", "--pipeline", "toy", "--features", "features.csv")
    assert said.exit_code == 2 and "pipeline toy takes no table of features" in said.stderr


def test_python_m_dlr_is_the_command(folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "dlr", "--version"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.startswith("dlr ")
