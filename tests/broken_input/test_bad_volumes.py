"""Broken volumes and targets are told in one table, a line each, and none of them is a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from dlr.cli import app
from dlr.engine import Pipeline
from dlr.errors import InputError
from dlr.settings import DceStudySettings, ReceptorStudySettings
from dlr.stages.cohort import cohort
from dlr.stages.volumes import volumes
from tests.stages.small_study import edit_csv
from tests.stages.small_volumes import SHAPE, SPACING, run_volumes, volume_study, write_volume

CUT = Pipeline("receptors_ultrasound3d", [cohort, volumes], ReceptorStudySettings)
DCE = Pipeline("receptors_dcemri", [cohort, volumes], DceStudySettings)


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def one_slice(image: Path, mask: Path) -> None:
    for path in (image, mask):
        write_volume(read(path)[5:6], path)


def not_numbers(image: Path, mask: Path) -> None:
    values = read(image).astype(np.float32)
    values[4, 8, 8] = np.nan
    write_volume(values, image)


def four_dimensions(image: Path, mask: Path) -> None:
    values = read(image)
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(values)] * 2), str(image))


def other_geometry(image: Path, mask: Path) -> None:
    moved = sitk.ReadImage(str(mask))
    moved.SetSpacing([edge * 1.3 for edge in SPACING[::-1]])
    sitk.WriteImage(moved, str(mask))


def empty_mask(image: Path, mask: Path) -> None:
    write_volume(np.zeros(SHAPE, dtype=np.uint8), mask)


def anothers_mask(image: Path, mask: Path) -> None:
    write_volume(np.ones((6, 9, 9), dtype=np.uint8), mask)


BROKEN: dict[str, tuple[Callable[[Path, Path], None], str]] = {  # what is done to a case, a word of what is said
    "P01": (one_slice, "slice"),
    "P02": (not_numbers, "NaN"),
    "P03": (four_dimensions, "4"),
    "P04": (other_geometry, "spacing"),
    "P06": (empty_mask, "empty"),
    "P07": (anothers_mask, "grid"),
}


@pytest.fixture()
def manifest(tmp_path: Path) -> Path:
    return volume_study(tmp_path / "study", patients=16)


@pytest.fixture()
def broken(manifest: Path) -> Path:
    home = manifest.parent / "volumes"
    for patient, (spoil, _) in BROKEN.items():
        spoil(home / f"{patient}_image.nii.gz", home / f"{patient}_mask.nii.gz")
    return manifest


@pytest.mark.parametrize("pipeline", [CUT, DCE], ids=lambda pipeline: pipeline.name)
def test_every_bad_volume_has_a_line_of_its_own(pipeline: Pipeline, broken: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        run_volumes(broken, tmp_path / "run", pipeline=pipeline)
    said = {
        patient: [p for p in caught.value.problems if patient in p.where or patient in p.what] for patient in BROKEN
    }
    for patient, (_, word) in BROKEN.items():
        assert said[patient], f"{patient}: nothing is said"
        assert any(word.lower() in f"{p.where} {p.what}".lower() for p in said[patient]), said[patient]
        assert all(p.mend for p in said[patient])


def test_bad_volumes_are_one_table_and_exit_status_2(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(broken.parent)
    monkeypatch.setattr("dlr.cli.screen.WIDTH", 1000)  # no line of the table is broken
    said = CliRunner().invoke(
        app, ["run", "receptors_dcemri", "--manifest", broken.name, "--set", "cohort.clinical=null"]
    )
    assert said.exit_code == 2 and "Traceback" not in said.stderr
    lines = said.stderr.splitlines()
    for patient, (_, word) in BROKEN.items():
        assert any(patient in line and word.lower() in line.lower() for line in lines), f"{patient}: nothing is said"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("her2", "2", "her2"), ("cohort.target", "[er, pgr]", "pgr")],
    ids=["three", "absent"],
)
def test_a_target_of_three_values_or_a_near_miss_is_refused_in_words(
    manifest: Path, tmp_path: Path, column: str, value: str, words: str
) -> None:
    more = ()
    if column.startswith("cohort."):
        edit_csv(manifest, lambda table: table.insert(1, "pgr_", table.pop("her2")))
        more = (f"{column}={value}",)
    else:
        edit_csv(manifest, lambda table: table.__setitem__(column, pd.Series([value, *table[column][1:]])))
    with pytest.raises(InputError, match=words):
        run_volumes(manifest, tmp_path / "run", *more, pipeline=CUT)
