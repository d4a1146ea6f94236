"""Inner folds: stratified, patients whole, fewer where a class is small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlr.errors import InputError
from dlr.protocols import folds_by_pattern, folds_by_thirds, stratified_folds


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


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 60), st.integers(2, 12))
def test_folds_of_a_number_hold_each_third_alike_and_patients_whole(seed: int, patients: int, folds: int) -> None:
    draw = np.random.default_rng(seed)
    value = draw.permutation(patients).astype(float)
    groups = np.repeat(np.arange(patients), draw.integers(1, 4, patients))
    fold = folds_by_thirds(value[groups], groups, folds, np.random.default_rng(1))
    of_patient = {int(g): set(fold[groups == g].tolist()) for g in groups}
    assert all(len(numbers) == 1 for numbers in of_patient.values())
    number = np.array([next(iter(of_patient[g])) for g in range(patients)])
    count = min(folds, patients // 3)
    assert set(number) == set(range(count))
    assert np.ptp(np.bincount(number)) <= 1
    third = np.searchsorted([np.ceil(patients / 3) - 1, np.ceil(2 * patients / 3) - 1], value)
    for k in range(3):
        assert np.ptp(np.bincount(number[third == k], minlength=count)) <= 1


def test_five_patients_are_too_few_for_folds_of_a_number() -> None:
    with pytest.raises(InputError, match="5 patients; folds of a per cent need six"):
        folds_by_thirds(np.arange(10.0), np.arange(10) // 2, 5, np.random.default_rng(0))
    assert set(folds_by_thirds(np.arange(6.0), None, 5, np.random.default_rng(0))) == {0, 1}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 12))
def test_folds_by_pattern_hold_each_pattern_alike_and_patients_whole(seed: int, patients: int, folds: int) -> None:
    draw = np.random.default_rng(seed)
    label = draw.choice([0.0, 1.0, np.nan], (patients, 2))
    groups = np.repeat(np.arange(patients), draw.integers(1, 4, patients))
    fold = folds_by_pattern(label[groups], groups, folds, np.random.default_rng(1))
    of_patient = {int(g): set(fold[groups == g].tolist()) for g in groups}
    assert all(len(numbers) == 1 for numbers in of_patient.values())
    number = np.array([next(iter(of_patient[g])) for g in range(patients)])
    count = min(folds, patients)
    assert set(number) == set(range(count)) and np.ptp(np.bincount(number)) <= 1
    written = ["".join("01?"[2 if np.isnan(v) else int(v)] for v in row) for row in label]
    for pattern in set(written):
        assert np.ptp(np.bincount(number[np.array(written) == pattern], minlength=count)) <= 1


def test_a_patient_has_a_label_that_one_of_its_rows_has() -> None:
    """Two patterns, 1 and unknown: patient 0 is a 1 by its second row, patient 2 by its first. Each fold gets both."""
    nan = np.nan
    labels = np.array([[nan], [1], [nan], [nan], [1], [0], [nan]])
    fold = folds_by_pattern(labels, np.array([0, 0, 1, 1, 2, 2, 3]), 2, np.random.default_rng(0))
    assert fold[0] != fold[4] and fold[2] != fold[6]


def test_one_patient_is_too_few_for_folds_by_pattern() -> None:
    with pytest.raises(InputError, match="1 patients"):
        folds_by_pattern(np.zeros((3, 2)), np.zeros(3), 5, np.random.default_rng(0))
