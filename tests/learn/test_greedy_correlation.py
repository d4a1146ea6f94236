"""Greedy deletion: the rule by hand, a slow twin written differently, and ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlr.learn import GreedyCorrelationFilter
from dlr.learn.correlation import absolute_correlation, greedy_deletion


def slow_deletion(r: np.ndarray, threshold: float) -> list[int]:
    """The rule of the paper, read literally: look for the worst pair again after each deletion."""
    kept = list(range(len(r)))
    while True:
        worst, pair = threshold, None
        for a, i in enumerate(kept):
            for j in kept[a + 1 :]:
                if r[i, j] > worst:
                    worst, pair = r[i, j], (i, j)
        if pair is None:
            return kept
        means = [np.mean([round(r[i, k] * 1e12) for k in kept if k != i]) for i in pair]
        kept.remove(pair[0] if means[0] > means[1] else pair[1])


def test_worst_pair_loses_the_one_closer_to_the_rest():
    r = np.array([[1.0, 0.95, 0.85, 0.1], [0.95, 1.0, 0.2, 0.1], [0.85, 0.2, 1.0, 0.1], [0.1, 0.1, 0.1, 1.0]])
    kept, partner = greedy_deletion(np.rint(r * 10**12).astype(np.int64), 0.8)
    # a-b is worst; a has mean .633, b .417: a goes, and with it the pair a-c
    assert kept.tolist() == [False, True, True, True]
    assert partner.tolist() == [1, -1, -1, -1]


def test_of_equals_the_later_goes_and_the_threshold_itself_stays():
    r = np.array([[1.0, 0.9, 0.8], [0.9, 1.0, 0.8], [0.8, 0.8, 1.0]])
    kept, _ = greedy_deletion(np.rint(r * 10**12).astype(np.int64), 0.8)
    assert kept.tolist() == [True, False, True]


@pytest.mark.parametrize("seed", range(8))
def test_fast_deletion_equals_the_rule_read_literally(seed):
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(25, 6))[:, draw.integers(0, 6, 24)] + draw.normal(size=(25, 24)) * draw.choice([0, 0.4])
    r = absolute_correlation(values)
    kept, _ = greedy_deletion(r, 0.7)
    assert np.flatnonzero(kept).tolist() == slow_deletion(r / 1e12, 0.7)


def test_copies_of_a_column_leave_one():
    column = np.random.default_rng(1).normal(size=30)
    values = np.column_stack([column * scale + shift for scale, shift in zip(range(1, 51), range(50), strict=True)])
    support = GreedyCorrelationFilter().fit(values).get_support()
    assert support.tolist() == [True] + [False] * 49


def test_result_does_not_depend_on_the_order_of_columns():
    draw = np.random.default_rng(5)
    values = draw.normal(size=(30, 4))[:, draw.integers(0, 4, 20)] + 0.3 * draw.normal(size=(30, 20))
    frame = pd.DataFrame(values, columns=[f"f{j:02d}" for j in range(20)])
    shuffled = frame[draw.permutation(frame.columns)]
    kept = set(frame.columns[GreedyCorrelationFilter().fit(frame).get_support()])
    assert kept == set(shuffled.columns[GreedyCorrelationFilter().fit(shuffled).get_support()])


def test_kept_features_have_no_pair_above_the_threshold():
    draw = np.random.default_rng(9)
    values = draw.normal(size=(40, 10))[:, np.arange(200) % 10] + draw.normal(size=(40, 200))
    kept = GreedyCorrelationFilter(0.6).fit_transform(values)
    r = np.abs(np.corrcoef(kept.T)) - np.eye(kept.shape[1])
    assert kept.shape[1] > 10 and r.max() <= 0.6 + 1e-12


def test_negative_correlation_counts_and_constants_do_not():
    x = np.random.default_rng(2).normal(size=20)
    values = np.column_stack([x, -x, np.full(20, 3.7)])
    assert GreedyCorrelationFilter().fit(values).get_support().tolist() == [True, False, True]
