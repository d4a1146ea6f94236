"""A manifest of twenty thousand rows is checked in seconds, whatever is wrong with it."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from dlr.cohort import CohortSettings, load_cohort
from dlr.errors import InputError, Problem

MANY = 20_000


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Twenty thousand patients."""
    numbers = pd.Series(range(MANY))
    patient = numbers.map("{:06d}".format)
    return pd.DataFrame(
        {
            "patient_id": patient, "image": "images/" + patient + ".png", "mask": "masks/" + patient + ".png",
            "her2": (numbers % 2).astype(str), "er": (numbers % 3 > 0).astype(str),
            "age": (30 + numbers % 50).astype(str),
            "cea": (numbers % 7).map("<0.{}".format), "side": (numbers % 4 > 0).map({True: "train", False: "test"}),
        }
    )  # fmt: skip


def timed(path: Path, most: float, images: bool = False, **settings: str) -> tuple[Problem, ...]:
    """The problems of a manifest, told within `most` seconds of computing."""
    began, found = time.process_time(), ()
    try:
        load_cohort(path, CohortSettings.model_validate(settings), images=images)
    except InputError as error:
        found = error.problems
    assert time.process_time() - began < most
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_a_sound_table_and_one_without_its_pictures(tmp_path: Path, table: pd.DataFrame, name: str) -> None:
    table.to_csv(tmp_path / name, index=False) if name == "m.csv" else table.to_excel(tmp_path / name, index=False)
    if name == "m.csv":
        assert timed(tmp_path / name, 15) == ()
    image, mask = timed(tmp_path / name, 15, images=True)
    assert "20000 of 20000 files cannot be read" in image.what and image.where.endswith("column image")
    assert "there is no folder" in mask.mend and mask.where.endswith("column mask")


@pytest.mark.slow
def test_a_table_of_bad_cells_and_a_second_table_of_other_ids(tmp_path: Path, table: pd.DataFrame) -> None:
    bad = table.assign(age=table["patient_id"] + " years old", image="", mask="", er="perhaps", side="somewhere")
    bad.to_csv(tmp_path / "m.csv", index=False)
    found = timed(tmp_path / "m.csv", 15, images=True)
    assert [p.what.partition(":")[0] for p in found] == [
        "value 'somewhere' is not understood (rows 2, 3, 4, 5, 6, 7 and 19994 more)",
        "no image in rows 2, 3, 4, 5, 6, 7 and 19994 more",
        "no mask in rows 2, 3, 4, 5, 6, 7 and 19994 more",
        "value 'perhaps' is not understood (rows 2, 3, 4, 5, 6, 7 and 19994 more)",
        "20000 values are not understood",
    ]
    table[["patient_id"]].assign(patient_id="X" + table["patient_id"], bmi="20").to_csv(tmp_path / "c.csv", index=False)
    table.to_csv(tmp_path / "m.csv", index=False)
    ours, theirs = timed(tmp_path / "m.csv", 15, clinical_table="c.csv")
    assert ours.what.startswith("20000 of 20000 patients are not in c.csv: 000000 (nearest: X") and theirs.what
