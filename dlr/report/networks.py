# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section seeing: which networks were tried, how they learnt, where they looked; or why there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from dlr.figures import draw_attention, draw_learning_curves, theme
from dlr.report.blocks import Block, Heading, Missing, Prose, Section
from dlr.report.comparisons import of_networks
from dlr.report.contents import section
from dlr.report.embedding import embedding_blocks
from dlr.report.press import Panel, Press
from dlr.report.regions import region_blocks
from dlr.report.sources import Sources
from dlr.report.volume_maps import called_by, compared_networks, maps_in_planes
from dlr.tables import ALGORITHMS, ATTENTION, CHOICES, CURVES, EXAMPLES, PREDICTIONS, TSNE, VOLUMES
from dlr.words import EVERY_PART, Side, Target, stopped_on

__all__ = ["seeing"]

CHOICE_NOTE = "Never chosen on test: inside each part, by the loss of its inner folds or validation patients. Frozen networks stand beside fine-tuned ones always."
MEASURES_NOTE = "Energy: share of the map inside the outline over the outline's share of the picture; pointing: the highest value lies inside; IoU: of the outline and as many of the highest values. Null: the same measure for what stands under held against. A map that looks no different from its null says nothing."
MAPS_CAPTION = "Class activation maps for the positive class, turbo colours, outline in white. {called} A map of a network of random weights looks convincing too: see the attention in numbers."
HEADS = "heads"
MEASURES = {HEADS: "loss of the markers", "dice": "Dice loss", "voxels": "cross-entropy of the voxels"}  # of CURVES
OUTCOMES = ["true positive", "false positive", "true negative", "false negative"]


def seeing(sources: Sources, press: Press) -> Section:
    """Backbones, learning curves and class activation maps, outcome by outcome."""
    if all(sources.table(table) is None for table in (CURVES, ATTENTION, TSNE)) and _networks(sources) is None:
        return section("seeing", sources, _nothing(sources))
    blocks: list[Block] = [*_curves_of_all(sources, press), *embedding_blocks(sources, press)]
    blocks += region_blocks(sources, press)
    for target in sources.targets:
        if sources.several:
            blocks.append(Heading(target.name, opens=True))
        if not _answered(sources, target):
            blocks.append(_not_tried(sources, target))
            continue
        blocks += [*_backbones(sources, press, target), *_curves(sources, press, target)]
        blocks += _attention(sources, press, target)
    return section("seeing", sources, blocks)


def _not_tried(sources: Sources, target: Target) -> Block:
    """That no backbone was tried for an outcome; a 3-D network may answer it all the same, in per cent."""
    rows = sources.of(PREDICTIONS, target)
    named = [name for name in sources.networks_of_volumes if rows is not None and (rows["model"] == name).any()]
    if not named:
        return Missing(f"Networks that were tried for {target.name}", "No network was fitted for it.")
    said = f"{' and '.join(named)} answer{'s' if len(named) == 1 else ''} it, as the curves above show; class activation maps are of outcomes of two classes."
    return Missing(f"Class activation maps for {target.name}", said)


def _nothing(sources: Sources) -> list[Block]:
    """Said once, not by outcome."""
    return [
        Missing("Networks that were tried", _why_no_network(sources)),
        *sources.missing("Learning curves", CURVES),
        *sources.missing("Class activation maps of right and wrong cases", ATTENTION),
    ]


def _networks(sources: Sources) -> pd.DataFrame | None:
    table = sources.table(ALGORITHMS)
    rows = None if table is None else table[of_networks(sources, table)]
    return None if rows is None or rows.empty else rows


def _answered(sources: Sources, target: Target) -> bool:
    """Whether a network was fitted for a target."""
    networks = _networks(sources)
    tried = networks is not None and (networks["target"] == target.name).any()
    return (
        tried
        or (target.binary and _of_all(sources) is not None)
        or any(sources.of(table, target) is not None for table in (CURVES, ATTENTION))
    )


def _why_no_network(sources: Sources) -> str:
    return sources.why(CURVES) if sources.document("deep.json") is None else "No network was tried."


def _backbones(sources: Sources, press: Press, target: Target) -> list[Block]:
    """Every backbone and mode by its out-of-fold AUC, headed by how much the best of them is too good."""
    networks = _networks(sources)
    rows = None if networks is None else networks[networks["target"] == target.name]
    if rows is None or rows.empty:
        return [Missing(f"Networks that were tried for {target.name}", _why_no_network(sources))]
    best = rows[rows["bbc_corrected"].notna()]
    head = "One backbone in one mode, fixed beforehand: there was nothing to choose, and nothing to correct."
    if len(best):
        row = best.iloc[0]
        gap, tried = theme.format_auc(row["out_of_fold"] - row["bbc_corrected"]), row["n_tried"]
        value, corrected = theme.format_auc(row["out_of_fold"]), theme.format_auc(row["bbc_corrected"])
        head = f"The best of {tried:.0f} looks {gap} better than it is: {value} becomes {corrected} once corrected for the choice (BBC-CV)."
    shown = pd.DataFrame({
        "Network": rows["algorithm"],
        "Out-of-fold AUC (95 % interval)": [
            theme.format_estimate(value, low, high)
            for value, low, high in zip(rows["out_of_fold"], rows["lower"], rows["upper"], strict=True)
        ],
    })  # fmt: skip
    choices = sources.of(CHOICES, target)
    if choices is not None:
        made = choices[choices["chosen"] & of_networks(sources, choices)]
        counts = made.groupby(["protocol", "algorithm"]).size()
        for protocol, total in made.groupby("protocol", sort=True).size().items():
            shown[f"Chosen, {protocol}"] = [
                f"{counts.get((protocol, name), 0)} of {total}" for name in rows["algorithm"]
            ]
    name, title = f"backbones_{sources.slug(target)}", f"Networks that were tried for {target.name}"
    return [Prose((head,)), press.table(name, title, shown, rows, CHOICE_NOTE)]


