"""Which patients' activation maps are made: drawn at random, each with a chain that did not see the patient."""

from __future__ import annotations

from dataclasses import dataclass

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
    """
    labels = tables.labels(target)
    own = predictions[(predictions["target"] == target.name) & (predictions["protocol"] == Protocol.CROSSFIT)]
    if own.empty:
        run.leave_out("maps are of cross-fitted chains, and learn.protocols does not name crossfit")
    parts = {p.fold: p for p in study_parts(tables.folds, [Protocol.CROSSFIT.value], tables.sides) if p.seed == 0}
    held_out = own[(own["seed"] == 0) & (own["side"] == Side.TRAIN)].set_index("patient_id")["fold"]
    known = sorted(p for p in patients if p in labels.index and p in set(own["patient_id"]))
    order = rng(run.seed, "attention", "patients", target.name).permutation(len(known))
    means = signature(own).set_index("patient_id")["value"]
    training = [p for p in known if p in held_out.index]
    cut = youden(labels.loc[training].to_numpy() == 1, means.loc[training].to_numpy()).value
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
