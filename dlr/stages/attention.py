"""Stage attention: where the networks attend, in numbers beside two nulls, and maps of right and wrong cases."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.engine import Run, Task, TaskFailure, stage
from dlr.randomness import rng
from dlr.stats import youden
from dlr.study.activation_maps import ABOUT_FILE, MAP_FILE, ActivationMap, map_case
from dlr.study.cases import CaseRow, OneCase, source_of
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.deep_chains import FINE_TUNED, backbone_file, read_chain
from dlr.study.parts import study_parts
from dlr.study.pictures import read_outlines
from dlr.study.tasks import task_of
from dlr.tables import ATTENTION, EXAMPLES, PREDICTIONS
from dlr.words import CHOSEN, Model, Protocol, Side, Target, signature

__all__ = ["attention"]

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


@stage(
    "attention",
    version=2,
    needs=["cohort", "deep"],
    sections=["attention", "deep", "cohort", "learn.protocols"],
    libraries=["numpy", "torch", "torchvision", "timm"],
    gives=[ATTENTION, EXAMPLES],
)
def attention(run: Run) -> None:
    """Class activation maps: energy inside the outline, pointing, overlap, each beside two nulls."""
    tables = read_cohort(run.needs.cohort)
    rows = {row.patient_id: row for row in tables.rows_for_networks(run.settings.cohort.per_patient)}
    predictions = PREDICTIONS.read(run.needs.deep)
    predictions = predictions[predictions["algorithm"] == CHOSEN]
    outlines = read_outlines(run.needs.deep)
    measured: list[pd.DataFrame] = []
    examples = []
    for target in tables.binary_targets:
        chosen = whom_to_map(run, tables, predictions, target, list(rows))
        tasks = [_task(run, target, rows[one.patient_id], one, outlines) for one in chosen]
        results = run.each_or_failure(map_case, tasks, label="maps")
        for task, one, result in zip(tasks, chosen, results, strict=True):
            if isinstance(result, TaskFailure):
                run.warn(f"{task.name}: {result.problem.what}")
                continue
            measured.append(_rows(target, one, task, result))
            if one.example:
                examples.append(_example(run, target, one, task, result))
    if not measured:
        run.leave_out("no map could be made")
    ATTENTION.write(run.folder, pd.concat(measured, ignore_index=True))
    if examples:
        EXAMPLES.write(run.folder, pd.DataFrame(examples))


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


def _task(run: Run, target: Target, row: CaseRow, one: Chosen, outlines: dict[str, np.ndarray]) -> Task:
    settings = run.settings.attention
    chain = read_chain(run.needs.deep, target.name, one.part)
    cases = sorted(outlines)
    places = rng(run.seed, "attention", "other outlines", target.name, row.case_id).permutation(len(cases))
    others = [cases[k] for k in places if cases[k] != row.case_id][: settings.other_masks]
    payload = ActivationMap(
        case=OneCase(source_of(run.settings), row),
        mode=chain.mode,
        backbone=chain.backbone,
        fitted=chain.files,
        weights=None if chain.mode == FINE_TUNED else backbone_file(chain.home, chain.backbone),
        others=tuple(outlines[other] for other in others),
        input=run.settings.deep.input,
        method=settings.method,
        seed=run.seed,
        chain=chain,
    )
    return task_of(run, f"map-{target.name}-{row.case_id}", payload, may_fail=True)


def _rows(target: Target, one: Chosen, task: Task, result: Path) -> pd.DataFrame:
    """ATTENTION of one case; `variant` names the null."""
    found = json.loads((result / ABOUT_FILE).read_text(encoding="utf-8"))
    table = pd.DataFrame(found["measures"]).rename(columns={"null": "variant"})
    return table.assign(
        case_id=task.payload.case.row.case_id,
        target=target.name,
        model=Model.DL.value,
        seed=0,
        fold=one.fold,
        layer=found["layer"],
        scale=0,
        region="ROI",
    )


def _example(run: Run, target: Target, one: Chosen, task: Task, result: Path) -> dict[str, object]:
    """A row of EXAMPLES, and the case's picture, outline and map beside it."""
    name = f"map_{target.name}_{one.outcome.replace(' ', '_')}_{one.fold}_{result.name[:8]}.npz"
    shutil.copyfile(result / MAP_FILE, run.folder / name)
    return {
        "target": target.name, "case_id": task.payload.case.row.case_id, "patient_id": one.patient_id,
        "outcome": one.outcome, "probability": one.probability, "fold": one.fold, "file": name,
    }  # fmt: skip
