"""The line that was given to `dlr`, as another person would type it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

__all__ = ["Remembering", "as_typed", "line_given"]

GIVEN: ContextVar[tuple[str, ...] | None] = ContextVar("GIVEN", default=None)
OF_SPEED = ("--jobs", "-j", "--dask", "--wait")  # each with a value; they change no result


class Remembering(TyperGroup):
    """A group of commands that remembers the words it was given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        GIVEN.set(tuple(args))
        return super().parse_args(ctx, args)


def line_given() -> str | None:
    """The line of the command that runs now; None where dlr was not called as a command."""
    given = GIVEN.get()
    return None if given is None else as_typed(given, Path.cwd(), Path.home())


def as_typed(words: Sequence[str], here: Path, home: Path) -> str:
    """Quoted for a shell, without what only says how fast; no path names a home folder.

    Paths below `here`, and those of the same home as `here`, become relative; others below `home` begin with "$HOME".
    """
    return " ".join(["dlr", *(_quoted(word, here, home) for word in _that_matter(words))])


def _that_matter(words: Sequence[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word in OF_SPEED:
            next(rest, None)
        elif not word.startswith(("-j", *(f"{name}=" for name in OF_SPEED))):
            yield word


def _quoted(word: str, here: Path, home: Path) -> str:
    """A word for a shell; what follows its first = may be a path as well."""
    before, sign, path = word.rpartition("=") if not os.path.isabs(word) else ("", "", word)
    if not os.path.isabs(path):
        return shlex.quote(word)
    at = Path(os.path.normpath(path))
    if at.is_relative_to(here) or (at.is_relative_to(home) and here.is_relative_to(home)):
        return shlex.quote(before + sign + Path(os.path.relpath(at, here)).as_posix())
    if at.is_relative_to(home):
        return (shlex.quote(before + sign) if sign else "") + '"$HOME"/' + shlex.quote(at.relative_to(home).as_posix())
    return shlex.quote(word)
