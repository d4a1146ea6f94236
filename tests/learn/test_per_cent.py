"""Chains of a per cent: Spearman, gaussian LASSO, regressors; as blind and reproducible as those of two classes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from learning_data import feature_table

from dlr.errors import InputError
from dlr.learn import LassoNumberSelector, LearnSettings, fit_chains, load_chain, save_chains
from dlr.learn import chains as chains_module
from dlr.learn.grid import ERROR, GridPoint, best_point
from dlr.learn.regressors import REGRESSION_RECIPES
from dlr.learn.settings import REGRESSORS
from dlr.protocols import folds_by_thirds
from dlr.words import TargetKind

SMALL = LearnSettings(trees=20, max_grid=3, inner_folds=3, lasso_folds=5)


def per_cent_table(patients: int = 90, signal: float = 10.0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Forty correlated features; f00, f01 and f02 raise a Ki-67 of 25 per cent on average."""
    frame, _ = feature_table(patients=patients, seed=seed)
    draw = np.random.default_rng([seed, 67])
    linear = 25 + signal * frame.iloc[:, :3].sum(axis=1) / np.sqrt(3) + draw.normal(0, 6, patients)
    return frame, np.clip(linear.to_numpy(), 0, 100)


def fitted_on(frame, outcome, groups=None, settings=SMALL, protocol="crossfit", **more):
    return fit_chains(frame, outcome, groups, settings, protocol=protocol, seed=5, kind="per_cent", **more)


