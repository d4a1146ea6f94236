"""Which patients' activation maps are made: drawn at random, each with a chain that did not see the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.engine import Run
from dlr.randomness import rng
from dlr.stats import youden
from dlr.study.cohort import CohortTables
from dlr.study.parts import study_parts
from dlr.words import Protocol, Side, Target, signature

__all__ = ["Chosen", "whom_to_map"]

OUTCOMES = {  # (positive, called positive)
    (True, True): "true positive",
    (False, True): "false positive",
    (False, False): "true negative",
    (True, False): "false negative",
}


@dataclass(frozen=True)
class Chosen:
    """One patient to map, by a chain that did not see it."""

    patient_id: str
    part: str
    fold: int
    outcome: str
    probability: float
    example: bool  # its map is kept for the report


def whom_to_map(
    run: Run, tables: CohortTables, predictions: pd.DataFrame, target: Target, patients: list[str]
) -> list[Chosen]:
    """Patients drawn at random, each with a chain that did not see it, and examples of the four outcomes.

    A training patient's chain is its held-out one of the first drawing; everybody else's is that drawing's first.
    Without cross-fitting the published protocol's one chain maps all who did not train it. Called by Youden's cut-off
    on the training patients out-of-fold, or on the published protocol's validation side; else by .5, and said so.
    """
    labels, own = tables.labels(target), predictions[predictions["target"] == target.name]
    protocol = next((p for p in (Protocol.CROSSFIT, Protocol.PAPER) if (own["protocol"] == p).any()), None)
    if protocol is None:
        run.leave_out("maps are of chains of crossfit or paper, and learn.protocols names neither")
    own = own[own["protocol"] == protocol]
    if protocol is Protocol.PAPER:
        own = own[own["side"] != Side.TRAIN]
    parts = {p.fold: p for p in study_parts(tables.folds, [protocol.value], tables.sides) if p.seed == 0}
    held_out = own[(own["seed"] == 0) & (own["side"] == Side.TRAIN)].set_index("patient_id")["fold"]
    known = sorted(p for p in patients if p in labels.index and p in set(own["patient_id"]))
    order = rng(run.seed, "attention", "patients", target.name).permutation(len(known))
    means = signature(own).set_index("patient_id")["value"]
    judges = set(
        own.loc[own["side"] == (Side.TRAIN if protocol is Protocol.CROSSFIT else Side.VALIDATION), "patient_id"]
    )
    judging = [p for p in known if p in judges]
    cut = _cut_off(run, target, labels.loc[judging].to_numpy() == 1, means.loc[judging].to_numpy())
    wanted = dict.fromkeys(OUTCOMES.values(), run.settings.attention.examples)
    chosen = []
    for patient in [known[k] for k in order[: run.settings.attention.cases]]:
        outcome = OUTCOMES[bool(labels[patient]), bool(means[patient] >= cut)]
        wanted[outcome] -= 1
        fold = int(held_out.get(patient, min(parts)))
        chosen.append(
            Chosen(patient, parts[fold].name, fold, outcome, float(means[patient]), example=wanted[outcome] >= 0)
        )
    return sorted(chosen, key=lambda one: one.patient_id)


def _cut_off(run: Run, target: Target, positive: np.ndarray, value: np.ndarray) -> float:
    """Youden's of these patients; .5 where they are not of two classes."""
    if positive.all() or not positive.any():
        run.warn(f"{target.name}: no validation patients of both classes, so maps are called by a cut-off of .5")
        return 0.5
    return youden(positive, value).value
