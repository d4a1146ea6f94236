"""Workbooks (.xlsx) that are damaged, hostile, or hold what a table of text cells cannot say."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from dlr.cohort import CohortSettings, load_cohort, load_feature_table
from dlr.cohort.spreadsheets import Sheet, read_sheet
from dlr.errors import InputError, Problem

SHEET = "xl/worksheets/sheet1.xml"
Edit = Callable[[bytes], bytes | None]


def book(path: Path, change: Callable[[openpyxl.Workbook], object] = lambda made: None) -> Path:
    """Twelve patients in a workbook, changed."""
    made = openpyxl.Workbook()
    made.active.append(["patient_id", "her2", "age"])
    for number in range(12):
        made.active.append([f"P{number:03d}", number % 2, 40 + number])
    change(made)
    made.save(path)
    return path


def with_parts(path: Path, edits: dict[str, Edit]) -> Path:
    """The workbook with some of its parts edited; None takes a part away."""
    book(path)
    with zipfile.ZipFile(path) as archive:
        parts: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    for name, edit in edits.items():
        parts[name] = edit(parts.get(name) or b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def problem(path: Path) -> Problem:
    """The one problem of reading it as a manifest."""
    with pytest.raises(InputError) as error:
        load_cohort(path, CohortSettings(), images=False)
    (found,) = error.value.problems
    return found


def put(old: bytes, new: bytes) -> Edit:
    """Replaces one text of a part."""

    def edit(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return edit


ENTITIES = b'<!DOCTYPE a [<!ENTITY b "aaaaaaaaaa"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
STORED = "open it in a spreadsheet program and save it again"
DAMAGED: dict[str, tuple[dict[str, Edit], str]] = {
    "XML cut short": ({SHEET: lambda x: x[: len(x) // 2]}, "no element found"),
    "XML of nonsense": ({SHEET: lambda x: x.replace(b"<row", b"<row<")}, "not well-formed"),
    "no part of a sheet": ({SHEET: lambda x: None}, "sheet 'Sheet' is missing"),
    "no workbook": ({"xl/workbook.xml": lambda x: None}, "There is no item named"),
    "no list of parts": ({"_rels/.rels": lambda x: None}, "There is no item named"),
    "no styles": ({"xl/styles.xml": lambda x: None}, "xl/styles.xml"),
    "entities": ({SHEET: lambda x: ENTITIES + x}, "it declares entities"),
    "entities that grow": ({SHEET: lambda x: ENTITIES + x.replace(b"<v>40</v>", b"<v>&c;</v>")}, "entities"),
    "column beyond the last": ({SHEET: put(b'r="C5"', b'r="E99999999"')}, "a cell of row 5 is at 'E99999999'"),
    "letters beyond XFD": ({SHEET: put(b'r="C5"', b'r="XFE5"')}, "a cell of row 5 is at 'XFE5'"),
    "reference upside down": ({SHEET: put(b'r="C5"', b'r="5C"')}, "a cell of row 5 is at '5C'"),
    "row without number": ({SHEET: put(b'<row r="5"', b'<row r="five"')}, "after row 4"),
    "row twice": ({SHEET: lambda x: x.replace(b'"5"', b'"4"').replace(b'5" t', b'4" t').replace(b'5"', b'4"')},
                  "it says that it is row 4"),
    "row beyond the last": ({SHEET: put(b'<row r="13"', b'<row r="9999999"')}, "a cell of row 9999999"),
    "letters for a number": ({SHEET: put(b"<v>40</v>", b"<v>forty</v>")}, "could not convert string to float"),
    "no number": ({SHEET: put(b"<v>40</v>", b"<v>nan</v>")}, "'nan' is no number"),
    "too large a number": ({SHEET: put(b"<v>40</v>", b"<v>" + b"9" * 5000 + b"</v>")}, "is no number"),
    "unknown kind of cell": ({SHEET: put(b't="n"><v>40<', b't="q"><v>40<')}, "'40' is no number"),
    "style that is no number": ({SHEET: put(b'<c r="C2"', b'<c s="x" r="C2"')}, "invalid literal"),
    "text that is not there": ({SHEET: put(b't="n"><v>40<', b't="s"><v>7<')}, "there is no text 7"),
    "a Word document": ({"xl/workbook.xml": lambda x: b"<document/>"}, "it has no sheet of cells"),
    "a row without end": ({SHEET: put(b"<v>40</v></c>", b"<v>40</v></c>" + b"<c/>" * 200_000)}, "than a sheet can"),
}  # fmt: skip


@pytest.mark.parametrize("fault", DAMAGED)
def test_a_damaged_workbook_is_named_with_the_place(tmp_path: Path, fault: str) -> None:
    edits, what = DAMAGED[fault]
    found = problem(with_parts(tmp_path / "m.xlsx", edits))
    assert found.where == "m.xlsx" and found.what.startswith("not a readable .xlsx file (") and what in found.what
    assert found.mend.startswith(STORED) and len(found.what) < 300


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_flipped_bytes_of_an_archive_are_a_damaged_workbook(tmp_path: Path, method: int) -> None:
    path = book(tmp_path / "m.xlsx")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    whole = bytearray(path.read_bytes())
    readable = 0
    for at in range(40, len(whole), len(whole) // 25):
        path.write_bytes(bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]))
        try:
            readable += len(read_sheet(path).frame) > 0
        except InputError as error:
            assert error.problems[0].where.startswith("m.xlsx")
    assert readable < 20


def bomb(path: Path, size: int) -> Path:
    """A workbook of one cell, which is `size` blanks."""
    blanks = b" " * 2**24
    book(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != SHEET}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open(SHEET, "w") as stream:
            stream.write(b'<worksheet><sheetData><row><c t="str"><v>')
            for _ in range(size // len(blanks)):
                stream.write(blanks)
            stream.write(b"</v></c></row></sheetData></worksheet>")
    return path


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = bomb(tmp_path / "m.xlsx", 2**28 + 2**24)
    assert path.stat().st_size < 2**22
    began = time.process_time()
    found = problem(path)
    assert time.process_time() - began < 1
    assert found.where == "m.xlsx" and found.what == "more than 256 MiB of cells when unpacked"
    assert "keep the rows and columns of the study" in found.mend


@pytest.mark.parametrize("cell", ["A1048576", "XFD1048576"])
@pytest.mark.parametrize("change", ["fill", "blank", "formula of nothing"])
def test_a_sheet_formatted_to_its_end_costs_nothing(tmp_path: Path, cell: str, change: str) -> None:
    def edit(made: openpyxl.Workbook) -> None:
        if change == "fill":
            made.active[cell].fill = PatternFill("solid", fgColor="FFFF00")
        made.active[cell].value = " " if change == "blank" else None

    path = book(tmp_path / "m.xlsx", edit)
    began = time.process_time()
    assert read_sheet(path).frame.shape == (12, 3)
    assert time.process_time() - began < 1


def test_ten_thousand_formatted_rows_are_no_rows(tmp_path: Path) -> None:
    empty = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (n, n) for n in range(14, 10_014))
    path = with_parts(tmp_path / "m.xlsx", {SHEET: put(b"</sheetData>", empty + b"</sheetData>")})
    assert len(read_sheet(path).frame) == 12


def read(path: Path, change: Callable[[openpyxl.Workbook], object]) -> Sheet:
    return read_sheet(book(path, change))


def test_hidden_rows_are_said(tmp_path: Path) -> None:
    def hide(made: openpyxl.Workbook) -> None:
        for row in (4, 5, 6, 900):  # the last is empty
            made.active.row_dimensions[row].hidden = True

    sheet = read(tmp_path / "m.xlsx", hide)
    assert len(sheet.frame) == 12
    assert sheet.notes == ("3 hidden or filtered rows are read, too: 4, 5, 6; delete those not meant",)
    cohort = load_cohort(tmp_path / "m.xlsx", CohortSettings(), images=False)
    assert cohort.notes["what"].str.contains("hidden or filtered rows").any()


def test_formulas_without_a_stored_value_are_refused_by_row_and_column(tmp_path: Path) -> None:
    def write(made: openpyxl.Workbook) -> None:
        made.active["C3"] = "=40+1"
        made.active["C5"] = "=40+3"
        made.active["B2"] = "=1-1"

    her2, age, *_ = unstored = (read(tmp_path / "m.xlsx", write)).problems
    assert len(unstored) == 2
    assert her2.where == "m.xlsx [Sheet] her2" and her2.what == "formulas without a stored value (row 2)"
    assert age.where == "m.xlsx [Sheet] age" and age.what == "formulas without a stored value (rows 3, 5)"
    assert "save it, or type the values" in age.mend
    for load in (lambda p: load_cohort(p, CohortSettings(), images=False), load_feature_table):
        with pytest.raises(InputError, match=r"formulas without a stored value \(row 2\)"):
            load(tmp_path / "m.xlsx")


def test_formulas_do_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    def write(made: openpyxl.Workbook) -> None:
        made.active["C3"] = "=40+1"
        made.active["A7"] = None

    book(tmp_path / "m.xlsx", write)
    with pytest.raises(InputError) as error:
        load_cohort(tmp_path / "m.xlsx", CohortSettings(), images=False)
    assert [p.what for p in error.value.problems] == [
        "no patient_id in rows 7",
        "formulas without a stored value (row 3)",
    ]


def test_formulas_with_a_stored_value_are_their_value(tmp_path: Path) -> None:
    stored = put(b"<v>40</v>", b"<f>39+1</f><v>40</v>")
    frame = read_sheet(with_parts(tmp_path / "m.xlsx", {SHEET: stored})).frame
    assert frame["age"].iloc[0] == "40"


def test_a_title_above_the_headers_is_named(tmp_path: Path) -> None:
    def write(made: openpyxl.Workbook) -> None:
        made.active.insert_rows(1, 2)
        made.active["A1"] = "Breast lesions, 2019 to 2023"

    found = problem(book(tmp_path / "m.xlsx", write))
    assert found.where == "m.xlsx [Sheet] row 1" and found.what == "one cell alone, where headers should stand"
    assert found.mend == "delete the title above the headers"


def test_a_chart_sheet_is_passed_over(tmp_path: Path) -> None:
    def chart(made: openpyxl.Workbook) -> None:
        made.create_chartsheet("a chart", 0)

    assert len(read(tmp_path / "m.xlsx", chart).frame) == 12
