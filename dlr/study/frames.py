"""What a learner reads: rows of a patient or a case, whatever the cohort's policy makes of several cases a patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.cohort import largest_roi_cases
from dlr.study.cohort import CohortTables
from dlr.words import expit

__all__ = ["PatientFrame", "patient_frame", "value_by_patient"]


@dataclass(frozen=True)
class PatientFrame:
    """Rows (a patient, or a case where probabilities are averaged) by columns."""

    values: pd.DataFrame  # float64, indexed by patient_id or case_id
    patient_id: pd.Series  # of every row

    @classmethod
    def by_patient(cls, values: pd.DataFrame) -> PatientFrame:
        """Of a table with a row a patient, indexed by patient_id."""
        return cls(values, pd.Series(values.index, index=values.index))

    def of(self, patients: Sequence[str]) -> PatientFrame:
        """The rows of some patients, in the order of this frame."""
        kept = self.patient_id.isin(set(patients)).to_numpy()
        return PatientFrame(self.values[kept], self.patient_id[kept])

    def mean_by_patient(self, value: np.ndarray) -> pd.Series:
        """The mean of a value over a patient's rows, indexed by patient_id in the order of first rows."""
        return pd.Series(value).groupby(self.patient_id.to_numpy(), sort=False).mean()


def patient_frame(features: pd.DataFrame, tables: CohortTables, policy: str) -> PatientFrame:
    """Rows for learning out of rows a case.

    features : case_id, patient_id and feature columns.  policy : `cohort.per_patient`.
    Patients without one measured case are not in the frame.
    """
    table = features.set_index("case_id")
    names = [column for column in table.columns if column != "patient_id"]
    table = table[table[names].notna().any(axis=1)]
    if policy == "largest_roi" and len(tables.facts):
        measured = tables.cases[tables.cases["case_id"].isin(table.index)]
        largest = largest_roi_cases(measured, tables.facts["roi_size"])
        values = table.loc[largest].set_index("patient_id")[names]
    elif policy == "mean_probability":  # a row a case, averaged after prediction
        return PatientFrame(table[names], table["patient_id"])
    else:  # the mean of a patient's rows; a feature table may hold one row a patient
        values = table.groupby("patient_id", sort=False)[names].mean()
    return PatientFrame.by_patient(values)


def value_by_patient(
    scores: pd.Series,
    patients: Mapping[str, str],
    policy: str,
    value_of: Callable[[np.ndarray], np.ndarray] = expit,
) -> pd.Series:
    """What a network says of every patient from its scores by case, in the order of first cases.

    patients : of every case.  policy : `cohort.per_patient`; mean_probability takes the mean value of a patient's
    cases, the others the value of the mean score (largest_roi has one case a patient).
    value_of : what scores mean; by default they are logits of probabilities.
    """
    owner = np.array([patients[case] for case in scores.index], dtype=object)
    if policy == "mean_probability":
        return pd.Series(value_of(scores.to_numpy()), index=scores.index).groupby(owner, sort=False).mean()
    means = scores.groupby(owner, sort=False).mean()
    return pd.Series(value_of(means.to_numpy()), index=means.index)
