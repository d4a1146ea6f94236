"""The cohort as later stages read it: labels, sides, clinical columns, the cases of networks, older files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlr.cohort import Column
from dlr.errors import InputError
from dlr.study.cohort import CohortTables, binary_words, clinical_values, read_cohort
from dlr.words import Available, Side, Target, TargetKind
from tests.study.hand_made import HER2, KI67, cohort_of, folds_of, write_cohort

NAN = float("nan")
COLUMNS = (
    Column("age", "numeric"),
    Column("cea", "numeric", available=Available.BLOOD),
    Column("er", "binary", levels=("negative", "positive"), available=Available.BIOPSY),
    Column("stage", "nominal", levels=("I", "II"), available=Available.SURGERY),
)


def mixed(blank: str | None = None) -> CohortTables:
    """B has two cases; C and D lack a label each; the stage of A and C is not known."""
    return cohort_of(
        {
            "patient_id": ["B", "B", "A", "C", "D"], "case_id": ["B1", "B2", "A1", "C1", "D1"],
            "side": ["train", "train", "test", "train", "external"], "image": ["b1", "b2", "a1", "c1", ""],
            "her2": [1.0, 1.0, 0.0, NAN, 1.0], "ki67": [12.5, 12.5, 0.0, 40.0, NAN],
            "age": [50.0, 50.0, 61.0, NAN, 33.0], "cea": [1.0, 1.0, 2.0, 3.0, 4.0], "er": [1.0, 1.0, 0.0, 1.0, NAN],
            "stage": ["I", "I", blank, None, "II"],
        },
        targets=(HER2, KI67), clinical=COLUMNS, sizes={"B1": 2.0, "B2": 4.0, "A1": 1.0, "C1": 1.0},
    )  # fmt: skip


def test_a_patient_is_its_first_case_in_the_order_of_the_manifest() -> None:
    tables = mixed()
    assert tables.patients.index.tolist() == ["B", "A", "C", "D"]
    assert tables.patients["case_id"].tolist() == ["B1", "A1", "C1", "D1"]
    assert tables.sides.to_dict() == {"B": "train", "A": "test", "C": "train", "D": "external"}
    assert tables.ids(Side.TRAIN) == ["B", "C"] and tables.ids(Side.VALIDATION) == []


def test_labels_are_whole_of_two_classes_and_numbers_of_a_per_cent_known_patients_only() -> None:
    tables = mixed()
    binary, per_cent = tables.labels(HER2), tables.labels("ki67")
    assert binary.to_dict() == {"B": 1, "A": 0, "D": 1} and binary.dtype.kind == "i"
    assert per_cent.to_dict() == {"B": 12.5, "A": 0.0, "C": 40.0} and per_cent.dtype.kind == "f"
    assert tables.binary_targets == (HER2,)


def test_before_biopsy_only_imaging_and_blood_are_known() -> None:
    assert mixed().clinical(before_biopsy=True).columns.tolist() == ["age", "cea"]
    assert mixed().clinical().columns[:3].tolist() == ["age", "cea", "er"]
    assert mixed().encode(COLUMNS[:1])["age"].tolist()[:2] == [50.0, 61.0]


def test_clinical_values_are_numbers_and_a_nominal_one_stays_text() -> None:
    tables = mixed(blank="")
    values = clinical_values(tables, [COLUMNS[3], COLUMNS[2], COLUMNS[0]])
    assert values.columns.tolist() == ["stage", "er", "age"]
    assert values.index.tolist() == ["B", "A", "C", "D"]
    assert values["er"].tolist()[:3] == [1.0, 0.0, 1.0] and np.isnan(values["er"].iloc[3])
    assert values["stage"].iloc[0] == "I" and values["stage"].iloc[3] == "II"
    assert values["stage"].isna().tolist() == [False, True, True, False], "blank and absent are both missing"


def test_a_network_sees_the_largest_roi_or_every_case_with_an_image() -> None:
    tables = mixed()
    assert [row.case_id for row in tables.rows_for_networks("largest_roi")] == ["B2", "A1", "C1"]
    assert [row.case_id for row in tables.rows_for_networks("mean_feature")] == ["B1", "B2", "A1", "C1"]
    assert tables.rows_for_networks("mean_probability")[0].image == "b1"


def test_a_binary_columns_words_are_its_levels_or_no_and_yes() -> None:
    assert binary_words(COLUMNS[2]) == ("negative", "positive")
    assert binary_words(Column("menopause", "binary")) == ("no", "yes")


def written(folder: Path, targets: list[Any]) -> Path:
    """The outputs of stage cohort, of three cases of which one is excluded; its targets as they are given."""
    values = {"patient_id": ["A", "B", "C"], "excluded": ["", "no outline", ""], "her2": [1.0, 0.0, 0.0]}
    folds = folds_of("crossfit", {"A": 0, "C": 1})
    tables = replace(cohort_of(values, clinical=COLUMNS, folds=folds, sizes={"A": 4.5}), kind="still")
    file = write_cohort(folder, tables) / "columns.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"targets": targets}))
    return folder


def test_what_stage_cohort_left_is_read_without_excluded_cases(tmp_path: Path) -> None:
    entry = {"name": "ki67", "kind": "per_cent", "derived_from": ["ihc"]}
    tables = read_cohort(written(tmp_path, [{"name": "her2", "kind": "binary", "derived_from": []}, entry]))
    assert tables.cases["patient_id"].tolist() == ["A", "C"] and tables.cases.index.tolist() == [0, 1]
    assert tables.targets == (HER2, Target("ki67", TargetKind.PER_CENT, ("ihc",)))
    assert tables.facts.loc["A", "roi_size"] == 4.5 and tables.kind == "still" and tables.columns == COLUMNS
    assert tables.folds["fold"].tolist() == [0, 1]


def test_targets_of_an_older_release_are_of_two_classes(tmp_path: Path) -> None:
    assert read_cohort(written(tmp_path, ["her2", "er"])).targets == (Target("her2"), Target("er"))


@pytest.mark.parametrize("text", ["{", "{}", '{"targets": 1, "columns": [], "kind": ""}'])
def test_a_damaged_columns_file_is_named(tmp_path: Path, text: str) -> None:
    (written(tmp_path, ["her2"]) / "columns.json").write_text(text)
    with pytest.raises(InputError, match=r"columns\.json.*cannot be read"):
        read_cohort(tmp_path)
