"""A model's signature: each part fitted on its own patients, kept, applied to those it predicts, and to new ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.learn import LearnSettings, load_chain
from dlr.protocols import Part
from dlr.study.application import Application, Applied, NewPatients
from dlr.study.frames import PatientFrame
from dlr.study.parts import study_parts
from dlr.study.signatures import (
    SavedChains,
    SignatureData,
    SignatureTables,
    apply_to_new,
    chains_folder,
    fit_parts,
    fit_signature,
    held_out_rows,
    new_rows,
    saved_chains,
    simple_values,
    values_outside,
)
from dlr.tables import CHOICES, OUTSIDE, PREDICTIONS, SELECTION
from dlr.words import Target
from tests.study.hand_made import HER2, KI67, HandRun, cohort_of, folds_of

TRAIN = [f"T{k:02d}" for k in range(16)]
EVERYBODY = [*TRAIN, "U0", "U1", "X0", "X1"]
SIDES = pd.Series(["train"] * 16 + ["test", "test", "external", "external"], EVERYBODY)
PARTS = study_parts(folds_of("crossfit", {p: k % 2 for k, p in enumerate(TRAIN)}), ["crossfit"], SIDES)
LEARN = {"algorithms": ["logistic"], "inner_folds": 2, "max_grid": 1, "protocols": ["crossfit"], "folds": 7}


def signature_data(**names: Any) -> SignatureData:
    """y follows the label, x says nothing; nobody knows the label of T03."""
    k = np.arange(20.0)
    label = (k // 2) % 2
    values = pd.DataFrame({"x": (7 * k) % 5, "y": label + ((3 * k) % 7) / 5}, index=EVERYBODY)
    labels = pd.Series(label.astype(int), EVERYBODY).drop("T03")
    usual = {"target": HER2, "model": "Rad", "frame": PatientFrame.by_patient(values), "labels": labels}
    return SignatureData(**{**usual, "sides": SIDES, "select": False, **names})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[HandRun, SignatureTables]:
    home = tmp_path_factory.mktemp("made") / "stage"
    home.mkdir()
    run = HandRun(home, settings={"learn": LEARN})
    return run, fit_signature(run, signature_data(variant="before biopsy"), PARTS)


def test_a_part_is_sent_its_own_patients_with_a_label_alone(made: tuple[HandRun, SignatureTables]) -> None:
    run, _ = made
    assert [task.name for task in run.asked] == [f"Rad-her2-before_biopsy-crossfit-s0-f{k}" for k in range(2)]
    sent = run.asked[0].payload
    assert sent.patient_id.tolist() == [p for p in TRAIN[1::2] if p != "T03"], "fold 0 holds the even ones out"
    assert sent.values.index.tolist() == sent.patient_id.tolist()
    assert sent.outcome.tolist() == [(k // 2) % 2 for k in range(1, 16, 2) if k != 3]
    assert (sent.kind, sent.protocol, sent.select, sent.allowed) == ("binary", "crossfit", False, None)
    assert sent.learn.folds == LearnSettings().folds and sent.learn.algorithms == ["logistic"]
    assert sent.learn.protocols == LearnSettings().protocols and sent.learn.inner_folds == 2
    assert sent.seed != run.asked[1].payload.seed


def test_every_algorithm_says_something_of_those_the_part_predicts(made: tuple[HandRun, SignatureTables]) -> None:
    rows = PREDICTIONS.conform(made[1].predictions)
    assert rows.groupby(["fold", "algorithm"], sort=False).size().to_dict() == {
        (fold, algorithm): 12 for fold in range(2) for algorithm in ("logistic", "chosen")
    }
    chosen = rows[(rows["algorithm"] == "chosen") & (rows["fold"] == 1)].set_index("patient_id")
    assert set(chosen.index) == {*TRAIN[1::2], "U0", "U1", "X0", "X1"}, "T03 is predicted, though nobody can judge it"
    assert chosen.loc[["T01", "U0", "X0"], "side"].tolist() == ["train", "test", "external"]
    assert set(rows["variant"]) == {"before biopsy"} and set(rows["model"]) == {"Rad"} and set(rows["seed"]) == {0}
    assert set(rows["kind"]) == {"probability"} and rows["value"].between(0, 1).all()


def test_what_is_reported_beside_has_its_rows_and_only_a_signature_has_them(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    run = HandRun(tmp_path / "stage", settings={"learn": {**LEARN, "algorithms": ["ridge"], "reported": ["logistic"]}})
    asked = signature_data()
    made = fit_signature(run, asked, PARTS)
    rows = made.predictions.set_index(["algorithm", "fold", "patient_id"])["value"]
    assert rows.index.unique("algorithm").tolist() == ["ridge", "logistic", "chosen"]
    assert rows["chosen"].equals(rows["ridge"]) and not rows["chosen"].equals(rows["logistic"])
    assert made.choices.groupby("algorithm")["chosen"].all().to_dict() == {"ridge": True, "logistic": False}
    sent = len(run.asked)
    fit_parts(run, asked, PARTS, None, "compared with it")
    simple_values(run, asked, PARTS, "a question")
    assert [task.payload.learn.reported for task in run.asked] == [["logistic"]] * sent + [[]] * 2 * len(PARTS)


def test_chains_are_kept_where_they_are_found_again(made: tuple[HandRun, SignatureTables]) -> None:
    run, tables = made
    kept = list(saved_chains(run.folder))
    assert [(one.target, one.variant, one.part.name) for one in kept] == [
        ("her2", "before biopsy", "crossfit-s0-f0"), ("her2", "before biopsy", "crossfit-s0-f1"),
    ]  # fmt: skip
    assert kept[0].folder == chains_folder(run.folder, "her2", "before biopsy", "crossfit-s0-f0")
    frame = signature_data().frame.of(["U0"])
    rows = tables.predictions
    said = rows[(rows["patient_id"] == "U0") & (rows["algorithm"] == "chosen")].set_index("fold")["value"]
    for fold, one in enumerate(kept):
        assert load_chain(one.folder).predict(frame.values)[0] == said[fold]
    assert set(tables.parts) == {"crossfit-s0-f0", "crossfit-s0-f1"}
    assert (tables.parts["crossfit-s0-f0"] / "chains" / "chains.json").is_file()


def test_selection_and_choices_name_their_chain(made: tuple[HandRun, SignatureTables]) -> None:
    choices, selection = CHOICES.conform(made[1].choices), SELECTION.conform(made[1].selection)
    assert choices[["target", "variant", "part", "fold", "algorithm", "chosen"]].to_numpy().tolist() == [
        ["her2", "before biopsy", f"crossfit-s0-f{fold}", fold, "logistic", True] for fold in range(2)
    ]
    assert set(selection["model"]) <= {"Rad"} and set(selection["fold"]) <= {0, 1}


def test_a_part_that_the_filter_names_nothing_for_may_choose_nothing(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    run = HandRun(tmp_path / "stage", settings={"learn": LEARN})
    found = simple_values(run, signature_data(select=True), PARTS, "a question", {"crossfit-s0-f1": ["y"]})
    assert [task.payload.allowed for task in run.asked] == [frozenset(), frozenset({"y"})]
    assert found[0].nunique() == 1, "the prevalence of everybody"
    assert found[0].index.tolist() == list(signature_data().frame.of(PARTS[0].predict).patient_id)
    assert run.asked[0].payload.learn.algorithms == ["logistic"]


def test_columns_that_are_learnt_in_each_part_are_read_from_its_own_frame() -> None:
    other = PatientFrame.by_patient(pd.DataFrame({"z": [1.0]}, index=["T00"]))
    asked = signature_data(by_part={"crossfit-s0-f0": other})
    assert asked.frame_of(PARTS[0]) is other and signature_data().frame_of(PARTS[0]) is not other
    with pytest.raises(KeyError):
        asked.frame_of(PARTS[1])


# rows of predictions ------------------------------------------------------------------------------------------------


def test_under_nested_training_patients_are_test_patients_and_rows_stand_under_the_outer_fold() -> None:
    part = Part("nested", 1, 2, -1, ("B",), ("A", "X"))
    value = pd.Series([0.25, 0.75], ["A", "X"])
    sides = pd.Series({"A": "train", "B": "train", "X": "external"})
    rows = PREDICTIONS.conform(held_out_rows(part, value, HER2, "DL", "", "chosen", sides))
    assert rows["side"].tolist() == ["test", "external"] and rows["value"].tolist() == [0.25, 0.75]
    assert set(rows["fold"]) == {2} and set(rows["seed"]) == {1} and set(rows["protocol"]) == {"nested"}
    assert held_out_rows(part, value * 100, KI67, "DL", "", "chosen", "new")["kind"].unique().tolist() == ["per_cent"]


@pytest.mark.parametrize(("folder", "fold"), [("nested-s0-o1-f-1", 1), ("crossfit-s0-f3", 3), ("paper", -1)])
def test_new_patients_are_on_the_side_new_under_every_protocol(folder: str, fold: int) -> None:
    saved = SavedChains("her2", "before biopsy", Part.named(folder), Path())
    rows = PREDICTIONS.conform(new_rows(saved, pd.Series([0.5, 0.6], ["N1", "N2"]), HER2, "Rad"))
    assert rows["side"].tolist() == ["new", "new"] and rows["patient_id"].tolist() == ["N1", "N2"]
    assert set(rows["fold"]) == {fold} and set(rows["algorithm"]) == {"chosen"}
    assert set(rows["variant"]) == {"before biopsy"}


def test_saved_chains_are_read_from_their_folders_names(tmp_path: Path) -> None:
    assert list(saved_chains(tmp_path)) == []
    for target, variant, part in (("er", "", "paper"), ("er", "", "nested-s1-o0-f-1"), ("er", "late", "paper")):
        chains_folder(tmp_path, target, variant, part).mkdir(parents=True)
    found = [(one.target, one.variant, one.part.protocol, one.part.outer) for one in saved_chains(tmp_path)]
    assert found == [("er", "", "nested", 0), ("er", "", "paper", -1), ("er", "late", "paper", -1)]
    assert chains_folder(tmp_path, "er", "", "paper") == tmp_path / "chains" / "er" / "all" / "paper"


# values outside the training range, new patients --------------------------------------------------------------------


def test_values_outside_the_training_range_are_named(made: tuple[HandRun, SignatureTables]) -> None:
    """The chain of fold 0 saw x from 0 to 4 and y from .2 to 2.2 or so."""
    chain = next(one for one in saved_chains(made[0].folder) if one.part.name == "crossfit-s0-f0" and one.variant)
    new = pd.DataFrame({"y": [1.0, -5.0, 1.5], "x": [2.0, 99.0, 3.0]}, index=["c1", "c2", "c3"])
    rows = PatientFrame(new, pd.Series(["N1", "N2", "N3"], new.index))
    found = OUTSIDE.conform(values_outside(chain, rows, "Rad"))
    assert sorted(found[["patient_id", "column", "value"]].to_numpy().tolist()) == [
        ["N2", "x", 99.0],
        ["N2", "y", -5.0],
    ]
    assert set(found["model"]) == {"Rad"} and set(found["variant"]) == {"before biopsy"}
    assert set(found["target"]) == {"her2"}


def test_saved_chains_say_the_same_of_new_patients(made: tuple[HandRun, SignatureTables], tmp_path: Path) -> None:
    run, tables = made
    frame = signature_data().frame.of(["U0", "U1"])
    patients = NewPatients(cohort_of({"patient_id": ["U0", "U1"]}), Path("new.csv"), True, pd.DataFrame())
    given = Application(run.folder, run.needs, run.settings, 1, patients, Applied())
    asked = []

    def frame_of(saved: SavedChains) -> PatientFrame | None:
        asked.append(saved.part.name)
        return frame

    apply_to_new(given, "Rad", frame_of)
    assert asked == ["crossfit-s0-f0", "crossfit-s0-f1"]
    rows = given.made.of(PREDICTIONS).set_index(["patient_id", "fold"])["value"]
    stored = tables.predictions
    stored = stored[(stored["algorithm"] == "chosen") & stored["patient_id"].isin(["U0", "U1"])]
    assert rows.to_dict() == stored.set_index(["patient_id", "fold"])["value"].to_dict()
    nothing = Application(run.folder, run.needs, run.settings, 1, patients, Applied())
    apply_to_new(nothing, "Rad", lambda saved: None if saved.part.fold else frame.of([]))
    assert nothing.made.tables == {}


def test_a_per_cent_is_fitted_by_regressors(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    learn = {**LEARN, "regressors": ["ridge"]}
    run = HandRun(tmp_path / "stage", settings={"learn": learn})
    per_cent = pd.Series(np.arange(20.0) * 5, EVERYBODY)
    target = Target("ki67", KI67.kind)
    tables = fit_signature(run, signature_data(target=target, labels=per_cent), PARTS[:1])
    assert set(tables.predictions["algorithm"]) == {"ridge", "chosen"}
    assert set(tables.predictions["kind"]) == {"per_cent"}
    assert run.asked[0].name == "Rad-ki67-crossfit-s0-f0", "no variant, no word"
    plain = json.loads((chains_folder(run.folder, "ki67", "", "crossfit-s0-f0") / "chains.json").read_text())
    assert plain["kind"] == "per_cent"


def test_the_lassos_path_is_left_where_features_are_selected(
    made: tuple[HandRun, SignatureTables], tmp_path: Path
) -> None:
    (tmp_path / "stage").mkdir()
    run = HandRun(tmp_path / "stage", settings={"learn": {**LEARN, "p": 1.0}})
    tables = fit_signature(run, signature_data(select=True), PARTS[:1], {"crossfit-s0-f0": ["y"]})
    names = {file.name for file in tables.parts["crossfit-s0-f0"].iterdir()}
    assert {"lasso_path.parquet", "lasso_cv.parquet", "selection.parquet", "choices.parquet"} <= names
    assert not (made[1].parts["crossfit-s0-f0"] / "lasso_path.parquet").exists()
