"""Killed anywhere, a store resumes to the same bytes; two runs at once do not meet; a killed worker costs nothing."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from toy_pipeline import PIPELINE, make_study, outputs

from dlr.engine import Screen, run_pipeline
from dlr.engine.lock import study_lock
from dlr.engine.store import OWNER, TASK_RECORD, new_record, publish
from dlr.errors import InputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX")

NUMBERS = {f"n{i}.txt": str(i) for i in range(6)}
HERE = Path(__file__).parent


@pytest.fixture
def manifest(tmp_path):
    return make_study(tmp_path / "data", NUMBERS)


@pytest.fixture
def undisturbed(tmp_path, manifest):
    return outputs(quietly(tmp_path / "undisturbed", manifest).study)


def quietly(study, manifest, settings=None, **options):
    return run_pipeline(PIPELINE, study, manifest, settings, screen=Screen(quiet=True), **options)


def started(study, manifest, jobs, seconds=0.4):
    """A run of its own process, slow enough to be killed in the middle."""
    code = f"""
        import sys
        sys.path.insert(0, {str(HERE)!r})
        from toy_pipeline import PIPELINE
        from dlr.engine import run_pipeline
        run_pipeline(PIPELINE, {str(study)!r}, {str(manifest)!r}, {{"square": {{"seconds": {seconds}}}}}, jobs={jobs})
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.PIPE, text=True)


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def finished_tasks(study):
    return list(Path(study).glob("stages/square/tasks/*/*/task.json"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_killed_in_the_middle_resumes_to_the_same_bytes(tmp_path, manifest, undisturbed, jobs):
    study = tmp_path / "killed"
    process = started(study, manifest, jobs)
    wait_until(lambda: len(finished_tasks(study)) >= 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers))
    kept = len(finished_tasks(study))
    assert 2 <= kept < 6
    result = quietly(study, manifest)
    assert (result["square"].computed, result["square"].found) == (6 - kept, kept)
    assert outputs(study) == undisturbed


def test_a_kill_at_any_write_resumes_to_the_same_bytes(tmp_path):
    """Killed at the first, second, ... change of the disk (a file opened and still empty, too), a study resumes."""
    manifest = make_study(tmp_path / "few", {"n3.txt": "3"})
    undisturbed = outputs(quietly(tmp_path / "undisturbed", manifest).study)
    for n in range(1, 1000):
        study = tmp_path / f"killed-{n}"
        child = os.fork()
        if child == 0:
            _die_at_change(n)
            try:
                quietly(study, manifest)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        quietly(study, manifest)
        assert outputs(study) == undisturbed, f"killed at change {n}"
        assert not any((study / ".beside").iterdir())
    assert n > 60  # every stage and every task was met


def _die_at_change(n):
    """SIGKILL for this process at its n-th change of the disk from now on."""
    left = n

    def change():
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(function):
        def call(*args, **kwargs):
            change()
            return function(*args, **kwargs)

        return call

    def after_opening(function):
        def call(file, mode="r", *args, **kwargs):
            stream = function(file, mode, *args, **kwargs)
            if mode[0] in "wax":
                change()
            return stream

        return call

    for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir"):
        setattr(os, name, before(getattr(os, name)))
    io.open = after_opening(io.open)  # pathlib's


def test_what_a_killed_run_left_is_taken_away(tmp_path, manifest):
    study = tmp_path / "study"
    left = study / ".beside" / "0123abcd" / "t-1"
    left.mkdir(parents=True)
    (left / "value.txt").write_text("half")
    quietly(study, manifest)
    assert not any((study / ".beside").iterdir())


def test_a_worker_that_outlives_its_run_cannot_publish(tmp_path):
    own = tmp_path / ".beside" / "run"
    beside = own / "t-1"
    beside.mkdir(parents=True)
    (own / OWNER).write_text("")
    (beside / "value.txt").write_text("1")
    (own / OWNER).unlink()  # as the next run's sweeping does first
    from dlr.engine.keys import key_of

    with pytest.raises(FileNotFoundError, match="has ended"):
        publish(beside, tmp_path / "final", TASK_RECORD, new_record(key_of({}), {}, 0.0))
    assert not (tmp_path / "final").exists()


def test_two_runs_at_once_the_second_waits_with_a_line(tmp_path, manifest, undisturbed):
    study = tmp_path / "shared"
    with study_lock(study, print):  # this process stands for the first run
        second = started(study, manifest, 1)
        assert second.stderr is not None
        said = second.stderr.readline()
    second.communicate(timeout=120)
    assert second.returncode == 0
    assert f"in use by another run (process {os.getpid()} on" in said
    assert "waiting" in said
    assert outputs(study) == undisturbed


def test_two_runs_at_once_the_second_refuses_after_a_time(tmp_path, manifest):
    study = tmp_path / "shared"
    first = started(study, manifest, 1)
    wait_until(lambda: len(finished_tasks(study)) >= 1)
    for wait in (0, 0.3):
        with pytest.raises(InputError, match=rf"process {first.pid} on .*--out"):
            quietly(study, manifest, wait=wait)
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_worker_killed_once_costs_nothing(tmp_path):
    mark = tmp_path / "mark"
    manifest = make_study(tmp_path / "data", {**NUMBERS, "k.txt": f"kill once {mark}"})
    result = quietly(tmp_path / "study", manifest, jobs=2)
    assert mark.exists()
    assert result["square"].warnings == ()
    assert (result.folders["total"] / "total.txt").read_text() == f"{sum(i * i for i in range(6)) + 16}\n"


def test_a_case_that_kills_its_worker_every_time_is_named_and_the_others_go_on(tmp_path):
    manifest = make_study(tmp_path / "data", {**NUMBERS, "k.txt": "kill"})
    result = quietly(tmp_path / "study", manifest, jobs=2)
    (warning,) = result["square"].warnings
    assert warning.startswith("k.txt: its worker process was killed or crashed, and again when tried alone")
    assert (result.folders["total"] / "total.txt").read_text() == "55\n"
