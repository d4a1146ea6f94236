"""How a stage makes one model's signature: every part of every protocol fitted, kept, and applied to its patients."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.engine import Run, Task
from dlr.learn import (
    FittedChains,
    LearnSettings,
    fit_chains,
    lasso_cv,
    lasso_path,
    load_chain,
    save_chains,
)
from dlr.protocols import Part, held_out_values
from dlr.randomness import seed_of
from dlr.study.application import NEW, Application
from dlr.study.frames import PatientFrame
from dlr.study.parts import SPLIT, learnable_parts, side_under
from dlr.study.tasks import task_of
from dlr.tables import CHOICES, OUTSIDE, PREDICTIONS, SELECTION
from dlr.words import CHOSEN, Protocol, Target

__all__ = [
    "SIMPLE",
    "FitPart",
    "SavedChains",
    "SignatureData",
    "SignatureTables",
    "apply_chains",
    "apply_to_new",
    "chains_folder",
    "chosen_rows",
    "fit_part",
    "fit_parts",
    "fit_payload",
    "fit_signature",
    "fitted_chains",
    "held_out_rows",
    "new_rows",
    "saved_chains",
    "simple_values",
    "values_outside",
]

SIMPLE = "logistic"  # the algorithm of cheap chains
WHOLE = "all"  # the folder of the variant that takes every column


@dataclass(frozen=True)
class SignatureData:
    """What one model is fitted from: whom to tell apart (or how many per cent), by which columns."""

    target: Target
    model: str
    frame: PatientFrame
    labels: pd.Series  # 0/1 or per cent by patient_id, patients with a known target
    sides: pd.Series  # by patient_id
    select: bool  # of images: learn.select and learn.log hold; else all columns enter as they are
    variant: str = ""
    by_part: Mapping[str, PatientFrame] | None = None  # where columns are learnt in each part: its own frame

    def frame_of(self, part: Part) -> PatientFrame:
        """The frame that a part's chain reads."""
        return self.frame if self.by_part is None else self.by_part[part.name]


@dataclass(frozen=True)
class FitPart:
    """All that the chains of one part depend on: its training rows and how they are learnt from; nobody else."""

    values: pd.DataFrame
    patient_id: np.ndarray  # of every row
    outcome: np.ndarray  # 0/1 or per cent (n,)
    kind: str  # of the target
    learn: LearnSettings  # without what decides which parts there are
    protocol: str
    seed: int
    select: bool
    allowed: frozenset[str] | None  # features that passed the reproducibility filter; None = all


@dataclass(frozen=True)
class SignatureTables:
    """What was fitted for one model of one target: DESIGN's prediction, selection and choice tables."""

    predictions: pd.DataFrame
    selection: pd.DataFrame
    choices: pd.DataFrame
    parts: dict[str, Path]  # what each part left, by part name


@dataclass(frozen=True)
class SavedChains:
    """The chains of one part as a study keeps them."""

    target: str
    variant: str
    part: Part  # without its patients
    folder: Path


def chains_folder(home: Path, target: str, variant: str, part: str) -> Path:
    """Where a stage keeps what it fitted in a part."""
    return home / "chains" / target / (variant or WHOLE) / part


def saved_chains(home: Path) -> Iterator[SavedChains]:
    """Everything that a stage fitted and kept, in a fixed order; nothing where it kept nothing."""
    for folder in sorted((home / "chains").glob("*/*/*")):
        target, variant = folder.parts[-3], folder.parts[-2]
        yield SavedChains(target, "" if variant == WHOLE else variant, Part.named(folder.name), folder)


