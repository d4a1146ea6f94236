"""New patients before a fitted study: which stages are applied, what each is given, what they may give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dlr.cohort import Column
from dlr.engine import EVERYTHING, Inputs, Pipeline, Study, stage
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings
from dlr.study.application import Application, Applied, NewPatients, applicable, apply_study, read_new_patients
from dlr.study.cases import CaseRow
from dlr.tables import METRICS, OUTSIDE, PREDICTIONS
from tests.study.hand_made import cohort_of, predictions_of, write_cohort


def patients() -> NewPatients:
    return NewPatients(cohort_of({"patient_id": ["N1", "N2"]}), Path("new.csv"), True, pd.DataFrame())


def study(folders: dict[str, Path | None]) -> Study:
    return Study(Path("a study"), "toy", Inputs(Path("manifest.csv")), folders, {}, {})


def pipeline(seen: list[Any]) -> Pipeline:
    """Three stages that can be applied and one that cannot; each writes down what it is given."""

    def make(name: str, **more: Any) -> Any:
        return stage(name, version=1, apply=lambda given: seen.append((name, given)), **more)(lambda run: None)

    stages = [
        make("first", gives=[PREDICTIONS], sections=["evaluate"]),
        stage("fixed", version=1, gives=[PREDICTIONS])(lambda run: None),
        make("absent"),
        make("last", needs=["first"], optional=["absent"], asks=[PREDICTIONS]),
    ]
    return Pipeline(name="toy", stages=stages, settings=StudySettings)


def test_a_table_of_another_form_is_refused_by_column() -> None:
    made = Applied()
    with pytest.raises(ValueError, match=r"predictions\.parquet: column value is missing"):
        made.give(PREDICTIONS, predictions_of({"A": 0.5}).drop(columns="value"))
    assert made.of(PREDICTIONS).empty


def test_what_stages_gave_of_one_table_stands_together() -> None:
    made = Applied()
    assert made.of(METRICS).columns.tolist() == list(METRICS.names) and made.of(METRICS).empty
    made.give(PREDICTIONS, predictions_of({"A": 0.5}))
    made.give(PREDICTIONS, predictions_of({}))
    made.give(PREDICTIONS, predictions_of({"B": 0.6}, model="DL"))
    assert made.of(PREDICTIONS)[["patient_id", "model"]].to_numpy().tolist() == [["A", "Rad"], ["B", "DL"]]
    assert made.of(OUTSIDE).empty


def test_stages_are_applied_in_order_and_those_left_out_are_not() -> None:
    seen: list[tuple[str, Application]] = []
    house = pipeline(seen)
    folders = {"first": Path("1"), "fixed": Path("2"), "absent": None, "last": Path("4")}
    assert [each.name for each in applicable(study(folders), house)] == ["first", "last"]
    made = apply_study(study(folders), house, StudySettings(seed=5), patients())
    assert [name for name, _ in seen] == ["first", "last"]
    (_, first), (_, last) = seen
    assert first.home == Path("1") and last.home == Path("4")
    assert first.made is made is last.made and first.seed == 5 and first.patients.ids == ["N1", "N2"]
    assert (last.needs.first, last.needs.absent, last.needs.fixed) == (Path("1"), None, Path("2"))
    with pytest.raises(AttributeError, match="the needs of stage first does not hold last"):
        _ = first.needs.last
    assert first.settings.evaluate.bootstrap == 10_000
    with pytest.raises(AttributeError):
        _ = last.settings.evaluate


def test_a_stage_that_has_not_run_is_not_applied() -> None:
    assert [each.name for each in applicable(study({"last": Path("4")}), pipeline([]))] == ["last"]


def test_the_first_problem_of_a_case_is_kept() -> None:
    made = Applied()
    given = Application(Path(), None, None, 1, patients(), made)
    row = CaseRow("C1", "N1", "a.png")
    given.cannot(row, Problem("a.png", "no ROI", "outline it"))
    given.cannot(row, Problem("a.png", "too small", "scale it"))
    assert made.problems == {"C1": Problem("a.png", "no ROI", "outline it")}


def test_a_study_without_a_cohort_reads_nobody(tmp_path: Path) -> None:
    for folders in ({}, {"cohort": None}, {"radiomics": tmp_path}):
        with pytest.raises(InputError, match="holds no cohort"):
            read_new_patients(study(folders), StudySettings(), tmp_path / "new.csv")


@pytest.mark.parametrize("features", [None, Path("features.csv")])
def test_new_patients_are_read_as_the_studys_own_were(tmp_path: Path, features: Path | None) -> None:
    """The same columns and targets; excluded rows are nobody; without images of a study none are asked for."""
    age = Column("age", "numeric")
    trained = cohort_of({"patient_id": ["A"], "her2": [1.0], "age": [50.0]}, clinical=(age,))
    home = write_cohort(tmp_path / "cohort", trained)
    manifest = tmp_path / "new.csv"
    manifest.write_text("patient_id,age,image,mask,exclude_reason\nN1,61,no.png,no.png,\nN2,40,,,withdrew\n")
    own = replace(study({"radiomics": tmp_path, "cohort": home}), inputs=Inputs(Path("manifest.csv"), features))
    found = read_new_patients(own, StudySettings(), manifest)
    assert found.holds_features == (features is not None) and found.jobs == 1 and found.table == manifest
    assert found.tables.columns == (age,) and found.tables.targets == trained.targets
    if features is None:
        assert found.ids == [] and set(found.bad["patient_id"]) == {"N1"}, "its image is not there"
    else:
        assert found.ids == ["N1"] and found.bad.empty
        assert found.tables.clinical()["age"].tolist() == [61.0]
    assert read_new_patients(own, StudySettings(), manifest, jobs=3).jobs == 3
    assert NewPatients(trained, manifest, False, found.bad).jobs == 1


def test_a_stage_reads_what_it_asks_for() -> None:
    house = Pipeline(
        name="toy", settings=StudySettings,
        stages=[*pipeline([]).stages, stage("all", version=1, asks=[EVERYTHING])(lambda run: None)],
    )  # fmt: skip
    assert house.sources("last") == ("first", "absent", "fixed")
    assert house.sources("all") == ("first", "fixed", "absent", "last")
