"""Tasks: the parts of a slow stage that stand alone (a case, a fold), each with a key and a durable folder."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlr.engine.store import TASK_RECORD, new_record, publish
from dlr.errors import InputError, Problem

__all__ = ["Assignment", "Done", "Known", "Task", "TaskFailure", "look_of", "work"]


@dataclass(frozen=True)
class Task:
    """A part of a stage that can be computed anywhere, in any order, with the same result.

    key : everything the result depends on beside the stage's version, its libraries and the function: plain values,
    and `run.digest(path)` for files. payload : what the function needs; no part of the key.
    libraries : those of the stage's that the function uses; None: all.
    """

    name: str
    key: dict[str, Any]
    payload: Any = None
    may_fail: bool = False  # its InputError becomes a TaskFailure and the others go on
    libraries: tuple[str, ...] | None = None
    files: tuple[Known, ...] = ()  # that the function reads, as they were when the key was made


@dataclass(frozen=True)
class Known:
    """A file, what it looked like and what it held when it was last looked at."""

    path: str
    look: tuple[int, int, int]  # size, ns of its last writing, ns of its last change
    digest: str

    @classmethod
    def of(cls, path: str | Path, digest: Callable[[str | Path], str]) -> Known:
        """The look first: a change in between is then seen."""
        before = look_of(path)
        return cls(str(path), before, digest(path))


def look_of(path: str | Path) -> tuple[int, int, int]:
    """Size and times of a file; OSError where it is not there."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


@dataclass(frozen=True)
class TaskFailure:
    """A task that could not be done, and why. `transient`: another try may succeed (memory, a killed worker)."""

    name: str
    problem: Problem
    problems: tuple[Problem, ...] = ()
    transient: bool = False


@dataclass(frozen=True)
class Assignment:
    """A task as a worker is sent it."""

    function: Callable[[Task, Path], None]
    task: Task
    key: str
    parts: dict[str, Any]
    own: Path  # the run's folder under .beside
    final: Path


@dataclass(frozen=True)
class Done:
    """What a worker sends back: the seconds it took, or the problems that it met."""

    seconds: float
    problems: tuple[Problem, ...] = ()
    transient: bool = False  # another try may succeed


def work(assignment: Assignment) -> Done:
    """Do one task in a folder beside the store and publish it: the same in every executor."""
    if not assignment.own.is_dir():
        raise InputError(
            where=str(assignment.own),
            what="a worker does not see the study's folder",
            mend="workers on other machines need the study and its images under the same paths (a shared disk)",
        )
    beside = assignment.own / f"t-{secrets.token_hex(6)}"
    beside.mkdir()
    begin = time.perf_counter()
    try:
        looks = _unchanged(assignment.task.files)
        assignment.function(assignment.task, beside)
        _still(looks)
    except _Changed as error:
        return Done(time.perf_counter() - begin, error.problems, transient=True)
    except InputError as error:
        return Done(time.perf_counter() - begin, error.problems)
    except MemoryError as error:
        problem = Problem(assignment.task.name, f"memory ran out ({error})", "use fewer --jobs, or smaller images")
        return Done(time.perf_counter() - begin, (problem,), transient=True)
    seconds = time.perf_counter() - begin
    record = new_record(assignment.key, assignment.parts, seconds, name=assignment.task.name)
    publish(beside, assignment.final, TASK_RECORD, record)
    return Done(seconds)


class _Changed(InputError):
    """A file is not what the task's key was made of: the next run makes another."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "was changed or taken away while the study ran", "run again: what is finished is kept")


def _unchanged(files: Sequence[Known]) -> dict[str, tuple[int, int, int]]:
    """How the files look now; InputError where one holds something else than when the task's key was made of it."""
    looks = {}
    for known in files:
        try:
            looks[known.path] = look_of(known.path)
            if looks[known.path] != known.look:
                with open(known.path, "rb") as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() != known.digest:
                        raise _Changed(known.path)
        except OSError as error:
            raise _Changed(known.path) from error
    return looks


def _still(looks: Mapping[str, tuple[int, int, int]]) -> None:
    """InputError where a file was written or replaced since."""
    for path, before in looks.items():
        try:
            if look_of(path) != before:
                raise _Changed(path)
        except OSError as error:
            raise _Changed(path) from error
