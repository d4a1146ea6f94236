"""Chains: reproducible, blind to everything outside their rows, and the same after saving."""

from __future__ import annotations

import json
import pickle
import typing

import numpy as np
import pandas as pd
import pytest
from learning_data import SMALL, feature_table
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from dlr.errors import InputError
from dlr.learn import ALGORITHMS, LearnSettings, fit_chains, load_chain, rad_score_formula, save_chains
from dlr.learn import chains as chains_module
from dlr.learn import selection_frequency as frequency_of
from dlr.learn.classifiers import RECIPES
from dlr.learn.forest import Forest
from dlr.learn.grid import EXPECTED
from dlr.learn.settings import Algorithm
from dlr.stats.scaling import recalibration
from dlr.words import logit

ALL = LearnSettings(trees=8, max_grid=2, inner_folds=3, lasso_folds=5)


def saved_bytes(fitted, folder) -> dict[str, bytes]:
    save_chains(fitted, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("protocol", ["paper", "crossfit"])
def test_two_fits_are_the_same_bytes(protocol, tmp_path):
    frame, positive = feature_table()
    first, second = (fit_chains(frame, positive, None, ALL, protocol=protocol, seed=5) for _ in range(2))
    assert saved_bytes(first, tmp_path / "a") == saved_bytes(second, tmp_path / "b")
    pd.testing.assert_frame_equal(first.selection, second.selection, check_exact=True)
    pd.testing.assert_frame_equal(first.grid, second.grid, check_exact=True)


def test_order_of_rows_and_columns_does_not_matter(tmp_path):
    frame, positive = feature_table()
    order = np.random.default_rng(1).permutation(len(frame))
    mixed = frame.iloc[order, np.random.default_rng(2).permutation(frame.shape[1])]
    first = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5)
    second = fit_chains(mixed, positive[order], None, SMALL, protocol="crossfit", seed=5)
    assert saved_bytes(first, tmp_path / "a") == saved_bytes(second, tmp_path / "b")


def test_saved_chains_predict_the_same_to_the_last_bit(tmp_path):
    frame, positive = feature_table()
    frame = frame.mask(np.random.default_rng(3).random(frame.shape) < 0.02)
    settings = ALL.model_copy(update={"impute": "iterative"})
    fitted = fit_chains(frame, positive, None, settings, protocol="crossfit", seed=5)
    save_chains(fitted, tmp_path)
    assert set(fitted.chains) == set(ALGORITHMS)
    for name, chain in fitted.chains.items():
        loaded = load_chain(tmp_path, name)
        np.testing.assert_array_equal(loaded.predict(frame), chain.predict(frame))
        assert loaded.parameters == chain.parameters and loaded.features == chain.features
    chosen = load_chain(tmp_path)
    assert chosen.algorithm == fitted.chosen
    assert rad_score_formula(chosen.rad_score) == rad_score_formula(fitted.best.rad_score)


def test_a_chain_needs_only_its_kept_columns():
    frame, positive = feature_table()
    chain = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5).best
    np.testing.assert_array_equal(chain.predict(frame[list(chain.features)]), chain.predict(frame))
    with pytest.raises(InputError, match=chain.features[0]):
        chain.predict(frame.drop(columns=chain.features[0]))


def test_signal_is_found_and_traced():
    frame, positive = feature_table(patients=120, signal=3.0)
    fitted = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5)
    trace = fitted.selection
    assert set(fitted.best.features) & {"f00", "f01", "f02"}
    counts = trace.groupby("step")["kept"].agg(["size", "sum"])
    assert counts.loc["t_test", "size"] == 40
    assert counts.loc["correlation", "size"] == counts.loc["t_test", "sum"]
    assert counts.loc["lasso", "size"] == counts.loc["correlation", "sum"]
    assert counts.loc["lasso", "sum"] == len(fitted.best.features)
    assert (trace.loc[~trace["kept"], "reason"] != "").all()
    table = fitted.best.rad_score.table()
    kept = trace[(trace["step"] == "lasso") & trace["kept"]].set_index("feature")["coefficient"]
    scale = table.set_index("feature")
    np.testing.assert_allclose(scale["coefficient"][kept.index], kept, rtol=1e-12)


