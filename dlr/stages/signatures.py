"""How a stage makes one model's signature: every part of every protocol fitted, saved, and applied to its patients."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import largest_roi_cases
from dlr.engine import Run, Task
from dlr.learn import (
    LearnSettings,
    fit_chains,
    lasso_cv,
    lasso_path,
    load_chain,
    save_chains,
    selection_frequency,
)
from dlr.protocols import Part
from dlr.randomness import rng, seed_of
from dlr.stages.algorithms import write_algorithms
from dlr.stages.parts import fold_of, side_under
from dlr.stages.tables import CohortTables, write_table
from dlr.stats import auc
from dlr.words import CHOSEN, PREDICTION_COLUMNS, SELECTION_COLUMNS, Kind, Protocol, Side

__all__ = [
    "PatientFrame",
    "Question",
    "SignatureTables",
    "apply_chains",
    "fit_part",
    "fit_signature",
    "patient_frame",
    "simple_values",
    "split_areas",
    "write_selected",
]


SIMPLE = "logistic"
SPLIT = "split"  # one random split of the plot of the honest AUC: fitted as a cross-fitting part


@dataclass(frozen=True)
class PatientFrame:
    """What a learner reads: rows (a patient, or a case where probabilities are averaged) by columns."""

    values: pd.DataFrame  # float64, indexed by patient_id or case_id
    patient_id: pd.Series  # of every row

    def of(self, patients: tuple[str, ...] | list[str]) -> PatientFrame:
        """The rows of some patients, in the order of this frame."""
        kept = self.patient_id.isin(set(patients)).to_numpy()
        return PatientFrame(self.values[kept], self.patient_id[kept])

    def mean_by_patient(self, probability: np.ndarray) -> pd.Series:
        """The mean probability over a patient's rows, indexed by patient_id in the order of first rows."""
        return pd.Series(probability).groupby(self.patient_id.to_numpy(), sort=False).mean()


def patient_frame(features: pd.DataFrame, tables: CohortTables, policy: str) -> PatientFrame:
    """Rows for learning out of rows a case.

    features : case_id, patient_id and feature columns.  policy : `cohort.per_patient`.
    Patients without one measured case are not in the frame.
    """
    table = features.set_index("case_id")
    names = [column for column in table.columns if column != "patient_id"]
    table = table[table[names].notna().any(axis=1)]
    if policy == "largest_roi" and len(tables.facts):
        measured = tables.cases[tables.cases["case_id"].isin(table.index)]
        largest = largest_roi_cases(measured, tables.facts["roi_size"])
        values = table.loc[largest].set_index("patient_id")[names]
    elif policy == "mean_probability":  # a row a case, averaged after prediction
        return PatientFrame(table[names], table["patient_id"])
    else:  # the mean of a patient's rows; a feature table may hold one row a patient
        values = table.groupby("patient_id", sort=False)[names].mean()
    return PatientFrame(values, pd.Series(values.index, index=values.index))


@dataclass(frozen=True)
class Question:
    """What one model is asked: whom to tell apart, by which columns."""

    target: str
    model: str
    frame: PatientFrame
    labels: pd.Series  # 0/1 by patient_id, patients with a known target
    sides: pd.Series  # by patient_id
    select: bool  # with the selection of features, or all columns as they are
    variant: str = ""
    by_part: Mapping[str, PatientFrame] | None = None  # where columns are learnt in each part: its own frame

    def frame_of(self, part: Part) -> PatientFrame:
        """The frame that a part's chain reads."""
        return self.frame if self.by_part is None else self.by_part[part.name]


@dataclass(frozen=True)
class SignatureTables:
    """What was fitted for one model of one target: DESIGN's prediction, selection and choice tables."""

    predictions: pd.DataFrame
    selection: pd.DataFrame
    choices: pd.DataFrame
    parts: dict[str, Path]  # what each part left, by part name


