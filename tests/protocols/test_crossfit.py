"""cross_fit works with anything that has fit and predict, and averages by the one rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from dlr.errors import InputError
from dlr.learn import GreedyCorrelationFilter, LassoSelector, TTestSelector
from dlr.protocols import cross_fit, mean_logit, permute_through, shuffle_patients
from dlr.stats import permutation_p
from dlr.tables import PREDICTIONS
from dlr.words import signature

DRAW = np.random.default_rng(6)
X = DRAW.normal(size=(40, 5))
Y = (X[:, 0] + DRAW.normal(size=40) > 0).astype(int)
FOLDS = np.column_stack([np.arange(40) % 5, np.arange(40) // 8])


class Prevalence:
    """A learner without scikit-learn: everybody gets the share of positives."""

    def fit(self, X, y):
        self.share = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.share)


def test_each_row_is_predicted_by_the_chain_that_held_it_out():
    fitted = cross_fit(Prevalence(), X, Y, FOLDS)
    assert len(fitted.chains) == 10
    for seed in range(2):
        for fold in range(5):
            held_out = FOLDS[:, seed] == fold
            np.testing.assert_allclose(fitted.probability[held_out, seed], Y[~held_out].mean())


def test_one_drawing_equals_scikit_learns_cross_val_predict():
    estimator = LogisticRegression()
    pairs = [(np.flatnonzero(FOLDS[:, 0] != k), np.flatnonzero(FOLDS[:, 0] == k)) for k in range(5)]
    expected = cross_val_predict(estimator, X, Y, cv=pairs, method="predict_proba")[:, 1]
    np.testing.assert_array_equal(cross_fit(estimator, X, Y, FOLDS[:, 0]).signature, expected)


def test_the_promised_selectors_work_in_a_pipeline_on_a_table():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(draw.normal(size=(80, 30)), columns=[f"f{j}" for j in range(30)])
    positive = (frame["f3"] + frame["f4"] + 0.3 * draw.normal(size=80) > 0).astype(int)
    chain = make_pipeline(TTestSelector(), GreedyCorrelationFilter(), LassoSelector(), LogisticRegression())
    fitted = cross_fit(chain, frame, positive, np.arange(80) % 4)
    assert np.corrcoef(fitted.signature, positive)[0, 1] > 0.6
    assert fitted.predict(frame).shape == (80,)


def test_mean_logit_is_the_rule_of_signature():
    probability = DRAW.random((6, 3))
    probability[0] = [0.0, 1.0, 0.5]
    table = pd.DataFrame(
        {"patient_id": np.repeat([f"P{i}" for i in range(6)], 3), "seed": np.tile(range(3), 6), "fold": 0,
         "target": "t", "side": "test", "protocol": "crossfit", "model": "Rad", "variant": "", "algorithm": "chosen",
         "value": probability.ravel(), "kind": "probability"}
    )[list(PREDICTIONS.names)]  # fmt: skip
    np.testing.assert_allclose(mean_logit(probability), signature(table)["value"], rtol=1e-12)
    np.testing.assert_array_equal(mean_logit(probability[:, :1]), probability[:, 0])


def test_a_patient_in_two_folds_is_refused_and_named():
    groups = np.array([f"P{i // 2}" for i in range(40)])
    with pytest.raises(InputError, match="P0"):
        cross_fit(Prevalence(), X, Y, np.arange(40) % 5, groups=groups)
    cross_fit(Prevalence(), X, Y, np.arange(40) // 2 % 5, groups=groups)


def test_folds_of_another_length_are_refused():
    with pytest.raises(InputError, match="39 rows"):
        cross_fit(Prevalence(), X, Y, np.arange(39) % 5)


def test_shuffling_moves_patients_whole():
    groups = np.array(["a", "a", "b", "b", "c", "d", "e"])
    positive = np.array([1, 1, 0, 0, 1, 0, 0], dtype=bool)
    for seed in range(20):
        mixed = shuffle_patients(positive, groups, np.random.default_rng(seed))
        assert mixed[0] == mixed[1] and mixed[2] == mixed[3]
        assert mixed.sum() == positive.sum() and mixed[4:].sum() == 1


def test_permutation_runs_the_chain_on_every_shuffle():
    seen = []

    def chain(labels: np.ndarray) -> float:
        seen.append(labels)
        return float(X[labels, 0].mean())

    result = permute_through(chain, Y == 1, None, 19, seed=3)
    assert len(seen) == 20 and all(labels.sum() == Y.sum() for labels in seen)
    assert permutation_p(result.observed, result.shuffled) == 0.05
