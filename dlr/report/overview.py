# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The first table of a study of Spatial: every outcome by it and by the baselines, pooled, within cohorts, left out."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dlr.report.blocks import Block, Prose
from dlr.report.cohorts import MEAN_NOTE, PAIRS, cohort_rows, recognised
from dlr.report.evidence import Evidence, cell, markers_of
from dlr.report.press import Press
from dlr.report.sources import Sources
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, MACRO, Model

__all__ = ["opening"]

SHOWN = (Model.SPATIAL, Model.DL, Model.RAD_DL, Model.RAD, Model.CLINICAL)
AUCS = (  # what a line is of: role, measure, words
    ("test", "auc", "test"),
    (FROZEN_EXTERNAL, "auc", FROZEN_EXTERNAL),
    ("out-of-fold", "auc", "out-of-fold, pooled over cohorts"),
    ("out-of-fold", PAIRS, "out-of-fold, pairs within a cohort"),
    ("left-out cohort", "auc", "left-out cohort"),
    (CROSS_VALIDATED_EXTERNAL, "auc", CROSS_VALIDATED_EXTERNAL),
)
ERRORS = (
    ("mae", "mean absolute error"),
    ("baseline_mae", "error of the training median"),
    ("mae_gain", "gain over the median"),
)
ROLES_OF_ERRORS = ("test", FROZEN_EXTERNAL, "out-of-fold", "left-out cohort", CROSS_VALIDATED_EXTERNAL)
NOTE = "AUC; of an outcome in per cent, percentage points. In brackets 95 % intervals. Frozen network (DL) and radiomics with it (Rad+DL) were not trained on volumes and are the yardstick."
CROSS_VALIDATION = f"“{CROSS_VALIDATED_EXTERNAL[:1].upper()}{CROSS_VALIDATED_EXTERNAL[1:]}” is no test of this study's models: each external patient was predicted by models fitted on other external patients, as published. “{FROZEN_EXTERNAL[:1].upper()}{FROZEN_EXTERNAL[1:]}” is: there the models of the training side met patients of whom they knew nothing."


def opening(sources: Sources, press: Press, evidence: Evidence) -> list[Block]:
    """The table and what must be said of it; nothing in a study without Spatial."""
    if Model.SPATIAL not in sources.networks_of_volumes:
        return []
    models = [str(model) for model in SHOWN if any(model in evidence.models(t.name) for t in sources.targets)]
    lines = [*_of_classes(sources, evidence, models), *_in_per_cent(sources, evidence, models)]
    if not lines:
        return []
    shown = pd.DataFrame(lines)
    notes = [NOTE]
    if shown["Patients are"].str.startswith("out-of-fold, pairs").any():
        notes.append(MEAN_NOTE)
    blocks: list[Block] = [press.table("overview", "All outcomes at a glance", shown, note=" ".join(notes))]
    said = []
    for target in sources.targets:
        rows = cohort_rows(evidence, target.name) if target.binary else None
        if rows is not None and len(rows):
            images = rows[[sources.model(str(name)).of_images for name in rows["model"]]]
            said += [f"For {target.name} {phrase}." for phrase in recognised(images)]
    if shown["Patients are"].str.startswith(CROSS_VALIDATED_EXTERNAL).any():
        said.append(CROSS_VALIDATION)
    return [*blocks, *([Prose(tuple(said))] if said else [])]


def _of_classes(sources: Sources, evidence: Evidence, models: list[str]) -> Iterator[dict[str, str]]:
    """A line a target and kind of AUC that any model has; the mean of the markers last."""
    binary = [target.name for target in sources.targets if target.binary]
    for target in (*binary, MACRO):
        for role, metric, words in AUCS:
            found = {model: evidence.get(target, model, role, metric) for model in models}
            first = next((one for one in found.values() if one is not None), None)
            if first is None:
                continue
            count = f"{first.n} ({first.n_positive})" if target != MACRO else str(first.n)
            fewer = {
                model: _of_fewer(binary, one.method)
                for model, one in found.items()
                if one is not None and target == MACRO
            }
            yield {
                "Outcome": "mean of the markers" if target == MACRO else target, "Patients are": words, "n (positive)": count,
                **{model: cell(one, 3, "\n") + fewer.get(model, "") for model, one in found.items()},
            }  # fmt: skip


def _of_fewer(binary: list[str], method: str) -> str:
    named = markers_of(method)
    return "" if not named or set(named) == set(binary) else f"\nof {', '.join(named)}"


def _in_per_cent(sources: Sources, evidence: Evidence, models: list[str]) -> Iterator[dict[str, str]]:
    for target in sources.targets:
        for role in () if target.binary else ROLES_OF_ERRORS:
            for metric, words in ERRORS:
                found = {model: evidence.get(target.name, model, role, metric) for model in models}
                first = next((one for one in found.values() if one is not None), None)
                if first is not None:
                    cells = {model: cell(one, 1, "\n") for model, one in found.items()}
                    yield {"Outcome": target.name, "Patients are": f"{role}: {words}", "n (positive)": str(first.n), **cells}  # fmt: skip
