"""Stage combine: clinical variables and one image signature in one logistic model, every admissible set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run, stage
from dlr.errors import InputError
from dlr.learn import CandidateSet, CombinedModel, fit_combined
from dlr.protocols import Part
from dlr.randomness import rng
from dlr.study.application import NEW, Application
from dlr.study.cohort import BEFORE_BIOPSY, BIOPSY_FREE, CohortTables, read_cohort
from dlr.study.combined import (
    SavedSet,
    candidate_sets,
    chosen_signatures,
    combined_frame,
    read_sets,
    why_no_set,
    write_inputs,
    write_sets,
)
from dlr.study.parts import side_under, study_parts
from dlr.tables import COMBINED_INPUTS, COMBINED_TERMS, OPTIMISM, PREDICTIONS
from dlr.words import CHOSEN, Kind, Model, Protocol, Side, Target

__all__ = ["combine"]

STACKED = "stacked, optimistic"  # its inputs come from models that saw the held-out labels of other folds


def apply_combine(given: Application) -> None:
    """The Combined model of every primary set, and the values that the sets take (for the nomograms)."""
    signatures = chosen_signatures([given.made.of(PREDICTIONS)])
    inputs: dict[tuple[str, str, str], pd.DataFrame] = {}
    for saved in read_sets(given.home):
        frame = combined_frame(given.patients.tables, signatures, saved.target, saved.protocol, saved.variant)
        inputs[saved.target, saved.protocol, saved.variant] = frame
        complete = saved.complete(frame)
        if saved.primary and saved.model.fit is not None and len(complete):
            value = pd.Series(saved.model.predict(complete), complete.index)
            given.made.give(PREDICTIONS, _rows(saved, value, 0, -1, NEW))
    for (target, protocol, variant), frame in inputs.items():
        table = frame.rename_axis("patient_id").reset_index()
        given.made.give(COMBINED_INPUTS, table.assign(target=target, protocol=protocol, variant=variant))


@dataclass(frozen=True)
class Case:
    """What one Combined model is fitted on: the values of everybody, and whose outcome it learns."""

    target: Target
    protocol: str
    variant: str
    frame: pd.DataFrame  # combined_frame
    labels: pd.Series

    def training(self, tables: CohortTables, candidates: CandidateSet) -> list[str]:
        """Training patients with a known target and every signature."""
        complete = self.frame[list(candidates.signatures)].notna().all(axis=1)
        return [p for p in tables.ids(Side.TRAIN) if p in self.labels.index and complete[p]]

    def fit(self, run: Run, candidates: CandidateSet, ids: Any, profile: bool) -> CombinedModel:
        """The model of some training patients; a patient drawn twice counts twice."""
        settings = run.settings.combine
        return fit_combined(
            self.frame.loc[ids].reset_index(drop=True),
            self.labels.loc[ids].reset_index(drop=True),
            candidates,
            protocol=self.protocol,
            penalty=settings.penalty,
            bound=settings.maximum_parameters,
            profile=profile,
        )


@stage(
    "combine",
    version=3,
    needs=["cohort"],
    asks=[PREDICTIONS],
    sections=["combine", "learn.protocols"],
    libraries=["numpy", "scipy"],
    gives=[PREDICTIONS, COMBINED_INPUTS, COMBINED_TERMS, OPTIMISM],
    apply=apply_combine,
)
def combine(run: Run) -> None:
    """Clinical variables and a signature in one logistic model, bounded by Riley's criterion."""
    tables = read_cohort(run.needs.cohort)
    signatures = chosen_signatures([PREDICTIONS.read(folder) for folder in run.every(PREDICTIONS)])
    if signatures.empty:
        run.leave_out("there is no signature to combine")
    sets: list[SavedSet] = []
    inputs, predictions, optimism, reasons = [], [], [], []
    for target in tables.targets:
        if not target.binary:
            reasons.append(f"{target.name}: the Combined model is logistic, and this target is in per cent")
    for case in _cases(run, tables, signatures):
        candidates = candidate_sets(run, tables, case.frame, case.variant == BEFORE_BIOPSY)
        if not candidates:
            reasons.append(why_no_set(run, case.frame, case.target.name))
            continue
        saved = [_fit(run, tables, case, candidate, primary=number == 0) for number, candidate in enumerate(candidates)]
        sets += saved
        inputs.append((saved[0], case.frame))
        if saved[0].model.fit is None:
            reasons.append(saved[0].model.reason)
            continue
        predictions += _predictions(run, tables, case, saved[0])
        if case.protocol == Protocol.CROSSFIT and run.settings.combine.bootstrap:
            optimism.append(_optimism(run, tables, case, saved[0]))
    reasons = list(dict.fromkeys(reasons))
    if not sets:
        run.leave_out("; ".join(reasons))
    for reason in reasons:
        run.warn(reason)
    write_sets(run.folder, sets, reasons)
    write_inputs(run.folder, inputs)
    terms = [s.model.terms().rename(columns={"variant": "model"}).assign(**s.line) for s in sets]
    COMBINED_TERMS.write(run.folder, pd.concat(terms, ignore_index=True))
    if predictions:
        PREDICTIONS.write(run.folder, pd.concat(predictions, ignore_index=True))
    if optimism:
        OPTIMISM.write(run.folder, pd.concat(optimism, ignore_index=True))


