"""Tables as people save them: CSV in several encodings and delimiters, and .xlsx. Every cell is read as text."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from dlr.cohort.filenames import is_file, why_no_file
from dlr.cohort.mapping import shortened, shown
from dlr.cohort.workbook import LARGEST, MOST_CELLS, Workbook, too_many_cells
from dlr.csv_files import as_written
from dlr.errors import InputError, Problem

__all__ = ["Sheet", "read_sheet"]

_DELIMITERS = (",", ";", "\t")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tab and ends of lines


@dataclass(frozen=True)
class Sheet:
    """A table of text cells; the index is the row number that a spreadsheet program shows (headers are row 1)."""

    frame: pd.DataFrame
    source: str  # file name, with the sheet
    delimiter: str  # "" for a spreadsheet
    notes: tuple[str, ...]
    problems: tuple[Problem, ...] = ()  # of cells whose value is not in the file


def read_sheet(
    path: Path,
    sheet: str | None = None,
    delimiter: str = "auto",
    encoding: str = "auto",
    setting: str = "",
) -> Sheet:
    """The table in a CSV (UTF-8 with or without BOM, UTF-16 with BOM, GB18030; comma, semicolon, tab) or .xlsx file.

    setting : the one that names a sheet, as a message gives it; "" where there is none.

    Raises InputError where the file is absent, cannot be decoded, has no such sheet, repeats a header or has
    cells without a header.
    """
    path = Path(path)
    if not is_file(path):
        what, mend = why_no_file(str(path), path)
        raise InputError(str(path), f"the table {what}", mend)
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise InputError(str(path), f"cannot be opened ({error.strerror})", "check its rights") from error
    if size > LARGEST:
        raise InputError(path.name, f"a table of {size // 2**20} MiB", "keep the rows and columns of the study only")
    if not content.strip():
        raise InputError(path.name, "the file is empty", "give a table with a row of headers and a row a case")
    if content[:4] == b"PK\x03\x04":
        return _xlsx(path, sheet, setting)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(path.name, "an old or password-protected Excel file", "save it as .xlsx or CSV (UTF-8)")
    if sheet is not None:
        raise InputError(path.name, f"sheet {sheet!r} was asked for, but this is a text file", "leave the sheet away")
    text, note = _decode(content, path.name, encoding)
    used = _delimiter(text) if delimiter == "auto" else delimiter
    if text.lower().startswith("sep="):  # a line by which Excel names the delimiter
        text = "\n" + text.partition("\n")[2]
    rows: list[tuple[int, list[str]]] = []
    number = cells = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=used, strict=True):
            number, cells = number + 1, cells + len(row)
            if cells > MOST_CELLS:
                raise too_many_cells(path.name)
            if row:
                rows.append((number, row))
    except (csv.Error, TypeError, ValueError) as error:
        what = "a cell without end" if "field limit" in str(error) or "end of data" in str(error) else str(error)
        mend = "look there for a quotation mark that is not closed"
        raise InputError(f"{path.name} row {number + 1}", f"not a readable CSV ({what})", mend) from error
    return _sheet(rows, path.name, used, note)


def _sheet(rows: list[tuple[int, list[str]]], source: str, delimiter: str, notes: list[str]) -> Sheet:
    numbered, controlled = _cleaned(rows)
    if controlled:
        notes = [*notes, f"control characters in rows {shown(controlled)}: they were left out"]
    if not numbered:
        raise InputError(source, "the table is empty", "give a row of headers and a row a case")
    header = list(numbered[0][1])
    body = numbered[1:]
    if sum(map(bool, header)) == 1 and any(sum(map(bool, row)) > 2 for _, row in body):
        where = f"{source} row {numbered[0][0]}"
        raise InputError(where, "one cell alone, where headers should stand", "delete the title above the headers")
    while header and not header[-1] and not any(row[len(header) - 1] for _, row in body if len(row) >= len(header)):
        header.pop()
    width = len(header)
    problems = []
    for column, name in enumerate(header):
        if not name:
            problems.append(
                Problem(
                    f"{source} column {column + 1}", "cells without a header", "name the column, or delete its cells"
                )
            )
        elif header.index(name) != column:
            problems.append(Problem(f"{source} column {column + 1}", f"header {name!r} twice", "rename one of them"))
    for number, row in body:
        if len(row) > width and any(row[width:]):
            problems.append(
                Problem(
                    f"{source} row {number}",
                    f"{len(row)} cells, but {width} headers",
                    "put cells that hold the delimiter in quotation marks",
                )
            )
    if problems:
        raise InputError.of(problems)
    if not body:
        raise InputError(source, "headers, but no rows", "give a row a case")
    filled = [(row + [""] * width)[:width] for _, row in body]
    frame = pd.DataFrame(filled, columns=header, index=[n for n, _ in body], dtype=object)
    return Sheet(frame, source, delimiter, tuple(notes))


def _cleaned(rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The rows that hold something, without what cannot be seen, and the numbers of those with control characters."""
    out, controlled = [], []
    for number, row in rows:
        cells = [cell.strip() if cell.isascii() and cell.isprintable() else _clean(cell) for cell in row]
        if any(_CONTROL.search(cell) for cell in cells if not cell.isprintable()):
            cells = [_CONTROL.sub("", cell).strip() for cell in cells]
            controlled.append(str(number))
        if any(cells):
            out.append((number, [as_written(cell) if cell.startswith("'") else cell for cell in cells]))
    return out, controlled


