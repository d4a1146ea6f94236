"""Files that are written where the user says: before the work it is known that they can be, and what they replace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from dlr.errors import InputError, Problem

__all__ = ["check_new", "check_outputs", "check_pictures"]


def check_outputs(outputs: Mapping[Path, Sequence[str]], inputs: Iterable[Path | None] = ()) -> None:
    """Raise InputError with every output that must not or cannot be written; nothing is left behind.

    outputs : tables (CSV, UTF-8) by path, each with the columns that its header begins with. A file that is there may
    be replaced only if its header begins so, being the result of an earlier call.  inputs : files that are read.
    """
    read = [path for path in inputs if path is not None]
    found = []
    for path, columns in outputs.items():
        ours = f"no earlier result, whose columns begin {', '.join(columns)}"
        found.append(_problem(path, partial(_begins_with, columns=columns), ours, read))
    _raise(found)


def check_pictures(outputs: Iterable[Path], program: str, inputs: Iterable[Path] = ()) -> None:
    """The same of pictures (PNG): one that is there may be replaced only if it names `program` as its software."""
    read = list(inputs)
    ours = f"no earlier picture of `{program}`"
    _raise([_problem(path, partial(_made_by, program=program), ours, read) for path in outputs])


def check_new(path: Path) -> None:
    """Raise InputError where something is there already, or nothing can be made; nothing is left behind."""
    try:
        there = path.exists() or path.is_symlink()
        if not there:
            _try_to_write(path)
    except OSError as error:
        what = f"this cannot be written: {error.strerror or error}"
        raise InputError(str(path), what, "name another place with --out") from error
    if there:
        raise InputError(str(path), "is there already and stays", "name another place with --out, or move it away")


def _raise(found: Iterable[Problem | None]) -> None:
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise InputError.of(problems)


def _problem(path: Path, earlier: Callable[[Path], bool], ours: str, read: Sequence[Path]) -> Problem | None:
    where = str(path)
    try:
        if path.is_dir():
            return Problem(where, "this is a folder", "name a file in it")
        if path.exists():
            if not path.is_file():  # a pipe would be waited for
                return Problem(where, "this is a device or a pipe, no file", "name another file")
            if any(each.exists() and path.samefile(each) for each in read):
                return Problem(where, "this file is read by this command", "name another file for the result")
            if not earlier(path):
                what = f"another file is there already: {ours}"
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


def _made_by(path: Path, program: str) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return picture.info.get("Software") == program
    except (UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


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
