"""Warnings of one kind become one line, and nothing that was said is lost or invented."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dlr.engine import one_a_kind


def test_fourteen_unused_columns_are_one_line() -> None:
    said = [f"patients.xlsx column {name}: not used" for name in "abcdefghijklmn"]
    assert one_a_kind(said) == ["patients.xlsx column a, b, c and 11 more: not used"]


def test_numbers_become_their_range_and_brackets_go() -> None:
    said = [
        "column age: missing for 5 of 160 patients",
        "P1: the ROI touches the picture's edge (left): look",
        "column cea: missing for 12 of 160 patients",
        "P2: the ROI touches the picture's edge (left, top): look",
    ]
    assert one_a_kind(said) == [
        "column age and cea: missing for 5–12 of 160 patients",
        "P1 and P2: the ROI touches the picture's edge: look",
    ]


def test_what_is_said_once_stays_as_it_is() -> None:
    said = ["spacing (mm): not known for 3 cases", "a fault", "b: 2 parts", "c: two parts", "a fault"]
    assert one_a_kind(said) == ["spacing (mm): not known for 3 cases", "a fault", "b: 2 parts", "c: two parts"]


def test_four_places_are_named_and_five_are_not() -> None:
    assert one_a_kind([f"P{k}: cut" for k in range(4)]) == ["P0, P1, P2 and P3: cut"]
    assert one_a_kind([f"P{k}: cut" for k in range(5)]) == ["P0, P1, P2 and 2 more: cut"]


TEXTS = st.text(alphabet="ab 1.:()", max_size=12)


@given(st.lists(TEXTS, max_size=6))
def test_any_texts_give_at_most_as_many_lines_and_every_lonely_one_as_it_was(said: list[str]) -> None:
    lines = one_a_kind(said)
    assert len(lines) <= len(dict.fromkeys(said))
    assert bool(lines) == bool(said)
    if len(set(said)) == 1:
        assert lines == [said[0]]
