"""The vectorised two-class tests against SciPy, column by column."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dlr.learn import TTestSelector
from dlr.learn.univariable import two_class_tests

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
