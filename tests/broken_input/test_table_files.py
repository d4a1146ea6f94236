"""Tables that are no tables, cells that name no file, and encodings that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
import small_cohort
from small_cohort import rows

import dlr.cohort.spreadsheets
import dlr.cohort.workbook
from dlr.cohort import CohortSettings, files_of_manifest, load_cohort, load_feature_table
from dlr.cohort.spreadsheets import read_sheet
from dlr.engine import resolve
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small cohort's table without its pictures; a pipe, a link to itself and one to nothing beside it."""
    small_cohort.write(tmp_path, rows(12), files=False)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nothing")
    (tmp_path / "images").mkdir()
    return tmp_path


def problem(path: Path, images: bool = False, **settings: object) -> Problem:
    """The one problem of loading a manifest."""
    with pytest.raises(InputError) as error:
        load_cohort(path, CohortSettings.model_validate(settings), images=images)
    (found,) = error.value.problems
    return found


NO_FILES = {
    "/dev/zero": ("is a device or a pipe, not a file", "give the path of a file"),
    "pipe": ("is a device or a pipe, not a file", "give the path of a file"),
    ".": ("is a folder", "give the path of a file in it"),
    "images": ("is a folder", "give the path of a file in it"),
    "loop": ("is a link that leads to no file", "give the file that is meant"),
    "gone": ("is a link that leads to no file", "give the file that is meant"),
    "n" * 300: ("cannot be reached (File name too long)", "check the name"),
    "https://example.org/t.csv": ("is an address, not a file", "download it"),
    "C:\\study\\t.csv": ("is a path of Windows", "from the folder of the manifest on"),
    "\\\\server\\t.csv": ("is a path of Windows", "from the folder of the manifest on"),
    "manifst.csv": ("does not exist", "did you mean manifest.csv?"),
    "no/t.csv": ("does not exist", "there is no folder"),
}


@pytest.mark.parametrize("name", NO_FILES)
def test_a_clinical_table_that_is_no_file_is_told_why(folder: Path, name: str) -> None:
    what, mend = NO_FILES[name]
    found = problem(folder / "manifest.csv", clinical_table=name)
    assert found.what.startswith(f"the table {what}") and mend in found.mend
    assert found.where.endswith(name.rpartition("/")[2].lstrip("."))
    settings = resolve(StudySettings, {"cohort": {"clinical_table": name}}, folders=[folder]).cohort
    assert files_of_manifest(folder / "manifest.csv", settings, images=False) == {}


@pytest.mark.parametrize("name", NO_FILES)
def test_an_image_cell_that_names_no_file_is_told_why(folder: Path, name: str) -> None:
    what, mend = NO_FILES[name]
    pictures = [{**row, "exclude_reason": "not looked at"} for row in rows(12)]
    pictures[4] |= {"exclude_reason": "", "image": name}
    small_cohort.write(folder, pictures, files=False)
    with pytest.raises(InputError) as error:
        load_cohort(folder / "manifest.csv", CohortSettings())
    found = next(p for p in error.value.problems if "image" in p.what)
    assert found.where == "manifest.csv row 6"
    assert found.what.startswith(f"image {name[:80]}") and what in found.what and mend in found.mend


def test_many_rows_without_a_file_are_one_problem_and_few_one_each(folder: Path) -> None:
    for count in (3, 8):
        table = [{**row, "exclude_reason": "" if n < count else "x", "image": ""} for n, row in enumerate(rows(12))]
        small_cohort.write(folder, table, files=False)
        with pytest.raises(InputError) as error:
            load_cohort(folder / "manifest.csv", CohortSettings(mask="optional"))
        found = [p for p in error.value.problems if "image" in p.what]
        assert all("say why not in exclude_reason" in p.mend for p in found)
        if count == 3:
            assert [(p.where, p.what) for p in found] == [(f"manifest.csv row {n}", "no image") for n in (2, 3, 4)]
        else:
            assert found[0].where == "manifest.csv column image" and len(found) == 1
            assert found[0].what == "no image in rows 2, 3, 4, 5, 6, 7 and 2 more"


def test_a_feature_table_that_is_no_file(folder: Path) -> None:
    with pytest.raises(InputError, match=r"the table is a device or a pipe, not a file\. give the path of a file"):
        load_feature_table(folder / "pipe")


