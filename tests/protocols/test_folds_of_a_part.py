"""Inner folds: stratified, patients whole, fewer where a class is small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlr.errors import InputError
from dlr.protocols import stratified_folds


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(2, 60), st.integers(2, 10), st.integers(0, 5))
def test_folds_are_balanced_and_hold_both_classes(positives, negatives, folds, seed):
    positive = np.repeat([True, False], [positives, negatives])
    fold = stratified_folds(positive, None, folds, np.random.default_rng(seed))
    count = min(folds, positives, negatives)
    assert sorted(set(fold)) == list(range(count))
    for members in (fold, fold[positive], fold[~positive]):
        sizes = np.bincount(members, minlength=count)
        assert sizes.max() - sizes.min() <= 1 and sizes.min() >= 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=8, max_size=40), st.integers(0, 5))
def test_rows_of_a_patient_share_a_fold(patients, seed):
    patients = [*patients, (2, True), (1, True), (3, False), (1, False)]
    groups = np.repeat([f"P{i}" for i in range(len(patients))], [rows for rows, _ in patients])
    positive = np.repeat([label for _, label in patients], [rows for rows, _ in patients])
    fold = stratified_folds(positive, groups, 5, np.random.default_rng(seed))
    assert all(len(set(fold[groups == patient])) == 1 for patient in set(groups))


def test_one_patient_of_a_class_is_refused_with_the_counts():
    with pytest.raises(InputError, match="1 positive and 5 negative"):
        stratified_folds(np.array([True, *[False] * 5]), None, 5, np.random.default_rng(0))
