# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Features of the networks in three dimensions: a cloud that turns, and its three projections for print."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd

from dlr.figures import draw_tsne
from dlr.report.blocks import Block, Cloud, Heading
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources
from dlr.tables import TSNE
from dlr.words import EVERY_PART, Target

__all__ = ["cloud_of", "embedding_blocks"]

CLOUD = "Drag to turn, or use the arrow keys; it stands still while the pointer is on it. The features are those of one chain ({part}), since those of different chains lie in different spaces: filled are the patients that it did not see, hollow those it was trained on, which it has learnt to tell apart.{half}"
STATIC = "The three projections of the same cloud, a row a marker. Filled: patients that the chain ({part}) did not see; hollow: its training patients.{half} Circles: positive; squares: negative; crosses: unknown."
HALF = (
    " Half-filled (◐, stopped on): the validation side, whose loss chose the epoch, so that it is not fully held out."
)
READING = "t-SNE keeps neighbours: how far two groups lie apart and how large they are says nothing."
ROLES = {"train": 0, "held-out": 1, "stopped on": 2}  # hollow, filled, half-filled
RADIUS = 1000  # of the cloud's farthest point; whole numbers keep the page small


def embedding_blocks(sources: Sources, press: Press) -> list[Block]:
    """A cloud and a figure a network; nothing where the pipeline lays out no features."""
    table = sources.table(TSNE)
    if table is None:
        return sources.missing("Features in three dimensions", TSNE)
    blocks: list[Block] = [Heading("Features in three dimensions (t-SNE)")]
    table = table.sort_values("model", key=lambda names: names.map(sources.place), kind="stable")
    for (model, target), rows in table.groupby(["model", "target"], sort=False):
        binary = [one for one in sources.targets if one.binary and str(target) in (EVERY_PART, one.name)]
        labelled = _labelled(sources, rows, binary)
        half = HALF if (rows["role"] == "stopped on").any() else ""
        part, of = str(rows["part"].iloc[0]), "" if target == EVERY_PART else f" for {target}"
        name, title = f"tsne_{slug(str(model))}_{slug(str(target))}", f"Features of {model}{of}"
        turning = CLOUD.format(part=part, half=half)
        blocks.append(Cloud(name, title, turning, tuple(one.name for one in binary), cloud_of(labelled, binary)))
        panels = [
            Panel(partial(draw_tsne, labelled.assign(label=labelled[one.name])), 7.4, 2.9, one.name) for one in binary
        ]
        caption = f"{STATIC.format(part=part, half=half)} {READING}"
        blocks.append(press.figure(name, f"{title}: projections", caption, panels, labelled, across=1))
    return blocks


def _labelled(sources: Sources, rows: pd.DataFrame, targets: list[Target]) -> pd.DataFrame:
    """The rows with what is known of each patient, NaN where it is not."""
    patients = sources.patients
    known = pd.DataFrame() if patients is None else patients.set_index("patient_id")
    return rows.assign(**{
        one.name: rows["patient_id"].map(pd.to_numeric(known[one.name])) if one.name in known else np.nan for one in targets
    })  # fmt: skip


def cloud_of(points: pd.DataFrame, targets: list[Target]) -> str:
    """JSON: a list a patient: x, y, z as whole numbers in a ball of RADIUS, its role (ROLES), a label a marker or null."""
    xyz = points[["x", "y", "z"]].to_numpy(dtype=float)
    xyz = xyz - xyz.mean(axis=0)
    farthest = np.linalg.norm(xyz, axis=1).max()
    whole = np.rint(RADIUS * xyz / (farthest or 1.0)).astype(int)
    labels = points[[one.name for one in targets]].to_numpy(dtype=float)
    roles = points["role"].map(ROLES)
    return json.dumps(
        [
            [*place.tolist(), int(role), *(None if np.isnan(value) else int(value) for value in own)]
            for place, role, own in zip(whole, roles, labels, strict=True)
        ],
        separators=(",", ":"),
    )