@pytest.mark.parametrize("encoding", ["hex", "zlib", "rot13", "base64", "utf\x008", "utf-88", "", "mbcs-1"])
def test_an_encoding_that_is_none_of_text(folder: Path, encoding: str) -> None:
    found = problem(folder / "manifest.csv", encoding=encoding)
    assert found.where == "cohort.encoding" and found.what == f"{encoding!r} is no encoding of text"
    assert found.mend == "e.g. utf-8, gb18030, latin-1, or auto"


CELL = "quotation mark that is not closed"
NO_CSV = {
    "a quotation mark that is not closed": ('patient_id,her2\na,1\n"b,0\n' + "c,1\n" * 20_000, "row 3", "without end"),
    "the same in a short file": ('patient_id,her2\na,1\n"b,0\nc,1\n', "row 3", "a cell without end"),
    "a cell of 200,000 characters": (f"patient_id,her2\na,1\nb,{'x' * 200_000}\n", "row 3", "a cell without end"),
    "text after a quotation mark": ('patient_id,her2\na,1\n"b"c,0\n', "row 3", "',' expected after '\"'"),
}


@pytest.mark.parametrize("fault", NO_CSV)
def test_a_csv_that_cannot_be_read_is_named_with_its_row(tmp_path: Path, fault: str) -> None:
    text, where, what = NO_CSV[fault]
    (tmp_path / "m.csv").write_text(text)
    found = problem(tmp_path / "m.csv")
    assert found.where.startswith("m.csv") and where in found.where and what in found.what and len(found.what) < 200
    assert CELL in found.mend


def test_a_table_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with open(tmp_path / "m.csv", "wb") as stream:
        stream.truncate(3 * 2**30)  # takes no room
    found = problem(tmp_path / "m.csv")
    assert found.where == "m.csv" and found.what == "a table of 3072 MiB"
    assert found.mend == "keep the rows and columns of the study only"


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_a_table_of_too_many_cells_is_refused_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    table = pd.DataFrame(rows(12))
    table.to_csv(tmp_path / name, index=False) if name == "m.csv" else table.to_excel(tmp_path / name, index=False)
    cells = 13 * table.shape[1]
    for module in (dlr.cohort.spreadsheets, dlr.cohort.workbook):
        monkeypatch.setattr(module, "MOST_CELLS", cells)
    assert len(read_sheet(tmp_path / name).frame) == 12
    for module in (dlr.cohort.spreadsheets, dlr.cohort.workbook):
        monkeypatch.setattr(module, "MOST_CELLS", cells - 1)
    found = problem(tmp_path / name)
    assert found.where == name and found.what == f"more than {cells - 1} cells"
    assert "keep the rows and columns of the study only" in found.mend and "Parquet" in found.mend


def test_control_characters_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('patient_id,her2\x07\n\x1b[2Ja,1\nb,"0\x9b"\n"c\nd",1\n', encoding="utf-8")
    sheet = read_sheet(tmp_path / "m.csv")
    assert sheet.frame.columns.tolist() == ["patient_id", "her2"]
    assert sheet.frame.to_numpy().tolist() == [["[2Ja", "1"], ["b", "0"], ["c\nd", "1"]]
    assert sheet.notes == ("control characters in rows 1, 2, 3: they were left out",)


def test_marks_that_cannot_be_seen_make_no_second_patient(tmp_path: Path) -> None:
    ids = ["a", "\u200ea", "a\u00ad", "\u202aa\u202c", "a\u200b", "a\u00a0"]
    (tmp_path / "m.csv").write_text("patient_id,her2\n" + "".join(f"{i},1\n" for i in ids), encoding="utf-8")
    assert read_sheet(tmp_path / "m.csv").frame["patient_id"].unique().tolist() == ["a"]


@pytest.mark.parametrize("content", [b"patient_id,her2\na\x00,1\n", "patient_id,her2\na,1\n".encode("utf-16-le")])
def test_zero_bytes_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    found = problem(tmp_path / "m.csv")
    assert found.where == "m.csv" and found.what.endswith("(it holds zero bytes: UTF-16 without its mark, or no table)")
    assert found.mend == "save it as CSV (UTF-8), or name its encoding in cohort.encoding"


def test_text_taken_for_gb18030_is_shown(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes("patient_id,her2\nMüller,1\n".encode("latin-1"))
    (note,) = read_sheet(tmp_path / "m.csv").notes
    assert note.startswith("read as GB18030 text (it holds 'M") and "set cohort.encoding" in note
    sheet = read_sheet(tmp_path / "m.csv", encoding="latin-1")
    assert sheet.frame["patient_id"].tolist() == ["Müller"] and not sheet.notes
