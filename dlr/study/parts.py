"""The parts of every protocol of a study, as all stages that learn take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from dlr.cohort import draw_side, learnable, patient_table, without_others
from dlr.errors import InputError
from dlr.protocols import Part, plan
from dlr.randomness import seed_of
from dlr.words import Protocol, Side, Target

__all__ = [
    "OWN", "SPLIT", "fitted_targets", "learnable_parts", "not_fitted", "random_splits", "side_under", "study_parts",
    "whole_side",
]  # fmt: skip

SPLIT = "split"  # a random split into training and test patients: fitted as a part of cross-fitting
OWN = -1  # the number of the study's own split among them


def study_parts(
    folds: pd.DataFrame, protocols: Sequence[str], sides: pd.Series, inner: bool = False
) -> tuple[Part, ...]:
    """The parts of all protocols in order; of nested the outer ones, as a signature alone needs no inner chains.

    inner : after the outer parts of nested its inner ones too, on which a nested Combined model is built.
    """
    parts: list[Part] = []
    for protocol in protocols:
        if protocol == Protocol.NESTED:
            parts += _outer(folds, sides)
        if protocol != Protocol.NESTED or inner:
            parts += plan(folds, protocol, sides)
    return tuple(parts)


def learnable_parts(parts: Sequence[Part], target: Target, labels: pd.Series) -> tuple[Part, ...]:
    """The parts whose training patients have what a chain of the target needs.

    A per cent is fitted in every fold of a protocol that deals them or in none, none where it is known for fewer than
    three patients a fold. Stage cohort says what is not fitted (`not_fitted`).

    labels : 0/1 or per cent by patient_id, patients with a known target.
    """
    fine = {part for part in parts if learnable(target, labels.reindex(list(part.train)))}
    if not target.binary:
        for protocol in {part.protocol for part in fine} - {Protocol.LEAVE_ONE_COHORT_OUT}:
            own = {part for part in parts if part.protocol == protocol}
            folds = max(2, len({(part.outer, part.fold) for part in own}))
            if not own <= fine or not learnable(target, labels.reindex(_learnt_from(own)), folds):
                fine -= own
    return tuple(part for part in parts if part in fine)


def _learnt_from(parts: Iterable[Part]) -> list[str]:
    """Everybody on whom one of the parts is fitted."""
    return sorted({patient for part in parts for patient in part.train})


def fitted_targets(
    table: pd.DataFrame, folds: pd.DataFrame, protocols: Sequence[str], targets: Sequence[Target]
) -> tuple[Target, ...]:
    """The targets that are fitted under any protocol; what left them never predicts them.

    table : COHORT with its sides.  folds : FOLDS. Raises InputError where there is none.
    """
    patients = patient_table(table)
    parts = study_parts(folds, list(protocols), patients["side"])
    stay = [one for one in targets if learnable_parts(parts, one, patients[one.name].astype(float).dropna())]
    if not stay:
        what = f"too few patients that a model would learn from know {', '.join(target.name for target in targets)}"
        raise InputError("cohort.target", what, "add patients, or lower learn.folds or cohort.test_share")
    return without_others(targets, stay)


def not_fitted(
    table: pd.DataFrame, folds: pd.DataFrame, protocols: Sequence[str], targets: Sequence[Target]
) -> Iterator[tuple[str, str]]:
    """Where and what: targets that are not fitted under a protocol, as too few of those whom it learns from know them,
    or not without a cohort, or are known for nobody in it.

    table : COHORT with its sides.  folds : FOLDS.
    """
    patients = patient_table(table)
    for protocol in protocols:
        if protocol == Protocol.LEAVE_ONE_COHORT_OUT:
            yield from _left_out_cohorts(patients, folds, targets)
            continue
        parts = study_parts(folds, [protocol], patients["side"])
        learnt_from = patients.loc[_learnt_from(parts)]
        sides = " and ".join(side.value for side in Side if (learnt_from["side"] == side.value).any())
        for target in targets:
            values = learnt_from[target.name].astype(float).dropna()
            if not learnable_parts(parts, target, values):
                known = f"known for {len(values)} of {len(learnt_from)} patients of side {sides}"
                yield f"{protocol}, {target.name}", f"{known}: too few, not fitted there"


def _left_out_cohorts(
    patients: pd.DataFrame, folds: pd.DataFrame, targets: Sequence[Target]
) -> Iterator[tuple[str, str]]:
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


def random_splits(
    cases: pd.DataFrame, targets: Sequence[Target], count: int, test_share: float, seed: int
) -> tuple[Part, ...]:
    """The study's own split, then others of the same patients, as `dlr.cohort.draw_side` draws sides; external patients
    stay out.

    cases : COHORT with its sides.  No parts without a count or a test share, no own one without a test side.
    """
    if not count or not test_share:
        return ()
    outside = cases["side"].where(cases["side"] == Side.EXTERNAL, "")
    free = cases.assign(side=outside, excluded="")
    drawn = [
        draw_side(free, targets, seed_of(seed, "splits", split), test_share).set_axis(cases["patient_id"])
        for split in range(count)
    ]
    sides = [(OWN, cases.set_index("patient_id")["side"]), *enumerate(drawn)]
    parts = [
        Part(SPLIT, number, -1, 0, *(tuple(sorted(set(one.index[one == side]))) for side in (Side.TRAIN, Side.TEST)))
        for number, one in sides
    ]
    return tuple(part for part in parts if part.predict)


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
