"""The parts of every protocol of a study, as all stages that learn take them."""

from __future__ import annotations

import pandas as pd

from dlr.protocols import Part, plan
from dlr.words import Protocol, Side

__all__ = ["side_under", "study_parts", "whole_side"]


def study_parts(folds: pd.DataFrame, protocols: list[str], sides: pd.Series) -> tuple[Part, ...]:
    """The parts of all protocols in order; of nested the outer ones, as a signature alone needs no inner chains."""
    parts: list[Part] = []
    for protocol in protocols:
        parts += _outer(folds, sides) if protocol == Protocol.NESTED else plan(folds, protocol, sides)
    return tuple(parts)


def whole_side(sides: pd.Series) -> Part:
    """The part that is fitted on the whole training side, whatever protocols a study asks for."""
    return plan(pd.DataFrame(), Protocol.PAPER, sides)[0]


def side_under(protocol: str, side: str) -> str:
    """Where every patient is held out once, the study's own are test patients; external and new ones stay so."""
    once = protocol in (Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT)
    return Side.TEST.value if once and side in (Side.TRAIN, Side.VALIDATION, Side.TEST) else side


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
