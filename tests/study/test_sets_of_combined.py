"""The Combined model's sets of variables: their frame, which are admissible, and how they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import Column
from dlr.errors import InputError
from dlr.learn import CandidateSet, fit_combined
from dlr.study.cohort import CohortTables
from dlr.study.combined import (
    SavedSet,
    candidate_sets,
    chosen_signatures,
    combined_frame,
    combined_inputs,
    image_signature,
    read_sets,
    why_no_set,
    write_inputs,
    write_sets,
)
from dlr.words import Available, ModelSpec, signature
from tests.study.hand_made import HandRun, cohort_of, predictions_of

NAN = float("nan")
COLUMNS = (
    Column("age", "numeric"),
    Column("er", "binary", available=Available.BIOPSY),
    Column("pr", "binary", available=Available.BIOPSY),
)


def tables(columns: tuple[Column, ...] = COLUMNS) -> CohortTables:
    values = {"patient_id": ["A", "B", "C"], "age": [40.0, 50.0, NAN], "er": [1.0, 0.0, 1.0], "pr": [0.0, 0.0, 1.0]}
    return cohort_of(values, clinical=columns)


def saved(variant: str = "", primary: bool = True, target: str = "her2", protocol: str = "crossfit") -> SavedSet:
    """age + Rad, fitted on twelve patients."""
    k = np.arange(12)
    frame = pd.DataFrame({"age": 40.0 + 7 * k % 30, "Rad": np.where(k % 3 == 0, 0.7, 0.2) + 0.02 * (k % 4)})
    model = fit_combined(frame, (k % 2).astype(float), CandidateSet(("age",), ("Rad",)), only_predict=True)
    return SavedSet(target, protocol, variant, primary, model)


def test_a_set_is_named_with_its_variant() -> None:
    assert saved().name == "age + Rad" and saved("before biopsy").name == "age + Rad (before biopsy)"
    assert saved("before biopsy").line == {
        "target": "her2", "protocol": "crossfit", "variant": "before biopsy", "set": "age + Rad (before biopsy)",
    }  # fmt: skip


def test_patients_without_a_signature_are_not_complete() -> None:
    frame = pd.DataFrame({"age": [1.0, NAN, 3.0], "Rad": [0.2, 0.3, NAN]}, index=["A", "B", "C"])
    assert saved().complete(frame).index.tolist() == ["A", "B"]
    assert saved().complete(frame[["Rad"]]).index.tolist() == ["A", "B"]
    assert len(saved().complete(frame.drop(columns="Rad"))) == 0


def test_chosen_probabilities_alone_are_combined() -> None:
    rad = pd.concat([predictions_of({"A": 0.2}), predictions_of({"A": 0.9}, algorithm="lightgbm")])
    per_cent = predictions_of({"A": 30.0}, target="ki67", kind="per_cent")
    found = chosen_signatures([rad, per_cent, predictions_of({"B": 0.4}, model="DL")])
    assert found[["model", "patient_id", "value"]].to_numpy().tolist() == [["Rad", "A", 0.2], ["DL", "B", 0.4]]
    assert chosen_signatures([per_cent, rad.iloc[1:]]).empty and chosen_signatures([]).empty


def signatures() -> pd.DataFrame:
    """Rad under two protocols, Clinical with a variant, one of another target, one of Combined itself."""
    return signature(
        pd.concat(
            [
                predictions_of({"A": 0.1, "C": 0.3}), predictions_of({"B": 0.2}, side="test"),
                predictions_of({"A": 0.9}, protocol="paper"), predictions_of({"A": 0.8}, target="er"),
                predictions_of({"A": 0.5}, model="Clinical"),
                predictions_of({"A": 0.6, "B": 0.7}, model="Clinical", variant="before biopsy"),
                predictions_of({"A": 0.4}, model="Combined"),
            ]
        )
    )  # fmt: skip


def test_a_frame_holds_clinical_values_and_the_protocols_own_signatures() -> None:
    frame = combined_frame(tables(), signatures(), "her2", "crossfit", "")
    assert frame.columns.tolist() == ["age", "er", "pr", "Clinical", "Rad"] and frame.index.tolist() == ["A", "B", "C"]
    assert frame["Rad"].tolist() == [0.1, 0.2, 0.3]
    assert frame["Clinical"].iloc[0] == 0.5 and frame["Clinical"].iloc[1:].isna().all()
    assert combined_frame(tables(), signatures(), "her2", "paper", "")["Rad"].iloc[0] == 0.9


def test_a_model_without_the_variant_enters_as_it_is() -> None:
    frame = combined_frame(tables(), signatures(), "her2", "crossfit", "before biopsy")
    assert frame["Clinical"].tolist()[:2] == [0.6, 0.7] and frame["Rad"].tolist() == [0.1, 0.2, 0.3]


def test_without_signatures_a_frame_is_clinical() -> None:
    assert combined_frame(tables(), pd.DataFrame(), "her2", "crossfit", "").columns.tolist() == ["age", "er", "pr"]


def sets(names: list[str], biopsy_free: bool = False, columns: tuple[Column, ...] = COLUMNS, **combine: Any) -> list:
    run = HandRun(settings={"combine": combine}, models=(ModelSpec("Toy", "a toy", of_images=True),))
    frame = pd.DataFrame(0.5, index=["A"], columns=names)
    return [one.name for one in candidate_sets(run, tables(columns), frame, biopsy_free)]


def test_the_primary_set_is_the_pre_named_one() -> None:
    """DLR is the image signature where it is there; named ones stand before it; a pipeline's own model counts."""
    both = ["Clinical", "Rad", "DLR"]
    assert sets(both, variables=["er", "age", "weight"]) == ["er, age + DLR", "Clinical + DLR", "er, age + Rad",
                                                             "Clinical + Rad"]  # fmt: skip
    assert sets(both, variables=["er"], signature="Rad")[0] == "er + Rad"
    assert sets(["Clinical", "Rad", "DL"])[0] == "Clinical + Rad"
    assert sets(["Clinical", "Toy"]) == ["Clinical + Toy"]
    assert sets(["Rad"]) == [] and sets(["Clinical"]) == []


