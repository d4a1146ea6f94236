"""Numbers that nobody has: they are refused by row, with the bounds, and new patients with them are set aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import small_cohort
from small_cohort import picture, rows

from dlr.cohort import Cohort, CohortSettings, load_cohort, load_new_cases
from dlr.cohort.columns import Column
from dlr.engine import resolve
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings

Load = Callable[..., Cohort]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the small cohort, its first cells of some columns put in; without images unless asked."""

    def with_cells(images: bool = False, *, settings: dict[str, Any] | None = None, **cells: list[str]) -> Cohort:
        table = pd.DataFrame(rows(12))
        for name, first in cells.items():
            table[name] = [*first, *table.get(name, [""] * 12)[len(first) :]]
        if images:
            small_cohort.write(tmp_path, rows(12))
        table.to_csv(tmp_path / "manifest.csv", index=False)
        return load_cohort(tmp_path / "manifest.csv", CohortSettings(**(settings or {})), images=images)

    return with_cells


def problems(load: Load, *args: Any, **more: Any) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as error:
        load(*args, **more)
    return error.value.problems


@pytest.mark.parametrize(
    ("name", "cells", "found", "bounds"),
    [
        ("age", ["1e300", "-5", "54"], "1e+300 (row 2), -5 (row 3)", "0 to 130 years"),
        ("age", ["99999999999999999999"], "1e+20 (row 2)", "0 to 130 years"),
        ("age", ["999"], "999 (row 2)", "0 to 130 years"),
        ("diameter_mm", ["-1"], "-1 (row 2)", "0 to 1000 mm"),
        ("cea", ["2.1", "-0.5"], "-0.5 (row 3)", "0 to 1e+07 ng/mL"),
        ("ki67", ["120 %"], "120 (row 2)", "0 to 100 %"),
    ],
)
def test_a_value_that_nobody_has_is_named_by_row(
    load: Load, name: str, cells: list[str], found: str, bounds: str
) -> None:
    (problem,) = problems(load, **{name: cells})
    assert problem.where == f"manifest.csv {name}"
    assert problem.what == f"no value of {name} lies outside {bounds}: {found}"
    assert "correct the cells" in problem.mend and f"cohort.values.{name}" in problem.mend


def test_a_word_for_missing_may_be_a_number(load: Load) -> None:
    table = load(age=["999"], settings={"values": {"age": {"999": ""}}}).table
    assert np.isnan(table["age"][0]) and table["age"][1] == 41


def test_a_known_column_in_another_unit_has_no_bounds(load: Load) -> None:
    assert load(age=["650"], settings={"columns": {"age": {"unit": "months"}}}).table["age"][0] == 650


def test_ids_taken_for_numbers_are_named(load: Load) -> None:
    given = {"columns": {"accession": {"kind": "numeric"}}}
    (problem,) = problems(load, settings=given, accession=["20240101123456789012"] * 12)
    assert problem.where == "manifest.csv accession" and "outside -1e+15 to 1e+15: 2.0240" in problem.what
    assert "it looks like ids" in problem.mend


def test_all_impossible_columns_come_at_once(load: Load) -> None:
    assert len(problems(load, age=["-5"], cea=["-1"], ki67=["101"])) == 3


def test_a_new_patient_with_an_impossible_value_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("patient_id,age\na,54\nb,-5\nc,1e300\n")
    new = load_new_cases(tmp_path / "new.csv", CohortSettings(), [Column("age", "numeric", unit="years")], images=False)
    assert new.table["patient_id"].tolist() == ["a"] and new.bad["patient_id"].tolist() == ["b", "c"]
    assert new.bad["what"].str.contains("0 to 130 years").all()


@pytest.mark.parametrize(
    ("name", "cell"), [("pixel_spacing_mm", "1e300"), ("pixel_spacing_cm", "11"),
                       ("pixel_spacing_cm", "0")]
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_a_pixel_spacing_that_no_scanner_has_is_named_by_row(load: Load, name: str, cell: str) -> None:
    (problem,) = problems(load, True, **{name: [cell, *["0.01"] * 11]})
    assert problem.where == "manifest.csv row 2"
    assert problem.what == f"{name} {cell} is not possible: from 0.0001 to 100 mm a pixel"
    assert "leave the cell empty" in problem.mend


def test_a_pixel_spacing_in_centimetres_is_read_as_millimetres(load: Load) -> None:
    cohort = load(True, pixel_spacing_cm=["0.0078125"] * 12)
    assert cohort.cases["spacing_y"].unique().tolist() == [0.078125]
    both = load(True, pixel_spacing_cm=["0.01"] * 12, pixel_spacing_mm=["0.2"])
    assert both.cases["spacing_y"].tolist() == [0.2, *[0.1] * 11]


@pytest.mark.parametrize("value", [1e300, 1e-300, 0, -1, 500])
def test_a_setting_of_an_impossible_spacing_is_refused(value: float) -> None:
    with pytest.raises(InputError) as error:
        resolve(StudySettings, {"cohort": {"pixel_spacing_mm": value}}, source="params.yaml")
    (problem,) = error.value.problems
    assert problem.where == "params.yaml" and problem.what.startswith("cohort.pixel_spacing_mm: ") and problem.mend


def test_a_volume_of_half_metre_voxels_is_refused(tmp_path: Path) -> None:
    made = []
    for number, row in enumerate(rows(4)):
        names = {"image": f"{number}.nii.gz", "mask": f"{number}_mask.nii.gz"}
        for path, slice_ in zip(names.values(), picture(number, 24), strict=True):
            volume = sitk.GetImageFromArray(np.stack([slice_.astype(np.uint8) + (slice_.dtype != bool) * n
                                                      for n in range(4)]))  # fmt: skip
            volume.SetSpacing((500.0, 500.0, 2000.0) if number == 2 else (0.5, 0.5, 2.0))
            sitk.WriteImage(volume, str(tmp_path / path))
        made.append(row | names)
    manifest = small_cohort.write(tmp_path, made, files=False)
    with pytest.raises(InputError) as error:
        load_cohort(manifest, CohortSettings())
    (problem,) = error.value.problems
    assert "row 4" in problem.where and problem.where.endswith("2.nii.gz")
    assert problem.what == "a spacing of 2000 x 500 x 500 mm, which no scanner has"
    assert "cohort.spacing: ignore" in problem.mend


@pytest.mark.parametrize("label", ["99999999999999999999999", "3000000000", "1.5"])
def test_a_label_that_no_mask_can_hold_is_named(load: Load, label: str) -> None:
    (problem,) = problems(load, True, mask_label=[label])
    assert problem.where == "manifest.csv row 2" and problem.what == f"mask_label {label!r} is no label"
    assert problem.mend == "a whole number from 1, or any"


def test_many_labels_that_are_none_are_one_problem(load: Load) -> None:
    (problem,) = problems(load, True, mask_label=["tumour"] * 12)
    assert problem.where == "manifest.csv rows 2, 3, 4, 5, 6, 7 and 6 more"
    assert problem.what == "12 cells; the first: mask_label 'tumour' is no label"
    assert problem.mend == "a whole number from 1, or any"
