"""The parts of every protocol of a study, as all stages that learn take them."""

from __future__ import annotations

import pandas as pd

from dlr.protocols import Part, plan
from dlr.words import Protocol, Side

__all__ = ["fold_of", "side_under", "study_parts"]


def study_parts(folds: pd.DataFrame, protocols: list[str], sides: pd.Series) -> tuple[Part, ...]:
    """The parts of all protocols in order; of nested the outer ones, as a signature alone needs no inner chains."""
    parts: list[Part] = []
    for protocol in protocols:
        parts += _outer(folds, sides) if protocol == Protocol.NESTED else plan(folds, protocol, sides)
    return tuple(parts)


def fold_of(part: Part) -> int:
    """The fold that a part's predictions are stored under."""
    return part.outer if part.protocol in (Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT) else part.fold


def side_under(protocol: str, side: str) -> str:
    """Where every patient is held out once, training patients are test patients; external ones stay external."""
    once = protocol in (Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT)
    return Side.TEST.value if once and side != Side.EXTERNAL else side


def _outer(folds: pd.DataFrame, sides: pd.Series) -> list[Part]:
    """One part an outer fold and seed: fitted on everybody outside, predicting the fold and the external side."""
    external = tuple(sides.index[sides == Side.EXTERNAL])
    rows = folds[(folds["protocol"] == Protocol.NESTED) & folds["patient_id"].isin(sides.index)]
    parts = []
    for (seed, outer), drawn in rows.groupby(["seed", "outer"], sort=True):
        held_out = drawn["fold"] == -1
        train = tuple(sorted(drawn.loc[~held_out, "patient_id"]))
        predict = tuple(sorted(drawn.loc[held_out, "patient_id"])) + external
        parts.append(Part(Protocol.NESTED.value, int(seed), int(outer), -1, train, predict))
    return parts
