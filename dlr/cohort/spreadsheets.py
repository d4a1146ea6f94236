"""Tables as people save them: CSV in several encodings and delimiters, and .xlsx. Every cell is read as text."""

from __future__ import annotations

import codecs
import csv
import datetime
import difflib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.csv_files import as_written
from dlr.errors import InputError, Problem

__all__ = ["Sheet", "read_sheet"]

_DELIMITERS = (",", ";", "\t")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))


@dataclass(frozen=True)
class Sheet:
    """A table of text cells; the index is the row number that a spreadsheet program shows (headers are row 1)."""

    frame: pd.DataFrame
    source: str  # file name, with the sheet
    delimiter: str  # "" for a spreadsheet
    notes: tuple[str, ...]


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
    if not path.is_file():
        raise InputError(str(path), "no such file", _nearest_file(path))
    content = path.read_bytes()
    if not content.strip():
        raise InputError(path.name, "the file is empty", "give a table with a row of headers and a row a case")
    if content[:4] == b"PK\x03\x04":
        rows, source = _xlsx_rows(path, sheet, setting)
        return _sheet(rows, source, "", ())
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(path.name, "an old or password-protected Excel file", "save it as .xlsx or CSV (UTF-8)")
    if sheet is not None:
        raise InputError(path.name, f"sheet {sheet!r} was asked for, but this is a text file", "leave the sheet away")
    text, note = _decode(content, path.name, encoding)
    used = _delimiter(text) if delimiter == "auto" else delimiter
    if text.lower().startswith("sep="):  # a line by which Excel names the delimiter
        text = "\n" + text.partition("\n")[2]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=used, strict=True))
    except csv.Error as error:
        raise InputError(path.name, f"not a readable CSV ({error})", "look for an unclosed quotation mark") from error
    return _sheet(rows, path.name, used, note)


def _sheet(rows: list[list[str]], source: str, delimiter: str, notes: tuple[str, ...]) -> Sheet:
    numbered = [(n, [_clean(c) for c in row]) for n, row in enumerate(rows, start=1)]
    numbered = [(n, row) for n, row in numbered if any(row)]
    if not numbered:
        raise InputError(source, "the table is empty", "give a row of headers and a row a case")
    header = list(numbered[0][1])
    body = numbered[1:]
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
    cells = [(row + [""] * width)[:width] for _, row in body]
    frame = pd.DataFrame(cells, columns=header, index=[n for n, _ in body], dtype=object)
    return Sheet(frame, source, delimiter, notes)


def _clean(cell: str) -> str:
    plain = cell.strip() if cell.isascii() else cell.translate(_INVISIBLE).replace("\u00a0", " ").strip()
    text: str = as_written(plain)
    return text


def _decode(content: bytes, name: str, encoding: str) -> tuple[str, tuple[str, ...]]:
    mend = "save it as CSV (UTF-8), or name its encoding in cohort.encoding"
    if encoding != "auto":
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise InputError("cohort.encoding", f"{encoding!r} is no known encoding", "e.g. utf-8, gb18030") from error
        try:
            return content.decode(encoding), ()
        except UnicodeError as error:
            raise InputError(name, f"not {encoding} text ({error})", mend) from error
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
        notes = () if candidate == "utf-8-sig" else (f"read as {candidate.upper()} text",)
        return text, notes
    raise InputError(name, "neither UTF-8 nor GB18030 text", mend)


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4]
    unquoted = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=unquoted.count)


def _xlsx_rows(path: Path, sheet: str | None, setting: str) -> tuple[list[list[str]], str]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        # the suffix is checked by openpyxl, the content is what counts
        book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise InputError(path.name, f"not a readable .xlsx file ({error})", "save it again as .xlsx or CSV") from error
    sheets = {page.title: page for page in book.worksheets}
    filled = [name for name, page in sheets.items() if any(c is not None for r in page.values for c in r)]
    if sheet is None:
        if len(filled) > 1:
            raise InputError(
                path.name,
                f"{len(filled)} sheets hold cells: {', '.join(filled)}",
                f"name the one that is meant: --set {setting}=NAME" if setting else "save the one that is meant as CSV",
            )
        sheet = filled[0] if filled else next(iter(sheets))
    if sheet not in sheets:
        near = difflib.get_close_matches(sheet, list(sheets), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(path.name, f"no sheet {sheet!r}", f"{hint}its sheets are: {', '.join(sheets)}")
    rows = [[_cell(c.value, c.number_format) for c in row] for row in sheets[sheet].iter_rows()]
    return rows, f"{path.name} [{sheet}]"


def _cell(value: Any, number_format: str) -> str:
    """The text a spreadsheet shows where it matters: 00123 by format, 30 % by format, whole numbers without .0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if re.fullmatch(r"0+", number_format) and float(value).is_integer():
            return f"{int(value):0{len(number_format)}d}"
        if "%" in number_format:
            return f"{round(value * 100, 10):g} %"
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)


def _nearest_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist either"
    near = difflib.get_close_matches(path.name, sorted(p.name for p in folder.iterdir()), n=1)
    return f"did you mean {near[0]}?" if near else "check the path"
