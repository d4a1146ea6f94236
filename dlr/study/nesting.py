"""The Combined model under `nested`: each outer fold is a study of its own, and its patients are nobody's in it.

Everybody outside the fold is cross-fitted by the inner folds, the Combined model is fitted on their out-of-fold
signatures, and the fold's patients enter it by the mean logit of the inner chains, as new patients do in `dlr predict`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dlr.engine import Run, Task
from dlr.learn import CandidateSet
from dlr.protocols import Part, plan
from dlr.settings import CombineSettings
from dlr.study.blocks import blocks_of, noise_blocks
from dlr.study.cheap_chains import Blocks, CheapChains, fit_cheap, seconds_of_parts
from dlr.study.cohort import CohortTables
from dlr.study.combined import chosen_signatures, combined_frame, combined_variants, read_sets
from dlr.study.combining import Combining
from dlr.study.parts import learnable_parts, study_parts
from dlr.study.selected import reproducible_features
from dlr.study.signatures import held_out_rows
from dlr.study.tasks import task_of
from dlr.tables import FOLDS, PREDICTIONS
from dlr.words import CHOSEN, Model, Protocol, Side, Target

__all__ = ["UNASKED", "OuterFold", "combined_of", "nested_rows", "outer_folds", "seconds_of_all"]

UNASKED = "combine.inner is false"

Sets = Mapping[str, CandidateSet]  # the pre-named set of every variant


@dataclass(frozen=True)
class OuterFold:
    """One outer fold of one drawing."""

    held_out: Part  # fitted on everybody outside the fold; predicts the fold's patients and the external side
    inner: tuple[Part, ...]

    @property
    def sides(self) -> pd.Series:
        """The sides of the study that the fold is: its own patients are the test side."""
        train, test = list(self.held_out.train), list(self.held_out.predict)
        return pd.Series([Side.TRAIN.value] * len(train) + [Side.TEST.value] * len(test), [*train, *test])

    def signatures(self, made: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """One probability a patient and model: out-of-fold of those outside the fold, the mean logit of the inner
        chains for its own.

        made : PREDICTIONS of the inner parts, in their order.
        """
        sides = self.sides
        rows = [
            table.assign(protocol=Protocol.CROSSFIT.value, fold=part.fold, side=table["patient_id"].map(sides))
            for part, table in zip(self.inner, made, strict=True)
        ]
        return chosen_signatures([pd.concat(rows, ignore_index=True)])


def outer_folds(folds: pd.DataFrame, sides: pd.Series) -> list[OuterFold]:
    """The outer folds of all drawings.  folds : FOLDS.  sides : by patient_id."""
    inner: dict[tuple[int, int], list[Part]] = {}
    for part in plan(folds, Protocol.NESTED, sides):
        inner.setdefault((part.seed, part.outer), []).append(part)
    outer = study_parts(folds, [Protocol.NESTED], sides)
    return [OuterFold(part, tuple(inner[part.seed, part.outer])) for part in outer]


def nested_rows(run: Run, tables: CohortTables) -> pd.DataFrame:
    """PREDICTIONS of the pre-named Combined model, every patient held out once a drawing; no rows where none can be."""
    folds = outer_folds(tables.folds, tables.sides)
    blocks = blocks_of(run, tables, list(tables.sides.index), [part for fold in folds for part in fold.inner])
    allowed, rows = reproducible_features(run), [PREDICTIONS.empty()]
    for target in tables.binary_targets:
        sets = dict(_sets(run, tables, blocks, target))
        usable = [fold for fold in folds if learnable_parts(fold.inner, target, tables.labels(target)) == fold.inner]
        if len(usable) < len(folds):
            few = f"{len(folds) - len(usable)} of {len(folds)} outer folds leave too few to learn from"
            run.warn(f"{target.name}: {few}; their patients have no nested Combined value")
        if sets:
            rows += _of_target(run, tables, blocks, target, sets, usable, allowed)
    return pd.concat(rows, ignore_index=True)


def seconds_of_all(run: Run, tables: CohortTables) -> float:
    """Seconds of all inner chains by one part, fitted on noise."""
    everybody = list(tables.sides.index)
    parts = [part for fold in outer_folds(tables.folds, tables.sides) for part in fold.inner]
    blocks = noise_blocks(run, tables, everybody)
    everything = [
        _payload(run, tables, blocks, target, part, None, None) for target in tables.binary_targets for part in parts
    ]
    return seconds_of_parts(everything, run.executor.workers)


def _sets(run: Run, tables: CohortTables, blocks: Blocks, target: Target) -> Iterator[tuple[str, CandidateSet]]:
    """Variant and candidates of the study's own pre-named sets whose signatures can be fitted again."""
    saved = [one for one in read_sets(run.needs.combine) if one.primary and one.target == target.name]
    saved.sort(key=lambda one: one.protocol != Protocol.CROSSFIT)
    for variant in combined_variants(tables):
        own = next((one.model.candidates for one in saved if one.variant == variant), None)
        missing = [] if own is None else [name for name in own.signatures if name not in blocks.models]
        if missing:
            run.warn(
                f"{target.name}: no nested Combined value, as {', '.join(missing)} is no chain that is fitted again"
            )
        elif own is not None:
            yield variant, own


