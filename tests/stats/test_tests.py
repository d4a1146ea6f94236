"""Tests of location: R's values, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values

from dlr.errors import InputError
from dlr.stats import mann_whitney, student, welch, wilcoxon_signed_rank

R = r_values("tests.json")


def two_groups(expected: dict) -> tuple[np.ndarray, np.ndarray]:
    data = r_data(expected["data"])
    by = data[expected["groups"].split(":")[0]]
    return tuple(data.loc[by == level, expected["variable"]].to_numpy(dtype=float) for level in (0, 1))


@pytest.mark.parametrize("name", R["two_groups"])
def test_two_groups_equal_r(name: str) -> None:
    expected = R["two_groups"][name]
    a, b = two_groups(expected)
    for ours, theirs in ((student(a, b), "student"), (welch(a, b), "welch")):
        assert_equals_r([ours.statistic, ours.p, ours.df], [expected[theirs][k] for k in ("statistic", "p", "df")])
    ranked = {
        "wilcoxon_normal_corrected": mann_whitney(a, b, exact=False),
        "wilcoxon_normal_uncorrected": mann_whitney(a, b, exact=False, continuity=False),
        "wilcoxon_default_call": mann_whitney(a, b),
    }
    for theirs, ours in ranked.items():
        assert_equals_r([ours.statistic, ours.p], [expected[theirs][k] for k in ("statistic", "p")])


def test_exact_mann_whitney_equals_r() -> None:
    expected = R["wilcoxon_exact_no_ties"]
    x, y = expected["x"], expected["y"]
    ours = mann_whitney(x, y)
    assert "exact" in ours.method
    assert_equals_r([ours.statistic, ours.p], [expected["exact"][k] for k in ("statistic", "p")])
    assert_equals_r(mann_whitney(x, y, exact=False).p, expected["normal_corrected"]["p"])
    assert_equals_r(mann_whitney(x, y, exact=False, continuity=False).p, expected["normal_uncorrected"]["p"])


@pytest.mark.parametrize("name", R["paired"])
def test_paired_samples_equal_r(name: str) -> None:
    expected = R["paired"][name]
    x, y = r_data(expected["data"]).to_numpy(dtype=float).T
    for kind, continuity in (("wilcoxon_normal_corrected", True), ("wilcoxon_normal_uncorrected", False)):
        if kind in expected:
            ours = wilcoxon_signed_rank(x, y, continuity=continuity)
            assert_equals_r([ours.statistic, ours.p], [expected[kind][k] for k in ("statistic", "p")])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30), st.integers(3, 30))
def test_exchanging_the_samples_changes_the_sign_and_nothing_else(seed: int, m: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.normal(size=m), 1), np.round(rng.normal(0.5, 2, size=n), 1)
    for test in (welch, student):
        assert test(a, b).statistic == pytest.approx(-test(b, a).statistic)
        assert test(a, b).p == pytest.approx(test(b, a).p)
    one, other = mann_whitney(a, b), mann_whitney(b, a)
    assert one.statistic + other.statistic == m * n and one.p == pytest.approx(other.p)


def test_what_does_not_vary_gives_nan_not_zero() -> None:
    flat = [2.0, 2.0, 2.0]
    for test in (welch(flat, flat), student(flat, flat), mann_whitney(flat, flat)):
        assert np.isnan(test.p)
    assert np.isnan(wilcoxon_signed_rank(flat, flat).p)


def test_broken_samples_are_refused() -> None:
    for call in (
        lambda: welch([1.0], [2.0, 3.0]),
        lambda: welch([1.0, np.nan], [2.0, 3.0]),
        lambda: mann_whitney([1.0, 2.0], [2.0, 3.0], exact=True),
        lambda: wilcoxon_signed_rank([1.0, 2.0], [1.0, 2.0, 3.0]),
    ):
        with pytest.raises(InputError):
            call()