def _clean(cell: str) -> str:
    return cell.translate(_INVISIBLE).replace("\u00a0", " ").strip()


def _decode(content: bytes, name: str, encoding: str) -> tuple[str, list[str]]:
    mend = "save it as CSV (UTF-8), or name its encoding in cohort.encoding"
    if encoding != "auto":
        try:
            return content.decode(encoding), []
        except UnicodeError as error:
            raise InputError(name, f"not {encoding} text ({error})", mend) from error
        except (LookupError, ValueError) as error:
            what = f"{encoding!r} is no encoding of text"
            raise InputError("cohort.encoding", what, "e.g. utf-8, gb18030, latin-1, or auto") from error
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for candidate in candidates:
        try:
            text = content.decode(candidate)
        except UnicodeError:
            continue
        if "\x00" in text:
            continue
        return text, [] if candidate == "utf-8-sig" else [_read_as(candidate, text)]
    why = " (it holds zero bytes: UTF-16 without its mark, or no table)" if b"\x00" in content else ""
    raise InputError(name, f"neither UTF-8 nor GB18030 text{why}", mend)


def _read_as(encoding: str, text: str) -> str:
    """What was taken for what: Latin-1 and Big5 make words of GB18030, too, but senseless ones."""
    word = re.search(r"[^\s,;\"]*[^\x00-\x7f][^\s,;\"]*", text)
    shows = f" (it holds {shortened(word[0])!r}; if that is not so, set cohort.encoding)" if word else ""
    return f"read as {encoding.upper()} text{shows}"


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4]
    unquoted = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=unquoted.count)


def _xlsx(path: Path, sheet: str | None, setting: str) -> Sheet:
    book = Workbook(path)
    if sheet is None:
        filled = [name for name in book.names if book.holds_cells(name)]
        if len(filled) > 1:
            raise InputError(
                path.name,
                f"{len(filled)} sheets hold cells: {', '.join(filled)}",
                f"name the one that is meant: --set {setting}=NAME" if setting else "save the one that is meant as CSV",
            )
        sheet = filled[0] if filled else book.names[0]
    if sheet not in book.names:
        near = difflib.get_close_matches(sheet, book.names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(path.name, f"no sheet {sheet!r}", f"{hint}its sheets are: {', '.join(book.names)}")
    page = book.page(sheet)
    notes = []
    if page.hidden:
        rows = shown([str(row) for row in page.hidden])
        notes.append(f"{len(page.hidden)} hidden or filtered rows are read, too: {rows}; delete those not meant")
    source = f"{path.name} [{sheet}]"
    made = _sheet(page.rows, source, "", notes)
    headers = dict(enumerate(made.frame.columns))
    problems = []
    for column in sorted({column for _, column in page.unstored}):
        at = [str(row) for row, place in page.unstored if place == column]
        problems.append(
            Problem(
                f"{source} {headers.get(column, f'column {column + 1}')}",
                f"formulas without a stored value (row{'s' if len(at) > 1 else ''} {shown(at)})",
                "open the file in a spreadsheet program and save it, or type the values",
            )
        )
    return replace(made, problems=tuple(problems))
