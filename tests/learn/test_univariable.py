"""One column at a time: the tests of two classes and of a number against SciPy, R and hand-worked values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dlr.learn import TTestSelector
from dlr.learn.univariable import rank_correlations, two_class_tests

DRAW = np.random.default_rng(3)
VALUES = np.column_stack([DRAW.normal(size=(40, 6)), DRAW.integers(0, 4, size=(40, 3)), np.full(40, 0.1)])
POSITIVE = DRAW.random(40) < 0.35


@pytest.mark.parametrize("test, equal", [("welch", False), ("student", True)])
def test_t_tests_equal_scipy(test, equal):
    statistic, p = two_class_tests(VALUES, POSITIVE, test)
    expected = stats.ttest_ind(VALUES[POSITIVE, :-1], VALUES[~POSITIVE, :-1], equal_var=equal)
    np.testing.assert_allclose(statistic[:-1], expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(p[:-1], expected.pvalue, rtol=1e-12)


def test_mann_whitney_equals_scipy_with_ties_and_continuity():
    _, p = two_class_tests(VALUES, POSITIVE, "mannwhitney")
    expected = stats.mannwhitneyu(VALUES[POSITIVE, :-1], VALUES[~POSITIVE, :-1], method="asymptotic")
    np.testing.assert_allclose(p[:-1], expected.pvalue, rtol=1e-12)


@pytest.mark.parametrize("test", ["welch", "student", "mannwhitney"])
def test_constant_column_is_nan_and_leaves(test):
    statistic, p = two_class_tests(VALUES, POSITIVE, test)
    assert np.isnan(statistic[-1]) and np.isnan(p[-1])  # 0.1 repeated: the SD is rounding, not 0
    assert not TTestSelector(test, alpha=1.0).fit(VALUES, POSITIVE).get_support()[-1]


def test_the_z_of_mann_whitney_is_rs():
    """Ranks 1, 2, 4.5, 4.5 and 3, 6, 7, 8, 9: U = 2 of 20, one pair tied: (2 - 10 + .5) / sqrt(20/12 (10 - 6/72))."""
    values = np.array([[1.0], [2.0], [4.0], [4.0], [3.0], [5.0], [6.0], [7.0], [8.0]])
    statistic, p = two_class_tests(values, np.arange(9) < 4, "mannwhitney")
    z = -7.5 / np.sqrt(20 / 12 * (10 - 6 / 72))
    assert statistic[0] == pytest.approx(z, rel=1e-12) and p[0] == pytest.approx(2 * stats.norm.cdf(z), rel=1e-12)


@pytest.mark.parametrize("test", ["welch", "student", "mannwhitney"])
def test_a_column_that_separates_the_classes_is_kept_whatever_its_spread(test):
    """A marker that is 0 in one class and 1 in the other has no spread left in either: p is 0, not undefined."""
    _, p = two_class_tests(POSITIVE.astype(float)[:, None], POSITIVE, test)
    assert p[0] < 1e-6


def test_rank_correlations_equal_scipys_spearman_with_ties():
    outcome = np.round(DRAW.normal(size=40) + VALUES[:, 0], 1)
    value, p = rank_correlations(VALUES, outcome)
    for j in range(VALUES.shape[1] - 1):
        expected = stats.spearmanr(VALUES[:, j], outcome)
        assert (value[j], p[j]) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-12)
    assert np.isnan(value[-1]) and np.isnan(p[-1])  # constant
    assert np.isnan(rank_correlations(VALUES, np.full(40, 3.0))[1]).all()
    assert np.isnan(rank_correlations(VALUES[:2], outcome[:2])[1]).all()
    assert np.isfinite(rank_correlations(VALUES[:3, :6], outcome[:3])[1]).all()


def test_rank_correlation_by_hand():
    """Ranks 1..5 against 2, 1, 4, 3, 5: squared differences 1, 1, 1, 1, 0, so 1 - 6 x 4 / 120 = .8."""
    value, p = rank_correlations(np.array([[1.0], [2.0], [3.0], [4.0], [50.0]]), np.array([20.0, 10, 40, 30, 90]))
    assert value[0] == pytest.approx(0.8)
    t = 0.8 * np.sqrt(3 / (1 - 0.64))
    assert p[0] == pytest.approx(2 * stats.t.sf(t, 3))


def test_welch_by_hand():
    values = np.array([[1.0], [2.0], [3.0], [2.0], [4.0], [6.0], [8.0]])
    positive = np.array([True, True, True, False, False, False, False])
    statistic, _ = two_class_tests(values, positive, "welch")
    # means 2 and 5, variances 1 and 20/3, so -3 / sqrt(1/3 + 5/3)
    assert statistic[0] == pytest.approx(-3 / np.sqrt(2))


def test_a_class_of_one_patient_has_no_t_test():
    positive = np.zeros(40, dtype=bool)
    positive[3] = True
    assert np.isnan(two_class_tests(VALUES, positive, "welch")[1]).all()


def test_unknown_test_is_refused():
    with pytest.raises(ValueError, match="mannwhitney"):
        TTestSelector(test="median").fit(VALUES, POSITIVE)
