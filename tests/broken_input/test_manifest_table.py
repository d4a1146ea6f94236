"""Broken tables: each says where, what and how to mend it, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pydantic
import pytest
import small_cohort
from small_cohort import rows

from dlr.cohort import CohortSettings, draw_folds, draw_side, load_cohort, load_feature_table, load_new_cases
from dlr.errors import InputError, Problem
from dlr.words import Target


@pytest.fixture
def broken(tmp_path: Path) -> Callable[..., tuple[Problem, ...]]:
    """Changes a sound table, loads it without images, gives the problems."""

    def load(
        change: Callable[[pd.DataFrame], pd.DataFrame | None] | None = None, **settings: Any
    ) -> tuple[Problem, ...]:
        table = pd.DataFrame(rows())
        changed = change(table) if change else None
        path = tmp_path / "manifest.csv"
        (table if changed is None else changed).to_csv(path, index=False)
        with pytest.raises(InputError) as error:
            load_cohort(path, CohortSettings(**settings), images=False)
        assert all(p.where and p.what and p.mend for p in error.value.problems)
        return error.value.problems

    return load


Broken = Callable[..., tuple[Problem, ...]]


@pytest.mark.parametrize("name", ["image", "mask", "patient_id"])
def test_a_missing_column_is_named_with_the_nearest_header(tmp_path: Path, name: str) -> None:
    pd.DataFrame(rows()).rename(columns={name: f"my_{name}_col"}).to_csv(tmp_path / "m.csv", index=False)
    with pytest.raises(InputError) as error:
        load_cohort(tmp_path / "m.csv", CohortSettings())
    (problem,) = error.value.problems
    assert problem.what == f"no column {name}" and f"my_{name}_col" in problem.mend and "cohort.headers" in problem.mend


def test_an_unknown_target_is_named_with_the_nearest_column(broken: Broken) -> None:
    (problem,) = broken(target="her22")
    assert problem.what == "no target column 'her22'" and "did you mean her2" in problem.mend


def test_a_target_that_is_not_binary_is_told_how_to_become_one(broken: Broken) -> None:
    (problem,) = broken(target="age")
    assert "not binary, it holds 24 different values" in problem.what and "positive_levels" in problem.mend


def test_a_column_of_numbers_is_told_that_it_may_be_a_per_cent(broken: Broken) -> None:
    (problem,) = broken(target="age")
    assert "cohort.target_kinds: {age: per_cent}" in problem.mend


def test_a_single_class_is_refused(broken: Broken) -> None:
    (problem,) = broken(lambda t: t.assign(her2="1"))
    assert "one class only: every patient is positive" in problem.what
    (problem,) = broken(lambda t: t.assign(her2=""))
    assert "no patient has a label" in problem.what


def test_positive_levels_that_no_row_holds(broken: Broken) -> None:
    problems = broken(target="er", positive_levels={"er": ["strong"]})
    assert "names strong, which no row holds" in problems[0].what and "0, 1" in problems[0].mend


def test_an_unknown_value_is_refused_with_its_row_and_the_accepted_ones(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table.loc[2, "er"] = "weak"
        table.loc[5, "age"] = "1950-01-01"

    age, er = broken(change)
    assert er.where == "manifest.csv er" and "'weak'" in er.what and "(row 4)" in er.what and "阳性" in er.mend
    assert "'1950-01-01'" in age.what and "accepted: numbers" in age.mend


def test_a_text_column_must_be_declared(broken: Broken) -> None:
    problem = broken(lambda t: t.assign(shape=["round", "oval"] * 12), clinical=["age", "shape"])[0]
    assert "neither numbers nor yes and no: oval, round" in problem.what and "kind: nominal" in problem.mend


def test_a_duplicate_case_id_is_named_with_its_rows(broken: Broken) -> None:
    (problem,) = broken(lambda t: t.assign(case_id=["a", "a", *map(str, range(22))]))
    assert problem.where == "manifest.csv rows 2, 3" and "'a' stands for several rows" in problem.what


def test_one_row_twice_is_a_duplicate_case(broken: Broken) -> None:
    (problem,) = broken(lambda t: pd.concat([t, t.iloc[:1]]))
    assert "duplicate case: patient 00001" in problem.what and problem.where.endswith("rows 2, 26")


def test_a_row_without_patient_is_named(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table.loc[7, "patient_id"] = ""

    assert "no patient_id in rows 9" in broken(change)[0].what


def test_ids_that_a_spreadsheet_damaged_are_seen(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table.loc[0, "patient_id"] = "1.23E+11"

    assert "that a spreadsheet turned into a number (rows 2)" in broken(change)[0].what


def test_a_patient_on_two_sides_is_named(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table["side"] = ["train", "test"] * 12
        table.loc[1, ["patient_id", "her2", "age", "er"]] = table.loc[0, ["patient_id", "her2", "age", "er"]]

    (problem,) = broken(change)
    assert problem.what == "1 patient is on two sides: 00001"


def test_a_patient_of_two_ages_is_named(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table.loc[2, "patient_id"] = table.loc[0, "patient_id"]

    assert {p.what for p in broken(change)} == {
        "1 patient has several values of age: 00001",
        "1 patient has several values of er: 00001",
    }


def test_unknown_and_half_filled_sides_are_named(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table["side"] = ["train"] * 22 + ["holdout", ""]

    problems = broken(change)
    assert "'holdout' is not understood" in problems[0].what and "train, validation, test, external" in problems[0].mend
    assert "empty in rows 24, 25" in problems[1].what


def test_an_external_cohort_that_does_not_exist(broken: Broken) -> None:
    (problem,) = broken(lambda t: t.assign(cohort="Lyon"), external=["Lion"])
    assert "'Lion' is no value of column cohort" in problem.what and "Lyon" in problem.mend


@pytest.mark.parametrize(("name", "target"), [("her2", "her2"), ("her2_ihc", "her2"), ("hr", "er"), ("er", "hr")])
def test_a_target_is_never_its_own_predictor(broken: Broken, name: str, target: str) -> None:
    def change(table: pd.DataFrame) -> None:
        table["her2_ihc"], table["hr"] = table["her2"].map({"0": "0", "1": "3+"}), table["er"]

    (problem,) = broken(change, target=target, clinical=["age", name])
    assert f"{name!r} is the target {target!r}, or derived from it" in problem.what


def test_a_column_derived_from_the_target_by_settings(broken: Broken) -> None:
    (problem,) = broken(
        lambda t: t.assign(trastuzumab=t["her2"]), clinical=["trastuzumab"], derived={"her2": ["trastuzumab"]}
    )
    assert "derived from it" in problem.what


@pytest.mark.parametrize("name", ["side_of_breast", "view", "lesion_id", "patient_id"])
def test_columns_that_are_never_predictors(broken: Broken, name: str) -> None:
    (problem,) = broken(lambda t: t.assign(side_of_breast="1", view="1", lesion_id="1"), clinical=[name])
    assert "is never a predictor" in problem.what


def test_clinical_and_described_columns_must_exist(broken: Broken) -> None:
    what = [p.what for p in broken(clinical=["agee"], columns={"bmi": {"kind": "numeric"}})]
    assert what == ["no column 'bmi' in manifest.csv", "no column 'agee' in manifest.csv"]


def test_two_headers_of_one_meaning(broken: Broken) -> None:
    (problem,) = broken(lambda t: t.rename(columns={"er": "年龄", "age": "Age"}))
    assert "'Age', '年龄' are all read as age" in problem.what and "cohort.headers" in problem.mend


def test_a_mapped_header_and_mapped_values_must_exist(broken: Broken) -> None:
    (problem,) = broken(headers={"Alter": "age"})
    assert "no header 'Alter'" in problem.what
    (problem,) = broken(values={"pr": {"x": "1"}})
    assert "no column 'pr'" in problem.what


def test_a_label_that_contradicts_its_own_ihc(broken: Broken) -> None:
    (problem,) = broken(lambda t: t.assign(her2_ihc=["3+", *t["her2"].map({"0": "0", "1": "3+"})[1:]]))
    assert "differs from IHC and FISH in rows 2" in problem.what


def test_every_case_excluded(broken: Broken) -> None:
    assert broken(lambda t: t.assign(exclude_reason="all"))[0].what == "every case is excluded"


def test_all_problems_come_at_once(broken: Broken) -> None:
    def change(table: pd.DataFrame) -> None:
        table.loc[2, "er"] = "weak"
        table.loc[3, "her2"] = "perhaps"
        table.loc[4, "age"] = "old"

    assert len(broken(change)) == 3


def load_text(tmp_path: Path, content: bytes, **settings: Any) -> Problem:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError) as error:
        load_cohort(tmp_path / "m.csv", CohortSettings(**settings), images=False)
    return error.value.problems[0]


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    latin = "patient_id,her2,café\na,1,é,\n".encode("latin-1")
    assert load_text(tmp_path, latin).what == "neither UTF-8 nor GB18030 text"
    assert "not ascii text" in load_text(tmp_path, "patient_id,年龄\na,1\n".encode(), encoding="ascii").what
    assert "is no encoding of text" in load_text(tmp_path, b"a,b\n", encoding="utf-88").what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"patient_id,her2\n", "headers, but no rows"),
        (b"patient_id,her2,her2\na,1,1\n", "header 'her2' twice"),
        (b"patient_id,,her2\na,5,1\n", "cells without a header"),
        (b"patient_id,her2\na,1,5\n", "3 cells, but 2 headers"),
        (b'patient_id,her2\n"a,1\nb,0\n', "not a readable CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1aaaa", "an old or password-protected Excel file"),
        (b"PK\x03\x04 no book", "not a readable .xlsx file"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, content: bytes, what: str) -> None:
    assert what in load_text(tmp_path, content).what


def test_no_such_manifest(tmp_path: Path) -> None:
    (tmp_path / "data_manifest.csv").write_text("a\n")
    with pytest.raises(InputError, match=r"did you mean data_manifest.csv\?"):
        load_cohort(tmp_path / "data_manifests.csv", CohortSettings())


def test_a_wrong_sheet_and_no_sheet_where_several_hold_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for page in (book.active, book.create_sheet("patients")):
        page.append(["patient_id", "her2"])
        page.append(["a", 1])
    book.save(tmp_path / "m.xlsx")
    with pytest.raises(InputError, match=r"did you mean 'patients'\? its sheets are: Sheet, patients"):
        load_cohort(tmp_path / "m.xlsx", CohortSettings(sheet="patient"), images=False)
    with pytest.raises(InputError, match=r"2 sheets hold cells: Sheet, patients\. .*: --set cohort.sheet=NAME"):
        load_cohort(tmp_path / "m.xlsx", CohortSettings(), images=False)
    for read in (lambda: load_feature_table(tmp_path / "m.xlsx"),
                 lambda: load_new_cases(tmp_path / "m.xlsx", CohortSettings(), (), images=False)):  # fmt: skip
        with pytest.raises(InputError, match=r"2 sheets hold cells: Sheet, patients\. save .* as CSV"):
            read()
    (tmp_path / "n.csv").write_text("patient_id,her2\na,1\nb,0\n")
    with pytest.raises(InputError, match=r"--set cohort.clinical_sheet=NAME"):
        load_cohort(tmp_path / "n.csv", CohortSettings(clinical_table="m.xlsx"), images=False)
    (tmp_path / "m.csv").write_text("patient_id,her2\na,1\n")
    with pytest.raises(InputError, match="this is a text file"):
        load_cohort(tmp_path / "m.csv", CohortSettings(sheet="x"), images=False)


def test_a_join_that_does_not_match_prints_both_lists_and_the_nearest(tmp_path: Path) -> None:
    table = pd.DataFrame(rows())
    table[["patient_id", "image", "mask"]].to_csv(tmp_path / "manifest.csv", index=False)
    clinical = table[["patient_id", "her2", "age"]]
    clinical.loc[0, "patient_id"] = "1"  # as a spreadsheet writes 00001
    clinical.loc[1, "patient_id"] = "A-77"
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    with pytest.raises(InputError) as error:
        load_cohort(tmp_path / "manifest.csv", CohortSettings(clinical_table="clinical.csv"), images=False)
    ours, theirs = error.value.problems
    assert ours.what.startswith("2 of 24 patients are not in clinical.csv: 00001 (nearest: 1), 00002")
    assert theirs.what.startswith("2 of 24 patients are not in manifest.csv: 1 (nearest: 00001), A-77")


def test_a_clinical_table_with_two_differing_rows_or_clashing_columns(tmp_path: Path) -> None:
    table = pd.DataFrame(rows())
    table.drop(columns="age").to_csv(tmp_path / "manifest.csv", index=False)
    clinical = pd.concat([table, table.iloc[:1].assign(age="99")])[["patient_id", "age"]]
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    settings = CohortSettings(clinical_table="clinical.csv")
    with pytest.raises(InputError, match="several rows that differ for patients 00001"):
        load_cohort(tmp_path / "manifest.csv", settings, images=False)
    table[["patient_id", "er"]].assign(er="1").to_csv(tmp_path / "clinical.csv", index=False)
    with pytest.raises(InputError, match="column er differs between the tables"):
        load_cohort(tmp_path / "manifest.csv", settings, images=False)
    table[["age"]].to_csv(tmp_path / "clinical.csv", index=False)
    with pytest.raises(InputError, match="no column patient_id"):
        load_cohort(tmp_path / "manifest.csv", settings, images=False)


def test_too_few_patients_of_a_class_for_the_folds(tmp_path: Path) -> None:
    table = pd.DataFrame(rows())
    table["her2"] = ["1"] * 4 + ["0"] * 20
    table.to_csv(tmp_path / "manifest.csv", index=False)
    made = load_cohort(tmp_path / "manifest.csv", CohortSettings(), images=False).table
    made["side"] = draw_side(made, [Target("her2")], seed=1)
    with pytest.raises(InputError, match="positive patients on the training side, but 5 folds") as error:
        draw_folds(made, [Target("her2")], seed=1, folds=5)
    assert "lower learn.folds" in error.value.problems[0].mend


@pytest.mark.parametrize(
    "settings",
    [
        {"targets": "her2"},
        {"columns": {"age": {"type": "numeric"}}},
        {"geometry_tolerance": 1000.0},
        {"lesion_policy": "all"},
        {"test_share": 1.5},
        {"target": []},
        {"target": ["her2", "her2"]},
    ],
    ids=str,
)
def test_unknown_settings_and_silly_values_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        CohortSettings.model_validate(settings)


def test_a_new_patients_table_without_images_column_stops(tmp_path: Path) -> None:
    path = small_cohort.write(tmp_path, [{"patient_id": "a"}], files=False)
    with pytest.raises(InputError, match="no column image"):
        load_cohort(path, CohortSettings())
