"""Intraclass correlation: psych's values, the published example, many at once against one by one, edge cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values

from dlr.errors import InputError
from dlr.stats import icc, icc_many

KINDS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


@pytest.mark.parametrize("name", r_values("icc.json"))
def test_six_forms_equal_psych(name: str) -> None:
    expected = r_values("icc.json")[name]
    ratings, theirs = r_data(expected["data"]).to_numpy(dtype=float), expected["icc"]
    readers = [ratings[:, [k]] for k in range(ratings.shape[1])]
    ours = pd.concat([icc_many(*readers, kind=kind) for kind in theirs["psych_name"]])
    single = [icc(ratings, kind) for kind in theirs["psych_name"]]
    assert_equals_r([one.value for one in single], theirs["icc"])
    for column, key in {
        "icc": "icc",
        "lower": "low",
        "upper": "high",
        "F": "F",
        "df1": "df1",
        "df2": "df2",
        "p": "p",
    }.items():
        assert_equals_r(ours[column], theirs[key])
    assert (ours["n"] == expected["n_used"]).all()


def test_the_published_example_of_shrout_and_fleiss() -> None:
    ratings = r_data("icc_shrout_fleiss.csv")
    assert [round(icc(ratings, kind).value, 2) for kind in KINDS] == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 30), st.sampled_from(KINDS))
def test_many_at_once_equal_one_by_one(seed: int, n: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 6)) * 10.0 ** rng.integers(-6, 6, 6)
    a, b = (truth + rng.normal(size=(n, 6)) * np.abs(truth).mean(axis=0) for _ in range(2))
    a[rng.integers(n), 0] = np.nan
    together = icc_many(a, b, kind=kind)
    for j in range(6):
        alone = icc(np.column_stack([a[:, j], b[:, j]]), kind)
        np.testing.assert_allclose(
            together.loc[j, ["icc", "lower", "upper"]], [alone.value, alone.lower, alone.upper], rtol=1e-9
        )
        assert together.loc[j, "n"] == alone.n == n - (j == 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_units_do_not_matter_and_limits_enclose(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    ratings = rng.normal(size=(15, 1)) + rng.normal(size=(15, 3))
    for kind in ("ICC1", "ICC2", "ICC3"):
        one, other = icc(ratings, kind), icc(ratings * scale + shift, kind)
        assert one.lower <= one.value <= one.upper <= 1
        assert other.value == pytest.approx(one.value, abs=1e-8)


def test_the_index_is_the_feature_names() -> None:
    a = pd.DataFrame(np.random.default_rng(1).normal(size=(9, 2)), columns=["glcm", "shape"])
    assert list(icc_many(a, a + 0.1).index) == ["glcm", "shape"]


def test_exact_agreement_is_one_and_a_constant_shift_costs_agreement_not_consistency() -> None:
    x = np.arange(10.0)
    for kind in KINDS:
        same = icc(np.column_stack([x, x]), kind)
        assert (same.value, same.lower, same.upper) == (1, 1, 1)
    shifted = np.column_stack([x, x + 5])
    assert icc(shifted, "ICC3").value == 1
    assert icc(shifted, "ICC2").value < 0.5 and np.isfinite(icc(shifted, "ICC2").upper)


def test_a_feature_that_is_constant_but_for_rounding_is_nan() -> None:
    x = np.full((12, 2), 0.1) * (1 + 1e-16 * np.arange(12))[:, None]
    assert np.isnan(icc(x).value)
    assert np.isnan(icc(np.full((12, 2), 3.0)).value)


def test_one_complete_patient_is_nan() -> None:
    assert np.isnan(icc([[1.0, 2.0], [3.0, np.nan]]).value)


def test_broken_ratings_are_refused() -> None:
    for call in (
        lambda: icc([1.0, 2.0, 3.0]),
        lambda: icc([[1.0], [2.0]]),
        lambda: icc([[1.0, 2.0], [2.0, 3.0]], "ICC4"),
        lambda: icc_many(np.ones((3, 2)), np.ones((3, 3))),
    ):
        with pytest.raises(InputError):
            call()
