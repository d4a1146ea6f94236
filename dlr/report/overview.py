# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The first table of a study of Spatial: every outcome by it and by the baselines, pooled, within cohorts, left out."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dlr.report.blocks import Block, Prose
from dlr.report.cohorts import MEAN_NOTE, PAIRS, cohort_rows, recognised
from dlr.report.evidence import Evidence, cell, of_fewer
from dlr.report.press import Press
from dlr.report.sources import Sources
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, MACRO, Model

__all__ = ["opening"]

SHOWN = (Model.SPATIAL, Model.DL, Model.RAD_DL)
POOLED, WITHIN = "out-of-fold, pooled", "pairs within a cohort"
AUCS = (  # what a line is of: role, measure, words
    ("test", "auc", "test"),
    (FROZEN_EXTERNAL, "auc", FROZEN_EXTERNAL),
    ("out-of-fold", "auc", POOLED),
    ("out-of-fold", PAIRS, WITHIN),
    ("left-out cohort", "auc", "left-out cohort"),
    (CROSS_VALIDATED_EXTERNAL, "auc", CROSS_VALIDATED_EXTERNAL),
)
ERRORS = (
    ("mae", "Mean absolute error"),
    ("baseline_mae", "Error of the training median"),
    ("mae_gain", "Gain over the median"),
)
ROLES_OF_ERRORS = tuple(dict.fromkeys(role for role, _, _ in AUCS))
NOTE = "Patients: on whom, how many (in brackets the positive). In brackets after the AUC 95 % intervals. Frozen network (DL) and radiomics with it (Rad+DL) were not trained on volumes and are the yardstick."
CROSS_VALIDATION = f"“{CROSS_VALIDATED_EXTERNAL[:1].upper()}{CROSS_VALIDATED_EXTERNAL[1:]}” is no test of this study's models: each external patient was predicted by models fitted on other external patients, as published. “{FROZEN_EXTERNAL[:1].upper()}{FROZEN_EXTERNAL[1:]}” is: there the models of the training side met patients of whom they knew nothing."


def opening(sources: Sources, press: Press, evidence: Evidence) -> list[Block]:
    """The table and what must be said of it; nothing in a study without Spatial."""
    if Model.SPATIAL not in sources.networks_of_volumes:
        return []
    models = [str(model) for model in SHOWN if any(model in evidence.models(t.name) for t in sources.targets)]
    lines = list(_of_classes(sources, evidence, models))
    if not lines:
        return list(_in_per_cent(sources, press, evidence))
    shown = pd.DataFrame(lines)
    notes = [NOTE]
    if shown["Patients"].str.startswith(WITHIN).any():
        notes.append(MEAN_NOTE)
    blocks: list[Block] = [press.table("overview", "All markers at a glance", shown, note=" ".join(notes))]
    blocks += _in_per_cent(sources, press, evidence)
    said = []
    for target in sources.targets:
        rows = cohort_rows(evidence, target.name) if target.binary else None
        if rows is not None and len(rows):
            images = rows[[sources.model(str(name)).of_images for name in rows["model"]]]
            said += [f"For {target.name} {phrase}." for phrase in recognised(images)]
    if shown["Patients"].str.startswith(CROSS_VALIDATED_EXTERNAL).any():
        said.append(CROSS_VALIDATION)
    return [*blocks, *([Prose(tuple(said))] if said else [])]


def _of_classes(sources: Sources, evidence: Evidence, models: list[str]) -> Iterator[dict[str, str]]:
    """A line a target and kind of AUC that any model has; the mean of the markers first."""
    binary = [target.name for target in sources.targets if target.binary]
    for target in (MACRO, *binary):
        for role, metric, words in AUCS:
            found = {model: evidence.get(target, model, role, metric) for model in models}
            first = next((one for one in found.values() if one is not None), None)
            if first is None:
                continue
            count = f"{first.n} ({first.n_positive})" if target != MACRO else str(first.n)
            yield {
                "Outcome": "all (macro)" if target == MACRO else target, "Patients": f"{words}, {count}",
                **{model: cell(one, 3, "\n") + ("" if one is None else of_fewer(sources, one.method)) for model, one in found.items()},
            }  # fmt: skip


def _in_per_cent(sources: Sources, press: Press, evidence: Evidence) -> Iterator[Block]:
    """Each outcome in per cent in the first role that has patients: error, that of the median, the gain, by model."""
    for target in sources.targets:
        models = [model for model in evidence.models(target.name) if model != Model.CLINICAL]
        models = sorted(models, key=lambda model: model != Model.SPATIAL)
        there = [role for role in ROLES_OF_ERRORS if any(evidence.get(target.name, m, role, "mae") for m in models)]
        if target.binary or not there:
            continue
        lines = [
            {"": words} | {model: cell(evidence.get(target.name, model, there[0], metric), 1, "\n") for model in models}
            for metric, words in ERRORS
        ]
        count = max(one.n for m in models if (one := evidence.get(target.name, m, there[0], "mae")) is not None)
        title = f"{target.name} at a glance: {count} patients, {there[0]}"
        note = "In percentage points, in brackets 95 % intervals."
        yield press.table(f"overview_{sources.slug(target)}", title, pd.DataFrame(lines), note=note)
