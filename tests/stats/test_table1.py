"""Table 1: R's values for both sides of birthwt, hand-worked differences, missing values, broken input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from r_reference import assert_equals_r, r_data, r_values

from dlr.errors import InputError
from dlr.stats import TableColumn, table1
from dlr.stats.table1 import COLUMNS, categorical_difference

R = r_values("table1.json")["variables"]
DATA = r_data("birthwt.csv").merge(r_data("birthwt_split.csv"))
NUMBERS = [name for name, entry in R.items() if entry["kind"] == "continuous"]
COUNTS = [name for name, entry in R.items() if entry["kind"] == "categorical"]


def rows(name: str, **options) -> pd.DataFrame:
    return table1(DATA, DATA["set"], ("train", "test"), [TableColumn(name, **options)])


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_equal_r(name: str) -> None:
    expected = R[name]
    welch = rows(name, show="mean", digits=10).iloc[0]
    assert_equals_r([welch["p"], welch["smd"]], [expected["p_welch"], expected["smd"]])
    assert_equals_r(rows(name, show="mean", equal_variances=True).loc[0, "p"], expected["p_student"])
    ranked = rows(name, show="median", digits=10).iloc[0]
    assert_equals_r(ranked["p"], expected["p_mann_whitney_corrected"])
    for side, column in (("train", "value_a"), ("test", "value_b")):
        mean, sd = (float(part) for part in welch[column].split(" ± "))
        assert_equals_r([mean, sd], [expected[side]["mean"], expected[side]["sd"]])
        shown = [float(part) for part in ranked[column].replace("[", "").replace("]", "").replace(",", "").split()]
        low, middle, high = expected[side]["min_q1_median_q3_max_type7"][1:4]
        assert_equals_r(shown, [middle, low, high])


@pytest.mark.parametrize("name", COUNTS)
def test_counts_equal_r(name: str) -> None:
    expected = R[name]
    table = rows(name, show="count", levels=tuple(expected["levels"]), digits=10)
    head, levels = table.iloc[0], table.iloc[1:]
    assert list(levels["level"]) == expected["levels"]
    for column, side in (("value_a", 0), ("value_b", 1)):
        counts = [int(value.split(" ")[0]) for value in levels[column]]
        shares = [float(value.split("(")[1].split(" ")[0]) for value in levels[column]]
        assert counts == [row[side] for row in expected["counts_columns_train_test"]]
        assert_equals_r(shares, [row[side] for row in expected["percent_of_column"]])
    fisher = expected["min_expected"] < 5
    assert head["test"] == ("Fisher's exact test" if fisher else "chi-squared test")
    assert_equals_r(head["p"], expected["p_fisher" if fisher else "p_chisq_uncorrected"])
    if not fisher and expected["p_chisq_yates"] is not None:
        assert_equals_r(rows(name, show="count", yates=True).loc[0, "p"], expected["p_chisq_yates"])


def test_where_medians_are_shown_the_difference_is_that_of_the_ranks() -> None:
    """Group a lies lower but for one patient far out: ranks 1, 2, 3, 8 against 4, 5, 6, 7."""
    frame = pd.DataFrame({"marker": [1.0, 2.0, 3.0, 900.0, 4.0, 5.0, 6.0, 7.0]})
    found = {
        show: table1(frame, np.repeat(["a", "b"], 4), ("a", "b"), [TableColumn("marker", show)])["smd"][0]
        for show in ("mean", "median")
    }
    assert found["median"] == pytest.approx((3.5 - 5.5) / np.sqrt((29 / 3 + 5 / 3) / 2))
    assert found["mean"] > 0.4


def test_the_difference_of_two_shares_is_the_textbook_one() -> None:
    """30 % against 50 %: .2 / √((.21 + .25) / 2)."""
    assert categorical_difference(np.array([[70, 50], [30, 50]])) == pytest.approx(0.2 / np.sqrt(0.23))


def test_numbers_with_two_values_are_counted_and_others_averaged() -> None:
    table = table1(DATA[["age", "ht", "race"]], DATA["set"], ("train", "test"))
    assert list(table["variable"].unique()) == ["age", "ht", "race"]
    assert list(table.columns) == list(COLUMNS)
    assert list(table.loc[table["variable"] == "race", "level"]) == ["", "black", "other", "white"]


def test_a_label_and_levels_in_the_order_given() -> None:
    table = rows("race", show="count", label="Race", levels=("white", "black", "other"))
    assert list(table["level"]) == ["", "white", "black", "other"] and set(table["variable"]) == {"Race"}


def test_missing_values_are_counted_and_left_out() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, np.nan, 4.0, 5.0, 7.0], "f": ["a", None, "b", "a", "b", "b"]})
    table = table1(frame, np.array(list("uuuvvv")), ("u", "v"))
    assert list(table["missing_a"]) == [1, 1, 1, 1] and list(table["missing_b"]) == [0, 0, 0, 0]
    assert table.loc[0, "value_a"] == "1.5 ± 0.7"
    assert list(table.loc[2:, "value_a"]) == ["1 (50.0 %)", "1 (50.0 %)"]


def test_a_group_without_values_has_no_test() -> None:
    frame = pd.DataFrame({"x": [np.nan, np.nan, 4.0, 5.0], "f": [None, None, "b", "a"], "m": [np.nan, np.nan, 1, 2]})
    columns = [TableColumn("x", "mean"), TableColumn("f", "count"), TableColumn("m", "median")]
    table = table1(frame, np.array(list("uuvv")), ("u", "v"), columns)
    heads = table[table["level"] == ""]
    assert heads["p"].isna().all() and heads["smd"].isna().all()
    assert table.loc[0, "value_a"] == "–"


def test_a_constant_column_has_no_test() -> None:
    frame = pd.DataFrame({"x": [1.0] * 6, "f": ["a"] * 6})
    columns = [TableColumn("x", "mean"), TableColumn("x", "median"), TableColumn("f", "count")]
    table = table1(frame, np.array(list("uuuvvv")), ("u", "v"), columns)
    assert table["p"].isna().all() and table["smd"].isna().all()


def test_broken_tables_are_named() -> None:
    group = DATA["set"]
    for call, words in (
        (lambda: table1(DATA, group, ("train", "external")), "external"),
        (lambda: table1(DATA, group[:-1], ("train", "test")), "188 group names"),
        (lambda: rows("er", show="count"), "no column er"),
        (lambda: rows("race", show="mean"), "holds text"),
        (lambda: rows("race", show="count", levels=("white",)), "black, other is not listed"),
    ):
        with pytest.raises(InputError, match=words):
            call()
