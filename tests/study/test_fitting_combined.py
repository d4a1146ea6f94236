"""The Combined model of one target: on whom it is fitted, and who is predicted by which model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import Column
from dlr.learn import CandidateSet, fit_combined
from dlr.protocols import Part
from dlr.settings import CombineSettings
from dlr.stats import auc
from dlr.study.combined import SavedSet
from dlr.study.combining import Combining, combined_rows
from dlr.tables import OPTIMISM, PREDICTIONS
from tests.study.hand_made import HER2, HandRun, cohort_of, folds_of

NAN = float("nan")
SET = CandidateSet(("age",), ("Rad",))
TRAIN = [f"T{k:02d}" for k in range(16)]
FOLD = {patient: k % 2 for k, patient in enumerate(TRAIN)}
AGE = [40, 52, 61, 33, 47, 58, 66, 39, 71, 45, 50, 63, 36, 55, 42, 68]
RAD = [0.2, 0.8, 0.3, 0.6, 0.7, 0.1, 0.5, 0.4, 0.35, 0.85, 0.15, 0.75, 0.65, 0.25, 0.45, 0.55]
HIGH = [0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1]


def case(
    rad: Sequence[float] = RAD,
    label: Sequence[float] = HIGH,
    protocol: str = "crossfit",
    variant: str = "",
    **settings: Any,
) -> Combining:
    """Sixteen training patients in two folds, two test patients (U1 without a signature) and an external one."""
    others = {"U0": "test", "U1": "test", "X0": "external"}
    columns = {
        "patient_id": [*TRAIN, *others], "side": ["train"] * 16 + list(others.values()),
        "her2": [*map(float, label), 1.0, 0.0, NAN], "age": [*map(float, AGE), 44.0, 60.0, 48.0],
    }  # fmt: skip
    tables = cohort_of(columns, clinical=(Column("age", "numeric"),), folds=folds_of("crossfit", FOLD))
    frame = tables.patients[["age"]].assign(Rad=[*rad, 0.6, NAN, 0.3], Clinical=0.5)
    return Combining(
        HER2, protocol, variant, frame, tables.labels(HER2), tables.sides, tables.folds,
        CombineSettings(**settings),
    )  # fmt: skip


def by_hand(one: Combining, inside: Sequence[str], candidates: CandidateSet = SET) -> Any:
    """The model of some patients, fitted on rows picked here."""
    truth = dict(zip(TRAIN, HIGH, strict=True))
    outcome = np.array([truth[p] for p in inside], dtype=float)
    return fit_combined(one.frame.loc[list(inside)], outcome, candidates, only_predict=True)


def kept(one: Combining, candidates: CandidateSet = SET, inside: Sequence[str] = TRAIN) -> SavedSet:
    """A set with the model of some patients."""
    return SavedSet("her2", one.protocol, one.variant, True, by_hand(one, inside, candidates))


def test_training_needs_every_signature_and_a_label() -> None:
    rad, label = [NAN, *RAD[1:]], [*map(float, HIGH)]
    label[2] = NAN
    assert case(rad, label).training(SET) == [TRAIN[1], *TRAIN[3:]]
    assert case(rad, label).training(CandidateSet(("age",), ("Clinical",))) == [*TRAIN[:2], *TRAIN[3:]]


def test_the_whole_training_side_fits_a_set() -> None:
    one, run = case(variant="before biopsy"), HandRun()
    saved = one.fit_set(run, SET, primary=True)
    assert (saved.target, saved.protocol, saved.variant, saved.primary) == ("her2", "crossfit", "before biopsy", True)
    assert (saved.model.predict(one.frame.iloc[:3]) == by_hand(one, TRAIN).predict(one.frame.iloc[:3])).all()
    assert saved.model.n == 16 and saved.model.n_positive == 8 and saved.model.full is not None
    assert not one.fit_set(run, SET, primary=False).primary and run.logged == []


def test_settings_bound_the_model_and_what_leaves_is_logged() -> None:
    run = HandRun()
    model = case(maximum_parameters=1, penalty="ridge").fit_set(run, SET, primary=True).model
    assert model.fit is not None and model.fit.variables == ("Rad",) and model.fit.method == "ridge"
    assert run.logged == ["her2, age + Rad, crossfit: age leaves: over the 1 parameters of the setting"]


def test_a_patient_drawn_twice_counts_twice() -> None:
    one = case()
    model = one.fit(SET, [*TRAIN, TRAIN[0], TRAIN[0]], only_predict=True)
    assert model.n == 18 and model.n_positive == 8 and model.full is None


def test_under_crossfit_each_folds_patients_are_predicted_by_a_model_of_the_others() -> None:
    one = case()
    saved = kept(one)
    direct, *folds = [PREDICTIONS.conform(rows) for rows in one.predictions(saved)]
    assert direct["patient_id"].tolist() == ["U0", "X0"], "U1 has no signature"
    assert direct["side"].tolist() == ["test", "external"]
    assert set(direct["seed"]) == {0} and set(direct["fold"]) == {-1}
    assert (direct["value"].to_numpy() == saved.model.predict(one.frame.loc[["U0", "X0"]])).all()
    assert len(folds) == 2
    for fold, rows in enumerate(folds):
        out = [p for p in TRAIN if FOLD[p] == fold]
        expected = by_hand(one, [p for p in TRAIN if FOLD[p] != fold]).predict(one.frame.loc[out])
        assert rows["patient_id"].tolist() == out and set(rows["side"]) == {"train"}
        assert rows["value"].to_numpy() == pytest.approx(expected, abs=1e-12)
        assert set(rows["fold"]) == {fold} and set(rows["seed"]) == {0}
    rows = pd.concat([direct, *folds])
    assert set(rows["model"]) == {"Combined"} and set(rows["algorithm"]) == {"chosen"}
    assert set(rows["kind"]) == {"probability"} and set(rows["protocol"]) == {"crossfit"}


def test_where_no_model_can_be_fitted_a_fold_gets_the_others_prevalence() -> None:
    """Fold 1 (odd patients) turns the signature round: alone it leaves no candidate, as Clinical says nothing."""
    rad = [(0.7 - 0.5 * h if k % 2 else 0.2 + 0.5 * h) + 0.01 * k for k, h in enumerate(HIGH)]
    one = case(rad)
    candidates = CandidateSet((), ("Clinical", "Rad"))
    even = TRAIN[::2]
    saved = kept(one, candidates, even)
    _, zero, odd = one.predictions(saved)
    positives = sum(HIGH[1::2])
    assert positives == 5 and set(zero["value"]) == {positives / 8}, "the prevalence of the odd patients"
    assert odd["value"].to_numpy() == pytest.approx(saved.model.predict(one.frame.loc[TRAIN[1::2]]))
    assert odd["value"].nunique() > 1


def test_the_papers_training_patients_are_predicted_by_the_model_they_fitted() -> None:
    one = case(protocol="paper")
    saved = kept(one)
    (rows,) = one.predictions(saved)
    assert rows["patient_id"].tolist() == [*TRAIN, "U0", "X0"]
    assert rows["side"].tolist() == ["train"] * 16 + ["test", "external"]
    assert (rows["value"].to_numpy() == saved.model.predict(one.frame.drop(index="U1"))).all()
    assert set(rows["fold"]) == {-1} and set(rows["seed"]) == {0}


def test_the_optimism_of_the_last_step_begins_at_the_apparent_area() -> None:
    one = case(variant="before biopsy", bootstrap=5)
    saved = kept(one)
    table = OPTIMISM.conform(one.optimism(saved, seed=1)).set_index("measure")
    apparent = auc(np.array(HIGH) == 1, saved.model.predict(one.frame.loc[TRAIN])).value
    assert table.loc["auc", "apparent"] == pytest.approx(apparent)
    assert table.loc["auc", "replicates"] == 5
    assert set(table["target"]) == {"her2"} and set(table["variant"]) == {"before biopsy"}


def test_samples_that_cannot_be_fitted_leave_the_bootstrap() -> None:
    """Without a clinical variable a sample in which the signature points the other way fits nothing."""
    rad = [0.5 + (0.02 if h else -0.02) + 0.1 * ((k * 7) % 5 - 2) for k, h in enumerate(HIGH)]
    one = case(rad, bootstrap=20)
    saved = kept(one, CandidateSet((), ("Clinical", "Rad")))
    assert saved.model.fit is not None
    assert (one.optimism(saved, seed=1)["replicates"] < 20).all()


def test_rows_of_new_patients_are_on_the_side_they_are_given() -> None:
    saved = kept(case())
    rows = PREDICTIONS.conform(
        combined_rows(saved, Part("crossfit", 2, -1, 3, (), ("N1",)), pd.Series([0.25], ["N1"]), "new")
    )
    assert rows.to_dict("records") == [
        {
            "patient_id": "N1", "target": "her2", "side": "new", "protocol": "crossfit", "model": "Combined",
            "variant": "", "algorithm": "chosen", "seed": 2, "fold": 3, "value": 0.25, "kind": "probability",
        }
    ]  # fmt: skip


def test_a_spline_without_knots_in_one_fold_is_a_line_there() -> None:
    """Two fifths of a marker are 0, in one fold's patients more: a study is not lost by that fold."""
    marker = np.array([0.0] * 24 + list(range(1, 37)))
    label = np.tile([0.0, 1.0, 1.0], 20)
    frame = pd.DataFrame({"marker": marker, "Rad": np.linspace(0.2, 0.8, 60) + 0.1 * (label - 0.5)})
    fits = [
        fit_combined(frame.iloc[rows], label[rows], CandidateSet(("marker",), ("Rad",)), bound=3, splines=["marker"])
        for rows in (np.arange(60), np.arange(46))
    ]
    for model, terms in zip(fits, (["marker", "marker'"], ["marker"]), strict=True):
        assert model.full is not None and [t for t in model.full.terms.index if t.startswith("marker")] == terms