def _curves(sources: Sources, press: Press, target: Target) -> list[Block]:
    curves = sources.of(CURVES, target)
    if curves is None and _of_all(sources) is not None:
        return []
    if curves is None:
        frozen = (sources.document("deep.json") or {}).get("mode") == "frozen"
        why = "The networks were frozen (deep.mode), so that no weight of theirs was trained."
        return sources.missing(f"Learning curves for {target.name}", CURVES, why if frozen else "")
    return [_drawn_curves(sources, press, curves, sources.slug(target), target.name)]


def _of_all(sources: Sources) -> pd.DataFrame | None:
    """The curves of networks that answer for all outcomes at once."""
    curves = sources.table(CURVES)
    rows = None if curves is None else curves[curves["target"] == EVERY_PART]
    return None if rows is None or rows.empty else rows


def _curves_of_all(sources: Sources, press: Press) -> list[Block]:
    curves = _of_all(sources)
    return [] if curves is None else [_drawn_curves(sources, press, curves, EVERY_PART, "all outcomes")]


def _drawn_curves(sources: Sources, press: Press, curves: pd.DataFrame, name: str, words: str) -> Block:
    several = curves.groupby("model")["measure"].transform("nunique") > 2
    shown = curves[several | (curves["measure"] != HEADS)]  # of a network with heads alone they are its loss
    shown = shown.assign(measure=shown["measure"].replace(MEASURES))
    panels = [
        Panel(partial(draw_learning_curves, rows), 4.2, 3.0, f"{model}: {measure}")
        for (model, measure), rows in shown.groupby(["model", "measure"], sort=True)
    ]
    caption = f"Mean over folds and seeds, with their range. {_stopping(sources, curves)}"
    return press.figure(f"learning_curves_{name}", f"Learning curves for {words}", caption, panels, curves)


def _stopping(sources: Sources, curves: pd.DataFrame) -> str:
    """Whose loss chose the epoch."""
    judged = curves[curves["part"] == "validation"]
    if judged.empty:
        return "No validation part was set aside: all epochs ran."
    on_side = sources.has(Side.VALIDATION) & pd.Series([
        stopped_on(model, protocol, Side.VALIDATION)
        for model, protocol in zip(judged["model"], judged["protocol"], strict=True)
    ])  # fmt: skip
    own = "Early stopping looks at the fold's own validation part only."
    under_paper = "The validation side chose the epoch of the networks of the published protocol."
    return " ".join([*([] if on_side.all() else [own]), *([under_paper] if on_side.any() else [])])


def _attention(sources: Sources, press: Press, target: Target) -> list[Block]:
    table = sources.of(ATTENTION, target)
    if table is None:
        return sources.missing(f"Class activation maps of right and wrong cases for {target.name}", ATTENTION)
    keys = ["model", "layer", "region", "measure", "variant"]
    mean = table.groupby(keys, sort=False)[["value", "null_value"]].mean().reset_index()
    shown = pd.DataFrame({
        "Model": mean["model"], "Layer": mean["layer"], "Region": mean["region"],
        "Measure": mean["measure"].replace({"iou": "IoU"}), "Held against": mean["variant"],
        "Network": mean["value"].map("{:.3f}".format), "Null": mean["null_value"].map("{:.3f}".format),
    })  # fmt: skip
    name, title = f"attention_{sources.slug(target)}", f"Attention in numbers for {target.name}"
    return [
        press.table(name, title, shown, table, MEASURES_NOTE),
        *compared_networks(sources, press, target),
        *_maps(sources, press, target),
        *maps_in_planes(sources, press, target),
    ]


def _maps(sources: Sources, press: Press, target: Target) -> list[Block]:
    """Overlays of right and wrong cases, each by a chain that did not see the patient."""
    examples = sources.of(EXAMPLES, target)
    if examples is None:
        return []
    panels = []
    in_order = examples.sort_values(["outcome", "case_id"], key=_place(OUTCOMES), kind="stable")
    for row in in_order.itertuples(index=False):
        path = sources.beside(EXAMPLES, str(row.file))
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
    name, title = f"attention_maps_{sources.slug(target)}", f"Where the network looked for {target.name}"
    caption = MAPS_CAPTION.format(called=called_by(sources))
    of_volumes = "Of a volume the slice with the largest ROI. " if sources.gives(VOLUMES) else ""
    return [press.figure(name, title, of_volumes + caption, panels, examples)]


def _place(order: list[str]) -> Callable[[pd.Series], pd.Series]:
    """A key that sorts outcomes in a fixed order and everything else by itself."""
    return lambda column: column.map(order.index) if column.name == "outcome" else column
