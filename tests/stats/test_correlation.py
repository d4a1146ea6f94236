"""Correlation: R's cor.test, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values

from dlr.errors import InputError
from dlr.stats import kendall, pearson, spearman

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
    for kind, ours in (
        ("spearman_t_approximation", spearman(data[a], data[b])),
        ("kendall_normal", kendall(data[a], data[b])),
    ):
        assert_equals_r([ours.value, ours.p], [expected[kind]["estimate"], expected[kind]["p"]])


def test_a_small_sample_without_ties_is_exact() -> None:
    expected = R["no_ties_n7"]
    for kind, ours in (("spearman_exact_or_edgeworth", spearman(*SEVEN)), ("kendall_exact", kendall(*SEVEN))):
        assert_equals_r([ours.value, ours.p], [expected[kind]["estimate"], expected[kind]["p"]])
        assert "exact" in ours.method
    theirs = expected["pearson"]
    ours = pearson(*SEVEN)
    assert_equals_r([ours.value, ours.p, ours.lower, ours.upper], [theirs["estimate"], theirs["p"], *theirs["ci95"]])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
def test_turning_one_sample_round_turns_the_sign(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n), rng.normal(size=n)
    for measure in (pearson, spearman, kendall):
        one, other = measure(x, y), measure(x, -y)
        assert one.value == pytest.approx(-other.value) and one.p == pytest.approx(other.p)
        assert -1 - 1e-12 <= one.value <= 1 + 1e-12


def test_a_constant_sample_has_no_correlation() -> None:
    for measure in (pearson, spearman, kendall):
        assert np.isnan(measure([1, 1, 1, 1], [1, 2, 3, 4]).p)


def test_broken_pairs_are_refused() -> None:
    for a, b in (([1, 2, 3, 4], [1, 2, 3]), ([1, 2, 3, np.nan], [1, 2, 3, 4]), ([1, 2], [2, 1])):
        for measure in (pearson, spearman, kendall):
            with pytest.raises(InputError):
                measure(a, b)
