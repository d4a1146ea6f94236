"""Keys: typed, delimited, and able to say what moved."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlr.engine.keys import differences, key_of, plain
from dlr.engine.store import new_record


class Colour(StrEnum):
    RED = "red"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def exactly(a: object, b: object) -> bool:
    """Equal in type and value, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(exactly(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(exactly(a[k], b[k]) for k in a)
    if isinstance(a, float):
        return a.hex() == b.hex()
    return a == b


def test_one_true_one_point_zero_and_the_text_one_have_four_keys():
    assert len({key_of({"a": value}) for value in (1, True, 1.0, "1")}) == 4


def test_none_empty_text_empty_list_and_empty_mapping_have_four_keys():
    assert len({key_of({"a": value}) for value in (None, "", [], {})}) == 4


def test_where_one_part_ends_and_the_next_begins_is_in_the_key():
    assert key_of({"a": ["xy", "z"]}) != key_of({"a": ["x", "yz"]})
    assert key_of({"a": [["x"], "y"]}) != key_of({"a": [["x", "y"]]})
    assert key_of({"ab": "c"}) != key_of({"a": "bc"})


def test_the_order_of_names_is_not_in_the_key():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})


def test_an_enum_counts_as_its_value_and_a_tuple_as_a_list():
    assert key_of({"a": Colour.RED, "b": (1, 2)}) == key_of({"a": "red", "b": [1, 2]})


@settings(max_examples=150, deadline=None)
@given(a=values, b=values)
def test_two_values_share_a_key_only_if_they_are_the_same(a, b):
    assert (key_of({"part": a}) == key_of({"part": b})) == exactly(a, b)


@settings(max_examples=100, deadline=None)
@given(parts=st.dictionaries(st.text(max_size=4), values, max_size=4))
def test_parts_read_back_from_a_record_have_the_same_key(parts):
    import json

    assert key_of(json.loads(json.dumps(plain(parts)))) == key_of(parts)


@pytest.mark.parametrize("value", [Path("x"), b"x", object(), {1: 2}, [{"a": Path("x")}]])
def test_what_cannot_be_written_down_exactly_is_refused_by_name(value):
    with pytest.raises(TypeError, match="profile"):
        plain(value, "profile")


def test_a_record_whose_key_is_not_that_of_its_parts_is_a_fault():
    with pytest.raises(RuntimeError, match="parts"):
        new_record("0" * 64, {"a": 1}, 0.0)


def test_differences_name_the_leaf_that_moved_with_both_values():
    old = {"settings": {"learn": {"seeds": 3, "folds": 5}}, "needs": {"cohort": "aa"}, "files": {"a.png": "1"}}
    new = {"settings": {"learn": {"seeds": True, "folds": 5}}, "needs": {"cohort": "bb"}, "files": {"b.png": "2"}}
    said = [str(each) for each in differences(old, new)]
    assert said == ["a.png is gone", "b.png is new", "cohort changed", "learn.seeds: 3 → True"]


def test_one_and_true_are_a_difference():
    assert [each.name for each in differences({"a": 1}, {"a": True})] == ["a"]
    assert differences({"a": 1.0}, {"a": 1.0}) == []
