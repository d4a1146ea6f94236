"""What a per cent is said to be without a model: medians of the patients that a model learns from, worked by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.study.medians import training_medians
from tests.study.hand_made import HER2, KI67, cohort_of, evaluated, folds_of, predictions_of

KI = {"A": 10.0, "B": 20.0, "C": 30.0, "D": 90.0, "U": 50.0, "X": 1.0, "Y": 3.0, "Z": 8.0}
SIDES = dict.fromkeys("ABCD", "train") | {"U": "test"} | dict.fromkeys("XYZ", "external")


def medians() -> object:
    folds = [
        folds_of("crossfit", {"A": 0, "B": 0, "C": 1, "D": 1}),
        folds_of("crossfit", {"A": 0, "B": 1, "C": 1, "D": 0}, seed=1),
        folds_of("external_crossfit", {"X": 0, "Y": 1, "Z": 2}),
    ]
    made = {"patient_id": list(KI), "ki67": list(KI.values()), "her2": [0.0, 1.0] * 4, "side": list(SIDES.values())}
    return training_medians(cohort_of(made, targets=(HER2, KI67), folds=pd.concat(folds)))["ki67"]


def told(patients: list[str], chains: pd.DataFrame, **names: str) -> list[float]:
    one = evaluated([KI[p] for p in patients], [40.0] * len(patients), target=KI67, chains=chains, patients=patients,
                    **names)  # fmt: skip
    return medians().of(one).tolist()  # type: ignore[attr-defined]


def test_out_of_fold_a_patient_is_told_the_median_of_the_others() -> None:
    """Seed 0: A is told (30 + 90) / 2, D (10 + 20) / 2; seed 1: A 25 (of B and C), D the same."""
    value = {"D": 1.0, "A": 1.0}
    chains = [predictions_of(value).assign(fold=[1, 0]), predictions_of(value, seed=1).assign(fold=[0, 0])]
    assert told(["A", "D"], pd.concat(chains), side="train", role="out-of-fold") == [
        (60 + 25) / 2, (15 + 25) / 2,
    ]  # fmt: skip


def test_a_test_patient_is_told_the_mean_over_all_chains() -> None:
    chains = pd.concat([predictions_of({"U": 1.0}, seed=seed, fold=fold) for seed in (0, 1) for fold in (0, 1)])
    # seed 0: without A, B (30, 90) 60; without C, D 15; seed 1: without A, D 25; without B, C 50
    assert told(["U"], chains) == [pytest.approx((60 + 15 + 25 + 50) / 4)]


def test_under_paper_it_is_the_training_sides_median_and_among_external_patients_theirs() -> None:
    assert told(["U"], predictions_of({"U": 1.0}, fold=-1), protocol="paper") == [25.0]
    chains = predictions_of({"X": 1.0, "Z": 1.0}).assign(fold=[0, 2])
    found = told(["X", "Z"], chains, protocol="external_crossfit", side="external", role="out-of-fold")
    assert found == [5.5, 2.0]


def test_a_chain_of_no_drawn_part_is_held_against_the_whole_side() -> None:
    assert told(["U"], predictions_of({"U": 1.0}, seed=7)) == [25.0]
