"""The tables that stage cohort leaves, as other stages read them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dlr.engine import Pipeline, Screen, resolve, run_pipeline
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.study.cohort import read_cohort
from dlr.words import Target, TargetKind
from tests.stages.small_study import feature_study

ONLY = Pipeline(name="her2_ultrasound", settings=StudySettings, stages=[cohort])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    manifest = feature_study(folder)
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    table["ki67"] = [f"{n} %" if n % 4 else "" for n in range(len(table))]
    table.to_csv(manifest, index=False)
    settings = resolve(StudySettings, {}, ["cohort.target=[her2, ki67]"])
    run = run_pipeline(ONLY, folder / "runs", manifest, settings, features=folder / "features.csv",
                       screen=Screen(quiet=True))  # fmt: skip
    assert run.folders["cohort"] is not None
    return Path(run.folders["cohort"])


def test_targets_come_back_with_their_kind_and_what_they_derive_from(written: Path) -> None:
    tables = read_cohort(written)
    assert tables.targets == (
        Target("her2", derived_from=("her2_ihc", "her2_fish", "subtype")),
        Target("ki67", TargetKind.PER_CENT, ("subtype",)),
    )
    assert tables.patients["ki67"].isna().sum() == 23 and tables.patients["ki67"].max() == 89


def test_targets_of_the_first_release_are_names_alone(written: Path, tmp_path: Path) -> None:
    for file in written.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    spec = json.loads((written / "columns.json").read_text(encoding="utf-8"))
    (tmp_path / "columns.json").write_text(json.dumps({**spec, "targets": ["her2"]}), encoding="utf-8")
    assert read_cohort(tmp_path).targets == (Target("her2"),)