def fit_signature(
    run: Run, asked: Question, parts: tuple[Part, ...], allowed: dict[str, list[str]] | None = None
) -> SignatureTables:
    """Fit every part's chains (each durable by itself), keep them under chains/, and apply them.

    allowed : by part name, the features that passed the reproducibility filter there; None = all.
    """
    learn = run.settings.learn
    tasks = [
        _task(asked, part, learn, run.seed, None if allowed is None else allowed.get(part.name, [])) for part in parts
    ]
    folders = run.each(fit_part, tasks, label=f"{asked.model} {asked.variant}".strip() + " parts")
    predictions, selections, choices = [], [], []
    for part, folder in zip(parts, folders, strict=True):
        assert isinstance(folder, Path)
        named = {
            "target": asked.target,
            "model": asked.model,
            "protocol": part.protocol,
            "seed": part.seed,
            "fold": fold_of(part),
        }
        kept = run.folder / "chains" / asked.target / (asked.variant or "all") / part.name
        shutil.copytree(folder / "chains", kept)
        selections.append(pd.read_parquet(folder / "selection.parquet").assign(**named))
        choices.append(pd.read_parquet(folder / "choices.parquet").assign(**named, variant=asked.variant))
        rows = asked.frame_of(part).of(part.predict)
        for algorithm in (*learn.algorithms, CHOSEN):
            value = apply_chains(kept, algorithm, rows)
            predictions.append(
                pd.DataFrame({"patient_id": value.index, "value": value.to_numpy()}).assign(
                    **named, variant=asked.variant, algorithm=algorithm, kind=Kind.PROBABILITY.value
                )
            )
    table = pd.concat(predictions, ignore_index=True)
    sides = table["patient_id"].map(asked.sides)
    table["side"] = [side_under(protocol, side) for protocol, side in zip(table["protocol"], sides, strict=True)]
    return SignatureTables(
        predictions=table[list(PREDICTION_COLUMNS)],
        selection=pd.concat(selections, ignore_index=True),
        choices=pd.concat(choices, ignore_index=True),
        parts={part.name: folder for part, folder in zip(parts, folders, strict=True) if isinstance(folder, Path)},
    )


def write_selected(run: Run, tables: CohortTables, made: Mapping[str, SignatureTables]) -> pd.DataFrame:
    """The tables of a model that selects features, all targets together; gives the selection back."""
    predictions = pd.concat([m.predictions for m in made.values()], ignore_index=True)
    selection = pd.concat([m.selection for m in made.values()], ignore_index=True)
    write_table(predictions, run.folder, "predictions")
    selection[list(SELECTION_COLUMNS)].to_parquet(run.folder / "selection.parquet", index=False)
    pd.concat([m.choices for m in made.values()], ignore_index=True).to_csv(run.folder / "choices.csv", index=False)
    frequency = selection_frequency(selection[selection["protocol"] == Protocol.CROSSFIT])
    frequency.to_csv(run.folder / "selection_frequency.csv", index=False)
    write_algorithms(run, tables, predictions)
    return selection


def split_areas(run: Run, asked: Question, test_share: float, splits: int) -> pd.DataFrame:
    """AUC of one simple chain (logistic) on the test part of many random stratified splits: how far luck reaches.

    Returns target, model, split, auc, lower, upper, n_test, n_positive. External patients stay out.
    """
    frame, labels, sides = asked.frame, asked.labels, asked.sides
    inside = [p for p in dict.fromkeys(frame.patient_id) if p in labels.index and sides[p] != Side.EXTERNAL]
    positive = labels.loc[inside].to_numpy() == 1
    parts = []
    for split in range(splits):
        generator = rng(run.seed, "splits", split)
        test = np.zeros(len(inside), dtype=bool)
        for members in (np.flatnonzero(positive), np.flatnonzero(~positive)):
            test[generator.permutation(members)[: round(test_share * len(members))]] = True
        patients = np.array(inside, dtype=object)
        parts.append(Part(SPLIT, split, -1, 0, tuple(patients[~test]), tuple(patients[test])))
    rows = []
    for part, value in zip(parts, simple_values(run, asked, parts, f"{asked.model} splits"), strict=True):
        area = auc(labels.loc[value.index].to_numpy() == 1, value.to_numpy())
        rows.append((asked.target, asked.model, part.seed, area.value, area.lower, area.upper, area.n, area.n_positive))
    columns = ["target", "model", "split", "auc", "lower", "upper", "n_test", "n_positive"]
    return pd.DataFrame(rows, columns=columns)


