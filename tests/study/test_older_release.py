"""A study that release 0.1.0 made: it predicts the same, and what can no longer be read is refused by name."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from dlr.cli.start import as_it_ran
from dlr.engine import open_study
from dlr.errors import InputError
from dlr.study.prediction import Prediction, predict_table
from dlr.tables import CHOICES, COHORT, CUTOFFS, METRICS, PREDICTIONS, SELECTION_FREQUENCY

ARCHIVE = Path(__file__).parents[1] / "reference" / "runs" / "release_0.1.0.zip"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release 0.1.0")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def found(unpacked: Path) -> Prediction:
    study = open_study(unpacked / "runs" / "small")
    start = as_it_ran(study)
    return predict_table(study, start.pipeline, start.settings, unpacked / "new.csv")


def said(folder: Path, ending: str = "") -> pd.DataFrame:
    """What release 0.1.0 wrote."""
    return pd.read_csv(folder / f"new_predictions{ending}.csv", dtype={"patient_id": str}, keep_default_na=False)


def test_its_predictions_come_out_the_same(unpacked: Path, found: Prediction) -> None:
    before = said(unpacked)
    assert before.columns.tolist() == found.probabilities.columns.tolist()
    names = ["patient_id", "target", "model", "variant", "protocol"]
    both = before.merge(found.probabilities, on=names, suffixes=("_before", ""))
    assert len(both) == len(before) == len(found.probabilities) > 40
    for column in ("probability", "cutoff"):
        assert (both[f"{column}_before"].astype(float) - both[column]).abs().max() < 1e-12
    assert (both["positive_before"] == both["positive"]).all()


def test_its_points_and_flags_come_out_the_same(unpacked: Path, found: Prediction) -> None:
    points = said(unpacked, "_points")
    both = points.merge(found.points, on=["patient_id", "set", "variable"], suffixes=("_before", ""))
    assert len(both) == len(points) == len(found.points) > 0
    assert (both["points_before"] - both["points"]).abs().max() < 1e-9
    assert (both["risk_before"] - both["risk"]).abs().max() < 1e-12
    assert len(said(unpacked, "_outside")) == len(found.outside) > 0


def test_the_studys_folder_alone_predicts_anywhere(unpacked: Path, found: Prediction, tmp_path: Path) -> None:
    shutil.copytree(unpacked / "runs" / "small", tmp_path / "else where")
    study = open_study(tmp_path / "else where")
    start = as_it_ran(study)
    again = predict_table(study, start.pipeline, start.settings, unpacked / "new.csv")
    assert again.probabilities.equals(found.probabilities)


def folder_of(study: Path, stage: str) -> Path:
    return next(folder for folder in (study / "runs/small/stages" / stage).iterdir())


@pytest.mark.parametrize(
    ("stage", "table"), [("cohort", COHORT), ("radiomics_model", PREDICTIONS), ("evaluate", CUTOFFS)]
)
def test_tables_that_did_not_change_are_read(unpacked: Path, stage: str, table) -> None:
    assert len(table.read(folder_of(unpacked, stage))) > 0


@pytest.mark.parametrize(
    ("stage", "table"),
    [("radiomics_model", CHOICES), ("radiomics_model", SELECTION_FREQUENCY), ("evaluate", METRICS)],
)
def test_tables_that_changed_name_the_release_that_reads_them(unpacked: Path, stage: str, table) -> None:
    with pytest.raises(InputError, match=r"release 0\.1\.0"):
        table.read(folder_of(unpacked, stage))
