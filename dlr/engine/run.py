"""What a stage's function is given: its folder, settings, needed outputs, and `each` for its tasks."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol

from dlr.engine.digests import Digests
from dlr.engine.executors import Executor, InProcess
from dlr.engine.inputs import Inputs
from dlr.engine.keys import key_of, plain
from dlr.engine.log import logger
from dlr.engine.looks import Look, look
from dlr.engine.progress import Screen
from dlr.engine.store import TASK_RECORD, Store
from dlr.engine.study import study_words
from dlr.engine.tasks import Assignment, Task, TaskFailure
from dlr.errors import InputError, Problem

__all__ = ["LeftOut", "ProbeEnded", "Run", "RunningStage", "View"]


class LeftOut(Exception):
    """A stage leaves itself out: its data are not there."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ProbeEnded(Exception):
    """A dry run has timed one task, or will not go on, and the stage ends here."""

    def __init__(self, note: str, seconds: float | None = None, todo: int = 0, stored: int = 0) -> None:
        self.note, self.seconds, self.todo, self.stored = note, seconds, todo, stored
        super().__init__(note)


class View:
    """Named values; a name that was not declared is a fault that says what to declare."""

    def __init__(self, about: str, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)
        self.__dict__["_about"] = about

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self.__dict__.get('_about', 'this view')} does not hold {name}; declare it in @stage")


