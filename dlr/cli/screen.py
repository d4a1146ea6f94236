"""What a command prints: results on stdout, problems and faults on stderr, and the exit status that goes with them."""

from __future__ import annotations

import errno
import functools
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from dlr.errors import InputError, Problem, shown

if TYPE_CHECKING:
    from rich.console import Console

    from dlr.engine import Result

__all__ = ["SUMMARY", "WIDTH", "guarded", "print_plan", "print_results", "print_table", "say"]

SUMMARY = "summary.pdf"
MACHINE = (  # error numbers of the system: what, mend
    ((errno.ENOSPC, errno.EDQUOT), "there is no room left on the disk", "make room, or choose another disk with --out"),
    ((errno.EFBIG,), "the file would be larger than the system allows", "raise the limit (ulimit -f)"),
    ((errno.EACCES, errno.EPERM, errno.EROFS), "there is no right to read or write here",
     "change the rights, or choose another folder with --out"),
    ((errno.ENAMETOOLONG,), "the name is longer than the disk takes", "choose a shorter one"),
    ((errno.EEXIST, errno.ENOTDIR), "a file is where a folder is wanted", "move it away, or choose another folder"),
    ((errno.EISDIR,), "a folder is where a file is wanted", "name a file, or move the folder away"),
    ((errno.ELOOP,), "a link leads to itself", "mend the link, or choose another folder"),
    ((errno.EMFILE, errno.ENFILE), "too many files are open", "raise the limit (ulimit -n), or use fewer --jobs"),
    ((errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO), "the disk does not answer as it should", "check the disk"),
)  # fmt: skip
WIDTH = 160  # of a table where there is no terminal to ask


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose errors end as a table or a line and an exit status, never as a traceback."""

    @functools.wraps(command)
    def outcome(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except InputError as error:
            _print_problems(error)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            say("Stopped. What was finished is kept: the same command goes on from there.", err=True)
            raise typer.Exit(130) from stop
        except (typer.Exit, typer.Abort):
            raise
        except Exception as fault:
            problem = _of_the_machine(fault)
            if problem is None:
                _end_of_a_fault(fault)
            else:
                _print_problems(InputError.of([problem]))
            raise typer.Exit(1 if problem is None else 2) from fault

    return outcome


def _end_of_a_fault(fault: Exception) -> None:
    log = next((note for note in getattr(fault, "__notes__", ()) if note.startswith("log: ")), None)
    place = log.removeprefix("log: ") if log else _write_traceback(fault)
    text = f"{type(fault).__name__}: {fault}".splitlines()[0]
    say(f"This is a fault of dlr, not of your data: {text}\nWhat led to it is in {place}", err=True)


def _of_the_machine(error: Exception) -> Problem | None:
    """What disk, rights, names or memory do not allow; None where it is none of these.

    Libraries that are no Python's own say the number in their text: "No space left on device (os error 28)".
    """
    if isinstance(error, MemoryError):
        return Problem("memory", "there is not enough of it", "use fewer --jobs, or a machine with more memory")
    said = re.search(r"\(os error (\d+)\)", str(error))
    number = error.errno if isinstance(error, OSError) else int(said[1]) if said else None
    for numbers, what, mend in MACHINE:
        if number in numbers:
            return Problem(str(getattr(error, "filename", None) or "the disk"), what, mend)
    return None


def say(text: str, err: bool = False) -> None:
    """One line on stdout, or on stderr; what steers a terminal is spelled out."""
    typer.echo(shown(text), err=err)


def print_results(result: Result) -> None:
    """The paths that a reader opens next, last of all."""
    say(f"study     {result.study}")
    for name in ("metrics.csv", "report.html", "nomogram.pdf"):
        if (result.study / name).is_file():
            say(f"{name.partition('.')[0]:<9} {result.study / name}")
    sheet, page = result.study / SUMMARY, result.study / "report.html"
    if sheet.is_file() and page.is_file() and sheet.stat().st_mtime < page.stat().st_mtime:
        say(f"{sheet} is of an earlier report; again: dlr report --summary", err=True)


def print_plan(result: Result) -> None:
    rows, known = [], 0.0
    for each in result.outcomes:
        minutes = "" if each.state != "to do" else "?" if each.seconds is None else f"{each.seconds / 60:.1f}"
        known += each.seconds or 0 if each.state == "to do" else 0
        rows.append([each.stage, each.state, minutes, each.reason])
    print_table(["stage", "", "minutes", "why"], rows)
    open_ends = sum(each.state == "to do" and each.seconds is None for each in result.outcomes)
    stages = f"{open_ends} stage{'' if open_ends == 1 else 's'}"
    more = f", and {stages} whose time is known when what comes before has run" if open_ends else ""
    say(f"About {known / 60:.1f} minutes{more}.")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=box.SIMPLE, show_header=any(headers))
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    _console(sys.stdout).print(table)


def _print_problems(error: InputError) -> None:
    """The one table of everything wrong, on stderr."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("where", "what", "mend", box=box.SIMPLE_HEAD, show_lines=False)
    for problem in error.problems:
        table.add_row(Text(problem.where), Text(problem.what), Text(problem.mend))
    _console(sys.stderr).print(table)
    n = len(error.problems)
    say(f"{n} thing{'' if n == 1 else 's'} to mend. What was finished is kept.", err=True)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, width=None if stream.isatty() else WIDTH)


def _write_traceback(fault: Exception) -> Path:
    """Where a fault outside any study is written down: a new file, as one of a known name may be another's."""
    handle, path = tempfile.mkstemp(prefix="dlr-fault-", suffix=".log")
    with open(handle, "w", encoding="utf-8") as stream:
        stream.write("".join(traceback.format_exception(fault)))
    return Path(path)
