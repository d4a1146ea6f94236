"""What learners read of patients with several cases, by the cohort's policy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlr.study.cohort import CohortTables
from dlr.study.frames import PatientFrame, patient_frame
from tests.study.hand_made import cohort_of

CASES = {"patient_id": ["A", "A", "B", "B", "C", "D"], "case_id": ["A1", "A2", "B1", "B2", "C1", "D1"]}
SIZES = {"A1": 3.0, "A2": 5.0, "B1": 7.0, "B2": 7.0, "C1": 1.0, "D1": 9.0}
NAN = float("nan")


@pytest.fixture
def tables() -> CohortTables:
    return cohort_of(CASES, sizes=SIZES)


def features() -> pd.DataFrame:
    """A2 is the larger case; D1 could not be measured; C1 lacks one feature."""
    values = {"x": [1.0, 2.0, 4.0, 8.0, NAN, NAN], "y": [10.0, 30.0, 1.0, 2.0, 7.0, NAN]}
    return pd.DataFrame({"case_id": CASES["case_id"], "patient_id": CASES["patient_id"], **values})


def test_the_largest_roi_stands_for_a_patient_and_of_equals_the_first(tables: CohortTables) -> None:
    frame = patient_frame(features(), tables, "largest_roi")
    assert frame.values.index.tolist() == ["A", "B", "C"]
    assert frame.values.loc["A"].tolist() == [2.0, 30.0]
    assert frame.values.loc["B"].tolist() == [4.0, 1.0], "B1 and B2 are of one size: the first by name"
    assert frame.patient_id.tolist() == ["A", "B", "C"]
    assert frame.values.columns.tolist() == ["x", "y"]


def test_the_largest_roi_is_sought_among_measured_cases(tables: CohortTables) -> None:
    table = features()
    table.loc[1, ["x", "y"]] = NAN
    assert patient_frame(table, tables, "largest_roi").values.loc["A"].tolist() == [1.0, 10.0]


@pytest.mark.parametrize("policy", ["largest_roi", "mean_feature", "mean_probability"])
def test_a_patient_without_one_measured_case_is_not_there(tables: CohortTables, policy: str) -> None:
    frame = patient_frame(features(), tables, policy)
    assert set(frame.patient_id) == {"A", "B", "C"}


def test_mean_feature_is_the_mean_of_a_patients_cases(tables: CohortTables) -> None:
    values = patient_frame(features(), tables, "mean_feature").values
    assert values.loc["A"].tolist() == [1.5, 20.0]
    assert values.loc["B"].tolist() == [6.0, 1.5]
    assert np.isnan(values.loc["C", "x"]) and values.loc["C", "y"] == 7.0


def test_mean_probability_keeps_a_row_a_case(tables: CohortTables) -> None:
    frame = patient_frame(features(), tables, "mean_probability")
    assert frame.values.index.tolist() == ["A1", "A2", "B1", "B2", "C1"]
    assert frame.patient_id.tolist() == ["A", "A", "B", "B", "C"]
    assert frame.values.columns.tolist() == ["x", "y"]


def test_without_images_the_rows_of_a_feature_table_are_averaged() -> None:
    frame = patient_frame(features(), cohort_of(CASES), "largest_roi")
    assert frame.values.loc["A"].tolist() == [1.5, 20.0]


def test_the_rows_of_some_patients_keep_the_frames_order(tables: CohortTables) -> None:
    frame = patient_frame(features(), tables, "mean_probability").of(["C", "A", "nobody"])
    assert frame.values.index.tolist() == ["A1", "A2", "C1"]
    assert frame.patient_id.tolist() == ["A", "A", "C"]


def test_values_of_rows_are_averaged_by_patient_in_the_order_of_first_rows() -> None:
    values = pd.DataFrame({"x": [0.0] * 4}, index=["B1", "A1", "B2", "A2"])
    frame = PatientFrame(values, pd.Series(["B", "A", "B", "A"], index=values.index))
    mean = frame.mean_by_patient(np.array([0.2, 0.5, 0.4, 0.9]))
    assert mean.index.tolist() == ["B", "A"]
    assert mean.tolist() == pytest.approx([0.3, 0.7])


def test_a_table_by_patient_is_a_frame_of_itself() -> None:
    values = pd.DataFrame({"x": [1.0, 2.0]}, index=["P1", "P2"])
    frame = PatientFrame.by_patient(values)
    assert frame.patient_id.to_dict() == {"P1": "P1", "P2": "P2"} and frame.values.equals(values)
