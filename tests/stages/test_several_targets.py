"""Two binary targets, one of them with missing labels, and one per cent: from the manifest to prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.engine import Result, open_study
from dlr.study.cohort import read_cohort
from dlr.study.parts import study_parts
from dlr.study.prediction import predict_table
from dlr.study.signatures import saved_chains
from dlr.tables import (
    ALGORITHMS,
    COMPARISONS,
    CUTOFFS,
    METRICS,
    PER_CENT,
    POINTS,
    PREDICTIONS,
    SAMPLE_SIZE,
    SELECTION_FREQUENCY,
    TABLE1_OUTCOME,
    UNIVARIABLE,
)  # fmt: skip
from dlr.words import CHOSEN, MACRO, signature
from tests.stages.small_study import SEVERAL, TABLES_ONLY, bytes_of, run_features, targets_study

BINARY = {"her2", "er"}
PREDICTORS = "combine.variables=[calcification]"  # er is a target here


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return targets_study(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def study(manifest: Path) -> Result:
    return run_features(manifest, manifest.parent / "runs", SEVERAL, PREDICTORS)


def metric(study: Result, **names: str) -> pd.Series:
    table = METRICS.read(study.folders["evaluate"])
    for column, value in {"variant": "", "subset": "all", "algorithm": CHOSEN, **names}.items():
        table = table[table[column] == value]
    assert len(table) == 1, table
    return table.iloc[0]


@pytest.mark.slow
def test_folds_are_drawn_once_for_all_targets(study: Result) -> None:
    tables = read_cohort(study.folders["cohort"])
    assert [target.name for target in tables.targets] == ["her2", "er", "ki67"]
    assert not {"her2", "er", "ki67"} & {column.name for column in tables.columns}
    assert not tables.folds.duplicated(["protocol", "seed", "patient_id"]).any()


@pytest.mark.slow
def test_every_target_has_the_models_that_can_answer_it(study: Result) -> None:
    table = METRICS.read(study.folders["evaluate"])
    models = table.groupby("target")["model"].unique().map(set).to_dict()
    assert models["her2"] == models["er"] == {"Clinical", "Rad", "Combined"}
    assert models["ki67"] == {"Clinical", "Rad"}
    assert "ki67: the Combined model is logistic" in str(open_study(study.study).records["combine"]["warnings"])


@pytest.mark.slow
def test_patients_without_a_label_are_neither_trained_on_nor_judged(study: Result, manifest: Path) -> None:
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False).set_index("patient_id")
    tables = read_cohort(study.folders["cohort"])
    train = set(tables.ids("train"))  # type: ignore[arg-type]
    known = {patient for patient in train if table.loc[patient, "er"] != ""}
    assert len(known) < len(train)
    assert metric(study, target="er", model="Rad", protocol="paper", side="train", metric="auc")["n"] == len(known)
    assert metric(study, target="her2", model="Rad", protocol="paper", side="train", metric="auc")["n"] == len(train)
    rows = PREDICTIONS.read(study.folders["radiomics_model"])
    assert set(rows.loc[rows["target"] == "er", "patient_id"]) == set(table.index), "but they are predicted"


@pytest.mark.slow
def test_a_per_cent_is_answered_in_per_cent_and_averaged_as_such(study: Result) -> None:
    rows = PREDICTIONS.read(study.folders["radiomics_model"])
    rows = rows[(rows["target"] == "ki67") & (rows["algorithm"] == CHOSEN) & (rows["side"] == "test")]
    assert set(rows["kind"]) == {"per_cent"} and rows["value"].between(0, 100).all() and rows["value"].max() > 1
    crossfit = rows[rows["protocol"] == "crossfit"]
    means = signature(crossfit).set_index("patient_id")["value"]
    plain = crossfit.groupby("patient_id")["value"].mean()
    assert np.abs(means - plain.loc[means.index]).max() < 1e-12


@pytest.mark.slow
def test_a_planted_per_cent_is_found_and_beats_the_training_median(study: Result) -> None:
    names = {"target": "ki67", "model": "Rad", "protocol": "crossfit", "side": "test"}
    error, baseline = metric(study, **names, metric="mae"), metric(study, **names, metric="baseline_mae")
    gain = metric(study, **names, metric="mae_gain")
    assert error["lower"] < error["value"] < error["upper"] < baseline["value"]
    assert gain["value"] == pytest.approx(baseline["value"] - error["value"]) and gain["lower"] > 0
    assert metric(study, **names, metric="pearson")["lower"] > 0.3
    assert metric(study, **names, metric="limits_lower")["value"] < metric(study, **names, metric="bias")["value"]
    assert np.isnan(error["n_positive"])


@pytest.mark.slow
def test_per_cent_metrics_are_those_of_the_table_beside_them(study: Result) -> None:
    rows = PER_CENT.read(study.folders["evaluate"])
    rows = rows[(rows["model"] == "Rad") & (rows["protocol"] == "crossfit") & (rows["side"] == "test")]
    tables = read_cohort(study.folders["cohort"])
    known = tables.labels("ki67")
    parts = study_parts(tables.folds, ["crossfit"], tables.sides)
    median = np.mean([np.median(known.reindex(list(part.train)).dropna()) for part in parts])
    names = {"target": "ki67", "model": "Rad", "protocol": "crossfit", "side": "test"}
    difference = rows["predicted"] - rows["observed"]
    assert metric(study, **names, metric="mae")["value"] == pytest.approx(difference.abs().mean())
    assert metric(study, **names, metric="bias")["value"] == pytest.approx(difference.mean())
    expected = (rows["observed"] - median).abs().mean()
    assert metric(study, **names, metric="baseline_mae")["value"] == pytest.approx(expected)


@pytest.mark.slow
def test_tables_name_the_target_of_every_row(study: Result) -> None:
    both = {*BINARY, "ki67"}
    for stage, table, targets in (
        ("radiomics_model", SELECTION_FREQUENCY, both), ("radiomics_model", ALGORITHMS, both),
        ("clinical", TABLE1_OUTCOME, both), ("clinical", UNIVARIABLE, BINARY), ("clinical", SAMPLE_SIZE, BINARY),
        ("evaluate", CUTOFFS, BINARY), ("evaluate", COMPARISONS, {*both, MACRO}), ("nomogram", POINTS, BINARY),
    ):  # fmt: skip
        assert set(table.read(study.folders[stage])["target"]) == targets, table.file
    algorithms = ALGORITHMS.read(study.folders["radiomics_model"]).groupby("target")["measure"].unique().map(list)
    assert algorithms.to_dict() == {"her2": ["auc"], "er": ["auc"], "ki67": ["mae"]}
    errors = ALGORITHMS.read(study.folders["radiomics_model"])
    errors = errors.loc[errors["target"] == "ki67", "out_of_fold"]
    assert errors.is_monotonic_increasing, "the smallest error stands first"


@pytest.mark.slow
def test_each_target_has_a_nomogram_of_its_own(study: Result) -> None:
    import json

    stored = json.loads((study.folders["nomogram"] / "nomogram.json").read_text(encoding="utf-8"))["sets"]
    assert [entry["target"] for entry in stored if entry["primary"]] == ["her2", "er"]
    assert len({entry["file"] for entry in stored}) == len(stored)


@pytest.mark.slow
def test_prediction_gives_the_test_side_back_for_every_target(study: Result, manifest: Path, tmp_path: Path) -> None:
    tables = read_cohort(study.folders["cohort"])
    ids = {"patient_id": str}
    features = pd.read_csv(manifest.parent / "features.csv", dtype=ids)
    new = pd.read_csv(manifest, dtype=ids).drop(columns=["her2", "er", "ki67"]).merge(features, on="patient_id")
    new = new[new["patient_id"].isin(tables.ids("test"))]  # type: ignore[arg-type]
    new.to_csv(tmp_path / "new.csv", index=False)
    opened = open_study(study.study)
    found = predict_table(opened, TABLES_ONLY, study.settings, tmp_path / "new.csv").probabilities
    assert set(found["target"]) == {"her2", "er", "ki67"}
    per_cent = found["target"] == "ki67"
    assert found.loc[per_cent, "probability"].isna().all() and found.loc[~per_cent, "per_cent"].isna().all()
    assert (found.loc[per_cent, "positive"] == "").all() and (found.loc[~per_cent, "positive"] != "").all()
    stored = [PREDICTIONS.read(study.folders[name]) for name in ("clinical", "radiomics_model", "combine")]
    rows = signature(pd.concat(stored, ignore_index=True))
    rows = rows[(rows["side"] == "test") & (rows["algorithm"] == CHOSEN)]
    names = ["patient_id", "target", "model", "variant", "protocol"]
    both = rows.merge(found, on=names)
    assert len(both) == len(rows) == len(found)
    given = both["probability"].fillna(both["per_cent"])
    assert np.abs(both["value"] - given).max() < 1e-9


@pytest.mark.slow
def test_scrambling_the_test_side_leaves_everything_fitted_equal(study: Result, tmp_path: Path) -> None:
    """Labels of every target, features and clinical values of held-out patients turned into noise."""
    tables = read_cohort(study.folders["cohort"])
    test = tables.ids("test")  # type: ignore[arg-type]
    manifest = targets_study(tmp_path)
    generator = np.random.default_rng(0)
    table = pd.read_csv(manifest, dtype={"patient_id": str}).set_index("patient_id")
    features = pd.read_csv(tmp_path / "features.csv", dtype={"patient_id": str}).set_index("patient_id")
    table["ki67"] = table["ki67"].astype(float)
    table.loc[test, "her2"] = 1 - table.loc[test, "her2"]
    table.loc[test, "er"] = generator.permutation(table.loc[test, "er"].fillna(0).to_numpy())
    table.loc[test, "ki67"] = generator.uniform(0, 100, len(test)).round(1)
    table.loc[test, "age"] = generator.integers(20, 90, len(test))
    features.loc[test] = generator.normal(0, 1e3, (len(test), features.shape[1]))
    table["side"] = tables.sides
    table.reset_index().to_csv(manifest, index=False)
    features.reset_index().to_csv(tmp_path / "features.csv", index=False)
    noisy = run_features(manifest, tmp_path / "runs", SEVERAL, PREDICTORS)
    assert read_cohort(noisy.folders["cohort"]).folds.equals(tables.folds)
    for stage in ("clinical", "radiomics_model"):
        a, b = (bytes_of(result.folders[stage] / "chains") for result in (study, noisy))
        assert a and a == b, stage
        assert {saved.target for saved in saved_chains(noisy.folders[stage])} == {"her2", "er", "ki67"}
    for stage, file in (("combine", "combined_model.json"), ("evaluate", CUTOFFS.file)):
        a, b = ((result.folders[stage] / file).read_bytes() for result in (study, noisy))
        assert a == b, file
