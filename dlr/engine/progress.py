"""What a person sees on stderr while a study runs: a line a stage, and a bar where there is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from dlr.errors import shown

__all__ = ["Bar", "Screen"]


class Bar(Protocol):
    """Counts what is done."""

    def advance(self, n: int = 1) -> None:
        """n more are done."""

    def at(self, done: int, total: int) -> None:
        """So many of so many are done."""


class Screen:
    """Lines and bars on stderr. Bars appear on a terminal only; lines can be switched off too."""

    def __init__(self, console: Console | None = None, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.quiet = quiet

    def say(self, text: str, style: str = "") -> None:
        """One line; markup in the text is not read."""
        if not self.quiet:
            self.console.print(Text(shown(text), style=style), soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int, label: str) -> Iterator[Bar]:
        """A bar with the number done, how many a second and the time left."""
        if self.quiet or not self.console.is_terminal:
            yield _NoBar()
            return
        columns = (
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[label]}"), TextColumn("{task.fields[speed_text]}"), TimeRemainingColumn(),
            TextColumn("left"),
        )  # fmt: skip
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield _RichBar(progress, progress.add_task(title, total=total, label=label, speed_text=""), label)


class _NoBar:
    def advance(self, n: int = 1) -> None:
        """Nothing is shown."""

    def at(self, done: int, total: int) -> None:
        """Nothing is shown."""


class _RichBar:
    def __init__(self, progress: Progress, task: Any, label: str) -> None:
        self._progress, self._task, self._label = progress, task, label

    def advance(self, n: int = 1) -> None:
        """Move the bar and write the speed anew."""
        self._progress.advance(self._task, n)
        self._write_speed()

    def at(self, done: int, total: int) -> None:
        """Move the bar to a place."""
        self._progress.update(self._task, completed=done, total=total)
        self._write_speed()

    def _write_speed(self) -> None:
        done = self._progress.tasks[0]
        if done.elapsed and done.completed:
            speed = done.completed / done.elapsed
            text = f"{speed:.1f} {self._label}/s" if speed >= 1 else f"{60 * speed:.1f} {self._label}/min"
            self._progress.update(self._task, speed_text=text)
