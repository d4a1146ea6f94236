"""Folders and patterns of file names that fit nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pydantic
import pytest
import small_cohort
from small_cohort import rows

from dlr.cohort import CohortSettings, load_cohort
from dlr.engine import resolve
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images and masks, and a manifest without their columns."""
    small_cohort.write(tmp_path, rows(12))
    pd.DataFrame(rows(12)).drop(columns=["image", "mask"]).to_csv(tmp_path / "manifest.csv", index=False)
    return tmp_path


def problems(folder: Path, **settings: str) -> tuple[Problem, ...]:
    """What loading the manifest says."""
    both = {"image_pattern": "images/{patient_id}.png", "mask_pattern": "masks/{patient_id}.png"}
    with pytest.raises(InputError) as error:
        load_cohort(folder / "manifest.csv", CohortSettings.model_validate(both | settings))
    return error.value.problems


def test_a_pattern_of_a_column_that_is_not_there(folder: Path) -> None:
    (problem,) = problems(folder, image_pattern="images/{patient_no}.png")
    assert problem.where == "cohort.image_pattern" and problem.what == "no column patient_no in manifest.csv"
    assert problem.mend == "did you mean patient_id?"


def test_a_pattern_that_fits_no_file_is_one_problem(folder: Path) -> None:
    (problem,) = problems(folder, mask_pattern="masks/{patient_id}_mask.png")
    assert problem.where == "manifest.csv column mask" and "12 of 12 files cannot be read" in problem.what
    assert "masks/00001_mask.png" in problem.what and "did you mean 00001.png?" in problem.mend


def test_a_folder_that_is_not_there(folder: Path) -> None:
    problem, _ = problems(folder, image_folder="pictures", mask_folder="/nowhere")
    assert "pictures/images/00001.png" in problem.what and "there is no folder" in problem.mend


def test_one_file_that_a_pattern_made_is_named_by_row(folder: Path) -> None:
    (folder / "images/00003.png").unlink()
    (problem,) = problems(folder)
    assert problem.where == "manifest.csv row 4" and problem.what == "image images/00003.png does not exist"
    assert "did you mean" in problem.mend


def test_no_image_column_offers_the_pattern(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        load_cohort(folder / "manifest.csv", CohortSettings())
    assert [p.what for p in error.value.problems] == ["no column image", "no column mask"]
    assert error.value.problems[1].mend.endswith("or cohort.mask_pattern: masks/{patient_id}.png")


@pytest.mark.parametrize("pattern", ["images/one.png", "images/{}.png", "images/{patient_id.png", "{{patient_id}}.png"])
def test_a_pattern_without_a_column_is_refused(pattern: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="in braces"):
        CohortSettings(image_pattern=pattern)
    with pytest.raises(InputError) as error:
        resolve(StudySettings, {"cohort": {"image_pattern": pattern}}, source="params.yaml")
    (problem,) = error.value.problems
    assert problem.where == "params.yaml" and problem.mend == "e.g. images/{patient_id}.png, or {image}_mask.png"


def test_a_word_for_missing_in_the_image_column_is_a_row_without_image(folder: Path) -> None:
    table = pd.DataFrame(rows(12))
    table.loc[2, "image"] = "not available"
    table.to_csv(folder / "manifest.csv", index=False)
    with pytest.raises(InputError) as error:
        load_cohort(folder / "manifest.csv", CohortSettings())
    (problem,) = error.value.problems
    assert problem.where == "manifest.csv row 4" and problem.what == "no image" and "exclude_reason" in problem.mend
