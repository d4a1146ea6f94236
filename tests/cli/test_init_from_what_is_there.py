"""`dlr init` in folders as hospitals leave them: layouts of pictures and outlines, and tables beside them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml
from PIL import Image as Picture

from dlr.cli.discovery import find_pictures
from dlr.cli.draft import draft_study
from dlr.cohort import CohortSettings, load_cohort
from dlr.errors import InputError

HOSPITAL = Path("../shared/data/breast_lesions_usg")
STUDY = ("her2_ultrasound",)


def save(path: Path, number: int = 0) -> None:
    """A picture of its own, or an outline, by what its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    disc = np.hypot(*(np.mgrid[:24, :24] - 12)) < 5 + number % 3
    outline = "mask" in str(path) or "tumor" in path.name or "seg" in path.name
    values = disc * 255 if outline else 40 + 60 * disc + (np.arange(24) * (number + 3) % 17)
    if path.name.endswith(".png"):
        Picture.fromarray(values.astype(np.uint8)).save(path)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(np.stack([values.astype(np.uint8)] * 3)), str(path))


LAYOUTS = {
    "beside each other": ["a.png", "a_mask.png", "b.png", "b_mask.png", "b_mask_1.png", "c.png"],
    "folders of classes": ["benign/a.png", "benign/a_mask.png", "malignant/b (1).png", "malignant/b (1)_mask.png"],
    "images and masks": ["images/a.png", "masks/a.png", "images/b.png", "masks/b.png"],
    "masks by another ending": ["us/a.png", "segmentations/a_tumor.png", "us/b.png", "segmentations/b_tumor.png"],
    "lesions in both": ["us/a_lesion.png", "seg/a_lesion.png", "us/b_lesion.png", "seg/b_lesion.png"],
    "a folder a case": ["case1/image.nii.gz", "case1/mask.nii.gz", "case2/image.nii.gz", "case2/seg.nii.gz"],
    "left out": [
        "a.png", "a_mask.png", "b.png", "b_mask.png",
        "runs/x/c.png", "runs/x/c_mask.png", ".old/d.png", ".old/d_mask.png",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_pictures_are_found_with_their_outlines(tmp_path: Path, name: str):
    for number, file in enumerate(LAYOUTS[name]):
        save(tmp_path / file, number)
    found = find_pictures(tmp_path)
    assert len(found.pairs) == 2
    assert [pair.mask.relative_to(tmp_path).as_posix() for pair in found.pairs] == [
        file for file in LAYOUTS[name][:4] if "mask" in file or "tumor" in file or "seg" in file
    ]
    assert len(found.more) == len(found.alone) == (name == "beside each other")


def test_series_of_dicom_are_pictures_and_their_segmentations_outlines(tmp_path: Path):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    def dicom(path: Path, modality: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = "1.2.3", "1.2.3.4"
        data.Modality = modality
        data.save_as(path, enforce_file_format=True)

    for number in range(3):
        dicom(tmp_path / "case1" / "T1 axial" / f"IM{number:04d}.dcm", "MR")
        dicom(tmp_path / "case2" / "T1 axial" / f"IM{number:04d}", "MR")
    dicom(tmp_path / "case1" / "drawn.dcm", "SEG")
    dicom(tmp_path / "case2" / "structures.dcm", "RTSTRUCT")
    found = find_pictures(tmp_path)
    assert [(pair.name, pair.image.name, pair.mask.name) for pair in found.pairs] == [
        ("case1", "T1 axial", "drawn.dcm"), ("case2", "T1 axial", "structures.dcm"),
    ]  # fmt: skip


def hospital(folder: Path, cells: dict[str, Sequence[object]], name: str = "clinical.xlsx") -> None:
    for number in range(8):
        save(folder / "images" / f"case{number:03d}.png", number)
        save(folder / "masks" / f"case{number:03d}_tumor.png", number)
    table = pd.DataFrame(cells)
    if name.endswith(".csv"):
        table.to_csv(folder / name, index=False)
        return
    with pd.ExcelWriter(folder / name) as book:
        pd.DataFrame({"column": ["Age"], "meaning": ["years"]}).to_excel(book, sheet_name="Dictionary", index=False)
        table.to_excel(book, sheet_name="Patients", index=False)


TABLE = {
    "CaseID": range(101, 109), "Image_filename": [f"case{k:03d}.png" for k in range(8)], "Name": ["secret"] * 8,
    "Pixel_size": [0.007] * 8, "Age": [40, "not available", *range(50, 56)], "Calcifications": ["no", "in a mass"] * 4,
    "Shape": ["oval", "round"] * 4, "Classification": ["benign", "malignant"] * 4,
}  # fmt: skip


@pytest.mark.parametrize("name", ["clinical.xlsx", "clinical.csv"])
def test_a_table_beside_the_images_becomes_a_study_that_runs(tmp_path: Path, name: str):
    hospital(tmp_path, TABLE, name)
    draft_study(tmp_path, Path("images"), Path("masks"), (), "her2_ultrasound")
    draft = pd.read_csv(tmp_path / "data_manifest.csv", dtype=str)
    assert draft.columns[:4].tolist() == ["patient_id", "image", "mask", "Classification"]
    assert draft["patient_id"].tolist() == [str(k) for k in range(101, 109)] and "Name" not in draft
    assert draft["image"][1] == "images/case001.png" and "pixel_spacing_cm" in draft
    text = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    settings = CohortSettings.model_validate(yaml.safe_load(text)["cohort"])
    assert settings.positive_levels == {"Classification": ["malignant"]}
    for guess in (name, "CaseID", "to be predicted: Classification", "could be: Calcifications, Shape", "Pixel_size"):
        assert guess in "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert ("Dictionary" in text) is name.endswith("xlsx")
    cohort = load_cohort(tmp_path / "data_manifest.csv", settings)
    assert cohort.table["Classification"].tolist() == [0, 1] * 4
    assert cohort.cases["spacing_x"].eq(0.07).all() and cohort.table["age"].isna().sum() == 1


def test_ids_may_name_the_pictures_and_the_user_the_outcome(tmp_path: Path):
    cells = {"Patient": [f"CASE{k:03d}" for k in range(8)], "response": [0, 1] * 4, "grade": [1, 2, 3, 1] * 2}
    hospital(tmp_path, cells)
    draft_study(tmp_path, Path("images"), Path("masks"), ("response",), "her2_ultrasound")
    text = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert "target: response" in text and "images: by their names" in text and "positive_levels" not in text
    assert pd.read_csv(tmp_path / "data_manifest.csv")["patient_id"][0] == "CASE000"


@pytest.mark.parametrize("cells", [
    {"PatientID": range(8), "Image": [f"case{k:03d}" for k in range(8)], "her2": [0, 1] * 4},
    {"patient_id": range(8), "case_id": range(8), "file": [f"case{k:03d}.png" for k in range(8)],
     "Mask": ["yes", "no"] * 4, "her2": [0, 1] * 4},
])  # fmt: skip
def test_headers_that_dlr_knows_are_written_once(tmp_path: Path, cells: dict[str, Sequence[object]]):
    hospital(tmp_path, cells)
    draft_study(tmp_path, Path("images"), Path("masks"), (), "her2_ultrasound")
    header = (tmp_path / "data_manifest.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    assert (
        [name.casefold() for name in header].count("image") == [name.casefold() for name in header].count("mask") == 1
    )
    text = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    settings = CohortSettings.model_validate(yaml.safe_load(text)["cohort"])
    assert load_cohort(tmp_path / "data_manifest.csv", settings).table["her2"].tolist() == [0, 1] * 4


def test_answers_of_a_terminal_take_the_place_of_guesses(tmp_path: Path):
    hospital(tmp_path, TABLE)
    asked = []

    def answer(question: str, answers: Sequence[str], guess: str | None) -> str | None:
        asked.append((question, guess))
        return {"Which column is to be predicted?": "Shape", "Which value of Shape counts as positive?": "oval"}.get(
            question, guess
        )

    draft_study(tmp_path, Path("images"), Path("masks"), (), "her2_ultrasound", answer)
    text = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert "target: Shape" in text and "positive_levels: {Shape: [oval]}" in text
    assert asked[:2] == [
        ("Which column names the patients?", "CaseID"),
        ("Which column is to be predicted?", "Classification"),
    ]
    assert len(asked) == 3


def test_a_table_that_names_few_of_the_pictures_is_left_alone(tmp_path: Path):
    hospital(tmp_path, {"CaseID": range(8), "Image_filename": ["case000.png", *[f"other{k}.png" for k in range(7)]]})
    draft_study(tmp_path, Path("images"), Path("masks"), (), "her2_ultrasound")
    assert pd.read_csv(tmp_path / "data_manifest.csv").columns.tolist() == [
        "patient_id",
        "case_id",
        "image",
        "mask",
        "her2",
        "age",
    ]


def test_no_picture_with_an_outline_is_told_with_the_ways_on(tmp_path: Path):
    save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"no image with a mask.*--images") as caught:
        draft_study(tmp_path, Path("images"), Path("masks"), (), "her2_ultrasound")
    assert str(tmp_path) in caught.value.problems[0].where and not (tmp_path / "params.yaml").exists()


@pytest.mark.skipif(not HOSPITAL.is_dir(), reason="the shared data are not here")
def test_a_hospital_s_own_export_runs_without_an_edited_line(tmp_path: Path):
    for name in ("images", "masks", "clinical.xlsx"):
        os.symlink((HOSPITAL / name).resolve(), tmp_path / name)
    draft_study(tmp_path, Path("images"), Path("masks"), (), "her2_ultrasound")
    text = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    cohort = load_cohort(tmp_path / "data_manifest.csv", CohortSettings.model_validate(yaml.safe_load(text)["cohort"]))
    assert len(cohort.table) == 97 and cohort.table["Classification"].sum() == 48
    assert cohort.cases["spacing_known"].all() and {c.name for c in cohort.columns} == {
        "age",
        "birads",
        "calcification",
    }
