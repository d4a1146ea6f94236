"""A part's name and back, the fold its rows stand under, and values that a chain must not give."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.protocols import Part, held_out_values

NAMES = [
    ("paper", Part("paper", 0, -1, -1, (), ()), -1),
    ("crossfit-s0-f0", Part("crossfit", 0, -1, 0, (), ()), 0),
    ("crossfit-s12-f3", Part("crossfit", 12, -1, 3, (), ()), 3),
    ("nested-s0-o0-f-1", Part("nested", 0, 0, -1, (), ()), 0),
    ("nested-s1-o4-f2", Part("nested", 1, 4, 2, (), ()), 4),
    ("leave_one_cohort_out-s0-o1-f-1", Part("leave_one_cohort_out", 0, 1, -1, (), ()), 1),
]


@pytest.mark.parametrize(("name", "part", "stored"), NAMES)
def test_a_part_is_found_by_its_name(name: str, part: Part, stored: int) -> None:
    assert part.name == name and Part.named(name) == part and part.stored_fold == stored


@pytest.mark.parametrize("name", ["", "crossfit-0-1", "crossfit-s0", "nested-s0-o-1-f0", "Paper", "crossfit-s0-f0-x"])
def test_another_folder_is_no_part(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a part"):
        Part.named(name)


PART = Part("nested", 2, 1, -1, ("A", "B"), ("C", "D"))


def test_held_out_values_stand_under_seed_and_stored_fold() -> None:
    other = Part("paper", 0, -1, -1, ("A",), ("A", "C"))
    values = [pd.Series([0.5], ["D"]), pd.Series([0.1, 0.2], ["A", "C"])]
    assert held_out_values([PART, other], values).to_numpy().tolist() == [
        ["D", "nested", 2, 1, 0.5], ["A", "paper", 0, -1, 0.1], ["C", "paper", 0, -1, 0.2],
    ]  # fmt: skip


def test_a_value_that_nobody_asked_for_stops() -> None:
    with pytest.raises(AssertionError, match="nested-s2-o1-f-1 says something of patients that it does not predict"):
        held_out_values([PART], [pd.Series([0.5, 0.5], ["C", "E"])])


def test_a_value_of_a_patient_that_the_chain_was_fitted_on_stops_but_under_paper() -> None:
    own = Part("crossfit", 0, -1, 0, ("A", "B"), ("B", "C"))
    with pytest.raises(AssertionError, match="crossfit-s0-f0 predicts its own patients"):
        held_out_values([own], [pd.Series([0.5], ["B"])])
    assert len(held_out_values([own], [pd.Series([0.5], ["C"])])) == 1


def test_each_part_needs_its_values() -> None:
    with pytest.raises(ValueError, match="shorter"):
        held_out_values([PART, PART], [pd.Series([0.5], ["C"])])
