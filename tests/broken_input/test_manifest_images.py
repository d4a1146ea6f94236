"""Broken image files and outlines: each says which case, what and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import small_cohort
from PIL import Image as Picture
from PIL import ImageFilter
from small_cohort import picture, rows, save

from dlr.cohort import CohortSettings, load_cohort
from dlr.errors import InputError, Problem

Loaded = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """Gives the problems of the small cohort after something was done to it in its folder."""
    path = small_cohort.write(tmp_path, rows(12))

    def load(change: Callable[[Path], None] | None = None, **settings: Any) -> tuple[Problem, ...]:
        if change:
            change(tmp_path)
        with pytest.raises(InputError) as error:
            load_cohort(path, CohortSettings(**settings))
        assert all(p.where and p.what and p.mend for p in error.value.problems)
        return error.value.problems

    return load


def test_a_missing_file_is_named_with_the_nearest(loaded: Loaded) -> None:
    (problem,) = loaded(lambda f: (f / "images/00002.png").rename(f / "images/00002.JPG"))
    assert problem.where == "manifest.csv row 3" and problem.what == "image images/00002.png does not exist"
    assert "did you mean 00002.JPG?" in problem.mend


def test_a_wrong_folder_is_one_problem_not_twelve(loaded: Loaded) -> None:
    (problem,) = loaded(lambda f: (f / "images").rename(f / "pictures"))
    assert "12 of 12 files cannot be read, the first in row 2" in problem.what and "there is no folder" in problem.mend


def test_a_row_without_file_is_named(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        table = rows(12)
        table[4]["mask"] = ""
        small_cohort.write(folder, table, files=False)

    (problem,) = loaded(change)
    assert problem.where == "manifest.csv row 6" and problem.what == "no mask"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (lambda b: b[: len(b) // 2], "cannot be read as PNG"),
        (lambda b: b"", "the file is empty"),
        (lambda b: b"no picture at all", "not a readable PNG"),
        (lambda b: b"\x89PNG\r\n\x1a\n" + b"0" * 99, "cannot be read as PNG"),
    ],
    ids=["cut short", "empty", "text", "garbage"],
)
def test_an_unreadable_image_is_named_with_its_case(
    loaded: Loaded, content: Callable[[bytes], bytes], what: str
) -> None:
    def change(folder: Path) -> None:
        path = folder / "images/00003.png"
        path.write_bytes(content(path.read_bytes()))

    (problem,) = loaded(change)
    assert what in problem.what and "row 4, case 00003" in problem.where


@pytest.mark.parametrize("name", ["00003.nii.gz", "00003.nrrd", "00003.mha", "00003.dcm", "00003.jpg", "00003.xyz"])
def test_a_broken_file_of_any_format_is_no_traceback(loaded: Loaded, name: str) -> None:
    def change(folder: Path) -> None:
        (folder / "images" / name).write_bytes(b"\x1f\x8b" + b"broken" * 99)
        table = rows(12)
        table[2]["image"] = f"images/{name}"
        small_cohort.write(folder, table, files=False)

    (problem,) = loaded(change)
    assert "case 00003" in problem.where


def test_a_mask_of_another_size_is_named_with_the_amounts(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        save(folder / "masks/00001.png", picture(0, 144)[1])
        save(folder / "masks/00002.png", picture(1)[1][:-2])

    bigger, shorter = loaded(change)
    assert "144 x 144 x 1 differs from image grid 72 x 72 x 1" in bigger.what and "2 times as large" in bigger.what
    assert "72 x 70 x 1" in shorter.what


def test_an_empty_mask_is_named(loaded: Loaded) -> None:
    (problem,) = loaded(lambda f: save(f / "masks/00001.png", np.zeros((72, 72), bool)) and None)
    assert problem.what == "the mask is empty" and "exclude_reason" in problem.mend


def test_a_full_mask_and_a_tiny_one_are_named(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        save(folder / "masks/00001.png", np.ones((72, 72), bool))
        tiny = np.zeros((72, 72), bool)
        tiny[30, 30:33] = True
        save(folder / "masks/00002.png", tiny)

    full, tiny = loaded(change)
    assert full.what == "the mask fills the picture" and tiny.what == "the ROI has 3 voxels, under 16"


def test_an_absent_label_is_named_with_those_present(loaded: Loaded) -> None:
    problem = loaded(mask_label=1)[0]
    assert problem.what.startswith("label 1 is not in the mask; it holds 255 (")


def test_a_label_that_is_no_number(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        small_cohort.write(folder, [{**row, "mask_label": "tumour"} for row in rows(12)], files=False)

    assert "mask_label 'tumour' is no label" in loaded(change)[0].what


def test_a_blurred_jpeg_mask_is_refused_above_the_count(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        blurred = Picture.fromarray(picture(0)[1].astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(6))
        blurred.save(folder / "masks/00001.jpg")
        table = rows(12)
        table[0]["mask"] = "masks/00001.jpg"
        small_cohort.write(folder, table, files=False)

    (problem,) = loaded(change)
    assert "blurred pixels for an outline of" in problem.what and "mask_blur_limit" in problem.mend


def test_a_picture_in_place_of_a_mask_is_seen(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        save(folder / "masks/00001.png", picture(0)[0])
        save(folder / "masks/00002.png", np.random.default_rng(0).integers(0, 255, (72, 72, 3)).astype(np.uint8))

    grey, colour = loaded(change)
    assert "not a mask" in grey.what and "colours: a picture, not a mask" in colour.what


def test_several_areas_in_colours_are_named(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        two = np.zeros((72, 72, 3), np.uint8)
        two[10:30, 10:30, 0] = 255
        two[40:60, 40:60, 1] = 255
        save(folder / "masks/00001.png", two)

    (problem,) = loaded(change)
    assert "areas in 2 colours: #00ff00 (400 voxels), #ff0000 (400 voxels)" in problem.what


def test_colour_doppler_in_the_roi_is_refused(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        values, mask = picture(0)
        rgb = np.dstack([values] * 3)
        rgb[mask] = (230, 30, 10)
        save(folder / "images/00001.png", rgb)

    (problem,) = loaded(change)
    assert "of ROI and margin (Doppler?)" in problem.what and "cohort.colour: grey" in problem.mend


def test_nan_in_an_image_is_counted(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        values = picture(0)[0].astype(np.float32)
        values[0, :2] = np.nan, np.inf
        Picture.fromarray(values).save(folder / "images/00001.tif")
        table = rows(12)
        table[0]["image"] = "images/00001.tif"
        small_cohort.write(folder, table, files=False)

    (problem,) = loaded(change)
    assert problem.what == "2 of 5184 voxels are NaN or infinite"


def test_one_picture_of_two_patients_is_refused_and_can_be_noted(loaded: Loaded, tmp_path: Path) -> None:
    (problem,) = loaded(lambda f: save(f / "images/00002.png", picture(0)[0]) and None)
    assert "the same picture under several patients: cases 00001, 00002" in problem.what
    cohort = load_cohort(tmp_path / "manifest.csv", CohortSettings(duplicates="note"))
    assert cohort.notes["what"].str.contains("the same picture under several patients").any()


def test_stills_and_volumes_do_not_mix(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        values, mask = picture(0)
        sitk.WriteImage(sitk.GetImageFromArray(np.stack([values] * 3)), str(folder / "images/v.nii.gz"))
        volume = sitk.GetImageFromArray(np.stack([mask.astype(np.uint8)] * 3))
        sitk.WriteImage(volume, str(folder / "masks/v.nii.gz"))
        table = rows(12)
        table[0].update(image="images/v.nii.gz", mask="masks/v.nii.gz")
        small_cohort.write(folder, table, files=False)

    assert "11 stills and 1 volumes in one cohort: 00001" in loaded(change)[0].what


def test_millimetres_and_pixels_do_not_mix(loaded: Loaded, tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        table = [{**row, "pixel_spacing_mm": "0.1" if n else ""} for n, row in enumerate(rows(12))]
        small_cohort.write(folder, table, files=False)

    (problem,) = loaded(change)
    assert "known for 11 of 12 cases (unknown: 00001)" in problem.what
    assert not load_cohort(tmp_path / "manifest.csv", CohortSettings(spacing="ignore")).cases["spacing_known"].any()


@pytest.mark.parametrize(("cell", "what"), [("-0.1", "not possible"), ("thin", "is not understood")])
def test_a_silly_spacing_is_named(loaded: Loaded, cell: str, what: str) -> None:
    table = [{**row, "pixel_spacing_mm": cell} for row in rows(12)]
    assert what in loaded(lambda f: small_cohort.write(f, table, files=False) and None)[0].what


def test_a_scanned_region_outside_the_picture(loaded: Loaded) -> None:
    assert "is not inside 72 x 72 pixels" in loaded(scanned_region=(0, 0, 500, 400))[0].what


def test_a_broken_readers_mask_is_named_before_the_long_work(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        table = rows(12)
        table[0]["mask_reader2"] = str(save(folder / "masks/r.png", picture(0, 30)[1]))
        small_cohort.write(folder, table, files=False)

    (problem,) = loaded(change)
    assert "30 x 30 x 1" in problem.what


def test_table_and_image_problems_come_in_one_error(loaded: Loaded) -> None:
    def change(folder: Path) -> None:
        table = pd.DataFrame(rows(12))
        table.loc[2, "er"] = "weak"
        table.to_csv(folder / "manifest.csv", index=False)
        (folder / "images/00001.png").unlink()
        save(folder / "masks/00002.png", np.zeros((72, 72), bool))

    assert len(loaded(change)) == 3
