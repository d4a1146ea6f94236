"""Whole studies of numbers: what is wrong leads the reviewer's list, and a sound study is not accused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.engine import Result
from dlr.phantom import feature_cohort
from dlr.report import About, Sources
from dlr.report.blocks import Remark
from dlr.report.evidence import Evidence
from dlr.report.reviewer import remarks
from dlr.tables import COPIES, METRICS
from tests.stages.small_study import TABLES_ONLY, run_features

ABOUT = About("study", "her2_ultrasound", "0", 1)
QUICK = ("learn.algorithms=[logistic]", "evaluate.splits=0")


def study(folder: Path, features: pd.DataFrame, manifest: pd.DataFrame) -> Result:
    folder.mkdir()
    features.rename_axis("patient_id").reset_index().to_csv(folder / "features.csv", index=False)
    manifest.rename_axis("patient_id").reset_index().to_csv(folder / "data_manifest.csv", index=False)
    return run_features(folder / "data_manifest.csv", folder / "runs", *QUICK)


def said(result: Result) -> tuple[Remark, ...]:
    gives = {stage.name: stage.gives for stage in TABLES_ONLY.stages}
    sources = Sources(result.folders, result.left_out, result.settings, ABOUT, gives)
    return remarks(sources, Evidence(sources)).remarks


@pytest.mark.slow
def test_a_cohort_that_is_the_outcome_is_the_first_line(tmp_path: Path) -> None:
    """A 33 of 39 positive, B 5 of 81; twenty of eighty features are shifted by the centre, none by the outcome."""
    features, clinical, _ = feature_cohort(120, 80, seed=3, signal=0)
    positive = np.repeat([1, 0, 1, 0], [33, 6, 5, 76])
    centre = np.repeat(["A", "B"], [39, 81])
    features = features.copy()
    features.iloc[:, :20] += np.outer(centre == "A", 1.5 * features.iloc[:, :20].std())
    result = study(tmp_path / "confounded", features, clinical[["age", "er"]].assign(her2=positive, cohort=centre))
    first = said(result)[0]
    assert first.says == "The cohort alone predicts her2." and first.weight == 3
    assert "A 33/39; B 5/81" in first.evidence and "among pairs of one cohort" in first.evidence
    metrics = METRICS.read(result.folders["evaluate"])
    own = metrics[(metrics["model"] == "Rad") & (metrics["protocol"] == "crossfit") & (metrics["subset"] == "all")]
    own = own[(own["algorithm"] == "chosen") & (own["side"] == "train")].set_index("metric")["value"]
    assert own["auc"] > 0.75 and own["auc_pairs_within_cohorts"] < own["auc"] - 0.15


@pytest.mark.slow
def test_test_patients_that_are_copies_are_the_first_line_and_a_sound_study_has_none(tmp_path: Path) -> None:
    """Every test patient is a training patient under another id: features, clinical values and label."""
    features, clinical, positive = feature_cohort(120, 80, seed=4)
    manifest = clinical[["age", "er"]].assign(her2=positive.astype(int), side=np.repeat(["train", "test"], [84, 36]))
    sound = said(study(tmp_path / "sound", features, manifest))
    assert not any("copies" in one.says or "alone predicts" in one.says for one in sound)
    twins = np.r_[0:84, 0:36]
    copied = features.iloc[twins].set_axis(features.index)
    again = manifest.iloc[twins].set_axis(manifest.index).assign(side=manifest["side"])
    result = study(tmp_path / "copied", copied, again)
    first = said(result)[0]
    assert first.says == "Patients are copies of other patients: a leak."
    assert first.evidence.startswith(
        "36 repeat another's features, 36 of them across sides: P0085 (test) of P0001 (train)"
    )
    assert len(COPIES.read(result.folders["radiomics"])) == 36
