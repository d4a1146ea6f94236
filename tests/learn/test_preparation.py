"""What is learnt about columns before any model: gaps, constants, scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlr.errors import InputError
from dlr.learn.preparation import Preparation, constant_columns, fit_preparation


def table() -> pd.DataFrame:
    draw = np.random.default_rng(8)
    base = draw.normal(size=(40, 3))
    frame = pd.DataFrame(
        {
            "a": base[:, 0],
            "b": 2 * base[:, 0] + 0.05 * base[:, 1] + 7,
            "constant": 0.1,
            "gappy": base[:, 2],
            "mostly_missing": base[:, 1],
        },
        index=[f"P{i}" for i in range(40)],
    )
    frame.loc["P0":"P11", "mostly_missing"] = np.nan  # 30 %
    frame.loc[["P3", "P5"], "b"] = np.nan
    frame.loc["P7", "gappy"] = np.inf
    return frame


def test_median_fill_and_standardisation_by_hand():
    frame = pd.DataFrame({"x": [1.0, 2.0, 9.0, np.nan]})
    preparation, values, _ = fit_preparation(frame, "median", 0.5)
    filled = np.array([1.0, 2.0, 9.0, 2.0])
    np.testing.assert_allclose(values[:, 0], (filled - 3.5) / np.sqrt(((filled - 3.5) ** 2).mean()))
    new = preparation.transform(pd.DataFrame({"x": [np.nan, 3.5]}))
    np.testing.assert_allclose(new[:, 0], [(2 - 3.5) / filled.std(), 0.0])


def test_columns_leave_with_their_reason():
    preparation, _, left = fit_preparation(table(), "median", 0.2)
    assert preparation.columns == ("a", "b", "gappy")
    assert left == [
        ("mostly_missing", "missing", "missing in 30% of the training cases"),
        ("constant", "constant", "the same value in all training cases"),
    ]


def test_rounding_is_no_variation():
    tiny = 1e6 + np.array([0, 1e-7, 0, 1e-7])  # SD 5e-8 of 1e6: under 1e-12 of the largest value
    assert constant_columns(np.column_stack([tiny, tiny * 0, [0, 0, 1, 1]])).tolist() == [True, True, False]


def test_infinite_counts_as_missing():
    preparation, values, _ = fit_preparation(table(), "median", 0.2)
    assert np.isfinite(values).all()
    assert np.isfinite(preparation.high).all()


def test_iterative_imputation_uses_the_other_columns():
    frame = table()[["a", "b", "gappy"]]
    truth = 2 * frame["a"] + 7
    preparation, _, _ = fit_preparation(frame, "iterative", 0.2)
    filled = preparation.filled(frame)
    gap = frame["b"].isna().to_numpy()
    assert np.abs(filled[gap, 1] - truth[gap]).max() < 0.4  # the SD of b is 2
    known = ~frame["b"].isna().to_numpy()
    np.testing.assert_array_equal(filled[known, 1], frame["b"].to_numpy()[known])


def test_reduced_preparation_gives_the_same_values():
    frame = table()
    for impute in ("median", "iterative"):
        preparation, _, _ = fit_preparation(frame, impute, 0.2)
        np.testing.assert_array_equal(preparation.reduced(["b"]).subset(frame, ["b"]), preparation.subset(frame, ["b"]))


def test_json_keeps_every_bit():
    frame = table()
    preparation, values, _ = fit_preparation(frame, "iterative", 0.2)
    np.testing.assert_array_equal(Preparation.from_json(preparation.to_json()).transform(frame), values)


def test_values_outside_the_training_range_are_flagged():
    preparation, _, _ = fit_preparation(table()[["a"]], "median", 0.2)
    new = pd.DataFrame({"a": [preparation.high[0] + 1, preparation.low[0], np.nan]}, index=["P1", "P2", "P3"])
    assert preparation.outside(new)["a"].tolist() == [True, False, False]


def test_text_is_named_and_refused():
    with pytest.raises(InputError, match="no numbers: birads"):
        fit_preparation(pd.DataFrame({"age": [1.0, 2.0], "birads": ["4a", "4b"]}), "median", 0.2)


def test_an_absent_column_is_named():
    preparation, _, _ = fit_preparation(table(), "median", 0.2)
    with pytest.raises(InputError, match="gappy"):
        preparation.transform(table().drop(columns="gappy"))
