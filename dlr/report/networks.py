"""Section 7, seeing: which networks were tried, how they learnt, where they looked; or why there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from dlr.figures import draw_attention, draw_learning_curves, theme
from dlr.report.blocks import Block, Missing, Prose, Section
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources

__all__ = ["seeing"]


def seeing(sources: Sources, press: Press) -> Section:
    """Backbones, learning curves and class activation maps."""
    return Section(
        7, "seeing", "Seeing", (*_backbones(sources, press), *_curves(sources, press), *_attention(sources, press))
    )


def _backbones(sources: Sources, press: Press) -> list[Block]:
    """Every backbone and mode by its out-of-fold AUC, headed by how much the best of them is too good."""
    table = sources.table("deep", "algorithms.csv")
    if table is None:
        return [Missing("Backbones that were tried", sources.why("deep", "algorithms.csv"))]
    choices = sources.table("deep", "choices.csv")
    blocks: list[Block] = []
    for ending, words, rows in sources.by_target(table):
        target = rows["target"].iloc[0]
        best = rows[rows["bbc_corrected"].notna()]
        if len(best):
            row = best.iloc[0]
            gap = row["out_of_fold"] - row["bbc_corrected"]
            head = (
                f"The best of {row['n_tried']:.0f} looks {theme.format_auc(gap)} better than it is: "
                f"{theme.format_auc(row['out_of_fold'])} becomes {theme.format_auc(row['bbc_corrected'])} once "
                "corrected for the choice (BBC-CV)."
            )
        else:
            head = "One backbone in one mode, fixed beforehand: there was nothing to choose, and nothing to correct."
        blocks.append(Prose((head,)))
        shown = pd.DataFrame({
            "Network": rows["algorithm"],
            "Out-of-fold AUC (95 % interval)": [
                f"{theme.format_auc(value)} ({theme.format_interval(low, high)})"
                for value, low, high in zip(rows["out_of_fold"], rows["lower"], rows["upper"], strict=True)
            ],
        })  # fmt: skip
        if choices is not None:
            made = choices[(choices["target"] == target) & choices["chosen"].astype(bool)]
            counts = made.groupby(["protocol", "algorithm"]).size()
            for protocol, total in made.groupby("protocol", sort=True).size().items():
                shown[f"Chosen, {protocol}"] = [
                    f"{counts.get((protocol, name), 0)} of {total}" for name in rows["algorithm"]
                ]
        note = (
            "Never chosen on test: inside each part, by the loss of its inner folds or validation patients. Frozen "
            "networks stand beside fine-tuned ones always."
        )
        blocks.append(press.table(f"backbones{ending}", f"Backbones that were tried{words}", shown, rows, note))
    return blocks


def _curves(sources: Sources, press: Press) -> list[Block]:
    curves = sources.table("deep", "curves.csv")
    if curves is None and sources.setting("deep.mode") == "frozen" and sources.folders.get("deep") is not None:
        why = "The networks were frozen (deep.mode), so that no weight of theirs was trained."
        return [Missing("Learning curves", why)]
    if curves is None:
        return [Missing("Learning curves", sources.why("deep", "curves.csv"))]
    panels = [
        Panel(partial(draw_learning_curves, rows), 4.2, 3.0, f"{model}: {measure}")
        for (model, measure), rows in curves.groupby(["model", "measure"], sort=True)
    ]
    caption = (
        "Mean over folds and seeds, with their range. Early stopping looks at the fold's own validation part only."
    )
    return [press.figure("learning_curves", "Learning curves", caption, panels, curves)]


def _attention(sources: Sources, press: Press) -> list[Block]:
    table: pd.DataFrame | None = sources.table("attention", "attention.csv")
    if table is None:
        return [Missing("Class activation maps of right and wrong cases", sources.why("attention", "attention.csv"))]
    keys = ["model", "layer", "region", "measure", "variant"]
    mean = table.groupby(keys, sort=False, dropna=False)[["value", "null_value"]].mean().reset_index()
    shown = pd.DataFrame({
        "Model": mean["model"], "Layer": mean["layer"], "Region": mean["region"],
        "Measure": mean["measure"].replace({"iou": "IoU"}), "Held against": mean["variant"],
        "Network": mean["value"].map("{:.3f}".format), "Null": mean["null_value"].map("{:.3f}".format),
    })  # fmt: skip
    note = (
        "Energy: share of the map inside the outline over the outline's share of the picture; pointing: the highest "
        "value lies inside; IoU: of the outline and as many of the highest values. Null: the same measure for what "
        "stands under held against. A map that looks no different from its null says nothing."
    )
    return [press.table("attention", "Attention in numbers", shown, table, note), *_maps(sources, press)]


def _maps(sources: Sources, press: Press) -> list[Block]:
    """Overlays of right and wrong cases, each by a chain that did not see the patient."""
    examples = sources.table("attention", "examples.csv")
    if examples is None:
        return []
    panels = []
    order = ["true positive", "false positive", "true negative", "false negative"]
    for row in examples.sort_values(["outcome", "case_id"], key=_place(order), kind="stable").itertuples(index=False):
        path = sources.path("attention", str(row.file))
        if path is None:
            continue
        with np.load(path) as stored:
            grey, mask, heat = (np.asarray(stored[name], dtype=float) for name in ("grey", "mask", "heat"))
        title = f"{str(row.outcome).capitalize()}, {row.case_id}"
        panels.append(
            Panel(partial(draw_attention, grey, mask, heat), 2.2, 2.4, title, f"probability {row.probability:.2f}")
        )
    if not panels:
        return []
    caption = (
        "Class activation maps for the positive class, turbo colours, outline in white. Called by the cut-off of the "
        "out-of-fold signature. A map of a network of random weights looks convincing too: see the numbers above."
    )
    return [press.figure("attention_maps", "Where the network looked", caption, panels, examples)]


def _place(order: list[str]) -> Callable[[pd.Series], pd.Series]:
    """A key that sorts outcomes in a fixed order and everything else by itself."""
    return lambda column: column.map(order.index) if column.name == "outcome" else column
