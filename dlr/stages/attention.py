"""Stage attention: where the networks attend, in numbers beside two nulls, and maps of right and wrong cases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pandas as pd

from dlr.engine import Run, TaskFailure, stage
from dlr.study.activation_maps import (
    ABOUT_FILE,
    MAP_FILE,
    Mappable,
    compared_attention,
    map_case,
    maps_of_pictures,
)
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.mapped_patients import Chosen, whom_to_map
from dlr.study.volume_maps import maps_of_volumes
from dlr.tables import ATTENTION, ATTENTION_COMPARED, EXAMPLES, EXAMPLES_IN_PLANES, PREDICTIONS
from dlr.words import Target

__all__ = ["attention"]


@stage(
    "attention",
    version=3,
    needs=["cohort"],
    optional=["superres", "deep", "volumes", "receptors"],
    sections=["attention", "deep", "cohort", "learn.protocols"],
    libraries=["numpy", "torch", "torchvision", "timm"],
    gives=[ATTENTION, ATTENTION_COMPARED, EXAMPLES, EXAMPLES_IN_PLANES],
)
def attention(run: Run) -> None:
    """Class activation maps: energy inside the outline, pointing, overlap, each beside two nulls."""
    tables = read_cohort(run.needs.cohort)
    groups = networks_to_look_into(run, tables)
    measured: list[pd.DataFrame] = []
    pictures: list[dict[str, object]] = []
    planes: list[dict[str, object]] = []
    for target in tables.binary_targets:
        for group in groups:
            chosen = on_the_same_patients(run, tables, group, target)
            tasks = [model.task(target, one) for model, one in chosen]
            results = run.each_or_failure(map_case, tasks, label="maps")
            for task, (model, one), result in zip(tasks, chosen, results, strict=True):
                if isinstance(result, TaskFailure):
                    run.warn(f"{task.name}: {result.problem.what}")
                    continue
                measured.append(_rows(target, model, one, result))
                if one.example:
                    (planes if model.in_planes else pictures).append(_example(run, target, model, one, result))
    if not measured:
        run.leave_out("no map could be made")
    table = pd.concat(measured, ignore_index=True)
    ATTENTION.write(run.folder, table)
    for kept, examples in ((EXAMPLES, pictures), (EXAMPLES_IN_PLANES, planes)):
        if examples:
            kept.write(run.folder, pd.DataFrame(examples)[list(kept.names)])
    pairs = [(a.model, b.model) for group in groups for a, b in combinations(group, 2)]
    if pairs:
        ATTENTION_COMPARED.write(run.folder, pd.concat([compared_attention(table, pair) for pair in pairs]))


def networks_to_look_into(run: Run, tables: CohortTables) -> list[list[Mappable]]:
    """Models in groups that are mapped on the same patients: the network of pictures, the networks of volumes."""
    groups = []
    if PREDICTIONS.there(run.needs.deep):
        groups.append([maps_of_pictures(run, tables)])
    if PREDICTIONS.there(run.needs.receptors):
        groups.append(maps_of_volumes(run))
    if not groups:
        absent = {name: why for name, why in run.left_out.items() if name in run.gives and name != "superres"}
        said = [f"{name}: {why}" for name, why in absent.items()]
        run.leave_out(f"there is no network to look into ({'; '.join(said)})" if said else "there is no network")
    return groups


def on_the_same_patients(
    run: Run, tables: CohortTables, group: Sequence[Mappable], target: Target
) -> list[tuple[Mappable, Chosen]]:
    """Every model of a group with whom it is mapped of; examples are those of the last model's four outcomes."""
    predicted = [
        set(model.predictions.loc[model.predictions["target"] == target.name, "patient_id"]) & set(model.cases)
        for model in group
    ]
    patients = sorted(set.intersection(*predicted))
    if not patients:
        return []  # no network answers this target
    chosen = [(model, one) for model in group for one in whom_to_map(run, tables, model.predictions, target, patients)]
    shown = {one.patient_id for model, one in chosen if model is group[-1] and one.example}
    return [(model, replace(one, example=one.patient_id in shown)) for model, one in chosen]


def _rows(target: Target, model: Mappable, one: Chosen, result: Path) -> pd.DataFrame:
    """ATTENTION of one case; `variant` names the null."""
    found = json.loads((result / ABOUT_FILE).read_text(encoding="utf-8"))
    table = pd.DataFrame(found["measures"]).rename(columns={"null": "variant"})
    return table.assign(
        case_id=model.cases[one.patient_id],
        target=target.name,
        model=model.model,
        seed=0,
        fold=one.fold,
        layer=found["layer"],
        scale=0,
        region="ROI",
    )


def _example(run: Run, target: Target, model: Mappable, one: Chosen, result: Path) -> dict[str, object]:
    """A row of EXAMPLES or of EXAMPLES_IN_PLANES, and what was kept of the map beside it."""
    of = f"{target.name}_{model.model}" if model.in_planes else target.name
    name = f"map_{of}_{one.outcome.replace(' ', '_')}_{one.fold}_{result.name[:8]}.npz"
    shutil.copyfile(result / MAP_FILE, run.folder / name)
    return {
        "target": target.name, "model": model.model, "case_id": model.cases[one.patient_id],
        "patient_id": one.patient_id, "outcome": one.outcome, "probability": one.probability, "fold": one.fold,
        "file": name,
    }  # fmt: skip
