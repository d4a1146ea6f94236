"""The parts of all protocols of a study, and on which side their patients stand."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.study.parts import side_under, study_parts, whole_side
from tests.study.hand_made import folds_of

SIDES = pd.Series({"A": "train", "B": "train", "C": "train", "D": "test", "X": "external"})


@pytest.mark.parametrize(
    ("protocol", "side", "under"),
    [
        ("paper", "train", "train"), ("crossfit", "train", "train"), ("crossfit", "test", "test"),
        ("crossfit", "validation", "validation"), ("nested", "train", "test"), ("nested", "validation", "test"),
        ("nested", "test", "test"), ("leave_one_cohort_out", "train", "test"),
        ("leave_one_cohort_out", "validation", "test"), ("nested", "external", "external"), ("nested", "new", "new"),
        ("leave_one_cohort_out", "external", "external"), ("paper", "external", "external"),
    ],
)  # fmt: skip
def test_where_everybody_is_held_out_once_a_studys_own_patients_are_test_patients(
    protocol: str, side: str, under: str
) -> None:
    found = side_under(protocol, side)
    assert found == under and type(found) is str


def nested_folds() -> pd.DataFrame:
    """Two outer folds of A to D; W is of no side, X external."""
    first = folds_of("nested", {"A": -1, "B": -1, "C": 0, "D": 1, "W": 0}, outer=0)
    second = folds_of("nested", {"A": 0, "B": 1, "C": -1, "D": -1, "W": -1}, outer=1)
    return pd.concat([second, first, folds_of("crossfit", {"A": 0, "B": 1, "C": 1})], ignore_index=True)


def test_a_nested_part_predicts_its_outer_fold_and_the_external_side_alone() -> None:
    first, second = study_parts(nested_folds(), ["nested"], SIDES)
    assert (first.protocol, first.seed, first.outer, first.fold) == ("nested", 0, 0, -1)
    assert first.train == ("C", "D") and first.predict == ("A", "B", "X")
    assert (second.outer, second.train, second.predict) == (1, ("A", "B"), ("C", "D", "X"))
    assert first.name == "nested-s0-o0-f-1" and first.stored_fold == 0 and second.stored_fold == 1


def test_nested_parts_come_by_seed_and_outer_fold() -> None:
    folds = pd.concat([nested_folds().assign(seed=2), nested_folds()], ignore_index=True)
    assert [(part.seed, part.outer) for part in study_parts(folds, ["nested"], SIDES)] == [
        (0, 0), (0, 1), (2, 0), (2, 1),
    ]  # fmt: skip


def test_the_parts_of_all_protocols_come_in_the_order_of_the_protocols() -> None:
    parts = study_parts(nested_folds(), ["nested", "paper", "crossfit"], SIDES)
    assert [part.name for part in parts] == [
        "nested-s0-o0-f-1", "nested-s0-o1-f-1", "paper", "crossfit-s0-f0", "crossfit-s0-f1",
    ]  # fmt: skip
    assert parts[3].train == ("B", "C") and parts[3].predict == ("A", "D", "X")


def test_the_whole_training_side_is_a_part_whatever_is_asked_for() -> None:
    part = whole_side(SIDES)
    assert part.name == "paper" and part.train == ("A", "B", "C") and part.predict == ("A", "B", "C", "D", "X")
