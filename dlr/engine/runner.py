"""Running a pipeline: options checked, the study locked and opened, its stages walked through."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dlr.engine.digests import Digests
from dlr.engine.executors import Executor, executor_for
from dlr.engine.inputs import Inputs
from dlr.engine.lock import study_lock
from dlr.engine.log import logged, logger
from dlr.engine.plan import plan
from dlr.engine.progress import Screen
from dlr.engine.settings import nearest, resolve, write_settings
from dlr.engine.stage import Pipeline
from dlr.engine.store import Store
from dlr.engine.study import SETTINGS_FILE, write_inputs, write_run
from dlr.engine.walk import Outcome, Walk
from dlr.errors import InputError

__all__ = ["DIGESTS", "Result", "run_pipeline"]

DIGESTS = "digests.jsonl"


@dataclass(frozen=True)
class Result:
    """A study after a run: the folder of every stage's outputs (None where it left itself out) and what was done."""

    study: Path
    settings: BaseModel
    folders: dict[str, Path | None]
    left_out: dict[str, str]
    outcomes: tuple[Outcome, ...]

    def __getitem__(self, name: str) -> Outcome:
        return next(each for each in self.outcomes if each.stage == name)


def run_pipeline(
    pipeline: Pipeline,
    study_folder: str | Path,
    manifest: str | Path | None = None,
    settings: BaseModel | Mapping[str, Any] | None = None,
    *,
    features: str | Path | None = None,
    jobs: int = 1,
    dask: str | None = None,
    until: str | None = None,
    only: str | None = None,
    force: Sequence[str] = (),
    dry_run: bool = False,
    wait: float | None = None,
    screen: Screen | None = None,
    started: Mapping[str, Any] | None = None,
) -> Result:
    """Run a study and return where everything is.

    until : the last stage to run. only : this stage and what it reads. force : stages to compute again.
    wait : seconds to wait for another run of the same study; None = as long as it takes.
    dry_run : nothing but what measures the time is computed (and kept): cheap stages, one task of slow ones.
    started : what the caller wants to find again as `Study.started`; JSON values, no part of any key.
    """
    screen = screen or Screen()
    names = _names(pipeline, until, only, force)
    settings = _settings(pipeline, settings)
    inputs = Inputs(_absolute(manifest), _absolute(features))
    study = Path(os.path.abspath(study_folder))
    with (
        study_lock(study, screen.say, wait),
        logged(study),
        _open_store(study) as store,
        _ended(jobs, dask) as executor,
    ):
        logger.info("%s: %s", pipeline.name, ", ".join(names))
        write_inputs(study, inputs)
        digests = Digests(study / DIGESTS)
        planned = plan(pipeline, settings, inputs, digests, store)
        if not dry_run:
            write_settings(settings, study / SETTINGS_FILE)
            write_run(study, pipeline.name, inputs, {name: each.key for name, each in planned.items()}, started)
        walk = Walk(pipeline, settings, inputs, store, digests, executor, screen, tuple(force), dry_run)
        for name in names:
            walk.do(planned[name])
    return Result(study, settings, walk.folders, walk.left_out, tuple(walk.outcomes))


def _names(pipeline: Pipeline, until: str | None, only: str | None, force: Sequence[str]) -> tuple[str, ...]:
    """The stages to run, in order."""
    for option, name in [("--until", until), ("run-stage", only), *(("--force", each) for each in force)]:
        if name is not None and name not in pipeline.names:
            near = nearest(name, pipeline.names)
            mend = f"did you mean {near}?" if near else f"the stages are {', '.join(pipeline.names)}"
            raise InputError(f"{option} {name}", f"pipeline {pipeline.name} has no such stage", mend)
    if only is not None:
        return pipeline.closure(only)
    return pipeline.names if until is None else pipeline.names[: pipeline.names.index(until) + 1]


def _settings(pipeline: Pipeline, settings: BaseModel | Mapping[str, Any] | None) -> BaseModel:
    if isinstance(settings, pipeline.settings):
        return settings
    if isinstance(settings, BaseModel):
        raise TypeError(f"pipeline {pipeline.name} takes {pipeline.settings.__name__}")
    return resolve(pipeline.settings, settings, source="the settings", folders=(Path.cwd(),))


def _absolute(path: str | Path | None) -> Path | None:
    return None if path is None else Path(os.path.abspath(path))


@contextmanager
def _open_store(study: Path) -> Iterator[Store]:
    store = Store(study)
    store.open_run()
    try:
        yield store
    finally:
        store.close_run()


@contextmanager
def _ended(jobs: int, dask: str | None) -> Iterator[Executor]:
    executor = executor_for(jobs, dask)
    try:
        yield executor
    finally:
        executor.close()
