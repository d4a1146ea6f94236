"""Shuffles of a study: outcome and folds move together inside a cohort, everything else stays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.study.permuting import Dealt, areas_of, shuffles
from dlr.tables import FOLDS
from tests.study.hand_made import HER2, cohort_of

PATIENTS = [f"P{number:02d}" for number in range(40)]
HER2_VALUES = [1.0 if number % 3 == 0 else 0.0 for number in range(40)]
HER2_VALUES[5] = np.nan  # unknown: it keeps its folds and takes no part


def study(cohorts: list[str]):
    """Forty patients, the last four of them test patients; two drawings of four folds."""
    train = PATIENTS[:36]
    folds = pd.concat(
        pd.DataFrame(
            {"protocol": protocol, "patient_id": train, "seed": seed, "outer": -1,
             "fold": [(number // (1 + seed)) % 4 for number in range(36)]}
        )
        for protocol, seed in (("crossfit", 0), ("crossfit", 1), ("nested", 0))
    )  # fmt: skip
    side = ["train"] * 36 + ["test"] * 4
    return cohort_of({"patient_id": PATIENTS, "side": side, "her2": HER2_VALUES, "cohort": cohorts}, folds=folds)


def held(dealt, cohorts: dict[str, str]) -> list[tuple]:
    """Cohort, outcome and folds of every patient who takes part, in an order of their own."""
    wide = dealt.folds.pivot(index="patient_id", columns="seed", values="fold")
    return sorted((cohorts[p], int(dealt.labels[p]), *map(int, wide.loc[p])) for p in dealt.labels.index)


def test_outcome_and_folds_are_handed_on_together_inside_a_cohort() -> None:
    cohorts = ["A"] * 15 + ["B"] * 20 + [""] * 5
    by_patient = dict(zip(PATIENTS, cohorts, strict=True))
    truth, *shuffled = shuffles(study(cohorts), HER2, 6, seed=3)
    assert list(truth.labels.index) == [p for p in PATIENTS[:36] if p != "P05"]
    for dealt in shuffled:
        assert held(dealt, by_patient) == held(truth, by_patient)
        assert dict(dealt.labels) != dict(truth.labels)
        own = dealt.folds[dealt.folds["patient_id"] == "P05"]
        assert own["fold"].tolist() == truth.folds[truth.folds["patient_id"] == "P05"]["fold"].tolist()
    assert len({tuple(dealt.labels.sort_index()) for dealt in shuffled}) == 6


def test_where_the_cohort_is_the_outcome_nothing_can_be_shuffled() -> None:
    cohorts = ["A" if value == 1 else "B" for value in HER2_VALUES]
    truth, *shuffled = shuffles(study(cohorts), HER2, 3, seed=3)
    for dealt in shuffled:
        assert dict(dealt.labels) == dict(truth.labels)


def test_more_shuffles_begin_with_the_same() -> None:
    tables = study(["A"] * 40)
    few, more = shuffles(tables, HER2, 2, seed=3), shuffles(tables, HER2, 4, seed=3)
    for a, b in zip(few, more, strict=False):
        pd.testing.assert_series_equal(a.labels, b.labels)
        pd.testing.assert_frame_equal(a.folds, b.folds)
    assert not few[1].labels.sort_index().equals(shuffles(tables, HER2, 1, seed=4)[1].labels.sort_index())


def test_the_area_of_a_study_is_that_within_its_folds() -> None:
    """Fold 0: one pair of positive and negative, ordered; fold 1: two pairs, one of them ordered: 2 of 3."""
    labels = pd.Series([1, 0, 1, 0, 0], ["A", "B", "C", "D", "E"])
    rows = pd.DataFrame(
        {"patient_id": list("ABCDE"), "value": [0.9, 0.1, 0.5, 0.4, 0.6], "fold": [0, 0, 1, 1, 1], "seed": 0,
         "model": "Rad", "variant": ""}
    )  # fmt: skip
    one_class = rows.assign(model="DL", fold=[0, 1, 0, 1, 1])
    found = areas_of(Dealt(HER2, labels, FOLDS.empty(), 3), pd.concat([rows, one_class]))
    assert found.to_dict("records") == [
        {"target": "her2", "number": 3, "model": "Rad", "variant": "", "area": 2 / 3},
    ]  # fmt: skip