def test_rad_score_formula_gives_the_lassos_linear_predictor():
    frame, positive = feature_table(patients=100, signal=3.0)
    chain = fit_chains(frame, positive, None, SMALL, protocol="paper", seed=5).best
    line = rad_score_formula(chain.rad_score)
    expression = line.removeprefix("Rad-score = ")
    for j, name in enumerate(chain.features):
        expression = expression.replace(name, f"x[{j}]")
    by_line = np.array([eval(expression, {"x": row}) for row in frame[list(chain.features)].to_numpy()])
    exact = chain.rad_score.value(chain.preparation.subset(frame, chain.features))
    np.testing.assert_allclose(by_line, exact, atol=1e-6)  # nine printed digits


def test_paper_takes_a_gaussian_and_crossfit_a_binomial_lasso():
    frame, positive = feature_table()
    families = {
        protocol: fit_chains(frame, positive, None, SMALL, protocol=protocol, seed=5).lasso.family
        for protocol in ("paper", "crossfit", "nested")
    }
    assert families == {"paper": "gaussian", "crossfit": "binomial", "nested": "binomial"}


def test_the_papers_grid_sees_selected_columns_and_so_scores_too_high_on_noise():
    frame, positive = feature_table(patients=60, features=300, signal=0.0)
    settings = SMALL.model_copy(update={"algorithms": ["logistic"]})
    paper = fit_chains(frame, positive, None, settings, protocol="paper", seed=5)
    inside = fit_chains(frame, positive, None, settings, protocol="crossfit", seed=5)
    assert paper.choices["value"].max() > inside.choices["value"].max() + 0.15


def test_an_empty_selection_gives_the_training_prevalence(tmp_path):
    frame, positive = feature_table(signal=0.0)
    settings = SMALL.model_copy(update={"p": 1e-9})
    fitted = fit_chains(frame, positive, None, settings, protocol="crossfit", seed=5)
    assert fitted.empty and fitted.lasso is None
    for chain in fitted.chains.values():
        np.testing.assert_array_equal(chain.predict(frame), np.full(len(frame), positive.mean()))
    save_chains(fitted, tmp_path)
    np.testing.assert_array_equal(load_chain(tmp_path, "lightgbm").predict(frame), fitted.best.predict(frame))


def test_unstable_features_never_enter():
    frame, positive = feature_table(signal=3.0)
    allowed = set(frame.columns) - {"f00", "f01", "f02"}
    fitted = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5, allowed=allowed)
    left = fitted.selection[fitted.selection["step"] == "stability"]
    assert set(left["feature"]) == {"f00", "f01", "f02"}
    assert not set(fitted.best.features) & {"f00", "f01", "f02"}


def test_without_selection_every_usable_column_is_used():
    frame, positive = feature_table(features=6)
    frame["constant"] = 1.0
    fitted = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5, select=False)
    assert fitted.best.features == ("f00", "f01", "f02", "f03", "f04", "f05")
    steps = fitted.selection.groupby("step")["kept"].agg(list)
    assert steps["constant"] == [False] and steps["prepared"] == [True] * 6
    assert fitted.best.rad_score is None


def test_cases_of_one_patient_stay_together_in_inner_folds():
    """Five identical rows a patient on pure noise: a split patient would be recognised, and the grid score high."""
    frame, positive = feature_table(patients=40, features=5, signal=0.0, seed=3)
    rows = np.repeat(np.arange(40), 5)
    copies = frame.iloc[rows].set_axis([f"C{i:03d}" for i in range(200)])
    settings = SMALL.model_copy(update={"algorithms": ["lightgbm"], "trees": 100, "max_grid": 4, "judge": "auc"})
    given = {"protocol": "crossfit", "seed": 5, "select": False}
    together = fit_chains(copies, positive[rows], frame.index[rows], settings, **given)
    torn = fit_chains(copies, positive[rows], None, settings, **given)
    assert torn.choices["value"].max() > 0.95 > 0.75 > together.choices["value"].max()


