"""Files that are written where the user says: before the work it is known that they can be, and what they replace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dlr.errors import InputError, Problem

__all__ = ["check_outputs"]


def check_outputs(outputs: Mapping[Path, Sequence[str]], inputs: Iterable[Path | None] = ()) -> None:
    """Raise InputError with every output that must not or cannot be written; nothing is left behind.

    outputs : tables (CSV, UTF-8) by path, each with the columns that its header begins with. A file that is there may
    be replaced only if its header begins so, being the result of an earlier call.  inputs : files that are read.
    """
    read = [path for path in inputs if path is not None]
    problems = [problem for path, columns in outputs.items() if (problem := _problem(path, columns, read)) is not None]
    if problems:
        raise InputError.of(problems)


def _problem(path: Path, columns: Sequence[str], read: Sequence[Path]) -> Problem | None:
    where = str(path)
    try:
        if path.is_dir():
            return Problem(where, "this is a folder", "name a file in it")
        if path.exists():
            if any(each.exists() and path.samefile(each) for each in read):
                return Problem(where, "this file is read by this command", "name another file for the result")
            if not _begins_with(path, columns):
                what = f"another file is there already: no earlier result, whose columns begin {', '.join(columns)}"
                return Problem(where, what, "name another file, or move this one away")
        _try_to_write(path)
    except OSError as error:
        return Problem(where, f"this cannot be written: {error.strerror or error}", "name another file")
    return None


def _begins_with(path: Path, columns: Sequence[str]) -> bool:
    wanted = ",".join(columns).encode()
    with path.open("rb") as stream:
        start = stream.read(len(wanted) + 1)
    return start[:-1] == wanted and start[-1:] in (b",", b"\n", b"\r")


def _try_to_write(path: Path) -> None:
    """Open a file for writing without changing it, or make it (with its folders) and take it away again."""
    if path.exists():
        path.open("ab").close()
        return
    made = [folder for folder in path.absolute().parents if not folder.exists()]  # the deepest first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("xb").close()
        path.unlink()
    finally:
        for folder in made:
            if folder.is_dir():
                os.rmdir(folder)
