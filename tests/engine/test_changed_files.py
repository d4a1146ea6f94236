"""A task whose files are not what its key was made of is not kept under that key."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dlr.engine.keys import key_of
from dlr.engine.tasks import Assignment, Known, Task, work

CHANGES = {}


def sha(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def reading(task: Task, folder: Path) -> None:
    """Reads its file, to which something happens meanwhile."""
    CHANGES.get("during", lambda path: None)(task.payload)
    (folder / "value.txt").write_text(Path(task.payload).read_text())


def assignment(tmp_path: Path, file: Path) -> Assignment:
    own = tmp_path / "own"
    own.mkdir(exist_ok=True)
    (own / "owner").touch()
    task = Task("one", {"file": sha(file)}, file, True, files=(Known.of(file, sha),))
    parts = {"key": task.key}
    return Assignment(reading, task, key_of(parts), parts, own, tmp_path / "final" / "one")


def swap(path: Path) -> None:
    """Another content of the same size and time of writing, as a careful program would leave it."""
    before = path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap_and_back(path: Path) -> None:
    swap(path)
    path.write_text("one")


@pytest.mark.parametrize("moment", ["before", "during", "during and back", "gone"])
def test_a_changed_file_is_told_and_tried_again_by_the_next_run(tmp_path, monkeypatch, moment):
    file = tmp_path / "image.png"
    file.write_text("one")
    asked = assignment(tmp_path, file)
    if moment == "before":
        swap(file)
    elif moment == "gone":
        file.unlink()
    else:
        monkeypatch.setitem(CHANGES, "during", swap if moment == "during" else swap_and_back)
    done = work(asked)
    (problem,) = done.problems
    assert done.transient and problem.where == str(file) and "changed or taken away" in problem.what
    assert "run again" in problem.mend and not asked.final.exists()


@pytest.mark.parametrize("touched", [False, True])
def test_a_file_of_the_same_content_is_no_other(tmp_path, touched):
    file = tmp_path / "image.png"
    file.write_text("one")
    asked = assignment(tmp_path, file)
    if touched:
        os.utime(file, ns=(1, 1))
    assert not work(asked).problems and (asked.final / "value.txt").read_text() == "one"