def simple_values(
    run: Run, asked: Question, parts: Sequence[Part], label: str, allowed: dict[str, list[str]] | None = None
) -> list[pd.Series]:
    """Probabilities of every part's patients by one simple chain (logistic regression), for side questions."""
    learn = run.settings.learn.model_copy(update={"algorithms": [SIMPLE]})
    tasks = [
        _task(asked, part, learn, run.seed, None if allowed is None else allowed.get(part.name, [])) for part in parts
    ]
    out = []
    for part, folder in zip(parts, run.each(fit_part, tasks, label=label), strict=True):
        assert isinstance(folder, Path)
        out.append(apply_chains(folder / "chains", SIMPLE, asked.frame_of(part).of(part.predict)))
    return out


def apply_chains(folder: Path, algorithm: str, rows: PatientFrame) -> pd.Series:
    """One saved chain's probability of every patient: the same code serves test sides and new patients."""
    return rows.mean_by_patient(load_chain(folder, algorithm).predict(rows.values))


def fit_part(task: Task, folder: Path) -> None:
    """Fit all algorithms on one part's training rows; leave chains/, selection.parquet, choices.parquet."""
    given = task.payload
    rows: PatientFrame = given["rows"]
    fitted = fit_chains(
        rows.values,
        given["positive"],
        rows.patient_id.to_numpy(),
        given["learn"],
        protocol=given["protocol"],
        seed=given["seed"],
        select=given["select"],
        allowed=given["allowed"],
    )
    save_chains(fitted, folder / "chains")
    fitted.selection.to_parquet(folder / "selection.parquet", index=False)
    fitted.choices.to_parquet(folder / "choices.parquet", index=False)
    if fitted.lasso is not None:
        lasso_path(fitted.lasso, fitted.lasso_features).to_parquet(folder / "lasso_path.parquet", index=False)
        lasso_cv(fitted.lasso).to_parquet(folder / "lasso_cv.parquet", index=False)


def _task(asked: Question, part: Part, learn: LearnSettings, seed: int, allowed: list[str] | None) -> Task:
    labels, variant = asked.labels, asked.variant
    known = [patient for patient in part.train if patient in labels.index]
    rows = asked.frame_of(part).of(known)
    positive = labels.loc[rows.patient_id].to_numpy()
    fitting = learn.model_dump(mode="json", exclude={"folds", "seeds", "protocols"})
    protocol = Protocol.CROSSFIT.value if part.protocol == SPLIT else part.protocol
    key: dict[str, Any] = {
        "rows": _digest(rows, positive),
        "learn": fitting,
        "protocol": protocol,
        "part": part.name,
        "target": asked.target,
        "model": asked.model,
        "seed": seed,
        "select": asked.select,
        "allowed": None if allowed is None else sha256("\n".join(sorted(allowed)).encode()).hexdigest(),
    }
    payload = {
        "rows": rows,
        "positive": positive,
        "learn": learn,
        "protocol": protocol,
        "seed": seed_of(seed, asked.model, variant, part.name),
        "select": asked.select,
        "allowed": None if allowed is None else set(allowed),
    }
    name = "-".join(word for word in (asked.model, asked.target, variant.replace(" ", "_"), part.name) if word)
    return Task(name=name, key=key, payload=payload)


def _digest(rows: PatientFrame, positive: np.ndarray) -> str:
    """SHA-256 of training rows: ids, column names, values, labels; held-out rows never enter."""
    digest = sha256()
    for words in (rows.values.index, rows.patient_id, rows.values.columns):
        digest.update("\x1f".join(map(str, words)).encode() + b"\x1e")
    digest.update(np.ascontiguousarray(rows.values.to_numpy(dtype=np.float64)).tobytes())
    digest.update(np.ascontiguousarray(positive, dtype=np.int64).tobytes())
    return digest.hexdigest()
