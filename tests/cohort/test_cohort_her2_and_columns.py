"""HER2 by IHC and FISH; the numbers by which clinical columns enter a model."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import Column, columns_from_json, columns_to_json, derive_her2, encode_clinical, her2_bounds
from dlr.errors import InputError
from dlr.words import Available


def test_her2_by_the_rule_of_the_field() -> None:
    ihc = pd.Series(["0", "1+", "2+", "2+", "2+", "3+", None, None], dtype=object)
    fish = pd.Series([np.nan, 1, 1, 0, np.nan, 0, 1, np.nan])
    out = derive_her2(ihc, fish).tolist()
    assert out[:4] == [0.0, 0.0, 1.0, 0.0] and math.isnan(out[4]) and out[5:7] == [1.0, 1.0] and math.isnan(out[7])


def test_two_plus_without_fish_is_negative_in_the_worst_and_positive_in_the_best_case() -> None:
    ihc = pd.Series(["2+", "2+", "3+", None], dtype=object)
    her2 = derive_her2(ihc, pd.Series([np.nan, 1, np.nan, np.nan]))
    worst, best = her2_bounds(her2, ihc)
    assert worst.tolist()[:3] == [0.0, 1.0, 1.0] and best.tolist()[:3] == [1.0, 1.0, 1.0]
    assert math.isnan(worst[3]) and math.isnan(best[3])


COLUMNS = (
    Column("cea", "numeric", log=True, available=Available.BLOOD, unit="ng/mL", label="CEA"),
    Column("er", "binary", ("neg", "pos"), available=Available.BIOPSY),
    Column("birads", "ordered", ("3", "4a", "4b")),
    Column("shape", "nominal", ("round", "oval", "irregular")),
)


def test_encoding_by_hand() -> None:
    table = pd.DataFrame(
        {"cea": [math.e - 1, np.nan], "er": [1.0, 0.0], "birads": ["4b", None], "shape": ["oval", None]},
        index=["a", "b"],
    )
    out = encode_clinical(table, COLUMNS)
    assert out.columns.tolist() == ["cea", "er", "birads", "shape=round", "shape=oval", "shape=irregular"]
    assert out.loc["a"].tolist() == [1.0, 1.0, 2.0, 0.0, 1.0, 0.0]
    assert out.loc["b"].isna().tolist() == [True, False, True, True, True, True]


def test_a_foreign_level_is_refused() -> None:
    with pytest.raises(InputError, match="5 are not among"):
        encode_clinical(pd.DataFrame({"birads": ["5"]}), COLUMNS[2:3])


def test_columns_come_back_from_json() -> None:
    assert columns_from_json(columns_to_json(COLUMNS)) == COLUMNS


def test_title_has_the_unit() -> None:
    assert COLUMNS[0].title == "CEA (ng/mL)" and COLUMNS[1].title == "er"
