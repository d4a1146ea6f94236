"""From the drawn folds to the work to do: one part is one training set and the patients its chain predicts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import pandas as pd

from dlr.errors import InputError
from dlr.words import Protocol, Side

__all__ = ["Part", "plan"]


@dataclass(frozen=True)
class Part:
    """One chain to fit: on whom, and whom it predicts (training patients only under `paper`)."""

    protocol: str
    seed: int
    outer: int  # -1 where the protocol has no outer folds
    fold: int  # -1 where the training set is not divided further
    train: tuple[str, ...]  # patient ids, sorted
    predict: tuple[str, ...]  # patient ids, sorted

    @property
    def name(self) -> str:
        """A name for a folder: crossfit-s0-f3, nested-s0-o1-f3, leave_one_cohort_out-s0-o1-f-1, paper."""
        if self.protocol == Protocol.PAPER:
            return str(Protocol.PAPER)
        outer = f"-o{self.outer}" if self.outer >= 0 else ""
        return f"{self.protocol}-s{self.seed}{outer}-f{self.fold}"

    @property
    def stored_fold(self) -> int:
        """The fold that its predictions are stored under: the outer one where that is what holds patients out."""
        return self.outer if self.protocol in (Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT) else self.fold

    @classmethod
    def named(cls, name: str) -> Part:
        """The part of a name, without its patients: what a saved chain's folder says of it."""
        found = re.fullmatch(r"(?P<protocol>[a-z_]+)(-s(?P<seed>\d+)(-o(?P<outer>\d+))?-f(?P<fold>-?\d+))?", name)
        if found is None:
            raise ValueError(f"{name!r} is not the name of a part")
        seed, outer, fold = found["seed"] or "0", found["outer"] or "-1", found["fold"] or "-1"
        return cls(found["protocol"], int(seed), int(outer), int(fold), (), ())


def plan(folds: pd.DataFrame, protocol: str, sides: pd.Series) -> tuple[Part, ...]:
    """The parts of one protocol, in order of seed, outer and fold.

    folds : columns protocol, patient_id, seed, outer, fold.  sides : side of every patient, indexed by patient_id.
    paper: one part, fitted on the whole training side, predicting everybody. crossfit: K x S parts, each
    predicting its held-out training patients and all other sides. external_crossfit: the same inside the external side,
    of which alone it knows. nested: for every seed and outer fold K inner
    parts, each predicting its held-out patients, the outer fold's patients and the external side.
    leave_one_cohort_out: one part a cohort, fitted on all other cohorts and predicting that one; external patients
    take no part.
    """
    kind = Protocol(protocol)
    sides = sides[~sides.index.duplicated()]
    if kind is Protocol.PAPER:
        return (Part(kind.value, 0, -1, -1, _ids(sides.index[sides == Side.TRAIN]), _ids(sides.index)),)
    rows = folds[(folds["protocol"] == kind.value) & folds["patient_id"].isin(sides.index)]
    if rows.empty:
        raise InputError(
            where="folds.parquet",
            what=f"no folds were drawn for the protocol {kind.value}",
            mend="name it in learn.protocols and run the stage cohort again",
        )
    if kind is Protocol.NESTED:
        return _nested(rows, sides)
    if kind is Protocol.LEAVE_ONE_COHORT_OUT:
        return _left_out(rows)
    among = Side.EXTERNAL if kind is Protocol.EXTERNAL_CROSSFIT else Side.TRAIN
    _everybody_has_a_fold(rows, sides, among)
    others = sides.index[sides != Side.TRAIN] if among is Side.TRAIN else ()
    parts = []
    for seed in _numbers(rows["seed"]):
        drawn = rows[rows["seed"] == seed]
        for fold in _numbers(drawn["fold"]):
            held_out = drawn["fold"] == fold
            train = drawn.loc[~held_out, "patient_id"]
            predict = [*drawn.loc[held_out, "patient_id"], *others]
            parts.append(Part(kind.value, seed, -1, fold, _ids(train), _ids(predict)))
    return tuple(parts)


def _nested(rows: pd.DataFrame, sides: pd.Series) -> tuple[Part, ...]:
    """For every seed and outer fold, the inner parts of the patients outside that fold."""
    external = sides.index[sides == Side.EXTERNAL]
    parts = []
    for seed, outer in product(_numbers(rows["seed"]), _numbers(rows["outer"])):
        drawn = rows[(rows["seed"] == seed) & (rows["outer"] == outer)]
        test = drawn.loc[drawn["fold"] == -1, "patient_id"]
        inner = drawn[drawn["fold"] >= 0]
        for fold in _numbers(inner["fold"]):
            held_out = inner["fold"] == fold
            train = inner.loc[~held_out, "patient_id"]
            predict = [*inner.loc[held_out, "patient_id"], *test, *external]
            parts.append(Part(Protocol.NESTED.value, seed, outer, fold, _ids(train), _ids(predict)))
    return tuple(parts)


def _left_out(rows: pd.DataFrame) -> tuple[Part, ...]:
    """One part an outer fold (a cohort): fitted on everybody outside it, whatever their inner fold."""
    parts = []
    for seed, outer in product(_numbers(rows["seed"]), _numbers(rows["outer"])):
        drawn = rows[(rows["seed"] == seed) & (rows["outer"] == outer)]
        held_out = drawn["fold"] == -1
        train, predict = drawn.loc[~held_out, "patient_id"], drawn.loc[held_out, "patient_id"]
        parts.append(Part(Protocol.LEAVE_ONE_COHORT_OUT.value, seed, outer, -1, _ids(train), _ids(predict)))
    return tuple(parts)


def _everybody_has_a_fold(rows: pd.DataFrame, sides: pd.Series, side: Side) -> None:
    members = set(sides.index[sides == side])
    word = "training" if side is Side.TRAIN else side.value
    for seed, drawn in rows.groupby("seed", sort=True):
        if set(drawn["patient_id"]) != members or drawn["patient_id"].duplicated().any():
            raise InputError(
                where=f"folds.parquet, seed {seed}",
                what=f"its patients are not those of the {word} side, once each",
                mend="run the stage cohort again, so that folds and sides belong together",
            )


def _numbers(column: pd.Series) -> list[int]:
    return sorted({int(value) for value in column})


def _ids(patients: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted({str(patient) for patient in patients}))
