"""The tables behind the curves of a report, each of every signature where it is valid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from dlr import stats
from dlr.study.cutoffs import Cutoffs
from dlr.study.measures import Evaluated
from dlr.tables import CALIBRATION, DECISION, HISTOGRAM, PER_CENT, PR, ROC, Table
from dlr.words import Role

__all__ = [
    "calibration_table", "decision_table", "histogram_table", "per_cent_table", "precision_recall_table", "roc_table",
]  # fmt: skip

ENOUGH_FOR_A_CURVE = 100  # patients of the rarer class from which a flexible calibration curve is drawn
IN_A_GROUP = 15  # patients of a calibration plot's group at least; of these ten at most


def roc_table(signatures: Sequence[Evaluated]) -> pd.DataFrame:
    """ROC of every signature."""
    return _together(ROC, signatures, lambda one: stats.roc_curve(one.positive, one.probability))


def precision_recall_table(signatures: Sequence[Evaluated]) -> pd.DataFrame:
    """Precision and recall of every signature."""
    return _together(PR, signatures, lambda one: stats.pr_curve(one.positive, one.probability))


def calibration_table(signatures: Sequence[Evaluated]) -> pd.DataFrame:
    """Grouped points, and a flexible curve where there are patients enough; never of apparent values."""

    def curve(one: Evaluated) -> pd.DataFrame:
        count = min(10, max(1, len(one.patients) // IN_A_GROUP))
        groups = stats.calibration_groups(one.positive, one.probability, count).assign(kind="group")
        if one.smallest_group < ENOUGH_FOR_A_CURVE:
            return groups
        flexible = stats.flexible_curve(one.positive, one.probability)
        return pd.concat([groups, flexible.assign(kind="curve", n=len(one.patients))], ignore_index=True)

    return _together(CALIBRATION, _honest(signatures), curve)


def decision_table(signatures: Sequence[Evaluated], target_prevalence: float | None, band: bool) -> pd.DataFrame:
    """Net benefit over all thresholds; never of apparent values."""

    def curve(one: Evaluated) -> pd.DataFrame:
        return stats.decision_curve(one.positive, one.probability, target_prevalence=target_prevalence, band=band)

    return _together(DECISION, _honest(signatures), curve)


def histogram_table(signatures: Sequence[Evaluated], cutoffs: Cutoffs) -> pd.DataFrame:
    """Each patient's probability with truth and cut-off: the sample prediction histogram."""

    def rows(one: Evaluated) -> pd.DataFrame:
        own = {"patient_id": one.patients, "probability": one.probability, "positive": one.positive.astype(int)}
        return pd.DataFrame(own).assign(cutoff=cutoffs.of(one))

    return _together(HISTOGRAM, signatures, rows)


def per_cent_table(signatures: Sequence[Evaluated]) -> pd.DataFrame:
    """Each patient's predicted and true per cent."""

    def rows(one: Evaluated) -> pd.DataFrame:
        return pd.DataFrame({"patient_id": one.patients, "predicted": one.value, "observed": one.truth})

    return _together(PER_CENT, [one for one in signatures if not one.target.binary], rows)


def _honest(signatures: Sequence[Evaluated]) -> list[Evaluated]:
    return [one for one in signatures if one.role != Role.APPARENT]


def _together(
    table: Table, signatures: Sequence[Evaluated], curve: Callable[[Evaluated], pd.DataFrame]
) -> pd.DataFrame:
    """A curve of every signature with the signature's names; columns that a curve has not are undefined."""
    parts = [curve(one).assign(**one.names, role=one.role) for one in signatures]
    if not parts:
        return table.empty()
    return pd.concat(parts, ignore_index=True).reindex(columns=list(table.names))