def _cases(run: Run, tables: CohortTables, signatures: pd.DataFrame) -> list[Case]:
    """Binary targets by protocol by variant; a variant that would repeat the model, or be empty, is no case."""
    protocols = [p for p in run.settings.learn.protocols if p in (Protocol.PAPER, Protocol.CROSSFIT)]
    early = sum(column.available in BIOPSY_FREE for column in tables.columns)
    variants = ["", *([BEFORE_BIOPSY] if 0 < early < len(tables.columns) else [])]
    return [
        Case(
            target, str(protocol), variant,
            combined_frame(tables, signatures, target.name, protocol, variant), tables.labels(target),
        )
        for target in tables.binary_targets for protocol in protocols for variant in variants
    ]  # fmt: skip


def _fit(run: Run, tables: CohortTables, case: Case, candidates: CandidateSet, primary: bool) -> SavedSet:
    model = case.fit(run, candidates, case.training(tables, candidates), profile=True)
    for dropped in model.dropped:
        run.log(f"{case.target.name}, {candidates.name}, {case.protocol}: {dropped.variable} leaves: {dropped.reason}")
    return SavedSet(case.target.name, case.protocol, case.variant, primary, model)


def _predictions(run: Run, tables: CohortTables, case: Case, saved: SavedSet) -> list[pd.DataFrame]:
    """PREDICTIONS: held-out patients by the model of the whole training side; training patients over the folds.

    Under `paper` training patients are apparent; under cross-fitting each fold's are predicted by a model of the
    other folds' patients, the signatures given: stacked, optimistic.
    """
    complete = saved.complete(case.frame)
    paper = case.protocol == Protocol.PAPER
    direct = complete if paper else complete.loc[~complete.index.isin(tables.ids(Side.TRAIN))]
    out = [_rows(saved, pd.Series(saved.model.predict(direct), direct.index), 0, -1, tables.sides)]
    if not paper:
        for part in study_parts(tables.folds, [case.protocol], tables.sides):
            value = _of_fold(run, tables, case, saved, part)
            out.append(_rows(saved, value, part.seed, part.stored_fold, tables.sides))
    return out


def _of_fold(run: Run, tables: CohortTables, case: Case, saved: SavedSet, part: Part) -> pd.Series:
    """One fold's training patients by a model of the others; the prevalence where no model can be fitted."""
    candidates = saved.model.candidates
    ids = case.training(tables, candidates)
    out = [p for p in part.predict if p in set(ids)]
    inside = [p for p in ids if p not in set(out)]
    model = case.fit(run, candidates, inside, profile=False)
    if model.fit is None:
        return pd.Series(float(case.labels.loc[inside].mean()), out)
    return pd.Series(model.predict(case.frame.loc[out]), out)


def _rows(saved: SavedSet, value: pd.Series, seed: int, fold: int, sides: pd.Series | str) -> pd.DataFrame:
    """PREDICTIONS of one fitted Combined model."""
    own = value.index.map(sides) if isinstance(sides, pd.Series) else [sides] * len(value)
    return pd.DataFrame(
        {
            "patient_id": np.asarray(value.index, dtype=object), "target": saved.target,
            "side": [side_under(saved.protocol, side) for side in own], "protocol": saved.protocol,
            "model": Model.COMBINED.value, "variant": saved.variant, "algorithm": CHOSEN, "seed": seed, "fold": fold,
            "value": value.to_numpy(dtype=float), "kind": Kind.PROBABILITY.value,
        }
    )  # fmt: skip


def _optimism(run: Run, tables: CohortTables, case: Case, saved: SavedSet) -> pd.DataFrame:
    """OPTIMISM: Harrell's bootstrap of the last step, the signatures given."""
    ids = np.array(case.training(tables, saved.model.candidates), dtype=object)

    def fit(rows: np.ndarray) -> Any:
        model = case.fit(run, saved.model.candidates, list(ids[rows]), profile=False)
        if model.fit is None:
            raise InputError("Combined model", model.reason, "")
        return lambda others: model.predict(case.frame.loc[list(ids[others])])

    found = stats.optimism(
        fit,
        case.labels.loc[list(ids)].to_numpy() == 1,
        generator=rng(run.seed, "optimism", saved.target, saved.variant),
        replicates=run.settings.combine.bootstrap,
    )
    return found.table.assign(target=saved.target, variant=saved.variant)
