"""Targets: of which kind each is, how its cells are read, what never predicts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pydantic
import pytest
from small_cohort import rows

from dlr.cohort import Cohort, CohortSettings, load_cohort, targets_of
from dlr.errors import InputError, Problem
from dlr.words import Target, TargetKind

Load = Callable[..., Cohort]
KI67 = ["5", "12,5 %", "<1", ">90", "", "30%", "0", "100"] * 3


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the small cohort's table, with columns added or replaced, without images."""

    def from_columns(columns: dict[str, list[str]] | None = None, **settings: Any) -> Cohort:
        table = pd.DataFrame(rows()).assign(**(columns or {}))
        table.to_csv(tmp_path / "manifest.csv", index=False)
        return load_cohort(tmp_path / "manifest.csv", CohortSettings(**settings), images=False)

    return from_columns


def problems(load: Load, columns: dict[str, list[str]], **settings: Any) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as error:
        load(columns, **settings)
    return error.value.problems


def kinds(**settings: Any) -> dict[str, TargetKind]:
    return {target.name: target.kind for target in targets_of(CohortSettings(**settings))}


def test_ki67_is_a_per_cent_and_all_else_binary_unless_settings_say_otherwise() -> None:
    assert kinds(target=["ki67", "er"]) == {"ki67": "per_cent", "er": "binary"}
    assert kinds(target="Ki-67 (%)") == {"Ki-67 (%)": "per_cent"}
    assert kinds(target="ki67", target_kinds={"ki67": "binary"}) == {"ki67": "binary"}
    assert kinds(target="ki67", positive_levels={"ki67": ["high"]}) == {"ki67": "binary"}
    assert kinds(target="tils", target_kinds={"tils": "per_cent"}) == {"tils": "per_cent"}


def test_a_target_with_positive_levels_is_no_per_cent() -> None:
    with pytest.raises(pydantic.ValidationError, match="exclude each other for ki67"):
        CohortSettings(target="ki67", positive_levels={"ki67": [30]}, target_kinds={"ki67": "per_cent"})


def test_a_target_knows_what_it_shares_an_origin_with() -> None:
    settings = CohortSettings(target=["her2", "hr", "Ki-67"], derived={"hr": ["luminal", "er"]})
    assert targets_of(settings) == (
        Target("her2", derived_from=("her2_ihc", "her2_fish", "subtype")),
        Target("hr", derived_from=("er", "pr", "subtype", "luminal")),
        Target("Ki-67", TargetKind.PER_CENT, derived_from=("ki67", "subtype")),
    )


def test_per_cents_are_read_as_any_number_is(load: Load) -> None:
    cohort = load({"ki67": KI67}, target=["her2", "ki67"])
    values = cohort.table["ki67"]
    assert values[:8].fillna(-1).tolist() == [5.0, 12.5, 1.0, 90.0, -1.0, 30.0, 0.0, 100.0]
    assert values.dtype == float and cohort.targets[1] == Target("ki67", TargetKind.PER_CENT, ("subtype",))
    assert load({"ki67": KI67}, target="ki67", below_limit="half").table["ki67"][2] == 0.5


def test_labels_may_be_missing_for_each_target_apart(load: Load) -> None:
    cohort = load({"ki67": KI67, "her2": [*["0", "1", ""] * 8]}, target=["her2", "ki67"])
    known = cohort.table[["her2", "ki67"]].notna()
    assert known["her2"].sum() == 16 and known["ki67"].sum() == 21 and (known.sum(axis=1) == 0).any()
    steps = cohort.flow.set_index("step")["patients"]
    assert steps["her2 not known"] == 8 and steps["ki67 not known"] == 3


def test_a_per_cent_of_the_clinical_table_is_read_with_that_tables_decimal_comma(tmp_path: Path) -> None:
    pd.DataFrame(rows()).to_csv(tmp_path / "manifest.csv", index=False)
    second = pd.DataFrame({"patient_id": [r["patient_id"] for r in rows()], "ki67": ["10,125", "20,5"] * 12})
    second.to_csv(tmp_path / "second.csv", index=False, sep=";")
    cohort = load_cohort(
        tmp_path / "manifest.csv", CohortSettings(target="ki67", clinical_table="second.csv"), images=False
    )
    assert cohort.table["ki67"].tolist()[:2] == [10.125, 20.5]


@pytest.mark.parametrize("cells", [["0", "1"], ["1", "1.0"], ["pos", "neg"], ["+", ""]])
def test_yes_and_no_are_no_per_cents(load: Load, cells: list[str]) -> None:
    (problem,) = problems(load, {"ki67": cells * 12}, target="ki67")
    assert "alone: no per cents" in problem.what and "cohort.target_kinds: {ki67: binary}" in problem.mend
    assert problem.where == "manifest.csv ki67"


def test_words_are_no_per_cents(load: Load) -> None:
    (problem,) = problems(load, {"ki67": ["low", "20"] * 12}, target="ki67")
    assert "'low' is not understood (rows 2, 4" in problem.what and "cohort.values.ki67" in problem.mend


@pytest.mark.parametrize(("cells", "rows_named"), [(["5", "101"], "3, 5"), (["-0.5", "7"], "2, 4")])
def test_per_cents_outside_0_to_100_are_named_with_their_rows(load: Load, cells: list[str], rows_named: str) -> None:
    (problem,) = problems(load, {"ki67": cells * 2 + ["9"] * 20}, target="ki67")
    assert f"outside 0 to 100 in rows {rows_named}: " in problem.what and "cohort.target_kinds" in problem.mend
    assert load({"ki67": ["0", "100"] * 12}, target="ki67").table["ki67"].max() == 100


