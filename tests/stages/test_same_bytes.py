"""The same bytes however a study is run: processes, killed and resumed; one more patient, one more case."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from dlr.engine import Result
from tests.stages.small_study import SMALL, bytes_of, kill_during, run_stills, still_study

STAGES = ("cohort", "radiomics", "clinical", "radiomics_model", "combine", "evaluate", "nomogram", "report")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(whole_study) -> dict[str, dict[str, bytes]]:
    _, result = whole_study
    return outputs(result)


def outputs(result: Result) -> dict[str, dict[str, bytes]]:
    """Bytes of every stage's outputs; the looks carry a clock and stay out."""
    found = {name: bytes_of(result.folders[name]) for name in STAGES if result.folders[name] is not None}
    for files in found.values():
        for name in [name for name in files if name.endswith("looks.csv")]:
            del files[name]
    return found


def differing(a: dict[str, dict[str, bytes]], b: dict[str, dict[str, bytes]]) -> list[str]:
    return [
        f"{stage}/{name}"
        for stage in sorted({*a, *b})
        for name in sorted({*a.get(stage, {}), *b.get(stage, {})})
        if a.get(stage, {}).get(name) != b.get(stage, {}).get(name)
    ]


def test_two_processes_give_the_same_bytes(whole_study, undisturbed, tmp_path: Path) -> None:
    manifest, _ = whole_study
    again = run_stills(manifest, tmp_path / "runs" / "small", jobs=2)
    assert differing(undisturbed, outputs(again)) == []


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are needed to kill a run whole")
@pytest.mark.parametrize("stage", ["radiomics", "radiomics_model"])
def test_a_killed_run_goes_on_to_the_same_bytes(stage: str, whole_study, undisturbed, tmp_path: Path) -> None:
    manifest, _ = whole_study
    out = tmp_path / "runs" / "small"
    kill_during(stage, manifest, out, *SMALL, f"radiomics.profile={manifest.parent / 'short.yaml'}")
    resumed = run_stills(manifest, out)
    assert differing(undisturbed, outputs(resumed)) == []


def test_one_more_patient_computes_one_more_case(tmp_path: Path) -> None:
    manifest = still_study(tmp_path / "study", patients=24)
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    last = table["patient_id"].iloc[-1]
    table[table["patient_id"] != last].to_csv(manifest, index=False)
    from dlr.engine import Pipeline
    from dlr.settings import StudySettings
    from dlr.stages.cohort import cohort
    from dlr.stages.radiomics import radiomics

    short = Pipeline(name="her2_ultrasound", settings=StudySettings, stages=[cohort, radiomics])
    run_stills(manifest, tmp_path / "runs", pipeline=short)
    table.to_csv(manifest, index=False)
    more = run_stills(manifest, tmp_path / "runs", pipeline=short)
    assert more["radiomics"].computed == int((table["patient_id"] == last).sum())


def test_a_second_run_computes_nothing(whole_study) -> None:
    manifest, result = whole_study
    again = run_stills(manifest, result.study)
    states = {outcome.stage: outcome.state for outcome in again.outcomes}
    assert set(states.values()) <= {"cached", "left out"}, states
    record = json.loads((result.folders["radiomics"] / "stage.json").read_text(encoding="utf-8"))
    assert record["parts"]
