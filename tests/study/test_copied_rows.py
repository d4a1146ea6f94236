"""Patients whose feature rows are copies of others' are named, those of two sides first, before anything is fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dlr.study.features import copied_rows, copies_in_words
from dlr.tables import COPIES


def test_of_two_sides_the_training_patient_was_copied_and_crossing_pairs_come_first() -> None:
    """P2 repeats P1 (both trained on), P3 (train) and P0 (test) are one."""
    ids = [f"P{k}" for k in range(12)]
    values = np.random.default_rng(0).normal(size=(12, 8))
    values[2], values[3] = values[1], values[0]
    features = pd.DataFrame(values, columns=[f"f{k}" for k in range(8)])
    features.insert(0, "case_id", [f"{name}_a" for name in ids])
    features.insert(1, "patient_id", ids)
    cases = pd.DataFrame({"patient_id": ids, "side": ["test", *["train"] * 11]})
    copies = COPIES.conform(copied_rows(features, cases))
    assert copies[["patient_id", "side", "copy_patient", "copy_side", "agree", "columns"]].to_numpy().tolist() == [
        ["P0", "test", "P3", "train", 8, 8], ["P2", "train", "P1", "train", 8, 8],
    ]  # fmt: skip
    assert (
        copies_in_words(copies)
        == "2 patients repeat the features of others, 1 of them across sides: P0 of P3, P2 of P1"
    )
    assert copied_rows(features.iloc[3:], cases).empty


def test_the_doctor_names_copies_and_asks_for_no_image(tmp_path: Path) -> None:
    """Of 40 patients the last four are the first four under new ids."""
    from typer.testing import CliRunner

    from dlr.cli import app

    ids = [f"P{k:02}" for k in range(40)]
    draw = np.random.default_rng(1)
    values = draw.normal(size=(40, 6))
    values[36:] = values[:4]
    side = ["train"] * 30 + ["test"] * 10
    manifest = pd.DataFrame({"patient_id": ids, "her2": np.arange(40) % 2, "age": 50, "side": side, "image": "no.png"})
    manifest.to_csv(tmp_path / "m.csv", index=False)
    table = pd.DataFrame(values, columns=[f"f{k}" for k in range(6)])
    table.insert(0, "patient_id", ids)
    table.to_csv(tmp_path / "f.csv", index=False)
    asked = ["doctor", tmp_path / "m.csv", "--features", tmp_path / "f.csv", "--out", tmp_path / "study"]
    said = CliRunner().invoke(app, list(map(str, asked)))
    assert said.exit_code == 0, said.output
    assert "4 patients repeat the features of others, 4 of them across sides: P36 of P00, P37 of P01" in said.output
    assert "f.csv: no error, " in said.output
