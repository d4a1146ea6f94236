"""Tasks: the parts of a slow stage that stand alone (a case, a fold), each with a key and a durable folder."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlr.engine.store import TASK_RECORD, new_record, publish
from dlr.errors import InputError, Problem

__all__ = ["Done", "Assignment", "Task", "TaskFailure", "work"]


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
        assignment.function(assignment.task, beside)
    except InputError as error:
        return Done(time.perf_counter() - begin, error.problems)
    except MemoryError as error:
        problem = Problem(assignment.task.name, f"memory ran out ({error})", "use fewer --jobs, or smaller images")
        return Done(time.perf_counter() - begin, (problem,), transient=True)
    seconds = time.perf_counter() - begin
    record = new_record(assignment.key, assignment.parts, seconds, name=assignment.task.name)
    publish(beside, assignment.final, TASK_RECORD, record)
    return Done(seconds)
