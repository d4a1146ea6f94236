"""Plans: who is fitted on whom under each protocol."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.errors import InputError
from dlr.protocols import plan

SIDES = pd.Series({**{f"T{i}": "train" for i in range(6)}, "U0": "test", "U1": "test", "X0": "external"}, name="side")


def crossfit_rows(seeds: int = 2, folds: int = 3) -> pd.DataFrame:
    rows = [("crossfit", f"T{i}", seed, -1, (i + seed) % folds) for seed in range(seeds) for i in range(6)]
    return pd.DataFrame(rows, columns=["protocol", "patient_id", "seed", "outer", "fold"])


def nested_rows(outer: int = 2, folds: int = 3) -> pd.DataFrame:
    patients = [p for p in SIDES.index if SIDES[p] != "external"]
    rows = []
    for o in range(outer):
        inside = [p for k, p in enumerate(patients) if k % outer != o]
        rows += [("nested", p, 0, o, -1) for k, p in enumerate(patients) if k % outer == o]
        rows += [("nested", p, 0, o, k % folds) for k, p in enumerate(inside)]
    return pd.DataFrame(rows, columns=["protocol", "patient_id", "seed", "outer", "fold"])


def test_paper_is_one_part_that_predicts_everybody():
    (part,) = plan(crossfit_rows(), "paper", SIDES)
    assert (part.seed, part.outer, part.fold, part.name) == (0, -1, -1, "paper")
    assert part.train == tuple(f"T{i}" for i in range(6))
    assert set(part.predict) == set(SIDES.index)


def test_crossfit_holds_every_training_patient_out_once_a_seed():
    parts = plan(crossfit_rows(), "crossfit", SIDES)
    assert [part.name for part in parts] == [f"crossfit-s{s}-f{f}" for s in range(2) for f in range(3)]
    for part in parts:
        assert not set(part.train) & set(part.predict)
        assert {"U0", "U1", "X0"} <= set(part.predict)
        assert not {"U0", "U1", "X0"} & set(part.train)
    for seed in range(2):
        held_out = [p for part in parts if part.seed == seed for p in part.predict if p.startswith("T")]
        assert sorted(held_out) == [f"T{i}" for i in range(6)]


def test_nested_never_fits_on_the_outer_patients():
    rows = nested_rows()
    parts = plan(rows, "nested", SIDES)
    assert len(parts) == 6 and parts[0].name == "nested-s0-o0-f0"
    for part in parts:
        outside = set(rows.loc[(rows["outer"] == part.outer) & (rows["fold"] == -1), "patient_id"])
        assert outside <= set(part.predict) and "X0" in part.predict
        assert not outside & set(part.train)
        assert not set(part.train) & set(part.predict)


def test_leave_one_cohort_out_predicts_that_cohort_only():
    cohorts = dict(zip(SIDES.index, "AAABBBCC", strict=False))  # the external patient takes no part
    rows = pd.DataFrame(
        [
            ("leave_one_cohort_out", patient, 0, number, -1 if cohort == name else k % 2)
            for number, name in enumerate("ABC")
            for k, (patient, cohort) in enumerate(cohorts.items())
        ],
        columns=["protocol", "patient_id", "seed", "outer", "fold"],
    )
    parts = plan(rows, "leave_one_cohort_out", SIDES)
    assert [part.predict for part in parts] == [("T0", "T1", "T2"), ("T3", "T4", "T5"), ("U0", "U1")]
    assert parts[2].train == tuple(f"T{i}" for i in range(6))
    assert [(part.outer, part.fold, part.name) for part in parts] == [
        (o, -1, f"leave_one_cohort_out-s0-o{o}-f-1") for o in range(3)
    ]


def test_order_of_rows_does_not_matter():
    rows = crossfit_rows()
    assert plan(rows.sample(frac=1, random_state=1), "crossfit", SIDES[::-1]) == plan(rows, "crossfit", SIDES)


def test_a_training_patient_without_a_fold_is_refused():
    with pytest.raises(InputError, match="training side"):
        plan(crossfit_rows().query("patient_id != 'T3'"), "crossfit", SIDES)


def test_folds_that_were_never_drawn_are_named():
    with pytest.raises(InputError, match="nested"):
        plan(crossfit_rows(), "nested", SIDES)