def test_shares_are_not_taken_for_per_cents(load: Load) -> None:
    (problem,) = problems(load, {"ki67": ["0.3", "0.05", "1"] * 8}, target="ki67")
    assert "the highest is 1: shares?" in problem.what and "30 for 0.3" in problem.mend
    assert load({"ki67": ["0.3", "0.05", "1.1"] * 8}, target="ki67").table["ki67"].max() == 1.1
    assert load({"ki67": ["0.3 %", "1 %"] * 12}, target="ki67").table["ki67"].max() == 1


def test_a_per_cent_that_is_the_same_for_all_is_refused(load: Load) -> None:
    (problem,) = problems(load, {"ki67": ["20"] * 24}, target="ki67")
    assert problem.what == "one value only: 20 for every patient" and "cohort.target_kinds" in problem.mend
    (problem,) = problems(load, {"ki67": [""] * 24}, target="ki67")
    assert problem.what == "no patient has a label"


def test_cells_of_a_patient_must_agree_on_a_per_cent(load: Load) -> None:
    (problem,) = problems(load, {"ki67": ["20", "30"] * 12, "patient_id": ["a"] * 2 + list("bcdefghijklmnopqrstuvw")},
                          target="ki67", clinical=None)  # fmt: skip
    assert problem.what == "1 patient has several values of ki67: a"


def test_no_target_and_nothing_derived_from_one_is_a_clinical_predictor(load: Load) -> None:
    er = [r["er"] for r in rows()]
    columns = {"pr": er, "hr": er, "ki67": KI67, "her2_ihc": ["0", "3+"] * 12, "subtype": er}
    cohort = load(columns, target=["er", "her2", "ki67"], derived={"er": ["pr"]})
    assert [c.name for c in cohort.columns] == ["age"]


def test_another_spelling_of_a_derived_column_predicts_no_more_than_the_column(load: Load) -> None:
    assays = ["0", "3+"] * 12
    (problem,) = problems(load, {"her2_ihc": assays, "HER2-IHC": assays}, clinical=["age", "HER2-IHC"])
    assert "'HER2-IHC' is the target 'her2', or derived from it" in problem.what


def test_settings_that_name_no_target_are_said_to_have_no_effect(load: Load) -> None:
    cohort = load(target_kinds={"ki67": "per_cent"}, positive_levels={"er": [1]}, derived={"pr": ["x"]})
    said = cohort.notes[cohort.notes["what"].str.contains("is no target of this study")]
    assert said["where"].tolist() == ["cohort.target_kinds", "cohort.positive_levels", "cohort.derived"]
    assert said["what"].tolist()[0] == "ki67 is no target of this study: not used"


PR_OF_ONE_CLASS = {"pr": ["1"] * 24}


@pytest.mark.parametrize(
    ("columns", "where", "what"),
    [
        ({}, "manifest.csv headers", "no target column 'pr'"),
        (PR_OF_ONE_CLASS, "manifest.csv pr", "one class only: every patient is positive"),
        ({"pr": [""] * 24}, "manifest.csv pr", "no patient has a label"),
    ],
)
def test_one_of_several_targets_leaves_with_a_note(
    load: Load, columns: dict[str, list[str]], where: str, what: str
) -> None:
    cohort = load(columns, target=["er", "pr", "her2"])
    assert [target.name for target in cohort.targets] == ["er", "her2"] and "pr" not in cohort.table
    assert [f"{what}: the study goes on without it", f"{what}; the study goes on without it"].count(
        cohort.notes.set_index("where").at[where, "what"]
    ) == 1
    assert not any("pr" in step for step in cohort.flow["step"])
    assert all("pr" in target.derived_from for target in cohort.targets), "a column of that name predicts nothing"


def test_a_per_cent_that_is_the_same_for_all_leaves_too(load: Load) -> None:
    cohort = load({"ki67": ["20"] * 24}, target=["her2", "ki67"])
    assert [target.name for target in cohort.targets] == ["her2"] and "ki67" not in cohort.table
    assert "one value only: 20 for every patient; the study goes on without it" in set(cohort.notes["what"])


def test_a_per_cent_known_for_few_stays_until_the_sides_are_drawn(load: Load) -> None:
    few = {"ki67": [str(k) for k in range(4)] + [""] * 20}
    assert [target.name for target in load(few, target=["her2", "ki67"]).targets] == ["her2", "ki67"]


def test_the_single_target_and_a_slip_of_the_pen_are_refused(load: Load) -> None:
    (problem,) = problems(load, {}, target=["pr"])
    assert problem.what == "no target column 'pr'"
    (problem,) = problems(load, {}, target=["er", "her22"])
    assert problem.what == "no target column 'her22'" and "did you mean her2" in problem.mend
    assert [p.what for p in problems(load, PR_OF_ONE_CLASS, target=["pr", "ki67"])] == [
        "one class only: every patient is positive"
    ]
    assert [p.what for p in problems(load, {}, target=["pr", "ki67"])] == [
        "no target column 'pr'", "no target column 'ki67'",
    ]  # fmt: skip


def test_a_target_of_three_values_stops_the_study_in_one_table_with_all_else(load: Load) -> None:
    found = problems(load, {"pr": ["0", "1", "2"] * 8, "ki67": ["101"] * 24}, target=["er", "pr", "her2", "ki67"])
    assert [p.where for p in found] == ["manifest.csv pr", "manifest.csv ki67"]
    assert "not binary, it holds 3 different values" in found[0].what and "outside 0 to 100" in found[1].what
