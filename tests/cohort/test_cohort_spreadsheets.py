"""Tables as people save them."""

from __future__ import annotations

import codecs
import datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from dlr.cohort import CohortSettings, load_cohort
from dlr.cohort.spreadsheets import read_sheet

HEADER = "patient_id,年龄,her2\n"
BODY = "00123,54,阳性\n00124,61,阴性\n"


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + BODY).encode("utf-8"),
        codecs.BOM_UTF8 + (HEADER + BODY).encode("utf-8"),
        (HEADER + BODY).encode("gb18030"),
        codecs.BOM_UTF16_LE + (HEADER + BODY).encode("utf-16-le"),
        (HEADER + BODY).replace(",", ";").encode("utf-8"),
        (HEADER + BODY).replace(",", "\t").encode("utf-8"),
        ("sep=;\n" + (HEADER + BODY).replace(",", ";")).encode("utf-8"),
        (HEADER + BODY).replace("\n", "\r\n").encode("utf-8"),
        ('"patient_id","年龄","her2"\n' + BODY).encode("utf-8"),
        (HEADER + "\n" + BODY + ",,\n").encode("utf-8"),
    ],
    ids=["utf8", "bom", "gb18030", "utf16", "semicolon", "tab", "sep line", "crlf", "quoted", "blank rows"],
)
def test_every_way_to_save_a_csv_gives_the_same_cells(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    frame = read_sheet(path).frame
    assert frame.columns.tolist() == ["patient_id", "年龄", "her2"]
    assert frame.to_numpy().tolist() == [["00123", "54", "阳性"], ["00124", "61", "阴性"]]


def test_gb18030_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes((HEADER + BODY).encode("gb18030"))
    (note,) = read_sheet(path).notes
    assert note == "read as GB18030 text (it holds '年龄'; if that is not so, set cohort.encoding)"


def test_row_numbers_are_those_a_spreadsheet_shows(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("a,b\n\n1,2\n\n3,4\n")
    assert read_sheet(path).frame.index.tolist() == [3, 5]


def test_short_rows_are_filled_and_empty_columns_at_the_end_left(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("a,b,,\n1\n3,4,,\n")
    assert read_sheet(path).frame.to_numpy().tolist() == [["1", ""], ["3", "4"]]


def make_book(path: Path) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "patients"
    page.append(["patient_id", "age", "ki67", "share", "seen", "when"])
    page.append([123, 54.0, 12.5, 0.3, True, None])
    page["A2"].number_format = "00000"
    page["D2"].number_format = "0%"
    page.append(["00124", 61, "<0.5", 0.305, False, None])
    page["D3"].number_format = "0.0%"
    book.create_sheet("empty")
    book.save(path)
    return path


def test_xlsx_cells_read_as_they_are_shown(tmp_path: Path) -> None:
    read = read_sheet(make_book(tmp_path / "m.xlsx"))
    assert read.source == "m.xlsx [patients]"
    assert read.frame.to_numpy().tolist() == [
        ["00123", "54", "12.5", "30 %", "true", ""],
        ["00124", "61", "<0.5", "30.5 %", "false", ""],
    ]


def test_xlsx_named_csv_is_read_by_its_content(tmp_path: Path) -> None:
    make_book(tmp_path / "m.xlsx").rename(tmp_path / "m.csv")
    assert len(read_sheet(tmp_path / "m.csv").frame) == 2


def test_a_sheet_is_taken_by_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append([1])
    other = book.create_sheet("临床")
    other.append(["b"])
    other.append([2])
    book.save(tmp_path / "m.xlsx")
    assert read_sheet(tmp_path / "m.xlsx", "临床").frame.columns.tolist() == ["b"]


def test_dates_times_and_texts_of_several_runs(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "day", "moment", "time", "beyond", "text", "rich", "flag", "error", "long"])
    rich = CellRichText("T", TextBlock(InlineFont(b=True), "2"), " N0")
    made = [
        7,
        datetime.date(2019, 3, 1),
        datetime.datetime(2019, 3, 1, 14, 30),
        datetime.time(9, 5),
        1e9,
        "_x0041_b",
        rich,
    ]
    book.active.append([*made, False, "#DIV/0!", 123456789012345678])
    book.active["E2"].number_format = "yyyy-mm-dd"  # no calendar goes that far
    book.save(tmp_path / "m.xlsx")
    (cells,) = read_sheet(tmp_path / "m.xlsx").frame.to_numpy().tolist()
    assert cells == ["7", "2019-03-01", "2019-03-01 14:30:00", "09:05:00", "1000000000", "Ab", "T2 N0", "false",
                     "#DIV/0!", "1.234567890123457e+17"]  # fmt: skip


def test_days_are_counted_from_1904_where_the_book_says_so(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["day"])
    book.active.append([datetime.date(2019, 3, 1)])
    book.save(tmp_path / "m.xlsx")
    assert read_sheet(tmp_path / "m.xlsx").frame["day"].tolist() == ["2019-03-01"]


def test_one_workbook_is_manifest_and_clinical_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    pages = {"pictures": [["ID", "file"]], "patients": [["ID", "age", "her2", "ki67"]]}
    for n in range(12):
        pages["pictures"].append([f"{n:03d}", f"{n}.png"])
        pages["patients"].append([f"{n:03d}", 40 + n if n % 5 else "not available", n % 2, "not applicable"])
    for title, lines in pages.items():
        page = book.create_sheet(title)
        for line in lines:
            page.append(line)
    book.save(tmp_path / "hospital.xlsx")
    settings = CohortSettings(
        sheet="pictures", clinical_table="hospital.xlsx", clinical_sheet="patients", headers={"file": "image"}
    )
    cohort = load_cohort(tmp_path / "hospital.xlsx", settings, images=False)
    assert cohort.table["age"].isna().sum() == 3 and cohort.table["ki67"].isna().all()
    assert "hospital.xlsx [patients] age: 'not available' -> missing (3 cells)" in cohort.mappings
