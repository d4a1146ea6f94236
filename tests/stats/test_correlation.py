"""Correlation: R's cor.test, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values

from dlr.errors import InputError
from dlr.stats import pearson, spearman

R = r_values("tests.json")["correlation"]
PAIRS = {"birthwt_lwt_bwt": ("birthwt.csv", "lwt", "bwt"), "asah_s100b_ndka": ("asah.csv", "s100b", "ndka")}
SEVEN = ([44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7], [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2])


@pytest.mark.parametrize("name", PAIRS)
def test_tied_samples_equal_r(name: str) -> None:
    expected, (file, a, b) = R[name], PAIRS[name]
    data = r_data(file)
    ours = pearson(data[a], data[b])
    theirs = expected["pearson"]
    assert_equals_r([ours.value, ours.p, ours.lower, ours.upper], [theirs["estimate"], theirs["p"], *theirs["ci95"]])
    ours, theirs = spearman(data[a], data[b]), expected["spearman_t_approximation"]
    assert_equals_r([ours.value, ours.p], [theirs["estimate"], theirs["p"]])


def test_a_small_sample_without_ties_is_exact() -> None:
    expected = R["no_ties_n7"]
    ours, theirs = spearman(*SEVEN), expected["spearman_exact_or_edgeworth"]
    assert_equals_r([ours.value, ours.p], [theirs["estimate"], theirs["p"]])
    assert "exact" in ours.method
    theirs = expected["pearson"]
    ours = pearson(*SEVEN)
    assert_equals_r([ours.value, ours.p, ours.lower, ours.upper], [theirs["estimate"], theirs["p"], *theirs["ci95"]])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
def test_turning_one_sample_round_turns_the_sign(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n), rng.normal(size=n)
    for measure in (pearson, spearman):
        one, other = measure(x, y), measure(x, -y)
        assert one.value == pytest.approx(-other.value) and one.p == pytest.approx(other.p)
        assert -1 - 1e-12 <= one.value <= 1 + 1e-12


def test_spearmans_interval_by_hand() -> None:
    """Ranks 1..5 against 2, 1, 4, 3, 5: r = .8, z = 1.0986, half = 1.96 sqrt(1.32 / 2) = 1.5923."""
    found = spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    assert found.value == pytest.approx(0.8)
    z, half = 0.5 * np.log(1.8 / 0.2), 1.959963984540054 * np.sqrt(1.32 / 2)
    assert [found.lower, found.upper] == pytest.approx([np.tanh(z - half), np.tanh(z + half)], abs=1e-12)
    assert (spearman([1, 2, 3, 4], [1, 2, 3, 4]).lower, spearman([1, 2, 3, 4], [4, 3, 2, 1]).upper) == (1, -1)
    assert np.isnan(spearman([1, 2, 3], [1, 3, 2]).lower)


def test_a_constant_sample_has_no_correlation() -> None:
    for measure in (pearson, spearman):
        assert np.isnan(measure([1, 1, 1, 1], [1, 2, 3, 4]).p)


def test_broken_pairs_are_refused() -> None:
    for a, b in (([1, 2, 3, 4], [1, 2, 3]), ([1, 2, 3, np.nan], [1, 2, 3, 4]), ([1, 2], [2, 1])):
        for measure in (pearson, spearman):
            with pytest.raises(InputError):
                measure(a, b)