def saved_bytes(fitted, folder) -> dict[str, bytes]:
    save_chains(fitted, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("protocol", ["paper", "crossfit"])
def test_a_planted_per_cent_is_found_and_predicted_in_new_patients(protocol):
    frame, outcome = per_cent_table(180)
    fitted = fitted_on(frame[:90], outcome[:90], protocol=protocol)
    assert set(fitted.chains) == set(REGRESSORS) and fitted.lasso.family == "gaussian"
    assert set(fitted.best.features) & {"f00", "f01", "f02"}
    for chain in fitted.chains.values():
        error = np.abs(chain.predict(frame[90:]) - outcome[90:]).mean()
        assert error < 0.75 * np.abs(np.median(outcome[:90]) - outcome[90:]).mean()
        assert chain.kind is TargetKind.PER_CENT and chain.n_positive == 0
        assert chain.baseline == np.median(outcome[:90])


def test_the_trace_names_spearman_and_its_values_are_scipys():
    from scipy.stats import spearmanr

    frame, outcome = per_cent_table()
    trace = fitted_on(frame, outcome).selection
    assert list(dict.fromkeys(trace["step"])) == ["spearman", "correlation", "lasso"]
    first = trace[trace["step"] == "spearman"].set_index("feature")
    expected = spearmanr(frame["f07"], outcome)
    assert first.loc["f07", "statistic"] == pytest.approx(expected.statistic, abs=1e-12)
    assert first.loc["f07", "p"] == pytest.approx(expected.pvalue, abs=1e-12)
    assert (first["kept"] == (first["p"] < SMALL.p)).all()
    assert (first.loc[~first["kept"], "reason"] == "p not below 0.05").all()


def test_the_choice_is_the_smallest_median_error_of_the_inner_folds():
    fitted = fitted_on(*per_cent_table())
    folds = fitted.grid.filter(like="fold_").to_numpy()
    np.testing.assert_allclose(fitted.grid["median"], np.median(folds, axis=1))
    best = fitted.grid.groupby("algorithm")["median"].min()
    choices = fitted.choices.set_index("algorithm")
    np.testing.assert_allclose(choices["value"], best[choices.index])
    assert choices["chosen"].sum() == 1 and choices.loc[fitted.chosen, "value"] == choices["value"].min()
    assert choices["criterion"].eq("median mean absolute error of 3 inner folds").all()
    for name, chain in fitted.chains.items():
        own = fitted.grid[fitted.grid["algorithm"] == name]
        assert chain.parameters == json.loads(own.loc[own["median"].idxmin(), "parameters"])


def test_of_equal_errors_the_smaller_mean_and_then_the_simpler_point_wins():
    def point(name: str, *scores: float) -> GridPoint:
        return GridPoint(name, {}, scores, TargetKind.PER_CENT)

    assert best_point([point("a", 5, 6, 9), point("b", 5, 6, 7), point("c", 5, 7, 7)], ERROR).algorithm == "b"
    assert best_point([point("a", 5, 6, 7), point("b", 5, 6, 7)], ERROR).algorithm == "a"


def test_the_error_of_a_fold_is_the_served_predictions_own(monkeypatch):
    """Ridge at one grid point, refitted by hand in each inner fold; what is judged is clipped as what is served."""
    from sklearn.linear_model import Ridge

    seen = []
    score = chains_module.score_grid
    monkeypatch.setattr(chains_module, "score_grid", lambda *a: seen.append(a[1]) or score(*a))
    frame, outcome = per_cent_table()
    outcome = np.clip(2.5 * outcome - 60, 0, 100)
    grid = fitted_on(frame, outcome).grid
    row = grid[(grid["algorithm"] == "ridge")].iloc[2]
    alpha = json.loads(row["parameters"])["alpha"]
    errors = []
    for fold in seen[0]:
        raw = Ridge(alpha).fit(fold.train.values, fold.train.outcome).predict(fold.held_out)
        errors.append(np.abs(np.clip(raw, 0, 100) - fold.held_out_outcome).mean())
        assert np.abs(np.clip(raw, 0, 100) - raw).max() > 0
    np.testing.assert_allclose(row[["fold_1", "fold_2", "fold_3"]].astype(float), errors, rtol=1e-9)


def test_scrambled_held_out_rows_leave_the_inner_folds_training_columns_as_they_are(monkeypatch):
    """Features of the first inner fold's held-out patients replaced by noise: what that fold learns is byte-equal."""
    seen = []
    score = chains_module.score_grid
    monkeypatch.setattr(chains_module, "score_grid", lambda *a: seen.append(a[1]) or score(*a))
    frame, outcome = per_cent_table()
    fold = folds_by_thirds(outcome, frame.index, SMALL.inner_folds, chains_module.rng(5, "inner folds"))
    scrambled = frame.copy()
    scrambled[fold == 0] = np.random.default_rng(1).normal(50, 9, (int((fold == 0).sum()), 40))
    fitted_on(frame, outcome)
    fitted_on(scrambled, outcome)
    before, after = seen[0][0], seen[len(REGRESSORS)][0]
    assert before.train.values.tobytes() == after.train.values.tobytes()
    assert before.train.outcome.tobytes() == after.train.outcome.tobytes()
    assert before.held_out.tobytes() != after.held_out.tobytes()


def test_noise_is_no_better_than_the_median_and_the_papers_grid_flatters_it():
    """Twelve null cohorts: the honest inner error stays at that of the median, the published one falls below it."""
    gain = {"paper": [], "crossfit": []}
    settings = SMALL.model_copy(update={"regressors": ["ridge"]})
    for seed in range(12):
        frame, _ = feature_table(patients=60, features=200, signal=0.0, seed=seed)
        outcome = np.random.default_rng([seed, 3]).uniform(5, 60, 60)
        of_the_median = np.abs(outcome - np.median(outcome)).mean()
        for protocol, gains in gain.items():
            fitted = fitted_on(frame, outcome, settings=settings, protocol=protocol)
            gains.append(fitted.choices["value"].min() / of_the_median)
    assert np.mean(gain["crossfit"]) > 0.97
    assert np.mean(gain["paper"]) < np.mean(gain["crossfit"]) - 0.1


@pytest.mark.parametrize("protocol", ["paper", "crossfit"])
def test_order_of_rows_and_columns_does_not_matter_and_bytes_repeat(protocol, tmp_path):
    frame, outcome = per_cent_table()
    order = np.random.default_rng(1).permutation(len(frame))
    mixed = frame.iloc[order, np.random.default_rng(2).permutation(frame.shape[1])]
    first = fitted_on(frame, outcome, protocol=protocol)
    second = fitted_on(mixed, outcome[order], protocol=protocol)
    assert saved_bytes(first, tmp_path / "a") == saved_bytes(second, tmp_path / "b")
    pd.testing.assert_frame_equal(first.selection, second.selection, check_exact=True)


def test_saved_regressors_predict_the_same_to_the_last_bit(tmp_path):
    frame, outcome = per_cent_table()
    fitted = fitted_on(frame, outcome)
    names = set(saved_bytes(fitted, tmp_path))
    assert names == {"chains.json", "ridge.json", "lightgbm.txt"}
    for name, chain in fitted.chains.items():
        loaded = load_chain(tmp_path, name)
        np.testing.assert_array_equal(loaded.predict(frame), chain.predict(frame))
        assert (loaded.kind, loaded.baseline, loaded.parameters) == (chain.kind, chain.baseline, chain.parameters)
    assert load_chain(tmp_path).algorithm == fitted.chosen


def test_predictions_stay_within_0_and_100():
    frame, outcome = per_cent_table(signal=25.0)
    chain = fitted_on(frame, outcome, settings=SMALL.model_copy(update={"regressors": ["ridge"]})).best
    far = pd.concat([frame * 50, -frame * 50])
    value = chain.predict(far)
    assert value.min() == 0 and value.max() == 100


def test_an_empty_selection_gives_the_training_median(tmp_path):
    frame, outcome = per_cent_table()
    fitted = fitted_on(frame, outcome, settings=SMALL.model_copy(update={"p": 1e-30}))
    assert fitted.empty and fitted.lasso is None and fitted.best.rad_score is None
    save_chains(fitted, tmp_path)
    for chain in (*fitted.chains.values(), load_chain(tmp_path, "ridge")):
        np.testing.assert_array_equal(chain.predict(frame), np.full(len(frame), np.median(outcome)))
    inner = fitted.grid.filter(like="fold_").to_numpy()
    assert np.abs(inner.mean(axis=1) - np.abs(outcome - np.median(outcome)).mean()).max() < 1.5


def test_clinical_columns_without_selection_are_all_used():
    frame, outcome = per_cent_table()
    clinical = frame[["f00", "f01", "f09"]].assign(constant=1.0)
    fitted = fitted_on(clinical, outcome, select=False)
    assert fitted.best.features == ("f00", "f01", "f09") and fitted.best.rad_score is None
    assert np.abs(fitted.best.predict(clinical) - outcome).mean() < np.abs(outcome - np.median(outcome)).mean()


def test_a_patients_cases_share_inner_folds():
    """Five identical rows a patient on pure noise: a split patient would be recognised, and the error fall to 0."""
    frame, _ = feature_table(patients=40, features=5, signal=0.0, seed=3)
    outcome = np.random.default_rng(3).uniform(0, 80, 40)
    rows = np.repeat(np.arange(40), 5)
    copies = frame.iloc[rows].set_axis([f"C{i:03d}" for i in range(200)])
    settings = SMALL.model_copy(update={"regressors": ["lightgbm"], "trees": 100})
    together = fitted_on(copies, outcome[rows], frame.index[rows], settings, select=False)
    torn = fitted_on(copies, outcome[rows], None, settings, select=False)
    assert torn.choices["value"].min() < 0.75 * together.choices["value"].min()


def test_the_rad_score_of_a_per_cent_is_the_lassos_own_per_cent():
    frame, outcome = per_cent_table()
    fitted = fitted_on(frame, outcome)
    score, lasso = fitted.best.rad_score, fitted.lasso
    values = fitted.best.preparation.subset(frame, fitted.best.features)
    assert score.family == "gaussian"
    assert np.corrcoef(score.value(values), outcome)[0, 1] > 0.6
    assert score.intercept == pytest.approx(lasso.intercept_) == pytest.approx(outcome.mean())


@pytest.mark.parametrize("broken", [np.nan, -1.0, 101.0])
def test_what_is_no_per_cent_is_refused(broken):
    frame, outcome = per_cent_table()
    outcome[3] = broken
    with pytest.raises(InputError, match="per cents from 0 to 100"):
        fitted_on(frame, outcome)


def test_fewer_than_six_patients_are_too_few():
    frame, outcome = per_cent_table()
    with pytest.raises(InputError, match="5 patients"):
        fitted_on(frame[:5], outcome[:5])


def test_a_per_cent_that_is_the_same_for_everybody_but_one_still_fits():
    frame, _ = per_cent_table(30)
    outcome = np.where(np.arange(30) == 7, 60.0, 0.0)
    frame.iloc[7] += 30.0
    assert np.isfinite(
        fitted_on(frame, outcome, settings=SMALL.model_copy(update={"p": 1.0})).best.predict(frame)
    ).all()


def test_the_number_lasso_refuses_an_unknown_rule():
    with pytest.raises(ValueError, match="rule"):
        LassoNumberSelector(rule="best").fit(np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0))


