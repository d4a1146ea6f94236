"""An .xlsx file as text cells, read part by part: what is empty costs nothing, and no part may grow without bound.

Of the format (ECMA-376 part 1, SpreadsheetML) as much is read as a table needs: sheets, shared strings, the formats by
which numbers are dates, per cents or ids with zeros in front, hidden rows, and formulas whose value was not stored.
"""

from __future__ import annotations

import datetime
import lzma
import math
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers import expat

from dlr.cohort.mapping import shortened
from dlr.errors import InputError

__all__ = ["LARGEST", "MOST_CELLS", "Page", "Workbook", "too_many_cells"]

LARGEST = (
    2**28
)  # bytes of a table, and of the parts of a workbook, unpacked; 20,000 rows of 100 columns take a quarter of it
MOST_CELLS = 10_000_000  # of a table: about 2 GiB as text
_CHUNK = 2**16
_ROWS, _COLUMNS = 2**20, 2**14  # of a sheet, in every spreadsheet program
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_BAD_PART = (
    ParseError, expat.ExpatError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError,
    KeyError, ValueError, RuntimeError,
)  # fmt: skip
_MEND = "open it in a spreadsheet program and save it again as .xlsx, or as CSV (UTF-8)"


@dataclass
class Page:
    """The cells of a sheet that hold something."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)  # the number of a row, and its cells as text
    hidden: list[int] = field(default_factory=list)  # those of them that are hidden, or filtered away
    unstored: list[tuple[int, int]] = field(default_factory=list)  # row and column (from 0) of formulas without value


class Workbook:
    """The sheets of an .xlsx file.  Raises InputError where it is damaged, no workbook, or unpacks to too much."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._archive = zipfile.ZipFile(path)
        except _BAD_PART as error:
            raise self._damaged(str(error)) from error
        parts = set(self._archive.namelist())
        book = dict(self._links("").values()).get("officeDocument")
        if book is None:
            raise self._damaged("no workbook is in it")
        links = self._links(book)
        self._of_kind = dict(links.values())
        self._days_from_1904 = False
        self._sheets: dict[str, str] = {}
        for each in self._elements(book, ("workbookPr", "sheet")):
            if _local(each) == "workbookPr":
                self._days_from_1904 = each.get("date1904") in ("1", "true")
                continue
            name = each.get("name", "")
            kind, part = links.get(next((v for k, v in each.items() if k.endswith("}id")), ""), ("", ""))
            if kind == "worksheet":  # not a chart's or a macro's
                self._sheets[name] = part
            if part not in parts:
                raise self._damaged(f"sheet {name!r} is missing")
        if not self._sheets:
            raise self._damaged("it has no sheet of cells")

    @property
    def names(self) -> list[str]:
        """The names of the sheets of cells, in their order."""
        return list(self._sheets)

    def holds_cells(self, name: str) -> bool:
        """Whether a sheet holds anything; it is read no further than its first cell."""
        return any(cells or unstored for _, cells, unstored in self._rows(name))

    def page(self, name: str) -> Page:
        """The cells of a sheet."""
        page, count = Page(), 0
        for row, cells, unstored in self._rows(name):
            number = int(row.get("r", "0"))
            if cells:
                page.rows.append((number, [cells.get(column, "") for column in range(max(cells) + 1)]))
                count += len(page.rows[-1][1])
                if count > MOST_CELLS:
                    raise too_many_cells(self.name)
                if row.get("hidden") in ("1", "true"):
                    page.hidden.append(number)
            page.unstored += [(number, column) for column in unstored]
        return page

    def _damaged(self, what: str) -> InputError:
        return InputError(self.name, f"not a readable .xlsx file ({what})", _MEND)

    def _elements(self, part: str, wanted: tuple[str, ...]) -> Iterator[Element]:
        """The wanted elements of a part, each forgotten after it; none of them lies in another."""
        try:
            self._check_part(part)
            parser: XMLPullParser = XMLPullParser(("end",))
            known: dict[str, bool] = {}  # whether a tag is wanted, whatever its namespace
            inner = found = 0  # elements since the last wanted one, and wanted ones
            with self._archive.open(part) as stream:
                while True:
                    chunk = stream.read(_CHUNK)
                    parser.feed(chunk) if chunk else parser.close()
                    for _, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                        inner += 1
                        if element.tag not in known:
                            known[element.tag] = _local(element) in wanted
                        if known[element.tag]:
                            yield element
                            element.clear()
                            inner, found = 0, found + 1
                    if inner > 8 * _COLUMNS or found > 4 * _ROWS:
                        raise self._damaged(f"{part}: more than a sheet can hold")
                    if not chunk:
                        return
        except _BAD_PART as error:
            raise self._damaged(f"{part}: {error}") from error

    def _check_part(self, part: str) -> None:
        """Refuse what unpacks to too much (no more is unpacked than the archive's list says), and entities."""
        if self._archive.getinfo(part).file_size > LARGEST:
            what = f"more than {LARGEST // 2**20} MiB of cells when unpacked"
            raise InputError(self.name, what, "keep the rows and columns of the study only")
        started: list[str] = []
        prolog = expat.ParserCreate()
        prolog.StartElementHandler = lambda tag, _: started.append(tag)
        prolog.StartDoctypeDeclHandler = self._refuse_entities
        with self._archive.open(part) as stream:
            while not started and (chunk := stream.read(_CHUNK)):
                prolog.Parse(chunk, False)

    def _refuse_entities(self, *_: Any) -> None:
        raise self._damaged("it declares entities, which no spreadsheet program does")

    def _links(self, of: str) -> dict[str, tuple[str, str]]:
        """Id -> kind and name of the parts that a part is made of; of "", those of the file."""
        folder, file = posixpath.split(of)
        found = {}
        for link in self._elements(posixpath.join(folder, "_rels", f"{file}.rels"), ("Relationship",)):
            part = posixpath.normpath(posixpath.join(f"/{folder}", link.get("Target", ""))).lstrip("/")
            found[link.get("Id", "")] = (link.get("Type", "").rpartition("/")[2], part)
        return found

    @cached_property
    def _strings(self) -> list[str]:
        part = self._of_kind.get("sharedStrings")
        return [_text(item) for item in self._elements(part, ("si",))] if part else []

    @cached_property
    def _formats(self) -> list[str]:
        """The number format of every style of cells."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        part = self._of_kind.get("styles")
        known = {str(number): text for number, text in BUILTIN_FORMATS.items()}
        styles: list[str] = []
        for each in self._elements(part, ("numFmts", "cellXfs")) if part else ():
            if _local(each) == "numFmts":
                known |= {one.get("numFmtId", ""): one.get("formatCode", "") for one in each}
            else:
                styles = [known.get(one.get("numFmtId", "0"), "General") for one in each]
        return styles

    def _rows(self, name: str) -> Iterator[tuple[Element, dict[int, str], list[int]]]:
        """Every row of a sheet that has cells: the row (its number in `r`), column -> text, and the columns of formulas
        without a value; columns from 0."""
        before = 0
        for row in self._elements(self._sheets[name], ("row",)):
            cells: dict[int, str] = {}
            unstored: list[int] = []
            try:
                number = int(row.get("r", before + 1))
                for place, cell in enumerate(row):
                    if not len(cell):  # formatted only
                        continue
                    reference = cell.get("r")
                    column = place if reference is None else _column(reference, number)
                    text = self._cell(cell)
                    if text is None:
                        unstored.append(column)
                    elif text.strip():
                        cells[column] = text
                if not before < number <= _ROWS:
                    raise ValueError(f"it says that it is row {number}")
            except (ValueError, OverflowError) as error:
                raise self._damaged(f"{name}, after row {before}: {error!s:.200}") from error
            row.set("r", str(number))
            before = number
            yield row, cells, unstored

    def _cell(self, cell: Element) -> str | None:
        """The text that a spreadsheet shows where it matters; None for a formula without its value."""
        kind, style = cell.get("t", "n"), int(cell.get("s", "0"))
        parts = {_local(part): part for part in cell}
        if kind == "inlineStr":
            return _text(parts["is"]) if "is" in parts else ""
        if "v" not in parts or (not parts["v"].text and kind != "str"):
            return None if "f" in parts else ""
        value = parts["v"].text or ""
        if kind in ("str", "e", "d"):
            return _unescaped(value) if kind == "str" else value
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind == "s":
            number = int(value)
            if not 0 <= number < len(self._strings):
                raise ValueError(f"there is no text {number}")
            return self._strings[number]
        found = float(value)
        if kind != "n" or not math.isfinite(found):
            raise ValueError(f"{shortened(value)!r} is no number")
        number_format = self._formats[style] if style < len(self._formats) else "General"
        return _number(found, number_format, self._days_from_1904)


def too_many_cells(name: str) -> InputError:
    """Why a table that large is not read."""
    mend = "keep the rows and columns of the study only; a table of features may be a Parquet file"
    return InputError(name, f"more than {MOST_CELLS} cells", mend)


def _column(reference: str, row: int) -> int:
    """'AB12' -> 27."""
    match = _REFERENCE.fullmatch(reference)
    number = 0
    for letter in match[1] if match else "":
        number = 26 * number + ord(letter) - 64
    if match is None or int(match[2]) != row or number > _COLUMNS:
        raise ValueError(f"a cell of row {row} is at {reference!r}")
    return number - 1


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(item: Element) -> str:
    """The text of a string, plain or of several runs, without the readings beside it (phonetic text)."""
    texts = (part.text or "" for run in item if _local(run) != "rPh" for part in run.iter() if _local(part) == "t")
    return _unescaped("".join(texts))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(value: float, number_format: str, days_from_1904: bool) -> str:
    """00123 by format, 30 % by format, dates, whole numbers without .0."""
    from openpyxl.styles.numbers import is_date_format
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

    if re.fullmatch(r"0+", number_format) and value.is_integer():
        return f"{int(value):0{len(number_format)}d}"
    if "%" in number_format:
        return f"{round(value * 100, 10):g} %"
    if number_format != "General" and is_date_format(number_format):
        with suppress(OverflowError, ValueError):  # no date of a calendar: the number is what there is
            return _date(from_excel(value, MAC_EPOCH if days_from_1904 else WINDOWS_EPOCH))
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _date(moment: datetime.datetime | datetime.time) -> str:
    if isinstance(moment, datetime.datetime) and moment.time() == datetime.time():
        return moment.date().isoformat()
    return str(moment)
