"""Precision and recall: hand-worked ranks, scikit-learn, properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import precision_recall_curve
from test_auc import predictions

from dlr.errors import InputError
from dlr.stats import pr_curve


def test_four_patients_by_hand() -> None:
    # called from .9 down: P, N, P+N tied -> recall 1/2 1/2 1, precision 1 1/2 2/4
    points = pr_curve([1, 0, 1, 0], [0.9, 0.8, 0.3, 0.3])
    assert points.to_numpy().tolist() == [[0.5, 1.0, 0.9], [0.5, 0.5, 0.8], [1.0, 0.5, 0.3]]


@given(predictions())
def test_points_equal_scikit_learns(given_: tuple[np.ndarray, np.ndarray]) -> None:
    positive, value = given_
    points = pr_curve(positive, value)
    precision, recall, cutoff = precision_recall_curve(positive, value)
    np.testing.assert_allclose(points["precision"], precision[:-1][::-1], atol=1e-14)
    np.testing.assert_allclose(points["recall"], recall[:-1][::-1], atol=1e-14)
    np.testing.assert_array_equal(points["cutoff"], cutoff[::-1])


def test_constant_values_have_the_prevalence() -> None:
    assert pr_curve([1, 0, 0, 1, 0], np.full(5, 0.4)).to_numpy().tolist() == [[1.0, 0.4, 0.4]]


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="each class needs 2"):
        pr_curve([1, 1, 1], [0.1, 0.2, 0.3])