def test_grids_have_at_most_eight_points_and_every_regressor_a_recipe():
    assert set(REGRESSION_RECIPES) == set(REGRESSORS)
    assert all(1 <= len(recipe.grid) <= 8 for recipe in REGRESSION_RECIPES.values())
    alphas = [point["alpha"] for point in REGRESSION_RECIPES["ridge"].grid]
    assert alphas == sorted(alphas, reverse=True)  # the simplest first


def test_chains_saved_by_release_0_1_0_are_read(tmp_path):
    frame, positive = feature_table(signal=3.0)
    fitted = fit_chains(frame, positive, None, LearnSettings(algorithms=["logistic"]), protocol="paper", seed=5)
    save_chains(fitted, tmp_path)
    index = tmp_path / "chains.json"
    plain = json.loads(index.read_text())
    del plain["recalibration"]
    index.write_text(json.dumps({**plain, "format": 3}))
    np.testing.assert_array_equal(load_chain(tmp_path).predict(frame), fitted.best.predict(frame))
    del plain["kind"]
    index.write_text(json.dumps({**plain, "format": 2, "prevalence": plain["baseline"]}))
    loaded = load_chain(tmp_path)
    assert loaded.kind is TargetKind.BINARY and loaded.baseline == positive.mean()
    np.testing.assert_array_equal(loaded.predict(frame), fitted.best.predict(frame))
    index.write_text(json.dumps({**plain, "format": 5}))
    with pytest.raises(InputError, match="format 5"):
        load_chain(tmp_path)