def test_under_paper_the_best_median_area_of_inner_folds_chooses_and_nothing_is_recalibrated():
    frame, positive = feature_table()
    fitted = fit_chains(frame, positive, None, SMALL, protocol="paper", seed=5)
    folds = fitted.grid.filter(like="fold_").to_numpy()
    np.testing.assert_allclose(fitted.grid["median"], np.median(folds, axis=1))
    best = fitted.grid.groupby("algorithm")["median"].max()
    choices = fitted.choices.set_index("algorithm")
    np.testing.assert_allclose(choices["value"], best[choices.index])
    assert choices["chosen"].sum() == 1 and choices.loc[fitted.chosen, "value"] == choices["value"].max()
    assert choices["criterion"].eq("median AUC of 3 inner folds").all()
    assert all(chain.recalibration is None for chain in fitted.chains.values())


def test_elsewhere_the_least_log_loss_chooses_points_and_algorithms():
    frame, positive = feature_table(patients=90)
    fitted = fit_chains(frame, positive, None, ALL, protocol="crossfit", seed=5)
    least = fitted.grid.groupby("algorithm")["log_loss"].min()
    choices = fitted.choices.set_index("algorithm")
    np.testing.assert_allclose(choices["value"], least[choices.index])
    assert fitted.chosen == least.idxmin() and choices["criterion"].eq("log loss of 3 inner folds").all()
    by_area = fit_chains(
        frame, positive, None, ALL.model_copy(update={"judge": "auc"}), protocol="crossfit", seed=5
    ).choices
    assert by_area["criterion"].eq("median AUC of 3 inner folds").all()


def test_a_chain_says_its_model_recalibrated_on_the_inner_folds_held_out_rows(monkeypatch):
    """Refitted by hand: the held-out logits of the chosen point give the two numbers, and the chain serves them."""
    from sklearn.linear_model import LogisticRegression

    seen = []
    score = chains_module.score_grid
    monkeypatch.setattr(chains_module, "score_grid", lambda *a: seen.append(a[1]) or score(*a))
    frame, positive = feature_table(signal=2.0)
    chain = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5).chains["logistic"]
    made = [
        LogisticRegression(**chain.parameters, tol=1e-8, max_iter=5000).fit(f.train.values, f.train.outcome)
        for f in seen[0]
    ]
    held_out = [model.decision_function(f.held_out) for model, f in zip(made, seen[0], strict=True)]
    truth = np.concatenate([f.held_out_outcome for f in seen[0]])
    number = np.repeat(np.arange(3), [len(z) for z in held_out])
    found = recalibration(truth, np.concatenate(held_out), number, EXPECTED)
    assert found.slope == pytest.approx(chain.recalibration.slope, rel=1e-3) and abs(found.slope - 1) > 0.02
    plain = logit(chain.model.predict(chain.preparation.subset(frame, chain.features)))
    np.testing.assert_allclose(logit(chain.predict(frame), 1e-12), found.intercept + found.slope * plain, rtol=1e-2)
    off = SMALL.model_copy(update={"recalibrate": False})
    assert fit_chains(frame, positive, None, off, protocol="crossfit", seed=5).best.recalibration is None


