"""Tables of counts: R's values, enumeration against brute force, broken input."""

from __future__ import annotations

from itertools import product
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_values

from dlr.errors import InputError
from dlr.stats import chi_square, fisher_exact, smallest_expected
from dlr.stats.contingency import _simulated_p

R = r_values("tests.json")


@pytest.mark.parametrize("name", R["tables"])
def test_tables_equal_r(name: str) -> None:
    expected = R["tables"][name]
    table = expected["table"]
    ours = chi_square(table)
    assert_equals_r(
        [ours.statistic, ours.p, ours.df], [expected["chisq_uncorrected"][k] for k in ("statistic", "p", "df")]
    )
    if "chisq_yates" in expected:
        ours = chi_square(table, yates=True)
        assert_equals_r([ours.statistic, ours.p], [expected["chisq_yates"][k] for k in ("statistic", "p")])
        assert_equals_r(fisher_exact(table).statistic, expected["sample_odds_ratio"])
    assert_equals_r(fisher_exact(table).p, expected["fisher"]["p"])
    assert_equals_r(smallest_expected(table), np.min(expected["expected"]))


def brute_force_fisher(table: np.ndarray) -> float:
    """Every table with these margins, by trying all cells; probabilities as exact fractions of factorials."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    top = prod(factorial(int(k)) for k in (*rows, *columns))

    def weight(cells: np.ndarray) -> float:
        return top / (factorial(int(rows.sum())) * prod(factorial(int(k)) for k in cells.ravel()))

    observed, total = weight(table), 0.0
    for free in product(*(range(int(r) + 1) for r in rows[:-1] for _ in columns)):
        cells = np.array(free, dtype=int).reshape(len(rows) - 1, len(columns))
        full = np.vstack([cells, columns - cells.sum(axis=0)])
        if (full >= 0).all() and (full.sum(axis=1) == rows).all() and weight(full) <= observed * (1 + 1e-7):
            total += weight(full)
    return total


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=2, max_size=3))
def test_fisher_equals_brute_force(cells: list[list[int]]) -> None:
    table = np.array(cells)
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        return
    assert fisher_exact(table).p == pytest.approx(brute_force_fisher(table), abs=1e-12)
    assert fisher_exact(table.T).p == pytest.approx(fisher_exact(table).p, abs=1e-12)


def test_a_table_too_large_to_enumerate_is_simulated_and_says_so() -> None:
    rng = np.random.default_rng(0)
    ours = fisher_exact(rng.integers(20, 60, size=(8, 5)))
    assert "simulated" in ours.method and 0 < ours.p <= 1


def test_the_simulated_p_is_near_the_exact_one_and_the_same_each_time() -> None:
    table = np.array(R["tables"]["birthwt_race_low"]["table"])
    exact, simulated = fisher_exact(table).p, _simulated_p(table)
    assert simulated == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 100_000))
    assert simulated == _simulated_p(table)


def test_an_empty_row_leaves_and_a_single_level_has_no_test() -> None:
    assert chi_square([[5, 7], [0, 0], [9, 2]]).df == 1
    assert np.isnan(chi_square([[5, 7]]).p)
    assert np.isnan(fisher_exact([[5, 7], [0, 0]]).p)


@pytest.mark.parametrize("table", [[[1, -1], [2, 3]], [[0.5, 1], [2, 3]], [[0, 0], [0, 0]], [1, 2]])
def test_what_is_no_table_of_counts_is_refused(table: list) -> None:
    for test in (chi_square, fisher_exact):
        with pytest.raises(InputError, match="whole counts"):
            test(table)
