"""The files that a manifest names: exactly those that loading it opens."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from openpyxl import Workbook
from small_cohort import save

from dlr.cohort import CohortSettings, files_of_manifest

TABLE = [
    {"patient_id": "甲", "image": "图像 1.png", "mask": "sub/m.png", "age": "61.5", "malignant": "benign"},
    {"patient_id": "乙", "image": "gone.png", "mask": "", "age": "62", "malignant": "benign"},
]
SETTINGS = CohortSettings(target="malignant")


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    for name in ("图像 1.png", "sub/m.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"1")
    (folder / "benign").mkdir(exist_ok=True)
    (folder / "manifest.csv").write_bytes(text.encode(encoding))
    return folder / "manifest.csv"


def text(delimiter: str) -> str:
    return "\n".join(delimiter.join(row) for row in [list(TABLE[0]), *(row.values() for row in TABLE)])


def test_files_are_found_whatever_the_delimiter_and_encoding(tmp_path: Path) -> None:
    for delimiter in ",;\t":
        for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
            found = files_of_manifest(write(tmp_path, text(delimiter), encoding), SETTINGS)
            assert found == {"图像 1.png": tmp_path / "图像 1.png", "sub/m.png": tmp_path / "sub/m.png"}


def test_files_are_found_in_the_sheet_that_is_meant(tmp_path: Path) -> None:
    write(tmp_path, "")
    book = Workbook()
    book.active.append(["other"])
    sheet = book.create_sheet("patients")
    for row in [list(TABLE[0]), *(list(row.values()) for row in TABLE)]:
        sheet.append(row)
    book.save(tmp_path / "manifest.csv")  # an .xlsx whatever its name says
    assert files_of_manifest(tmp_path / "manifest.csv", SETTINGS) == {}
    named = files_of_manifest(tmp_path / "manifest.csv", CohortSettings(target="malignant", sheet="patients"))
    assert sorted(named) == ["sub/m.png", "图像 1.png"]


def test_readers_masks_detached_voxels_and_the_clinical_table_are_named(tmp_path: Path) -> None:
    import numpy as np
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.ones((2, 3, 4), np.uint8)), str(tmp_path / "v.mhd"))
    for name in ("m.png", "r.png"):
        save(tmp_path / name, np.ones((3, 3), bool))
    table = pd.DataFrame([{"id": "1", "image": "v.mhd", "mask_reader1": "m.png", "mask_reader2": "r.png", "her2": "1"}])
    table.to_csv(tmp_path / "manifest.csv", index=False)
    pd.DataFrame([{"id": "1", "age": "50"}]).to_csv(tmp_path / "clinical.csv", index=False)
    settings = CohortSettings(clinical_table="clinical.csv")
    assert sorted(files_of_manifest(tmp_path / "manifest.csv", settings)) == [
        "clinical table",
        "m.png",
        "r.png",
        "v.mhd",
        "v.mhd > v.raw",
    ]
    only_tables = files_of_manifest(tmp_path / "manifest.csv", settings, images=False)
    assert only_tables == {"clinical table": tmp_path / "clinical.csv"}


def test_cells_of_other_columns_are_no_files(tmp_path: Path) -> None:
    found = files_of_manifest(write(tmp_path, "patient_id,image,mask,her2,x\n1,sub/m.png,,1,图像 1.png"), SETTINGS)
    assert list(found) == ["sub/m.png"]


def test_of_a_manifest_that_cannot_be_read_no_file_is_named(tmp_path: Path) -> None:
    assert files_of_manifest(write(tmp_path, 'patient_id,image,mask\n1,"sub/m.png,x'), SETTINGS) == {}
    assert files_of_manifest(write(tmp_path, "patient_id,age\n1,2"), SETTINGS) == {}
    assert files_of_manifest(tmp_path / "none.csv", SETTINGS) == {}


def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    long = "a" * 300
    table = f"patient_id,image,mask,her2\n1,{long}.png,{long}/m.png,1\n2,sub/m.png,,0"
    assert list(files_of_manifest(write(tmp_path, table), SETTINGS)) == ["sub/m.png"]


def test_labels_stay_when_the_study_is_moved(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, text(","))
    assert list(files_of_manifest(tmp_path / "a/manifest.csv", SETTINGS)) == list(
        files_of_manifest(tmp_path / "b/manifest.csv", SETTINGS)
    )
