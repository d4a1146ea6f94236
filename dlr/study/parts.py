"""The parts of every protocol of a study, as all stages that learn take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from dlr.cohort import learnable, patient_table
from dlr.protocols import Part, plan
from dlr.words import Protocol, Side, Target

__all__ = ["left_out_cohorts", "learnable_parts", "side_under", "study_parts", "whole_side"]


def study_parts(folds: pd.DataFrame, protocols: list[str], sides: pd.Series) -> tuple[Part, ...]:
    """The parts of all protocols in order; of nested the outer ones, as a signature alone needs no inner chains."""
    parts: list[Part] = []
    for protocol in protocols:
        parts += _outer(folds, sides) if protocol == Protocol.NESTED else plan(folds, protocol, sides)
    return tuple(parts)


def learnable_parts(parts: Sequence[Part], target: Target, labels: pd.Series) -> tuple[Part, ...]:
    """The parts whose training patients have what a chain of the target needs.

    labels : 0/1 or per cent by patient_id, patients with a known target. Only a left-out cohort can leave too few;
    stage cohort names these parts (`left_out_cohorts`).
    """
    return tuple(part for part in parts if learnable(target, labels.reindex(list(part.train))))


def left_out_cohorts(table: pd.DataFrame, folds: pd.DataFrame, targets: Sequence[Target]) -> Iterator[tuple[str, str]]:
    """Where and what: targets that cannot be learnt without a cohort, or are known for nobody in it.

    table : COHORT with its sides.  folds : FOLDS. Says nothing of studies without protocol leave_one_cohort_out.
    """
    if not (folds["protocol"] == Protocol.LEAVE_ONE_COHORT_OUT).any():
        return
    patients = patient_table(table)
    for part in plan(folds, Protocol.LEAVE_ONE_COHORT_OUT, patients["side"]):
        name = str(patients.at[part.predict[0], "cohort"]) or "without a name"
        for target in targets:
            where, values = f"{part.protocol}, {target.name}", patients[target.name].astype(float)
            if not learnable(target, values[list(part.train)]):
                yield where, f"not fitted without cohort {name}: too few of the others have a known {target.name}"
            elif values[list(part.predict)].isna().all():
                yield where, f"nobody of cohort {name} has a known {target.name}: predicted there, not judged"


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