def _of_target(
    run: Run, tables: CohortTables, blocks: Blocks, target: Target, sets: Sets, folds: Sequence[OuterFold],
    allowed: Mapping[str, Sequence[str]] | None,
) -> list[pd.DataFrame]:  # fmt: skip
    """PREDICTIONS of every outer fold and variant.

    allowed : features that passed the reproducibility filter, by part; None: all.
    """
    models = frozenset(name for candidates in sets.values() for name in candidates.signatures)
    tasks: list[Task] = []
    for part in (part for fold in folds for part in fold.inner):
        payload = _payload(
            run, tables, blocks, target, part, models, None if allowed is None else allowed.get(part.name, [])
        )
        tasks.append(task_of(run, f"{target.name}-{part.name}", payload))
    made = iter(run.each(fit_cheap, tasks, label="inner parts"))
    out = []
    for fold in folds:
        signatures = fold.signatures([pd.read_parquet(next(made) / PREDICTIONS.file) for _ in fold.inner])
        for variant, candidates in sets.items():
            frame = combined_frame(tables, signatures, target.name, Protocol.CROSSFIT, variant)
            settings, splines = run.settings.combine, run.settings.clinical.splines
            value = combined_of(fold, frame, tables.labels(target), target, candidates, settings, splines)
            named = (target, Model.COMBINED.value, variant, CHOSEN, tables.sides)
            out.append(held_out_rows(fold.held_out, value, *named))
    return out


def combined_of(
    fold: OuterFold,
    frame: pd.DataFrame,
    labels: pd.Series,
    target: Target,
    candidates: CandidateSet,
    settings: CombineSettings,
    splines: Sequence[str] = (),
) -> pd.Series:
    """What the Combined model of everybody outside a fold says of the fold's patients who have every signature.

    frame : combined_frame of the fold's signatures.  labels : 0/1 by patient_id.  splines : clinical.splines.
    """
    named = (target, Protocol.CROSSFIT.value, "")
    nothing_drawn = FOLDS.empty()
    case = Combining(*named, frame, labels, fold.sides, nothing_drawn, settings, tuple(splines))
    complete = frame[list(candidates.signatures)].notna().all(axis=1)
    out = [patient for patient in fold.held_out.predict if complete[patient]]
    return case.of_others(candidates, case.training(candidates), out)


def _payload(
    run: Run, tables: CohortTables, blocks: Blocks, target: Target, part: Part, models: frozenset[str] | None,
    allowed: Sequence[str] | None,
) -> CheapChains:  # fmt: skip
    """What an inner part's chains depend on; of outcomes those that it is fitted on."""
    labels = tables.labels(target)
    own = labels[labels.index.isin(part.train)]
    offered = None if allowed is None else frozenset(allowed)
    learn = run.settings.learn.model_copy(update={"reported": []})
    return CheapChains(blocks, target, own, part, learn, offered, run.seed, models)