class RunningStage(Protocol):
    """What a run asks of its stage."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    def releases(self) -> dict[str, str]:
        """The releases of the libraries that matter, by name."""


@dataclass
class Run:
    """One run of one stage. `settings`, `needs` hold what the stage declared; outputs go into `folder`."""

    stage: RunningStage
    key: str
    folder: Path
    settings: Any
    needs: Any
    seed: int
    inputs: Inputs
    store: Store
    digests: Digests
    executor: Executor
    screen: Screen
    left_out: Mapping[str, str] = field(default_factory=dict)  # why a declared stage is not there, by stage
    gives: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # by declared stage, in the pipeline's order
    declared: Mapping[str, RunningStage] = field(default_factory=dict)  # the stages that it reads
    models: tuple[Any, ...] = ()  # that the pipeline's stages name beyond the house's own
    said: tuple[tuple[str, str], ...] = ()  # stage and warning, of the declared stages
    fresh: bool = False  # tasks are computed again even where they are in the store
    probe: bool = False  # a dry run: measure one task and stop

    def __post_init__(self) -> None:
        self.warnings: list[str] = []
        self.transient: list[str] = []
        self.computed = self.found = 0
        self._keeper = self.stage  # whose tasks these are

    @property
    def study_words(self) -> str:
        """The study's folder as a user would type it: runs/NAME, or its name."""
        return study_words(self.store.study)

    def every(self, table: Any) -> list[Path]:
        """The outputs of all declared stages that hold a table, in the pipeline's order.

        A stage that gives it may have had nothing to give.
        """
        folders = [getattr(self.needs, name) for name, given in self.gives.items() if table in given]
        return [folder for folder in folders if table.there(folder)]

    def digest(self, path: str | Path) -> str:
        """SHA-256 of a file's content, remembered from run to run."""
        return self.digests.of(path)

    def log(self, text: str) -> None:
        """A line for the reader: on the screen and in dlr.log."""
        logger.info("%s: %s", self.stage.name, text)
        self.screen.say(f"  {text}", style="dim")

    def warn(self, text: str) -> None:
        """A warning: in dlr.log now, on the screen when the stage ends; kept in stage.json for status and report."""
        logger.warning("%s: %s", self.stage.name, text)
        self.warnings.append(text)

    def leave_out(self, reason: str) -> NoReturn:
        """End the stage: what it needs is not in this study. Stages that can do without it go on."""
        if not reason:
            raise ValueError(f"{self.stage.name} leaves itself out without a reason")
        raise LeftOut(reason)

    def look(self, patients: int) -> tuple[Look, ...]:
        """Write down that test predictions are evaluated under this stage's key; all looks so far."""
        if self.probe:
            raise ProbeEnded("looks at the test side, which a dry run does not")
        return look(self.store.study, self.key, patients)

    @contextmanager
    def tasks_of(self, name: str) -> Iterator[None]:
        """Tasks inside count and are kept as those of a declared stage: each finds what the other has computed.

        For what that stage would do with other settings, by the same functions.
        """
        self._keeper = self.declared[name]
        try:
            yield
        finally:
            self._keeper = self.stage

    def each(
        self,
        function: Callable[[Task, Path], None],
        tasks: Iterable[Task],
        label: str = "cases",
        seconds: Callable[[], float] | None = None,
    ) -> list[Path]:
        """The folders of all tasks, in the tasks' order; those that the store does not hold are computed first.

        function : module-level, of a task and the folder it writes into. A finished task is kept whatever happens to
        the others.  seconds : of one task, where a dry run would take too long to measure a whole one.
        Raises InputError with the problems of a task that could not be done.
        """
        certain = [replace(task, may_fail=False) for task in tasks]
        results = self.each_or_failure(function, certain, label, seconds)
        return [result for result in results if isinstance(result, Path)]

    def each_or_failure(
        self,
        function: Callable[[Task, Path], None],
        tasks: Iterable[Task],
        label: str = "cases",
        seconds: Callable[[], float] | None = None,
    ) -> list[Path | TaskFailure]:
        """As `each`; a task that may fail and does has its TaskFailure in place of a folder."""
        assignments = self._assignments(function, list(tasks))
        results: list[Path | TaskFailure] = [assignment.final for assignment in assignments]
        records = [None if self.fresh else self.store.find(p.final, TASK_RECORD, p.key) for p in assignments]
        todo = [i for i, record in enumerate(records) if record is None]
        self.found += len(assignments) - len(todo)
        if self.probe and todo:
            known = [r["seconds"] for r in records if r is not None]
            self._measure([assignments[i] for i in todo], known, label, seconds)
        if not todo:
            return results
        stopped: list[Problem] = []
        answered = 0
        with self.screen.bar(self.stage.name, len(assignments), label) as bar:
            bar.advance(len(assignments) - len(todo))
            for place, done in self.executor.run([assignments[i] for i in todo]):
                bar.advance()
                answered += 1
                i, task = todo[place], assignments[todo[place]].task
                if not done.problems:
                    self.computed += 1
                    logger.debug("%s: %s in %.3f s", self.stage.name, task.name, done.seconds)
                    continue
                for problem in done.problems:
                    logger.warning("%s: %s: %s. %s", self.stage.name, problem.where, problem.what, problem.mend)
                if not task.may_fail:
                    stopped += done.problems
                    break
                results[i] = TaskFailure(task.name, done.problems[0], done.problems, done.transient)
                if done.transient:
                    self.transient.append(task.name)
        if stopped:
            raise InputError.of(stopped)
        assert answered == len(todo), "an executor lost a task"
        return results

    def _assignments(self, function: Callable[[Task, Path], None], tasks: list[Task]) -> list[Assignment]:
        where = f"{function.__module__}.{function.__qualname__}"
        if "<" in where:
            raise TypeError(f"{where}: a task's function stands at the top of its module, where workers find it")
        keeper = self._keeper
        libraries = keeper.releases()
        out, finals = [], dict[Path, str]()
        for task in tasks:
            parts = {
                "stage": keeper.name,
                "version": keeper.version,
                "libraries": libraries
                if task.libraries is None
                else {name: libraries[name] for name in task.libraries},
                "function": function.__qualname__,
                "task": task.name,
                "key": plain(task.key, task.name),
            }
            key = key_of(parts)
            final = self.store.task_folder(keeper.name, key)
            if final in finals:
                raise ValueError(f"{self.stage.name}: two tasks have one name and one key: {task.name}")
            finals[final] = task.name
            out.append(Assignment(function, task, key, parts, self.store.own, final))
        return out

    def _measure(
        self, todo: list[Assignment], stored: list[float], label: str, foretold: Callable[[], float] | None
    ) -> NoReturn:
        """Seconds of one task: the median of those in the store, what is foretold, or one computed now (and kept)."""
        left = len(todo)
        if stored:
            seconds = statistics.median(stored)
            note = f"{left} {label} to do, {len(stored)} in the store"
        elif foretold is not None:
            seconds = foretold()
            note = f"{left} {label}, at most, by one measured step"
        else:
            (_, done), *_ = InProcess().run(todo[:1])
            seconds, left = done.seconds, left - 1
            note = f"{len(todo)} {label}, one measured"
        raise ProbeEnded(note, seconds, left, len(stored))
