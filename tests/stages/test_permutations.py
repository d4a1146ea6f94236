"""A p beside each out-of-fold AUC: the study's own cheap chains, held against shuffles of themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dlr.engine import Pipeline, Result
from dlr.settings import StudySettings
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.evaluate import evaluate
from dlr.stages.permutations import permutations
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.tables import METRICS, PERMUTATIONS
from tests.stages.small_study import SMALL, feature_study, kill_during, run_features, run_stills, still_study

PIPELINE = Pipeline(
    "her2_ultrasound", (cohort, radiomics, clinical, radiomics_model, combine, evaluate, permutations), StudySettings
)
QUICK = (
    "learn.protocols=[crossfit]", "learn.algorithms=[logistic]", "learn.max_grid=2", "learn.inner_folds=2",
    "learn.lasso_folds=3", "cohort.clinical=[age, er]", "evaluate.splits=0",
)  # fmt: skip


def run(folder: Path, count: int, **how: Any) -> Result:
    manifest = folder / "data_manifest.csv"
    settings = (*QUICK, f"evaluate.permutations={count}")
    return run_features(manifest, folder / "runs" / "a", *settings, pipeline=PIPELINE, **how)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("shuffled")
    feature_study(folder, patients=60, features=12, signal=3.0)
    return folder, run(folder, 4)


def assert_own(result: Result, models: set[tuple[str, str]]) -> None:
    """What is held against shuffles is the out-of-fold AUC of the study itself, to the last digit."""
    table = PERMUTATIONS.read(result.folders["permutations"])
    metrics = METRICS.read(result.folders["evaluate"])
    own = metrics[(metrics["metric"] == "auc") & (metrics["side"] == "train") & (metrics["algorithm"] == "chosen")]
    both = table.merge(own, on=["target", "model", "variant", "protocol"], suffixes=("", "_of_chain"))
    assert set(zip(table["model"], table["variant"], strict=True)) == models
    assert len(both) == len(table) and (both["observed"] == both["value"]).all()


TWICE = {(model, variant) for model in ("Clinical", "Combined") for variant in ("", "before biopsy")}


def test_the_study_s_own_chains_are_held_against_shuffles(four) -> None:
    """The study's only algorithm is that of the cheap chains."""
    _, result = four
    assert_own(result, {("Rad", ""), *TWICE})


@pytest.mark.slow
def test_frozen_heads_and_what_is_fused_with_them_too(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    manifest = still_study(tmp_path)
    result = run_stills(
        manifest, tmp_path / "runs" / "a", *QUICK, "cohort.clinical=[er, calcification]", "evaluate.permutations=1"
    )
    assert_own(result, {("Rad", ""), ("DL", ""), ("DLR", ""), *TWICE})


def test_p_is_the_share_of_shuffles_that_do_as_well_the_study_among_them(four) -> None:
    _, result = four
    table = PERMUTATIONS.read(result.folders["permutations"]).set_index(["model", "variant"])
    assert (table["permutations"] == 4).all() and set(table["p"]) <= {0.2, 0.4, 0.6, 0.8, 1.0}
    assert table.at[("Rad", ""), "p"] == 0.2 and table.at[("Rad", ""), "observed"] > 0.8  # a signal of three
    assert table.at[("Rad", ""), "null_mean"] < 0.7


def test_more_shuffles_take_up_those_that_are_done(four) -> None:
    folder, result = four
    parts = (3 + 2) * 5  # three parts and two variants of Combined, of the study as it is and of four shuffles
    assert result["permutations"].computed == parts
    more = run(folder, 5)
    assert (more["permutations"].computed, more["permutations"].found) == (5, parts)


def test_none_are_asked_for_by_default(four) -> None:
    folder, _ = four
    assert StudySettings().evaluate.permutations == 0
    assert run(folder, 0).left_out["permutations"] == "evaluate.permutations is 0"


def copied(folder: Path, to: Path) -> Path:
    """The files of a study in a folder of their own."""
    for name in ("data_manifest.csv", "features.csv"):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def table_of(result: Result) -> bytes:
    return (result.folders["permutations"] / PERMUTATIONS.file).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"jobs": 2}, {"jobs": 2, "dask": "local"}], ids=["two processes", "Dask"])
def test_the_same_bytes_on_any_executor(four, how: dict[str, Any], tmp_path: Path) -> None:
    if "dask" in how:
        pytest.importorskip("distributed")
    folder, _ = four
    assert table_of(run(copied(folder, tmp_path), 4, **how)) == table_of(run(folder, 4))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are needed to kill a run whole")
def test_a_killed_run_goes_on_to_the_same_bytes(four, tmp_path: Path) -> None:
    folder, _ = four
    home = copied(folder, tmp_path)
    features = ("--features", str(home / "features.csv"))
    kill_during("permutations", home / "data_manifest.csv", home / "runs" / "a", *SMALL, *QUICK,
                "evaluate.permutations=4", line=features)  # fmt: skip
    resumed = run(home, 4)
    assert resumed["permutations"].found >= 2
    assert table_of(resumed) == table_of(run(folder, 4))


def test_p_is_written_beside_metrics_at_the_top_of_the_study(four) -> None:
    folder, _ = four
    run(folder, 4)
    top = pd.read_csv(folder / "runs" / "a" / PERMUTATIONS.file)
    assert list(top.columns) == list(PERMUTATIONS.names)
