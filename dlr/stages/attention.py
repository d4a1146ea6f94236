"""Stage attention: where the networks attend, in numbers beside two nulls, and maps of right and wrong cases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.engine import Run, Task, TaskFailure, stage
from dlr.randomness import rng
from dlr.study.activation_maps import ABOUT_FILE, MAP_FILE, ActivationMap, map_case
from dlr.study.cases import CaseRow, OneCase, source_of
from dlr.study.cohort import read_cohort
from dlr.study.deep_chains import FINE_TUNED, backbone_file, read_chain
from dlr.study.mapped_patients import Chosen, whom_to_map
from dlr.study.pictures import read_outlines
from dlr.study.tasks import task_of
from dlr.tables import ATTENTION, EXAMPLES, PREDICTIONS
from dlr.words import CHOSEN, Model, Target

__all__ = ["attention"]


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
