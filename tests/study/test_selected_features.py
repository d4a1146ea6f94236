"""Which features a part may choose from, and the tables of what was chosen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from dlr.study.selected import reproducible_features, write_selected
from dlr.study.signatures import SignatureTables
from dlr.tables import ALGORITHMS, CHOICES, PREDICTIONS, SELECTION, SELECTION_FREQUENCY, STABILITY
from dlr.words import Target
from tests.study.hand_made import HER2, HandRun, cohort_of, predictions_of

NAN = float("nan")


def stability(folder: Path) -> Path:
    rows = [
        ("paper", "a", "erode", True), ("paper", "a", "dilate", True), ("paper", "b", "erode", True),
        ("paper", "b", "dilate", False), ("paper", "c", "erode", False), ("paper", "c", "dilate", False),
        ("crossfit-s0-f0", "a", "erode", False), ("crossfit-s0-f0", "b", "erode", True),
        ("crossfit-s0-f1", "a", "erode", False),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["part", "feature", "perturbation", "kept"])
    STABILITY.write(folder, table.assign(seed=0, fold=-1, icc=0.8, lower=0.7, upper=0.9, n=30))
    return folder


def test_a_feature_must_be_kept_under_every_perturbation_part_by_part(tmp_path: Path) -> None:
    run = HandRun(needs=SimpleNamespace(stability=stability(tmp_path)))
    assert reproducible_features(run) == {"paper": ["a"], "crossfit-s0-f0": ["b"], "crossfit-s0-f1": []}


def test_without_outlines_or_with_the_filter_switched_off_nothing_is_filtered(tmp_path: Path) -> None:
    needs = SimpleNamespace(stability=stability(tmp_path))
    assert reproducible_features(HandRun(settings={"learn": {"icc_filter": None}}, needs=needs)) is None
    assert reproducible_features(HandRun(needs=SimpleNamespace(stability=None))) is None


def made(target: str) -> SignatureTables:
    """Feature a was kept in both folds of cross-fitting and in paper, b in one fold."""
    named = {"target": target, "model": "Rad", "seed": 0, "step": "lasso", "statistic": 1.0, "p": 0.1, "reason": ""}
    rows = [
        ("crossfit", 0, "a", True, 0.5), ("crossfit", 1, "a", True, 0.7), ("crossfit", 0, "b", True, 0.2),
        ("crossfit", 1, "b", False, 0.0), ("paper", -1, "a", True, 9.0), ("paper", -1, "b", True, 9.0),
    ]  # fmt: skip
    selection = pd.DataFrame(rows, columns=["protocol", "fold", "feature", "kept", "coefficient"]).assign(**named)
    return SignatureTables(predictions_of({"A": 0.4}, target=target), selection, CHOICES.empty(), {})


def test_the_tables_of_all_targets_are_written_together_and_frequency_is_of_cross_fitting(tmp_path: Path) -> None:
    run = HandRun(tmp_path)
    tables = cohort_of({"patient_id": ["A"], "her2": [NAN], "er": [NAN]}, targets=(HER2, Target("er")))
    selection = write_selected(run, tables, {name: made(name) for name in ("her2", "er")})
    assert len(selection) == 12 and len(SELECTION.read(tmp_path)) == 12
    assert PREDICTIONS.read(tmp_path)["target"].tolist() == ["her2", "er"]
    frequency = SELECTION_FREQUENCY.read(tmp_path).set_index(["target", "feature"])
    for target in ("her2", "er"):
        assert frequency.loc[(target, "a"), ["kept", "of", "frequency"]].tolist() == [2, 2, 1.0]
        assert frequency.loc[(target, "b"), ["kept", "of", "frequency"]].tolist() == [1, 2, 0.5]
    assert CHOICES.there(tmp_path) and len(ALGORITHMS.read(tmp_path)) == 0
