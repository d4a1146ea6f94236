"""Held-out data cannot matter: with sides and folds fixed, noise in their place leaves every chain byte-equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from null_tables import Study, draw_study

from dlr.learn import ALGORITHMS, LearnSettings, save_chains
from dlr.protocols import Part

ALL = LearnSettings(algorithms=[*ALGORITHMS, "ridge", "svm"], trees=5, max_grid=1, inner_folds=2, lasso_folds=3)
LOGS = LearnSettings(algorithms=["ridge"], log=True, inner_folds=2, lasso_folds=3)  # its strength chosen among eight
STUDY = draw_study(3, signal=1.5, train=48, test=16, features=40)


def scrambled(study: Study, patients: list[str]) -> Study:
    """Features and labels of `patients` replaced by noise, missing values among them."""
    draw = np.random.default_rng(9)
    frame, positive = study.frame.copy(), study.positive.copy()
    noise = 100 * draw.normal(size=(len(patients), frame.shape[1]))
    frame.loc[patients] = np.where(draw.random(noise.shape) < 0.1, np.nan, noise)
    positive.loc[patients] = draw.random(len(patients)) < 0.5
    return replace(study, frame=frame, positive=positive)


def everything_fitted(study: Study, part: Part, folder: Path) -> dict[str, bytes]:
    """The bytes of all chains, the trace, the choices and the grid of a part; and those of a ridge of logs."""
    made = {}
    for way, settings in (("raw", ALL), ("logs", LOGS)):
        fitted = study.fit(part, settings)
        save_chains(fitted, folder / way)
        made |= {f"{way} {path.name}": path.read_bytes() for path in sorted((folder / way).iterdir())}
        made |= {f"{way} {name}": getattr(fitted, name).to_csv().encode() for name in ("selection", "choices", "grid")}
    return made


@pytest.mark.parametrize("protocol", ["paper", "crossfit"])
def test_scrambled_test_side_leaves_every_chain_byte_equal(protocol, tmp_path):
    other = scrambled(STUDY, [p for p in STUDY.sides.index if STUDY.sides[p] == "test"])
    parts = STUDY.parts(protocol)
    assert other.parts(protocol) == parts
    for part in parts[:2]:
        before = everything_fitted(STUDY, part, tmp_path / f"{part.name}-before")
        assert everything_fitted(other, part, tmp_path / f"{part.name}-after") == before


def test_scrambled_held_out_fold_leaves_that_folds_chain_byte_equal(tmp_path):
    part = STUDY.parts("crossfit")[1]
    other = scrambled(STUDY, list(part.predict))
    before = everything_fitted(STUDY, part, tmp_path / "before")
    assert everything_fitted(other, part, tmp_path / "after") == before


def test_scrambled_training_patient_does_change_the_chain(tmp_path):
    """The test above can fail: it is not that nothing is looked at."""
    part = STUDY.parts("crossfit")[1]
    other = scrambled(STUDY, list(part.train[:1]))
    before = everything_fitted(STUDY, part, tmp_path / "before")
    assert everything_fitted(other, part, tmp_path / "after") != before