def fit_signature(
    run: Run, asked: SignatureData, parts: tuple[Part, ...], allowed: dict[str, list[str]] | None = None
) -> SignatureTables:
    """Fit the chains of every part that has what the target needs (each durable by itself), keep and apply them.

    allowed : by part name, the features that passed the reproducibility filter there; None = all.
    """
    learn: LearnSettings = run.settings.learn
    label = f"{asked.model} {asked.variant}".strip() + " parts"
    fitted = fit_parts(run, asked, parts, allowed, label, reported=True)
    predictions, selections, choices = [], [], []
    for part, folder in fitted:
        kept = chains_folder(run.folder, asked.target.name, asked.variant, part.name)
        shutil.copytree(folder / "chains", kept)
        named = {
            "target": asked.target.name, "model": asked.model, "protocol": part.protocol, "seed": part.seed,
            "fold": part.stored_fold,
        }  # fmt: skip
        selections.append(pd.read_parquet(folder / "selection.parquet").assign(**named))
        about = {**named, "variant": asked.variant, "part": part.name}
        choices.append(pd.read_parquet(folder / "choices.parquet").assign(**about))
        rows = asked.frame_of(part).of(part.predict)
        for algorithm in (*learn.fitted(asked.target.kind), CHOSEN):
            value = apply_chains(kept, algorithm, rows)
            named_rows = (asked.target, asked.model, asked.variant, algorithm, asked.sides)
            predictions.append(held_out_rows(part, value, *named_rows))
    return SignatureTables(
        predictions=pd.concat(predictions, ignore_index=True),
        selection=pd.concat(selections, ignore_index=True)[list(SELECTION.names)],
        choices=pd.concat(choices, ignore_index=True)[list(CHOICES.names)],
        parts={part.name: folder for part, folder in fitted},
    )


def fit_parts(
    run: Run,
    asked: SignatureData,
    parts: Sequence[Part],
    allowed: dict[str, list[str]] | None,
    label: str,
    *,
    reported: bool = False,
) -> list[tuple[Part, Path]]:
    """Every part that has what the target needs, and what its task left: chains/ and the tables of `fit_part`.

    reported : whether `learn.reported` is fitted too.
    """
    parts = learnable_parts(parts, asked.target, asked.labels)
    learn = run.settings.learn if reported else run.settings.learn.model_copy(update={"reported": []})
    tasks = [_task(run, asked, part, learn, None if allowed is None else allowed.get(part.name, [])) for part in parts]
    return list(zip(parts, run.each(fit_part, tasks, label=label), strict=True))


def chosen_rows(asked: SignatureData, variant: str, fitted: Sequence[tuple[Part, Path]]) -> pd.DataFrame:
    """PREDICTIONS of the chosen chains that `fit_parts` left, of a variant that is compared and not kept."""
    named = (asked.target, asked.model, variant, CHOSEN, asked.sides)
    tables = [
        held_out_rows(part, apply_chains(folder / "chains", CHOSEN, asked.frame_of(part).of(part.predict)), *named)
        for part, folder in fitted
    ]
    return pd.concat(tables, ignore_index=True)


def held_out_rows(
    part: Part, value: pd.Series, target: Target, model: str, variant: str, algorithm: str, sides: pd.Series | str
) -> pd.DataFrame:
    """PREDICTIONS of one chain: what it says of the patients that its part predicts (protocols.held_out_values).

    value : by patient_id.  sides : by patient_id, or one for all.
    """
    table = held_out_values([part], [value]).assign(
        target=target.name, model=model, variant=variant, algorithm=algorithm, kind=target.predicted_as.value
    )
    own = table["patient_id"].map(sides) if isinstance(sides, pd.Series) else [sides] * len(table)
    table["side"] = [side_under(part.protocol, side) for side in own]
    return table[list(PREDICTIONS.names)]


def simple_values(
    run: Run,
    asked: SignatureData,
    parts: Sequence[Part],
    label: str,
    allowed: dict[str, list[str]] | None = None,
    algorithm: str = SIMPLE,
) -> list[pd.Series]:
    """Probabilities of every part's patients by the chain of one algorithm alone, for side questions."""
    learn = run.settings.learn.model_copy(update={"algorithms": [algorithm], "reported": []})
    tasks = [_task(run, asked, part, learn, None if allowed is None else allowed.get(part.name, [])) for part in parts]
    folders = run.each(fit_part, tasks, label=label)
    return [
        apply_chains(folder / "chains", algorithm, asked.frame_of(part).of(part.predict))
        for part, folder in zip(parts, folders, strict=True)
    ]


def apply_chains(folder: Path, algorithm: str, rows: PatientFrame) -> pd.Series:
    """One saved chain's value of every patient: the same code serves test sides and new patients."""
    return rows.mean_by_patient(load_chain(folder, algorithm).predict(rows.values))


