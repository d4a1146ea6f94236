"""No CSV that is written holds a formula, and what is read back is what was written."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlr.cohort.spreadsheets import read_sheet
from dlr.csv_files import as_text, as_written, csv_text, read_csv, write_csv
from dlr.tables import NOTES

FORMULAS = [
    '=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", " =1", "＝1",
    "＋1+1", "－1", "＠SUM", "-", "--1", "'=1", "''@x", "=",
]  # fmt: skip
HARMLESS = ["", "a=1", "P-001", "-0.25", "+3", "-1e-05", "-12.5 %", "-", "−1", "'", "'quoted'", "'-5", "Müller", "'a=1"]


@pytest.mark.parametrize("text", [text for text in FORMULAS if text != "-"])
def test_a_formula_becomes_text(text):
    assert as_text(text) == f"'{text}"
    assert as_written(as_text(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_plain_text_stay(text):
    assert as_text(text) == text == as_written(text)


@given(st.one_of(st.text(max_size=8), st.text("'=+-@1.e \t", max_size=6)))
def test_every_text_comes_back(text):
    assert as_written(as_text(text)) == text
    assert as_text(text) == text or as_text(text).startswith("'")


def test_headers_are_cells_too_and_numbers_are_not():
    text = csv_text(pd.DataFrame({"=1+1": ["@a", "b"], "x": [-0.5, np.nan], "y": [True, False]}))
    assert list(csv.reader(io.StringIO(text))) == [["'=1+1", "x", "y"], ["'@a", "-0.5", "True"], ["b", "", "False"]]


def test_columns_of_one_name_and_no_rows_are_written():
    assert csv_text(pd.DataFrame([["=a", 1]], columns=["n", "n"])) == "n,n\n'=a,1\n"
    assert csv_text(pd.DataFrame({"n": []})) == "n\n"


def test_tables_and_manifests_are_read_back_exactly(tmp_path: Path):
    frame = pd.DataFrame({"where": FORMULAS + HARMLESS, "what": HARMLESS + FORMULAS})
    NOTES.write(tmp_path, frame)
    assert NOTES.read(tmp_path).to_dict("list") == frame.to_dict("list")
    ids = [text for text in FORMULAS if text == text.strip()]
    write_csv(tmp_path / "manifest.csv", pd.DataFrame({"patient_id": ids, "=col": "x"}), mark=True)
    sheet = read_sheet(tmp_path / "manifest.csv").frame
    assert sheet["patient_id"].tolist() == ids and sheet.columns.tolist() == ["patient_id", "=col"]
    assert read_csv(tmp_path / "manifest.csv")["patient_id"].tolist() == ids


def test_every_csv_is_written_in_one_place():
    package = Path(__file__).resolve().parent.parent / "dlr"
    named = {"to_csv", "to_excel", "writer", "DictWriter", "ExcelWriter", "Workbook"}
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in named
    }
    assert found == {"csv_files.py"}
