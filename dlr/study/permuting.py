"""Shuffled outcomes through the whole chain: does a study find more than its way of looking finds in nothing?

A shuffle hands each training patient's outcome, together with the folds dealt for it, to another training patient of
the same cohort: what a patient shows stays where it is, folds are as even in the outcome as the study's own, and what
the cohort by itself tells of the outcome is no evidence. Everything that learns from outcomes is then fitted again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run, Task
from dlr.errors import InputError
from dlr.learn import CandidateSet
from dlr.protocols import Part
from dlr.randomness import rng
from dlr.stats.within_folds import mean_area
from dlr.study.averaging import in_the_mean
from dlr.study.blocks import noise_blocks
from dlr.study.cheap_chains import Blocks, CheapChains, fit_cheap, seconds_of_parts
from dlr.study.cohort import BEFORE_BIOPSY, CohortTables
from dlr.study.combined import candidate_sets, chosen_signatures, combined_frame, combined_variants
from dlr.study.combining import Combining
from dlr.study.parts import learnable_parts, study_parts
from dlr.study.selected import reproducible_features
from dlr.study.signatures import SIMPLE
from dlr.study.subsets import cohorts_of
from dlr.study.tasks import task_of
from dlr.tables import PERMUTATIONS, PREDICTIONS
from dlr.words import Protocol, Side, Target

__all__ = [
    "UNASKED", "Dealt", "StackedCombined", "areas_of", "fit_stacked", "permutation_rows",
    "seconds_of_all", "shuffles",
]  # fmt: skip

UNASKED = "evaluate.permutations is 0"
NAMED = ["model", "variant"]


@dataclass(frozen=True)
class Dealt:
    """Who has which outcome and is in which folds: of the study as it is, or of one of its shuffles."""

    target: Target
    labels: pd.Series  # 0/1 by patient_id, of training patients
    folds: pd.DataFrame  # FOLDS of cross-fitting
    number: int  # of the shuffle; 0 is the study as it is

    def parts(self, sides: pd.Series) -> tuple[Part, ...]:
        """The parts of cross-fitting that can be fitted."""
        return learnable_parts(study_parts(self.folds, [Protocol.CROSSFIT], sides), self.target, self.labels)


@dataclass(frozen=True)
class StackedCombined:
    """What the Combined model of one shuffle is fitted on, over the folds."""

    case: Combining
    candidates: CandidateSet


def shuffles(tables: CohortTables, target: Target, count: int, seed: int) -> list[Dealt]:
    """The study as it is, and so many shuffles of it among the training patients of each cohort."""
    labels = tables.labels(target)
    labels = labels[labels.index.isin(tables.ids(Side.TRAIN))].sort_index()
    folds = tables.folds[tables.folds["protocol"] == Protocol.CROSSFIT]
    cohorts = cohorts_of(tables).reindex(labels.index).fillna("").astype(str).to_numpy()
    ids = labels.index.to_numpy(dtype=object)
    out = [Dealt(target, labels, folds, 0)]
    for number in range(1, count + 1):
        given_to = stats.shuffled(ids, rng(seed, "permutations", target.name, number), within=cohorts)
        handed = dict(zip(ids, given_to, strict=True))
        owner = folds["patient_id"].map(lambda patient, handed=handed: handed.get(patient, patient))
        out.append(Dealt(target, labels.rename(handed), folds.assign(patient_id=owner), number))
    return out


def permutation_rows(run: Run, tables: CohortTables, blocks: Blocks) -> pd.DataFrame:
    """PERMUTATIONS of every target of two classes: cheap chains of the study, beside shuffles of themselves."""
    count = run.settings.evaluate.permutations
    studies = [one for target in tables.binary_targets for one in shuffles(tables, target, count, run.seed)]
    allowed = reproducible_features(run)
    tasks = [_tasks(run, tables, blocks, one, allowed) for one in studies]
    found = _predictions(run, fit_cheap, tasks, "parts of shuffles")
    if run.needs.averaged is not None:
        found = [pd.concat([rows, in_the_mean(rows)], ignore_index=True) for rows in found]
    if run.needs.combine is not None:
        tasks = [_combined(run, tables, one, rows) for one, rows in zip(studies, found, strict=True)]
        stacked = _predictions(run, fit_stacked, tasks, "Combined of shuffles")
        found = [pd.concat(both, ignore_index=True) for both in zip(found, stacked, strict=True)]
    areas = [areas_of(one, rows) for one, rows in zip(studies, found, strict=True)]
    values = pd.concat(areas, ignore_index=True)
    within = ", within cohorts" if cohorts_of(tables).nunique() else ""
    rows = []
    for (target, model, variant), own in values.groupby(["target", *NAMED], sort=False):
        found, null = (own.loc[(own["number"] == 0) == truth, "area"].to_numpy() for truth in (True, False))
        if not len(found) or not len(null):
            continue
        observed = found[0]
        p = stats.permutation_p(observed, null)
        method = f"outcome and folds shuffled among training patients{within}; Phipson & Smyth"
        named = (target, model, variant, Protocol.CROSSFIT.value, SIMPLE)
        rows.append(
            (*named, observed, null.mean(), null.std(ddof=1) if len(null) > 1 else np.nan, len(null), p, method)
        )
    return pd.DataFrame(rows, columns=list(PERMUTATIONS.names))


def seconds_of_all(run: Run, tables: CohortTables) -> float:
    """Seconds of all shuffles by one part, fitted on noise where features are not measured yet."""
    blocks = noise_blocks(run, tables, tables.ids(Side.TRAIN))
    first = [shuffles(tables, target, 0, run.seed)[0] for target in tables.binary_targets]
    once = [task.payload for one in first for task in _tasks(run, tables, blocks, one, None)]
    return seconds_of_parts(once, run.executor.workers) * (1 + run.settings.evaluate.permutations)


def fit_stacked(task: Task, folder: Path) -> None:
    """Fit the Combined model over the folds of one shuffle; leave predictions.parquet."""
    given: StackedCombined = task.payload
    rows = pd.concat(given.case.of_folds(given.candidates), ignore_index=True)
    rows.to_parquet(folder / PREDICTIONS.file, index=False)


def _tasks(
    run: Run, tables: CohortTables, blocks: Blocks, dealt: Dealt, allowed: Mapping[str, Sequence[str]] | None
) -> list[Task]:
    """A task a part.  allowed : features that passed the reproducibility filter, by part; None: all."""
    learn = run.settings.learn.model_copy(update={"algorithms": [SIMPLE], "reported": []})
    tasks = []
    for part in dealt.parts(tables.sides):
        offered = None if allowed is None else frozenset(allowed.get(part.name, []))
        payload = CheapChains(blocks, dealt.target, dealt.labels, part, learn, offered, run.seed)
        tasks.append(task_of(run, f"{dealt.target.name}-{dealt.number}-{part.name}", payload))
    return tasks


def _predictions(
    run: Run, function: Callable[[Task, Path], None], tasks: Sequence[Sequence[Task]], label: str
) -> list[pd.DataFrame]:
    """PREDICTIONS of every study of a list, out of its tasks."""
    folders = iter(run.each(function, [task for own in tasks for task in own], label=label))
    rows = [[pd.read_parquet(next(folders) / PREDICTIONS.file) for _ in own] for own in tasks]
    return [pd.concat(own, ignore_index=True) if own else PREDICTIONS.empty() for own in rows]


def _combined(run: Run, tables: CohortTables, dealt: Dealt, predictions: pd.DataFrame) -> list[Task]:
    """A task a variant of the pre-named Combined model, stacked on a shuffle's chains as the study's own is."""
    signatures = chosen_signatures([predictions])
    settings, splines = run.settings.combine, run.settings.clinical.splines
    sides = tables.sides[tables.sides == Side.TRAIN]
    tasks = []
    for variant in combined_variants(tables):
        frame = combined_frame(tables, signatures, dealt.target.name, Protocol.CROSSFIT, variant).loc[sides.index]
        for candidates in candidate_sets(run, tables, frame, variant == BEFORE_BIOPSY)[:1]:
            case = Combining(
                dealt.target,
                Protocol.CROSSFIT.value,
                variant,
                frame,
                dealt.labels,
                sides,
                dealt.folds,
                settings,
                splines,
            )
            name = f"{dealt.target.name}-{dealt.number}-{variant.replace(' ', '_')}"
            tasks.append(task_of(run, name, StackedCombined(case, candidates)))
    return tasks


def areas_of(dealt: Dealt, predictions: pd.DataFrame) -> pd.DataFrame:
    """The out-of-fold AUC of every model and variant, where a fold of each drawing has both classes.

    Returns target, number (of the shuffle), model, variant, area.
    """
    rows = []
    known = predictions[predictions["patient_id"].isin(dealt.labels.index)]
    for (model, variant), own in known.groupby(NAMED, sort=False):
        columns = (own[name].to_numpy() for name in ("value", "fold", "seed", "patient_id"))
        with suppress(InputError):
            area, outcome = mean_area(dealt.labels.loc[own["patient_id"]].to_numpy(), *columns)
            rows.append((dealt.target.name, dealt.number, model, variant, float(area(np.ones((1, len(outcome))))[0])))
    return pd.DataFrame(rows, columns=["target", "number", *NAMED, "area"])