def values_outside(saved: SavedChains, rows: PatientFrame, model: str) -> pd.DataFrame:
    """OUTSIDE: the values of kept columns that lie outside the training range of a part's chosen chain."""
    flags = load_chain(saved.folder, CHOSEN).outside(rows.values)
    named = (saved.target, model, saved.variant)
    found = [
        (rows.patient_id.iloc[i], *named, flags.columns[j], float(rows.values[flags.columns[j]].iloc[i]))
        for i, j in zip(*np.nonzero(flags.to_numpy()), strict=True)
    ]
    return pd.DataFrame(found, columns=list(OUTSIDE.names))


def fitted_chains(given: FitPart) -> FittedChains:
    """All algorithms of one part, fitted on its training rows."""
    return fit_chains(
        given.values,
        given.outcome,
        given.patient_id,
        given.learn,
        protocol=given.protocol,
        seed=given.seed,
        select=given.select,
        allowed=given.allowed,
        kind=given.kind,
    )


def fit_part(task: Task, folder: Path) -> None:
    """Fit all algorithms on one part's training rows; leave chains/, selection.parquet, choices.parquet."""
    fitted = fitted_chains(task.payload)
    save_chains(fitted, folder / "chains")
    fitted.selection.to_parquet(folder / "selection.parquet", index=False)
    fitted.choices.to_parquet(folder / "choices.parquet", index=False)
    if fitted.lasso is not None:
        lasso_path(fitted.lasso, fitted.lasso_features).to_parquet(folder / "lasso_path.parquet", index=False)
        lasso_cv(fitted.lasso).to_parquet(folder / "lasso_cv.parquet", index=False)


def _task(run: Run, asked: SignatureData, part: Part, learn: LearnSettings, allowed: Sequence[str] | None) -> Task:
    """The fitting of one part."""
    words = (asked.model, asked.target.name, asked.variant.replace(" ", "_"), part.name)
    return task_of(run, "-".join(word for word in words if word), fit_payload(asked, part, learn, allowed, run.seed))


def fit_payload(
    asked: SignatureData, part: Part, learn: LearnSettings, allowed: Collection[str] | None, seed: int
) -> FitPart:
    """What one part's chains depend on; of `learn` only what they see, so that more folds fit no part anew.

    seed : of the study.
    """
    labels = asked.labels
    rows = asked.frame_of(part).of([patient for patient in part.train if patient in labels.index])
    parts_only = {name: LearnSettings.model_fields[name].default for name in PARTS_ONLY}
    return FitPart(
        values=rows.values,
        patient_id=rows.patient_id.to_numpy(),
        outcome=labels.loc[rows.patient_id].to_numpy(),
        kind=asked.target.kind.value,
        learn=learn.model_copy(update={**parts_only, "select": True, "log": asked.select and learn.log}),
        protocol=Protocol.CROSSFIT.value if part.protocol == SPLIT else part.protocol,
        seed=seed_of(seed, asked.model, asked.variant, part.name),
        select=asked.select and learn.select,
        allowed=None if allowed is None else frozenset(allowed),
    )


PARTS_ONLY = ("folds", "seeds", "protocols", "icc_filter")  # they say which parts there are, and whom `allowed` holds


def apply_to_new(given: Application, model: str, frame_of: Callable[[SavedChains], PatientFrame | None]) -> None:
    """Every saved chain of a stage applied to new patients: gives PREDICTIONS and OUTSIDE.

    frame_of : what a chain reads of them; None, or no rows, where it has nothing to read.
    """
    targets = {target.name: target for target in given.patients.tables.targets}
    for saved in saved_chains(given.home):
        frame = frame_of(saved)
        if frame is None or frame.values.empty:
            continue
        value = apply_chains(saved.folder, CHOSEN, frame)
        given.made.give(PREDICTIONS, new_rows(saved, value, targets[saved.target], model))
        given.made.give(OUTSIDE, values_outside(saved, frame, model))


def new_rows(saved: SavedChains, value: pd.Series, target: Target, model: str) -> pd.DataFrame:
    """PREDICTIONS of new patients by one saved chain."""
    part = replace(saved.part, predict=tuple(value.index))
    return held_out_rows(part, value, target, model, saved.variant, CHOSEN, NEW)
