"""Tests of location and shape: R's values, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values

from dlr.errors import InputError
from dlr.stats import (
    anova,
    kruskal,
    levene,
    mann_whitney,
    paired_t,
    shapiro,
    student,
    welch,
    welch_anova,
    wilcoxon_signed_rank,
)

R = r_values("tests.json")
GROUPS = {"birthwt_bwt_by_race": ("birthwt.csv", "bwt", "race"), "asah_ndka_by_wfns": ("asah.csv", "ndka", "wfns")}


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
    for centre in ("median", "mean"):
        ours, theirs = levene([a, b], centre), expected[f"levene_{centre}"]
        assert_equals_r([ours.statistic, ours.p], [theirs["F"], theirs["p"]])
    for x, theirs in ((a, "shapiro_first"), (b, "shapiro_second"), (np.concatenate([a, b]), "shapiro_all")):
        ours = shapiro(x)  # both follow Royston's AS R94, with different last digits of its polynomials
        assert_equals_r([ours.statistic, ours.p], [expected[theirs][k] for k in ("statistic", "p")], tolerance=1e-5)


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
    assert_equals_r([(t := paired_t(x, y)).statistic, t.p, t.df], [expected["t"][k] for k in ("statistic", "p", "df")])
    for kind, continuity in (("wilcoxon_normal_corrected", True), ("wilcoxon_normal_uncorrected", False)):
        if kind in expected:
            ours = wilcoxon_signed_rank(x, y, continuity=continuity)
            assert_equals_r([ours.statistic, ours.p], [expected[kind][k] for k in ("statistic", "p")])


@pytest.mark.parametrize("name", GROUPS)
def test_several_groups_equal_r(name: str) -> None:
    expected, (file, variable, by) = R["more_groups"][name], GROUPS[name]
    groups = [g.to_numpy(dtype=float) for _, g in r_data(file).groupby(by)[variable]]
    ours = kruskal(groups)
    assert_equals_r([ours.statistic, ours.df, ours.p], [expected["kruskal"][k] for k in ("statistic", "df", "p")])
    for kind, test in (("anova", anova(groups)), ("levene_median", levene(groups))):
        assert_equals_r([test.statistic, test.df, test.p], [expected[kind][k] for k in ("F", "df1", "p")])
    if "welch_anova" in expected:
        ours = welch_anova(groups)
        assert_equals_r([ours.statistic, ours.p], [expected["welch_anova"][k] for k in ("statistic", "p")])


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


def test_welch_anova_of_two_groups_is_welch_squared() -> None:
    a, b = two_groups(R["two_groups"]["birthwt_lwt_by_low"])
    assert welch_anova([a, b]).statistic == pytest.approx(welch(a, b).statistic ** 2)
    assert welch_anova([a, b]).p == pytest.approx(welch(a, b).p)


def test_what_does_not_vary_gives_nan_not_zero() -> None:
    flat = [2.0, 2.0, 2.0]
    for test in (welch(flat, flat), student(flat, flat), mann_whitney(flat, flat), paired_t(flat, flat)):
        assert np.isnan(test.p)
    assert np.isnan(wilcoxon_signed_rank(flat, flat).p)
    assert np.isnan(kruskal([flat, flat]).p)
    assert np.isnan(shapiro(flat).p)


def test_broken_samples_are_refused() -> None:
    for call in (
        lambda: welch([1.0], [2.0, 3.0]),
        lambda: welch([1.0, np.nan], [2.0, 3.0]),
        lambda: mann_whitney([1.0, 2.0], [2.0, 3.0], exact=True),
        lambda: paired_t([1.0, 2.0], [1.0, 2.0, 3.0]),
        lambda: kruskal([[1.0, 2.0]]),
    ):
        with pytest.raises(InputError):
            call()