def test_the_area_of_a_fold_is_that_of_the_served_model(monkeypatch):
    """Logistic regression at each grid point, refitted by hand in each inner fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    seen = []
    score = chains_module.score_grid
    monkeypatch.setattr(chains_module, "score_grid", lambda *a: seen.append(a[1]) or score(*a))
    grid = fit_chains(*feature_table(), None, SMALL, protocol="crossfit", seed=5).grid
    for row in grid[grid["algorithm"] == "logistic"].to_dict("records"):
        for number, fold in enumerate(seen[0]):
            model = LogisticRegression(**json.loads(row["parameters"]), tol=1e-8, max_iter=5000)
            value = model.fit(fold.train.values, fold.train.outcome).predict_proba(fold.held_out)[:, 1]
            assert row[f"fold_{number + 1}"] == pytest.approx(roc_auc_score(fold.held_out_outcome, value), abs=1e-12)


def test_grids_have_at_most_eight_points():
    assert set(RECIPES) == set(typing.get_args(Algorithm)) == {*ALGORITHMS, "ridge", "svm"}
    assert all(1 <= len(recipe.grid) <= 8 for recipe in RECIPES.values())


def test_few_patients_of_a_class_still_fit():
    frame, _ = feature_table(patients=20)
    positive = np.array([1, 1, *[0] * 18])
    fitted = fit_chains(frame, positive, None, SMALL, protocol="crossfit", seed=5)
    assert np.isfinite(fitted.best.predict(frame)).all()


def test_one_positive_patient_is_too_few():
    frame, _ = feature_table(patients=20)
    with pytest.raises(InputError, match="two of each"):
        fit_chains(frame, [1, *[0] * 19], None, SMALL, protocol="crossfit", seed=5)


def test_missing_labels_and_repeated_columns_are_refused():
    frame, positive = feature_table()
    with pytest.raises(InputError, match="none missing"):
        fit_chains(frame, np.where(positive == 1, 1.0, np.nan), None, SMALL, protocol="paper", seed=5)
    with pytest.raises(InputError, match="twice: f00"):
        fit_chains(frame.rename(columns={"f01": "f00"}), positive, None, SMALL, protocol="paper", seed=5)


class Payload:
    """Runs code when unpickled."""

    def __reduce__(self):
        return (print, ("loaded code ran",))


@pytest.fixture
def forest_folder(tmp_path):
    frame, positive = feature_table(signal=3.0)
    settings = SMALL.model_copy(update={"algorithms": ["random_forest"]})
    save_chains(fit_chains(frame, positive, None, settings, protocol="paper", seed=5), tmp_path)
    return tmp_path


def test_a_forest_predicts_as_its_estimator_and_comes_back_bit_by_bit():
    frame, positive = feature_table(signal=3.0)
    values = frame.to_numpy()
    for make in (RandomForestClassifier, ExtraTreesClassifier):
        estimator = make(n_estimators=30, random_state=1).fit(values[::2], positive[::2])
        forest = Forest.of([member.tree_ for member in estimator.estimators_])
        expected = estimator.predict_proba(values)[:, 1]
        np.testing.assert_allclose(forest.predict(values), expected, rtol=0, atol=1e-15)
        again = Forest.from_bytes(forest.to_bytes())
        assert np.array_equal(again.predict(values), forest.predict(values))
        assert again.to_bytes() == forest.to_bytes()


@pytest.mark.parametrize(
    ("column", "row", "value", "what"),
    [
        ("left", 0, 0, "not behind it"),
        ("left", 0, 10**6, "not behind it"),
        ("right", 0, -1, "one child"),
        ("feature", 0, -2, "out of range"),
        ("probability", 1, 1.5, "out of range"),
        ("threshold", 0, np.nan, "not a table of tree"),
    ],
)
def test_a_forest_whose_nodes_make_no_tree_is_refused(column, row, value, what, forest_folder):
    path = forest_folder / "random_forest.parquet"
    table = pd.read_parquet(path)
    table.loc[row, column] = value
    table.to_parquet(path, index=False)
    with pytest.raises(InputError, match=rf"random_forest\.parquet.*{what}"):
        load_chain(forest_folder, "random_forest")


def test_a_pickle_in_place_of_a_forest_is_refused_and_not_run(forest_folder, capsys):
    (forest_folder / "random_forest.parquet").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(InputError, match="not a saved random_forest"):
        load_chain(forest_folder, "random_forest")
    assert "loaded code ran" not in capsys.readouterr().out


def test_what_is_absent_or_damaged_is_named(forest_folder):
    with pytest.raises(InputError, match=r"fitted were random_forest"):
        load_chain(forest_folder, "logistic")
    with pytest.raises(InputError, match=r"chains\.json"):
        load_chain(forest_folder / "nowhere")
    (forest_folder / "random_forest.parquet").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        load_chain(forest_folder)
    (forest_folder / "chains.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        load_chain(forest_folder)


@pytest.mark.parametrize("name", ["logistic.json", "lightgbm.txt", "xgboost.json", "random_forest.parquet"])
def test_a_damaged_model_file_is_named(name, tmp_path):
    frame, positive = feature_table(signal=3.0)
    save_chains(fit_chains(frame, positive, None, ALL, protocol="paper", seed=5), tmp_path)
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load_chain(tmp_path, name.split(".")[0])


def test_selection_frequency_counts_fits():
    frame, positive = feature_table(patients=100, signal=3.0)
    selection = pd.concat(
        fit_chains(frame.iloc[k::2], positive[k::2], None, SMALL, protocol="crossfit", seed=5).selection.assign(fold=k)
        for k in range(2)
    )
    table = frequency_of(selection)
    last = selection[(selection["step"] == "lasso") & selection["kept"]]
    assert list(table.columns) == ["feature", "kept", "of", "frequency", "mean_coefficient"]
    assert table["kept"].sum() == len(last) and table["of"].eq(2).all()
    assert table["frequency"].is_monotonic_decreasing
    first = table.iloc[0]
    assert first["mean_coefficient"] == pytest.approx(
        last.loc[last["feature"] == first["feature"], "coefficient"].mean()
    )


def trace(target: str, fold: int, **coefficients: float) -> pd.DataFrame:
    """The last step of one fit: coefficient 0 = the feature left."""
    rows = [(target, "Rad", fold, name, "lasso", value != 0, value) for name, value in coefficients.items()]
    return pd.DataFrame(rows, columns=["target", "model", "fold", "feature", "step", "kept", "coefficient"])


def test_how_often_is_counted_within_a_target():
    """her2 keeps a and b in both fits, er keeps a in one of its three: b is 2 of 2, and a's signs are not averaged."""
    fits = [trace("her2", fold, a=1.0, b=0.5) for fold in range(2)]
    fits += [trace("er", fold, a=-1.0 if fold == 0 else 0.0, c=0.0) for fold in range(3)]
    table = frequency_of(pd.concat(fits)).set_index(["target", "model", "feature"])
    assert table.index.tolist() == [("er", "Rad", "a"), ("her2", "Rad", "a"), ("her2", "Rad", "b")]
    assert table["kept"].tolist() == [1, 2, 2] and table["of"].tolist() == [3, 2, 2]
    assert table["frequency"].tolist() == [1 / 3, 1.0, 1.0]
    assert table["mean_coefficient"].tolist() == [-1.0, 1.0, 0.5]


def test_how_often_is_counted_within_a_model():
    rad = [trace("er", fold, a=1.0) for fold in range(2)]
    fused = [trace("er", fold, a=0.0, d=2.0).assign(model="DLR") for fold in range(4)]
    table = frequency_of(pd.concat([*rad, *fused]))
    assert table[["model", "feature", "kept", "of"]].values.tolist() == [["DLR", "d", 4, 4], ["Rad", "a", 2, 2]]


def test_a_trace_of_one_fit_is_one_of_one():
    table = frequency_of(trace("er", 0, a=1.0, b=0.0).drop(columns=["target", "model", "fold"]))
    assert table.values.tolist() == [["a", 1, 1, 1.0, 1.0]]


def test_settings_refuse_unknown_keys_and_repeated_names():
    with pytest.raises(ValueError, match="fold"):
        LearnSettings(fold=5)
    with pytest.raises(ValueError, match="twice"):
        LearnSettings(algorithms=["logistic", "logistic"])
