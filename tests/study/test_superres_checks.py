"""A check patient's task: what it enhances, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("skimage")

from dlr.engine import Task
from dlr.study.superres_checks import CheckPatient, Generators, check_patient
from dlr.superres import DegradationSettings, Enhancer


def test_the_generator_before_the_adversary_restores_the_pair_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its image of the whole picture, sixteen times the work, is asked for by no measure."""
    usual, seen = Enhancer.restored, []

    def spied(self: Enhancer, units: np.ndarray) -> np.ndarray:
        seen.append((self.origin.get("source", "bicubic"), units.shape))
        return usual(self, units)

    monkeypatch.setattr(Enhancer, "restored", spied)
    for name in ("after", "before"):
        Enhancer(None, 4, origin={"source": name}).save(tmp_path / name)
    rows, columns = np.mgrid[:96, :96]
    np.save(tmp_path / "units.npy", (0.5 + 0.3 * np.sin(rows / 9) * np.cos(columns / 7)).astype(np.float32))
    np.save(tmp_path / "mask.npy", (rows - 48) ** 2 + (columns - 48) ** 2 < 400)
    given = CheckPatient(
        tmp_path / "units.npy", tmp_path / "mask.npy", "C1", Generators(tmp_path / "after", tmp_path / "before", 4),
        DegradationSettings(), 60.0, 1, None,
    )  # fmt: skip
    check_patient(Task("C1", {}, given), tmp_path)
    assert {shape for name, shape in seen if name == "before"} == {(24, 24)}
    for name in ("after", "bicubic"):
        assert {shape for of, shape in seen if of == name} >= {(24, 24), (96, 96)}
