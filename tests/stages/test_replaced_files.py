"""A file of the user's that was replaced is another cohort, however the manifest is written and wherever it lies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from openpyxl import Workbook
from PIL import Image as Picture

from dlr.engine import Inputs, Pipeline, resolve
from dlr.engine.digests import Digests
from dlr.engine.plan import plan
from dlr.engine.store import Store
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort

ONLY = Pipeline(name="her2_ultrasound", settings=StudySettings, stages=[cohort])
Way = Callable[[Path], tuple[Path, Path, list[str]]]  # makes manifest and replaced file in a folder; settings


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(np.full((8, 8), 7, np.uint8)).save(path, format="PNG")
    return path


def manifest(folder: Path, image: str, encoding: str = "utf-8", delimiter: str = ",", before: str = "") -> Path:
    rows = [["patient_id", "image", "mask", "her2", "age"], ["1", image, "mask.png", "1", "50"]]
    picture(folder / "mask.png")
    (folder / "manifest.csv").write_bytes(
        (before + "\n".join(delimiter.join(row) for row in rows) + "\n").encode(encoding)
    )
    return folder / "manifest.csv"


def volume(folder: Path, header: str, data: str) -> tuple[Path, Path, list[str]]:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4), np.uint8)), str(folder / header))
    return manifest(folder, header), folder / data, []


def workbook(folder: Path) -> tuple[Path, Path, list[str]]:
    book = Workbook()
    for row in [["patient_id", "image", "mask", "her2"], ["1", "a.png", "a.png", "1"]]:
        book.active.append(row)
    book.save(folder / "manifest.csv")
    return folder / "manifest.csv", picture(folder / "a.png"), []


def clinical(folder: Path) -> tuple[Path, Path, list[str]]:
    (folder / "more").mkdir()
    table = folder / "more" / "clinical.csv"
    pd.DataFrame({"patient_id": ["1"], "cea": ["3"]}).to_csv(table, index=False)
    picture(folder / "a.png")
    return manifest(folder, "a.png"), table, ["cohort.clinical_table=more/clinical.csv"]


WAYS: dict[str, Way] = {
    "a picture": lambda f: (manifest(f, "a.png"), picture(f / "a.png"), []),
    "a mask": lambda f: (manifest(f, "a.png"), picture(f / "mask.png"), []),
    "another folder": lambda f: (manifest(f, "../x.png"), picture(f.parent / "x.png"), []),
    "the clinical table": clinical,
    "UTF-16": lambda f: (manifest(f, "a.png", "utf-16"), picture(f / "a.png"), []),
    "Latin-1": lambda f: (manifest(f, "é.png", "latin-1"), picture(f / "é.png"), ["cohort.encoding=latin-1"]),
    "a line sep=": lambda f: (manifest(f, "a.png", "utf-8", "|", "sep=|\n"), picture(f / "a.png"), []),
    "a no-break space": lambda f: (manifest(f, "a.png\u00a0"), picture(f / "a.png"), []),
    "a zero-width space": lambda f: (manifest(f, "\u200ba.png"), picture(f / "a.png"), []),
    "no extension": lambda f: (manifest(f, "IM0001"), picture(f / "IM0001"), []),
    "digits and slashes": lambda f: (manifest(f, "0001/00012"), picture(f / "0001" / "00012"), []),
    "a workbook named .csv": workbook,
    ".mhd": lambda f: volume(f, "v.mhd", "v.raw"),
    ".nhdr": lambda f: volume(f, "v.nhdr", "v.raw"),
    ".hdr": lambda f: volume(f, "v.hdr", "v.img"),
}


def key(path: Path, settings: list[str], study: Path) -> str:
    """The key that stage cohort would have now; a digest is remembered as in a study."""
    found = resolve(StudySettings, {}, settings)
    return plan(ONLY, found, Inputs(path), Digests(study / "digests.jsonl"), Store(study))["cohort"].key


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kept", ["nothing", "size and time"])
def test_a_replaced_file_is_noticed(tmp_path: Path, way: str, kept: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    table, replaced, settings = WAYS[way](folder)
    os.utime(replaced, (1_600_000_000, 1_600_000_000))  # long ago: its digest is remembered
    before = key(table, settings, tmp_path / "study")
    assert key(table, settings, tmp_path / "study") == before
    content = bytearray(replaced.read_bytes())
    content[-1] ^= 1
    replaced.write_bytes(bytes(content) if kept == "size and time" else bytes(content) + b"1")
    if kept == "size and time":
        os.utime(replaced, (1_600_000_000, 1_600_000_000))
    assert key(table, settings, tmp_path / "study") != before


def test_a_moved_project_keeps_its_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    table, _, settings = WAYS[".mhd"](tmp_path / "a")
    before = key(table, settings, tmp_path / "study")
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert key(tmp_path / "b" / table.name, settings, tmp_path / "study") == before


def test_a_manifest_that_cannot_be_read_still_has_a_key(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text('patient_id,"image\n')
    assert key(tmp_path / "manifest.csv", [], tmp_path / "study")
