"""The linear support vector machine: its margin by scikit-learn, its probability by Platt's scaling on inner folds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from learning_data import feature_table
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from dlr.errors import InputError
from dlr.learn import LearnSettings, fit_chains, load_chain, save_chains
from dlr.learn import chains as chains_module
from dlr.learn.classifiers import Rows
from dlr.learn.grid import AREA, InnerFold, best_setting, score_grid
from dlr.protocols import stratified_folds
from dlr.randomness import rng
from dlr.stats.scaling import platt
from dlr.words import expit

SVM = LearnSettings(algorithms=["svm"], select=False, inner_folds=3)
GIVEN = {"protocol": "crossfit", "seed": 5, "select": False}


def test_its_probability_is_scikit_learns_calibrated_svm_over_the_same_inner_folds():
    """Standardised inside every fold, sigmoid on all held-out margins, the machine of all rows under it."""
    frame, positive = feature_table(features=12, signal=2.0)
    chain = fit_chains(frame, positive, None, SVM, **GIVEN).best
    fold = stratified_folds(positive == 1, frame.index.to_numpy(), 3, rng(5, "inner folds"))
    machine = make_pipeline(StandardScaler(), LinearSVC(**chain.parameters, dual=False, tol=1e-8, max_iter=5000))
    theirs = CalibratedClassifierCV(machine, method="sigmoid", cv=PredefinedSplit(fold), ensemble=False)
    expected = theirs.fit(frame.to_numpy(), positive).predict_proba(frame.to_numpy())[:, 1]
    assert np.ptp(expected) > 0.3
    np.testing.assert_allclose(chain.predict(frame), expected, atol=2e-4)  # their optimiser stops earlier


def test_the_setting_of_the_best_median_area_brings_its_own_scaling(monkeypatch):
    seen = []
    monkeypatch.setattr(chains_module, "score_grid", lambda *a: seen.extend(score_grid(*a)) or tuple(seen))
    frame, positive = feature_table(features=12)
    by_area = SVM.model_copy(update={"judge": "auc"})
    chain = fit_chains(frame, positive, None, by_area, **GIVEN).best
    best = best_setting(seen, AREA)
    assert best.median == max(point.median for point in seen) and chain.parameters == best.parameters
    z = ((frame - frame.mean()) / frame.std(ddof=0)).to_numpy()
    machine = LinearSVC(**best.parameters, dual=False, tol=1e-8, max_iter=5000).fit(z, positive)
    by_hand = expit(best.scaling.intercept + best.scaling.slope * machine.decision_function(z))
    np.testing.assert_allclose(chain.predict(frame), by_hand, atol=1e-9)


def test_scaling_of_two_margins_by_hand():
    """Perfect order, 3 positives at 1 and 2 negatives at -1: the curve goes through 4/5 and 1/4."""
    found = platt(np.array([True, True, True, False, False]), np.array([1.0, 1, 1, -1, -1]))
    at = expit(found.intercept + found.slope * np.array([1.0, -1.0]))
    np.testing.assert_allclose(at, [4 / 5, 1 / 4], rtol=1e-10)


def test_a_margin_in_other_units_gives_the_same_probabilities():
    draw = np.random.default_rng(1)
    margin = draw.normal(size=80)
    positive = draw.random(80) < expit(margin)
    one, other = platt(positive, margin), platt(positive, 1e-6 * margin + 3)
    np.testing.assert_allclose(other.slope * (1e-6 * margin + 3) + other.intercept, one.slope * margin + one.intercept)


@pytest.mark.parametrize("margin", [[-1.0, -1, -1, 1, 1], [2.0] * 5])
def test_margins_that_order_nobody_give_everybody_the_same(margin):
    """3 of 5 positive: the mean of 4/5 and 1/4, three to two."""
    found = platt(np.array([True, True, True, False, False]), np.array(margin))
    assert found.slope == 0 and expit(found.intercept) == pytest.approx((3 * 4 / 5 + 2 * 1 / 4) / 5)


def test_rows_of_a_fold_that_kept_nothing_have_no_margin():
    frame, positive = feature_table(features=3)
    truth = positive == 1
    whole = InnerFold(Rows(frame.to_numpy()[:40], truth[:40]), frame.to_numpy()[40:], truth[40:])
    empty = InnerFold(Rows(np.zeros((40, 0)), truth[:40]), np.zeros((20, 0)), truth[40:])
    (point,) = score_grid("svm", [whole, empty], 1, 1, 0)
    margin = (
        LinearSVC(C=1e-5, dual=False, tol=1e-8)
        .fit(whole.train.values, whole.train.outcome)
        .decision_function(whole.held_out)
    )
    expected = platt(np.concatenate([truth[40:]] * 2), np.concatenate([margin, np.zeros(20)]))
    assert point.scores[1] == 0.5 and point.scaling.slope == pytest.approx(expected.slope, rel=1e-6)


def test_it_is_kept_as_plain_numbers_that_predict_the_same_to_the_last_bit(tmp_path):
    frame, positive = feature_table()
    fitted = fit_chains(frame, positive, None, SVM, **GIVEN)
    save_chains(fitted, tmp_path)
    assert np.array_equal(load_chain(tmp_path, "svm").predict(frame), fitted.best.predict(frame))
    kept = json.loads((tmp_path / "svm.json").read_text())
    assert kept.keys() == {"intercept", "coefficients"} and len(kept["coefficients"]) == 40
    (tmp_path / "svm.json").write_text("{}")
    with pytest.raises(InputError, match=r"svm\.json"):
        load_chain(tmp_path)


def test_where_nothing_is_selected_it_says_the_prevalence(tmp_path):
    frame, positive = feature_table(signal=0.0)
    settings = LearnSettings(algorithms=["svm"], p=1e-9, inner_folds=3)
    fitted = fit_chains(frame, positive, None, settings, protocol="crossfit", seed=5)
    save_chains(fitted, tmp_path)
    np.testing.assert_array_equal(load_chain(tmp_path).predict(frame), np.full(len(frame), positive.mean()))