def test_before_biopsy_only_what_is_known_then_may_enter() -> None:
    assert sets(["Clinical", "Rad"], biopsy_free=True, variables=["er", "age"]) == ["age + Rad", "Clinical + Rad"]
    assert sets(["Clinical", "Rad"], biopsy_free=True, columns=COLUMNS[1:]) == [], "nothing is known then"
    assert sets(["Clinical", "Rad"], columns=COLUMNS[1:]) == ["Clinical + Rad"]


def test_the_image_signature_is_as_named_else_dlr_else_rad() -> None:
    assert image_signature("auto", ["Rad", "DLR"]) == "DLR" and image_signature("auto", ["Rad"]) == "Rad"
    assert image_signature("DL", ["Rad", "DLR"]) == "DL"


def test_a_missing_half_is_named() -> None:
    run = HandRun(models=(ModelSpec("Toy", "a toy", of_images=True),))
    frame = pd.DataFrame({"age": [1.0], "Clinical": [0.5]})
    assert why_no_set(run, frame, "her2") == "her2: there is no image signature, so the Combined model is absent"
    said = why_no_set(run, frame.assign(Toy=0.5, Rad=0.5), "er")
    assert said == "er: there are no clinical columns to combine with Rad, Toy, so the Combined model is absent"


def test_sets_are_read_as_they_were_written(tmp_path: Path) -> None:
    given = [saved(), saved("before biopsy", primary=False, protocol="paper")]
    write_sets(tmp_path, given, ["ki67: in per cent"])
    read = read_sets(tmp_path)
    assert [one.line for one in read] == [one.line for one in given]
    assert [one.primary for one in read] == [True, False]
    frame = pd.DataFrame({"age": [30.0, 70.0], "Rad": [0.9, 0.1]})
    assert (read[0].model.predict(frame) == given[0].model.predict(frame)).all()
    assert '"reasons": [\n  "ki67: in per cent"' in (tmp_path / "combined_model.json").read_text()


@pytest.mark.parametrize("text", [None, "{", "{}", '{"sets": [{}]}', '{"sets": [1]}'])
def test_a_damaged_file_of_sets_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "combined_model.json").write_text(text)
    with pytest.raises(InputError, match=r"combined_model\.json.*cannot be read"):
        read_sets(tmp_path)


def test_inputs_are_those_of_the_sets_own_target_protocol_and_variant(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "Rad": [0.1, 0.2]}, index=["A", "B"])
    lines = [saved(), saved("before biopsy"), saved(target="er"), saved(protocol="paper")]
    write_inputs(tmp_path, [(one, frame + place) for place, one in enumerate(lines)])
    for place, one in enumerate(lines):
        found = combined_inputs(tmp_path, one)
        assert found.index.tolist() == ["A", "B"] and found.columns.tolist() == ["age", "Rad"]
        assert found["age"].tolist() == [1.0 + place, 2.0 + place]
