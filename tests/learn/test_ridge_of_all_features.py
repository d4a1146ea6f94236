"""The ridge of all features: its strength by a proper score, logs of skewed columns, and what is saved of both."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from dlr.learn import LearnSettings, fit_chains, load_chain, save_chains
from dlr.learn import chains as chains_module
from dlr.learn.classifiers import RECIPES
from dlr.learn.grid import AREA, LOG_LOSS, GridPoint, best_point, best_setting, score_grid
from dlr.learn.preparation import fit_preparation, signed_log
from dlr.words import CHOSEN
from tests.learn.learning_data import feature_table

RIDGE = LearnSettings(algorithms=["ridge"], select=False, inner_folds=3, recalibrate=False)
GIVEN = {"protocol": "crossfit", "seed": 5, "select": False}


def test_the_ridge_is_the_minimum_of_loss_plus_penalty_over_all_standardised_columns():
    """The penalised log loss is minimised by a general optimiser; the intercept is not penalised."""
    frame, positive = feature_table(features=8)
    chain = fit_chains(frame, positive, None, RIDGE, **GIVEN).best
    assert chain.algorithm == "ridge" and chain.features == tuple(frame.columns)
    z = ((frame - frame.mean()) / frame.std(ddof=0)).to_numpy()
    strength, sign = chain.parameters["C"], np.where(positive == 1, 1.0, -1.0)

    def penalised(b: np.ndarray) -> float:
        return float(strength * np.logaddexp(0, -sign * (b[0] + z @ b[1:])).sum() + (b[1:] ** 2).sum() / 2)

    best = minimize(penalised, np.zeros(9), method="BFGS", options={"gtol": 1e-9}).x
    by_hand = 1 / (1 + np.exp(-(best[0] + z @ best[1:])))
    np.testing.assert_allclose(chain.predict(frame), by_hand, atol=1e-5)  # of two optimisers


def test_settings_of_the_ridge_are_ranked_by_log_loss_whatever_judges_algorithms():
    sharp = GridPoint("ridge", {"C": 1.0}, (0.9, 0.9), loss=0.7)  # ranks well and is far too sure
    calm = GridPoint("ridge", {"C": 0.1}, (0.8, 0.8), loss=0.5)
    one = GridPoint("logistic", {"C": 1.0}, (0.85, 0.85), loss=0.4)
    other = GridPoint("logistic", {"C": 2.0}, (0.86, 0.86), loss=0.6)
    assert best_setting([sharp, calm], AREA) is calm
    assert best_setting([calm, GridPoint("ridge", {"C": 0.2}, (0.9, 0.9), loss=0.5 + 1e-14)], AREA) is calm  # stronger
    assert best_setting([one, other], AREA) is other and best_setting([one, other], LOG_LOSS) is one
    assert best_point([calm, other], AREA) is other and best_point([calm, other], LOG_LOSS) is calm


def test_the_strength_has_the_least_log_loss_of_the_inner_folds(monkeypatch):
    """Counted again by scikit-learn on the folds that the choice saw; noise is given the stronger penalty."""
    chosen = []
    for shift in (0, 7):
        frame, positive = feature_table(features=12)
        outcome, seen = np.roll(positive, shift), []
        with monkeypatch.context() as patch:
            patch.setattr(chains_module, "score_grid", lambda *a, seen=seen: seen.append(a[1]) or score_grid(*a))
            fitted = fit_chains(frame, outcome, None, RIDGE, **GIVEN)
        losses = {}
        for point in RECIPES["ridge"].grid:
            made = [
                LogisticRegression(**point, tol=1e-8, max_iter=5000).fit(f.train.values, f.train.outcome)
                for f in seen[0]
            ]
            value = [model.predict_proba(f.held_out) for model, f in zip(made, seen[0], strict=True)]
            losses[point["C"]] = log_loss(np.concatenate([f.held_out_outcome for f in seen[0]]), np.concatenate(value))
        chosen.append(fitted.best.parameters["C"])
        assert chosen[-1] == min(losses, key=losses.get)
    assert chosen[1] < chosen[0]


def test_a_saved_ridge_predicts_the_same_to_the_last_bit(tmp_path):
    frame, positive = feature_table()
    skewed = np.sinh(3 * frame)
    settings = RIDGE.model_copy(update={"log": True, "algorithms": ["logistic", "ridge"]})
    fitted = fit_chains(skewed, positive, None, settings, **GIVEN)
    save_chains(fitted, tmp_path)
    for algorithm, chain in (*fitted.chains.items(), (CHOSEN, fitted.best)):
        saved = load_chain(tmp_path, algorithm)
        assert np.array_equal(saved.predict(skewed), chain.predict(skewed)) and saved.algorithm == chain.algorithm
        assert ((saved.predict(skewed) > 0) & (saved.predict(skewed) < 1)).all()
    assert json.loads((tmp_path / "ridge.json").read_text()).keys() == {"intercept", "coefficients"}


def test_a_ridge_of_a_per_cent_is_read_back_as_a_straight_line(tmp_path):
    frame, _ = feature_table()
    outcome = np.clip(50 + 15 * frame["f00"].to_numpy(), 0, 100)
    settings = LearnSettings(regressors=["ridge"], inner_folds=3, select=False)
    fitted = fit_chains(frame, outcome, None, settings, kind="per_cent", **GIVEN)
    save_chains(fitted, tmp_path)
    assert np.array_equal(load_chain(tmp_path).predict(frame), fitted.best.predict(frame))
    assert fitted.best.predict(frame).max() > 1


def test_the_log_by_hand_keeps_sign_order_and_gaps():
    values = np.array([-np.expm1(2.0), -1e-9, 0.0, 1e-9, np.expm1(3.0), np.nan])
    np.testing.assert_allclose(signed_log(values), [-2.0, -1e-9, 0.0, 1e-9, 3.0, np.nan], rtol=1e-9)  # x - x²/2 near 0


def test_logs_hold_for_gaps_scale_and_range_of_new_patients_too():
    frame = pd.DataFrame({"x": np.expm1([0.0, 1.0, 5.0, np.nan])})
    preparation, values, _ = fit_preparation(frame, "median", 0.5, log=True)
    filled = np.array([0.0, 1.0, 5.0, 1.0])
    np.testing.assert_allclose(values[:, 0], (filled - filled.mean()) / filled.std())
    new = pd.DataFrame({"x": [np.expm1(1.75), np.expm1(5.1), np.expm1(5.0), np.nan]})
    by_hand = (np.array([1.75, 5.1, 5.0, 1.0]) - filled.mean()) / filled.std()
    np.testing.assert_allclose(preparation.transform(new)[:, 0], by_hand)
    assert preparation.outside(new)["x"].tolist() == [False, True, False, False]
    assert preparation.reduced(["x"]).log


def test_a_chain_of_raw_columns_is_written_as_ever(tmp_path):
    frame, positive = feature_table()
    plain = []
    for log in (False, True):
        settings = RIDGE.model_copy(update={"log": log})
        save_chains(fit_chains(frame, positive, None, settings, **GIVEN), tmp_path / str(log))
        plain.append(json.loads((tmp_path / str(log) / "chains.json").read_text())["preparation"])
    assert set(plain[1]) - set(plain[0]) == {"log"} and plain[1]["log"] is True


@pytest.mark.parametrize("log", [True, False])
def test_no_rad_score_is_printed_of_logs(log):
    frame, positive = feature_table()
    settings = LearnSettings(algorithms=["logistic"], inner_folds=3, lasso_folds=3, log=log)
    fitted = fit_chains(frame, positive, None, settings, protocol="paper", seed=5)
    assert fitted.lasso is not None and (fitted.best.rad_score is None) == log
