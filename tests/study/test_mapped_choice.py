"""Whom activation maps are made of, each by a chain that did not see the patient, and which are examples."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dlr.engine.run import LeftOut
from dlr.study.mapped_patients import Chosen, whom_to_map
from tests.study.hand_made import HER2, HandRun, cohort_of, folds_of, predictions_of

TRAIN = [f"T{k}" for k in range(8)]
FOLD = {p: 1 + k % 2 for k, p in enumerate(TRAIN)}  # folds 1 and 2
HIGH = {p: k // 4 for k, p in enumerate(TRAIN)} | {"U0": 1, "U1": 0, "U2": 1, "U3": 0, "U5": 1}
VALUE = dict(zip(TRAIN, [0.1, 0.2, 0.2, 0.3, 0.7, 0.8, 0.8, 0.9], strict=True))  # the cut-off is .5
TEST = {"U0": 0.9, "U1": 0.6, "U2": 0.1, "U3": 0.2, "U4": 0.7, "U5": 0.5}


def chosen(cases: int = 20, examples: int = 1, patients: list[str] | None = None, **more: Any) -> dict[str, Chosen]:
    """By patient; U4 has no label, T9 no prediction."""
    everybody = [*TRAIN, "T9", *TEST]
    columns = {
        "patient_id": everybody, "side": ["train"] * 9 + ["test"] * 6,
        "her2": [float(HIGH.get(p, 1 if p == "T9" else float("nan"))) for p in everybody],
    }  # fmt: skip
    second = folds_of("crossfit", {**{p: 3 - f for p, f in FOLD.items()}, "T9": 1}, seed=1)
    folds = pd.concat([folds_of("crossfit", {**FOLD, "T9": 1}), second], ignore_index=True)
    rows = [predictions_of({p: v}, fold=FOLD[p]) for p, v in VALUE.items()]
    rows += [predictions_of({p: v}, fold=3 - FOLD[p], seed=1) for p, v in VALUE.items()]
    rows += [predictions_of(TEST, side="test", fold=fold, seed=seed) for fold in (1, 2) for seed in (0, 1)]
    rows += [predictions_of({"U0": 0.01}, side="test", protocol="paper"), predictions_of({"U0": 0.01}, target="er")]
    run = HandRun(settings={"attention": {"cases": cases, "examples": examples}})
    predictions = pd.concat(rows, ignore_index=True)
    predictions = predictions[predictions["protocol"] == more.get("only", predictions["protocol"])]
    found = whom_to_map(run, cohort_of(columns, folds=folds), predictions, HER2, patients or everybody)  # type: ignore[arg-type]
    assert [one.patient_id for one in found] == sorted(one.patient_id for one in found)
    return {one.patient_id: one for one in found}


def test_a_training_patients_chain_held_it_out_and_others_have_the_first() -> None:
    found = chosen()
    assert set(found) == {*TRAIN, "U0", "U1", "U2", "U3", "U5"}
    for patient in TRAIN:
        assert found[patient].fold == FOLD[patient] and found[patient].part == f"crossfit-s0-f{FOLD[patient]}"
    assert {found[p].part for p in ("U0", "U1", "U2", "U3")} == {"crossfit-s0-f1"} and found["U0"].fold == 1


def test_outcomes_are_called_by_the_training_patients_cut_off() -> None:
    found = chosen()
    assert {p: found[p].outcome for p in ("U0", "U1", "U2", "U3", "T0", "T7", "U5")} == {
        "U0": "true positive", "U1": "false positive", "U2": "false negative", "U3": "true negative",
        "T0": "true negative", "T7": "true positive", "U5": "true positive",
    }, "from the cut-off on a patient is called positive"  # fmt: skip
    assert found["U1"].probability == pytest.approx(0.6) and found["T7"].probability == pytest.approx(0.9)


@pytest.mark.parametrize("examples", [1, 2])
def test_so_many_of_each_outcome_are_examples(examples: int) -> None:
    found = list(chosen(examples=examples).values())
    kept = pd.Series([one.outcome for one in found if one.example]).value_counts().to_dict()
    assert kept == {
        "true positive": examples, "true negative": examples, "false positive": 1, "false negative": 1,
    }  # fmt: skip


def test_so_many_are_drawn_of_those_who_can_be_mapped() -> None:
    assert len(chosen(cases=8)) == 8 and set(chosen(cases=8)) != {*sorted({*TRAIN, *TEST})[:8]}
    assert set(chosen(patients=["T0", "T1", "T4", "T5", "U0", "U4"])) == {"T0", "T1", "T4", "T5", "U0"}


def test_without_crossfit_or_paper_nobody_is_mapped() -> None:
    with pytest.raises(LeftOut, match="names neither"):
        chosen(only="nested")


def published(validation: dict[str, float]) -> tuple[dict[str, Chosen], HandRun]:
    """The published protocol alone: two trained, V0 to V3 (1 1 0 0) validated, U0 and U1 (1 0) tested."""
    everybody = ["T0", "T1", "V0", "V1", "V2", "V3", "U0", "U1"]
    columns = {
        "patient_id": everybody, "side": ["train"] * 2 + ["validation"] * 4 + ["test"] * 2,
        "her2": [1.0, 0, 1, 1, 0, 0, 1, 0],
    }  # fmt: skip
    values = {"train": {"T0": 0.99, "T1": 0.01}, "validation": validation, "test": {"U0": 0.72, "U1": 0.3}}
    rows = [predictions_of(value, side=side, protocol="paper", fold=-1) for side, value in values.items()]
    run = HandRun(settings={"attention": {"cases": 20, "examples": 1}})
    found = whom_to_map(run, cohort_of(columns), pd.concat(rows, ignore_index=True), HER2, everybody)  # type: ignore[arg-type]
    return {one.patient_id: one for one in found}, run


def test_the_published_chain_maps_whom_it_was_not_trained_on_by_the_validation_sides_cut_off() -> None:
    found, run = published({"V0": 0.9, "V1": 0.8, "V2": 0.7, "V3": 0.2})  # Youden's cut-off lies between .7 and .8
    assert set(found) == {"V0", "V1", "V2", "V3", "U0", "U1"} and {one.part for one in found.values()} == {"paper"}
    assert {p: found[p].outcome for p in ("V1", "V2", "U0", "U1")} == {
        "V1": "true positive", "V2": "true negative", "U0": "false negative", "U1": "true negative",
    }  # fmt: skip
    assert run.warned == []


def test_without_two_classes_on_the_validation_side_maps_are_called_by_one_half_and_said_so() -> None:
    found, run = published({"V0": 0.9, "V1": 0.8})
    assert found["U0"].outcome == "true positive" and found["U1"].outcome == "true negative"
    assert run.warned == ["her2: no validation patients of both classes, so maps are called by a cut-off of .5"]
