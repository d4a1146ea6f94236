"""A row of the cohort as its images go, its measuring as a task, and what the tasks left as one table."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import CohortSettings
from dlr.engine import Task, TaskFailure
from dlr.errors import InputError, Problem
from dlr.radiomics import Measured, load_profile
from dlr.study import engine_comparison, measuring
from dlr.study.cases import CaseRow, CohortFiles, OneCase, rows_of
from dlr.study.engine_comparison import compare_cohort
from dlr.study.features import measuring_tasks, read_measured
from dlr.study.measuring import Measuring, measure_case
from tests.study.hand_made import HandRun


@pytest.mark.parametrize(
    ("given", "spacing"), [(None, None), ("", None), (float("nan"), None), (0.1, 0.1), ("0.2", 0.2)]
)
def test_an_unknown_spacing_is_none(given: Any, spacing: float | None) -> None:
    row = {"case_id": "C1", "patient_id": "P1", "image": "a.png", "mask": None, "pixel_spacing_mm": given}
    assert CaseRow.of(row) == CaseRow("C1", "P1", "a.png", pixel_spacing_mm=spacing)


def test_rows_keep_the_order_and_columns_that_are_not_there_are_blank() -> None:
    table = pd.DataFrame({"case_id": ["C2", "C1"], "patient_id": ["P", "Q"], "image": ["b", "a"], "mask": ["m", ""]})
    assert rows_of(table) == [CaseRow("C2", "P", "b", "m"), CaseRow("C1", "Q", "a")]


def test_a_cases_key_names_the_files_it_reads() -> None:
    files = CohortFiles(CohortSettings())
    row = CaseRow("C1", "P1", "a.png", "m.png", mask_reader1="r.png", pixel_spacing_mm=0.1)
    key = files.key(row, "mask", lambda path: f"<{Path(path).name}>")
    assert key["files"] == {"image": ["<a.png>"], "mask": ["<m.png>"]}
    assert (key["outline"], key["spacing"]) == ("mask", 0.1)
    assert key["reading"]["kind"] == CohortSettings().kind and "target" not in key["reading"]
    reader = files.key(row, "mask_reader1", lambda path: f"<{Path(path).name}>")
    assert reader["files"] == {"image": ["<a.png>"], "mask": ["<m.png>"], "mask_reader1": ["<r.png>"]}
    blank = files.key(CaseRow("C1", "P1", "a.png"), "mask", lambda path: "")
    assert set(blank["files"]) == {"image"}


# measuring ----------------------------------------------------------------------------------------------------------

ROWS = [CaseRow("C1", "P1", "a.png"), CaseRow("C2", "P2", "b.png")]


def test_a_case_is_a_task_named_after_it_and_what_is_asked() -> None:
    run, profile = HandRun(), load_profile("ultrasound2d")
    tasks = measuring_tasks(run, CohortFiles(run.settings.cohort), ROWS, profile)  # type: ignore[arg-type]
    assert [task.name for task in tasks] == ["C1", "C2"] and all(task.may_fail for task in tasks)
    assert tasks[0].payload.case.outline == "mask" and tasks[0].payload.perturbation is None
    perturbed = measuring_tasks(run, CohortFiles(run.settings.cohort), ROWS, profile, perturbation="erode", seed=3)  # type: ignore[arg-type]
    assert [task.name for task in perturbed] == ["C1-erode-3", "C2-erode-3"]
    reader = measuring_tasks(run, CohortFiles(run.settings.cohort), ROWS, profile, outline="mask_reader1")  # type: ignore[arg-type]
    assert reader[0].name == "C1-mask_reader1" and reader[0].payload.case.outline == "mask_reader1"


def task_of_case(name: str) -> Task:
    return Task(name, {}, SimpleNamespace(case=SimpleNamespace(row=CaseRow(name, "P", "a.png"))))


def test_what_the_tasks_left_is_one_table_and_failures_are_named(tmp_path: Path) -> None:
    record = {"values": {"b": 2.0, "a": 1.0}, "missing": {"c": "no such level"}, "notes": ["one slice"]}
    (tmp_path / "values.json").write_text(json.dumps(record))
    failure = TaskFailure("C2", (problem := Problem("b.png", "no ROI", "outline it")), (problem,), False)
    tasks = [task_of_case("C1"), task_of_case("C2")]
    table, missing, notes = read_measured(tasks, [tmp_path, failure], ["a", "b", "c"])
    assert table.index.tolist() == ["C1"] and table.loc["C1", ["a", "b"]].tolist() == [1.0, 2.0]
    assert np.isnan(table.loc["C1", "c"])
    assert missing.to_numpy().tolist() == [["C1", "c", "no such level"], ["C2", "all", "no ROI"]]
    assert notes == ["case C1: one slice", "case C2 is left out: no ROI. outline it"]
    with pytest.raises(InputError, match=r"case C2, b\.png: no ROI"):
        read_measured(tasks[1:], [failure], ["a"])


def test_a_perturbed_outline_is_measured_in_place_of_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((1, 60, 60), dtype=bool)
    mask[0, 10:50, 10:50] = True
    image = SimpleNamespace(array=np.zeros((1, 60, 60)), spacing=(1.0, 1.0, 1.0))
    case = SimpleNamespace(read=lambda: SimpleNamespace(case_id="C1", image=image, mask=mask))
    seen = []

    def measured(image: Any, roi: np.ndarray, profile: Any, engine: str) -> Measured:
        seen.append(roi)
        return Measured({"a": 1.0}, {}, ("a note",))

    monkeypatch.setattr(measuring, "measure", measured)
    for asked in (None, "erode"):
        payload = Measuring(case, None, "native", "1", asked, None if asked is None else 3)  # type: ignore[arg-type]
        measure_case(Task("C1", {}, payload), tmp_path)
    assert seen[0] is mask and 0 < seen[1].sum() < mask.sum()
    assert json.loads((tmp_path / "values.json").read_text()) == {
        "values": {"a": 1.0},
        "missing": {},
        "notes": ["a note"],
    }
    with pytest.raises(AssertionError):
        measuring.measure_one(Measuring(case, None, "native", "1", "erode", None))  # type: ignore[arg-type]


# both engines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "names"), [(1, ["C0"]), (3, ["C0", "C4", "C8"]), (99, [f"C{k}" for k in range(9)])])
def test_cases_are_spread_over_those_that_have_an_image(
    monkeypatch: pytest.MonkeyPatch, number: int, names: list[str]
) -> None:
    rows = [("C0", "", "a"), ("cX", "excluded", "a"), ("cY", "", ""), *[(f"C{k}", "", "a") for k in range(1, 9)]]
    table = pd.DataFrame(rows, columns=["case_id", "excluded", "image"]).assign(patient_id="P", mask="m")
    assert compared(monkeypatch, table, number) == names


def compared(monkeypatch: pytest.MonkeyPatch, table: pd.DataFrame, number: int, bad: Any = ()) -> list[str]:
    """The cases that both engines are given."""
    cohort = SimpleNamespace(table=table, bad=pd.DataFrame(bad, columns=["where", "what", "mend"]))
    image = SimpleNamespace(array=np.zeros((1, 2, 2), np.uint8), spacing=(1.0, 1.0, 1.0))
    source = SimpleNamespace(read=lambda row: SimpleNamespace(case_id=row.case_id, image=image, mask=None))
    given: list[Any] = []
    for name, value in (
        ("load_new_cases", lambda *ignored: cohort), ("engine", lambda name: name), ("load_profile", lambda name: name),
        ("source_of", lambda settings: source),
        ("compare_engines", lambda rois, *more: given.append((list(rois), more))),
    ):  # fmt: skip
        monkeypatch.setattr(engine_comparison, name, value)
    settings = SimpleNamespace(cohort=None, radiomics=SimpleNamespace(profile="hu1561"))
    compare_cohort(Path("manifest.csv"), settings, number)
    ((rois, more),) = given
    assert more == ("hu1561", "native", "pyradiomics") and {roi.image.dtype for roi in rois} == {np.dtype(float)}
    return [roi.case_id for roi in rois]


def test_nothing_to_compare_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"case_id": ["C1"], "patient_id": ["P"], "excluded": [""], "image": [""]})
    with pytest.raises(InputError, match="0 cases cannot be compared"):
        compare_cohort(Path("m.csv"), None, 0)
    with pytest.raises(InputError, match="names no image"):
        compared(monkeypatch, table, 3)
    with pytest.raises(InputError, match="cannot be read"):
        compared(monkeypatch, table, 3, bad=[("a.png", "cannot be read", "save it again")])


def test_one_case_is_read_by_its_source() -> None:
    source = SimpleNamespace(read=lambda row, outline: (row.case_id, outline))
    assert OneCase(source, ROWS[0], "mask_reader1").read() == ("C1", "mask_reader1")
