# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Where 3-D networks looked: both of them in three planes of the same patients, and paired in numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.figures import Plane, draw_planes, planes_height, theme
from dlr.report.blocks import Block
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import ATTENTION_COMPARED, EXAMPLES_IN_PLANES
from dlr.words import Protocol, Side, Target

__all__ = ["called_by", "compared_networks", "maps_in_planes"]

WIDTH = 4.9  # inches of the three planes of one patient
COMPARED = "Of each patient the map of both networks, each by a chain that did not see the patient: medians, the median of the differences, and Wilcoxon's signed rank test. Energy above 1: the map prefers the outline."
CAPTION = "Class activation maps for the positive class in three planes through the middle of the lesion, turbo colours, each scaled to the highest value of its own volume; outline in white. {called} A map of a network of random weights looks convincing too: see the numbers above."
ORDER = ["true positive", "false positive", "true negative", "false negative"]


def compared_networks(sources: Sources, press: Press, target: Target) -> list[Block]:
    """The two networks' attention on the same patients."""
    rows = sources.of(ATTENTION_COMPARED, target)
    if rows is None:
        return []
    shown = pd.DataFrame({
        "Measure": rows["measure"].replace({"iou": "IoU"}),
        "Networks": [f"{a} − {b}" for a, b in zip(rows["model_a"], rows["model_b"], strict=True)],
        "Patients": rows["n"],
        "Medians": [f"{theme.format_auc(a)}, {theme.format_auc(b)}" for a, b in zip(rows["median_a"], rows["median_b"], strict=True)],
        "Median difference": rows["median_difference"].map(theme.format_auc), "p": rows["p"].map(theme.format_p),
    })  # fmt: skip
    name, title = f"attention_compared_{sources.slug(target)}", f"Attention of the two networks for {target.name}"
    return [press.table(name, title, shown, rows, COMPARED)]


def maps_in_planes(sources: Sources, press: Press, target: Target) -> list[Block]:
    """A panel a patient: a row of planes a network, in the order in which they were mapped."""
    examples = sources.of(EXAMPLES_IN_PLANES, target)
    if examples is None:
        return []
    last = examples.drop_duplicates("case_id", keep="last").set_index("case_id")["outcome"]
    panels = []
    for case in sorted(last.index, key=lambda one: (ORDER.index(last[one]), one)):
        rows = {}
        said = []
        for row in examples[examples["case_id"] == case].itertuples(index=False):
            path = sources.beside(EXAMPLES_IN_PLANES, str(row.file))
            if path is not None:
                rows[str(row.model)] = read_planes(path)
                said.append(f"{row.model} {row.outcome}, probability {row.probability:.2f}")
        if rows:
            height = planes_height(rows, WIDTH) + 0.35 + 0.14 * len(said)
            panels.append(Panel(partial(draw_planes, rows), WIDTH + 0.2, height, str(case), "\n".join(said)))
    if not panels:
        return []
    name, title = f"planes_{sources.slug(target)}", f"Where the 3-D networks looked for {target.name}"
    return [press.figure(name, title, CAPTION.format(called=called_by(sources)), panels, examples, across=2)]


def called_by(sources: Sources) -> str:
    """By which cut-off an outcome (true positive ...) was called, as stage attention does it."""
    if Protocol.CROSSFIT in sources.settings.learn.protocols:
        return "Called by the cut-off of each network's out-of-fold signature."
    whose = "that of the validation side" if sources.has(Side.VALIDATION) else ".5"
    return f"By the one network of the published protocol; the cut-off is {whose}."


def read_planes(path: Path) -> list[Plane]:
    """Axial, coronal and sagittal planes as stage attention keeps them."""
    with np.load(path) as kept:
        z, y, x = kept["spacing"].tolist()
        edges = {"axial": (y, x), "coronal": (z, x), "sagittal": (z, y)}
        return [
            Plane(kept[f"grey_{p}"].astype(float), kept[f"mask_{p}"], kept[f"heat_{p}"].astype(float), own)
            for p, own in edges.items()
        ]
