"""All algorithms by their out-of-fold value: the order, and the correction of the best for having been chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.randomness import rng
from dlr.stats import bbc_auc
from dlr.study.algorithms import algorithm_table, write_algorithms
from dlr.study.measures import evaluated_signatures, measures
from dlr.tables import ALGORITHMS
from tests.study.hand_made import HER2, cohort_of, predictions_of

PATIENTS = [f"P{k}" for k in range(12)]
TRUTH = [1, 0] * 6
FOLD = np.array([0] * 6 + [1] * 6)
LABELS = {"her2": pd.Series(TRUTH, PATIENTS)}
GOOD = [0.9, 0.1, 0.8, 0.3, 0.7, 0.2, 0.9, 0.1, 0.8, 0.2, 0.3, 0.4]  # one of 9 pairs of fold 1 is wrong
MIDDLING = [0.9, 0.1, 0.8, 0.3, 0.2, 0.7, 0.9, 0.1, 0.8, 0.2, 0.3, 0.4]
POOR = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]  # 6 of 9 pairs in either fold


def chains(value: list[float], algorithm: str, **names: Any) -> pd.DataFrame:
    rows = predictions_of(dict(zip(PATIENTS, value, strict=True)), algorithm=algorithm, **names)
    return rows.assign(fold=FOLD)


def table(
    *predictions: pd.DataFrame, labels: dict[str, pd.Series] = LABELS, reported: Sequence[str] = ()
) -> pd.DataFrame:
    return ALGORITHMS.conform(algorithm_table(pd.concat(predictions, ignore_index=True), labels, 1, 100, reported))


def test_the_best_area_stands_first_and_it_alone_is_corrected() -> None:
    found = table(chains(POOR, "logistic"), chains(GOOD, "lightgbm"))
    assert found["algorithm"].tolist() == ["lightgbm", "logistic"]
    assert found["out_of_fold"].tolist() == pytest.approx([17 / 18, 12 / 18])
    assert found["bbc_corrected"].notna().tolist() == [True, False]
    assert set(found["measure"]) == {"auc"} and set(found["n_tried"]) == {2}
    assert (found["lower"] <= found["out_of_fold"]).all() and (found["out_of_fold"] <= found["upper"]).all()


def test_of_equals_the_first_by_name_stands_first() -> None:
    found = table(chains(GOOD, "logistic"), chains(GOOD, "extra_trees"))
    assert found["algorithm"].tolist() == ["extra_trees", "logistic"]


def test_one_algorithm_was_not_chosen_among_several() -> None:
    found = table(chains(GOOD, "logistic"), chains(POOR, "chosen"))
    assert found["algorithm"].tolist() == ["logistic"] and found["bbc_corrected"].isna().all()
    assert found["n_tried"].tolist() == [1]


def test_one_that_is_only_reported_is_neither_tried_nor_corrected_though_it_is_the_best() -> None:
    rows = [chains(POOR, "logistic"), chains(MIDDLING, "ridge"), chains(GOOD, "svm")]
    found = table(*rows, reported=["svm"])
    assert found["algorithm"].tolist() == ["svm", "ridge", "logistic"] and set(found["n_tried"]) == {2}
    assert found["bbc_corrected"].notna().tolist() == [False, True, False]
    assert found["bbc_corrected"][1] == table(*rows[:2])["bbc_corrected"][0], "as if it were not there"
    alone = table(rows[0], rows[2], reported=["svm", "ridge"])
    assert set(alone["n_tried"]) == {1} and alone["bbc_corrected"].isna().all(), "of one nothing was chosen"


def test_only_cross_fitted_training_patients_with_a_label_count() -> None:
    labels = {"her2": LABELS["her2"].drop("P0")}
    noise = [1 - value for value in GOOD]
    found = table(
        chains([0.0, *GOOD[1:]], "logistic"), chains(noise, "logistic", side="test"),
        chains(noise, "logistic", protocol="paper"), labels=labels,
    )  # fmt: skip
    assert found["out_of_fold"].tolist() == pytest.approx([(6 + 8) / (6 + 9)])
    assert table(chains(GOOD, "logistic"), labels={"her2": pd.Series(dtype=int)}).empty
    assert table(chains(GOOD, "logistic", side="test")).empty


def test_the_correction_is_over_the_seeds_that_all_were_fitted_on() -> None:
    """lightgbm has no second drawing; that of logistic, which would be perfect, plays no part."""
    perfect = [float(t) for t in TRUTH]
    found = table(chains(POOR, "logistic"), chains(perfect, "logistic", seed=1), chains(GOOD, "lightgbm"))
    matrix = np.stack([GOOD, POOR], axis=1)[np.argsort(PATIENTS)][:, None, :]
    order = np.argsort(PATIENTS)
    expected = bbc_auc(np.array(TRUTH)[order] == 1, matrix, FOLD[order], generator=rng(1, "bootstrap"), replicates=100)
    assert found["bbc_corrected"].iloc[0] == pytest.approx(expected.corrected.value, abs=1e-12)


def test_two_drawings_are_averaged_in_the_correction() -> None:
    back = [1 - value for value in POOR]
    found = table(
        chains(GOOD, "lightgbm"), chains(POOR, "lightgbm", seed=1), chains(POOR, "logistic"),
        chains(back, "logistic", seed=1),
    )  # fmt: skip
    order = np.argsort(PATIENTS)
    matrix = np.stack([np.stack([GOOD, POOR], axis=1), np.stack([POOR, back], axis=1)], axis=1)[order]
    expected = bbc_auc(
        np.array(TRUTH)[order] == 1, matrix, np.stack([FOLD, FOLD], axis=1)[order],
        generator=rng(1, "bootstrap"), replicates=100,
    )  # fmt: skip
    assert found["bbc_corrected"].iloc[0] == pytest.approx(expected.corrected.value, abs=1e-12)


def test_four_patients_of_a_class_are_too_few_to_correct() -> None:
    labels = {"her2": LABELS["her2"].drop(["P0", "P2"])}
    found = table(chains(POOR, "logistic"), chains(GOOD, "lightgbm"), labels=labels)
    assert found["out_of_fold"].notna().all() and found["bbc_corrected"].isna().all()


def test_folds_without_both_classes_leave_an_area_undefined() -> None:
    apart = chains(GOOD, "logistic").assign(fold=TRUTH)
    found = table(apart, chains(POOR, "lightgbm"))
    assert found["algorithm"].tolist() == ["lightgbm", "logistic"], "what is undefined stands last"
    assert found[["out_of_fold", "lower", "upper"]].iloc[1].isna().all() and found["bbc_corrected"].isna().all()


def test_models_targets_and_variants_have_tables_of_their_own() -> None:
    found = table(
        chains(POOR, "logistic"), chains(GOOD, "lightgbm"), chains(POOR, "logistic", model="Clinical"),
        chains(GOOD, "logistic", variant="before biopsy"),
    )  # fmt: skip
    assert found[["model", "variant", "n_tried"]].drop_duplicates().to_numpy().tolist() == [
        ["Rad", "", 2], ["Clinical", "", 1], ["Rad", "before biopsy", 1],
    ]  # fmt: skip


def test_regressors_stand_by_their_mean_absolute_error_smallest_first() -> None:
    """ridge errs by 3 everywhere; lightgbm by 10 and 14 in two drawings whose means err by 2."""
    observed = [float(5 + 6 * k) for k in range(12)]
    names = {"target": "ki67", "kind": "per_cent"}
    found = table(
        chains([o + 12 for o in observed], "lightgbm", **names),
        chains([o - 8 for o in observed], "lightgbm", seed=1, **names),
        chains([o + (3 if k % 2 else -3) for k, o in enumerate(observed)], "ridge", **names),
        labels={"ki67": pd.Series(observed, PATIENTS)},
    )
    assert found["algorithm"].tolist() == ["lightgbm", "ridge"]
    assert found["out_of_fold"].tolist() == pytest.approx([2.0, 3.0])
    assert set(found["measure"]) == {"mae"} and found["bbc_corrected"].isna().all()
    assert set(found["n_tried"]) == {2}


def test_a_stage_that_fits_no_classifiers_needs_no_settings_of_them(tmp_path: Path) -> None:
    """As stage deep: its view of the settings holds nothing of learn but the protocols."""
    settings = SimpleNamespace(evaluate=SimpleNamespace(bootstrap=100))
    run = SimpleNamespace(folder=tmp_path, seed=1, settings=settings)
    tables = SimpleNamespace(targets=(HER2,), labels=lambda target: LABELS[target.name])
    write_algorithms(run, tables, pd.concat([chains(GOOD, "frozen a"), chains(POOR, "frozen b")], ignore_index=True))
    assert ALGORITHMS.read(tmp_path)["n_tried"].tolist() == [2, 2]


def test_an_algorithm_has_one_interval_in_both_tables() -> None:
    """Of the same chains `algorithms.csv` and `metrics.csv` say the same to the last digit."""
    rows = [chains(POOR, "logistic"), chains(MIDDLING, "logistic", seed=1), chains(GOOD, "lightgbm")]
    found = table(*rows).set_index("algorithm")
    tables = cohort_of({"patient_id": PATIENTS, "her2": [float(t) for t in TRUTH]})
    for one in evaluated_signatures(pd.concat(rows, ignore_index=True), tables):
        area = measures(one, float("nan"), 1, 100)[0]
        assert area["metric"] == "auc"
        own = found.loc[one.algorithm, ["out_of_fold", "lower", "upper"]]
        assert own.tolist() == [area["value"], area["lower"], area["upper"]]
