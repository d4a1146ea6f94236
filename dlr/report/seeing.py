"""Section 7, seeing: where networks looked, how they learnt; or why there is nothing to see."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_learning_curves
from dlr.report.blocks import Block, Missing, Section
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources

__all__ = ["seeing"]


def seeing(sources: Sources, press: Press) -> Section:
    """Learning curves and class activation maps."""
    return Section(7, "seeing", "Seeing", (*_curves(sources, press), *_attention(sources, press)))


def _curves(sources: Sources, press: Press) -> list[Block]:
    curves = sources.table("deep", "curves.csv")
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
    mean = (
        table.groupby(["model", "layer", "region", "measure"], sort=False)[["value", "null_value"]].mean().reset_index()
    )
    shown = mean.rename(
        columns={
            "model": "Model",
            "layer": "Layer",
            "region": "Region",
            "measure": "Measure",
            "value": "Network",
            "null_value": "Null",
        }
    )
    note = "Null: the same measure for a network of random weights. A map that looks no different says nothing."
    return [press.table("attention", "Attention in numbers", shown, table, note)]
