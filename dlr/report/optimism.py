"""Section 5, the published way against the honest way: the gap between them, and the AUC over many splits."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_optimism, draw_splits, theme
from dlr.report.blocks import Block, Missing, Prose, Section
from dlr.report.evidence import in_order, main_variant
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources

__all__ = ["gap_rows", "optimism"]

EXPLANATION = (
    "The published way selects features and tunes models on the whole training side and shows the training AUC "
    "of the very "
    "models that were fitted there. The honest way fits everything again inside each fold and predicts only "
    "patients that the "
    "chain has not seen. The data are the same; the difference is the optimism of the published way."
)


def optimism(sources: Sources, press: Press) -> Section:
    """The optimism page."""
    blocks: list[Block] = [Prose((EXPLANATION,))]
    for target in sources.targets:
        blocks += _gaps(sources, press, target)
    blocks += _splits(sources, press)
    return Section(5, "optimism", "Published way against honest way", tuple(blocks))


def gap_rows(sources: Sources, target: str, metric: str = "auc") -> pd.DataFrame:
    """optimism_gap.csv of a target and measure, main variants; empty where there is none."""
    table = sources.table("evaluate", "optimism_gap.csv")
    if table is None:
        return pd.DataFrame()
    return in_order(main_variant(table[(table["target"] == target) & (table["metric"] == metric)]))


def _gaps(sources: Sources, press: Press, target: str) -> list[Block]:
    rows = gap_rows(sources, target)
    if rows.empty or rows[["paper_train", "crossfit_out_of_fold"]].isna().all(axis=None):
        why = sources.why("evaluate", "optimism_gap.csv")
        protocols = sources.setting("learn.protocols")
        if protocols and not {"paper", "crossfit"} <= set(protocols):
            why = f"It needs both protocols, and learn.protocols is {', '.join(protocols)}."
        return [Missing(f"Published way against honest way for {target}", why)]
    columns = {
        "paper_train": "Published: training (apparent)",
        "paper_test": "Published: test",
        "crossfit_out_of_fold": "Honest: out-of-fold",
        "crossfit_test": "Honest: test",
        "gap": "Gap (apparent − out-of-fold)",
    }
    shown = pd.DataFrame({"Model": rows["model"], **{w: rows[c].map(theme.format_auc) for c, w in columns.items()}})
    panel = Panel(partial(draw_optimism, rows), 7.0, 2.0 + 0.48 * len(rows))
    worst = rows.loc[rows["gap"].idxmax()] if rows["gap"].notna().any() else None
    caption = "The grey bar runs from the honest out-of-fold AUC to the apparent one."
    if worst is not None:
        caption += f" Largest gap: {worst['model']}, {theme.format_auc(worst['gap'])}."
    name = slug(target)
    return [
        press.figure(
            f"optimism_{name}", f"AUC the published way and the honest way for {target}", caption, [panel], rows
        ),
        press.table(f"optimism_table_{name}", f"The gap in numbers for {target}", shown, rows),
    ]


def _splits(sources: Sources, press: Press) -> list[Block]:
    table = sources.table("evaluate", "splits.csv")
    if table is None:
        why = sources.why("evaluate", "splits.csv")
        if sources.setting("evaluate.splits", None) == 0:
            why = "evaluate.splits is 0."
        return [Missing("AUC over many splits", why)]
    blocks: list[Block] = []
    for target, rows in table.groupby("target", sort=False):
        rows = in_order(rows)
        panel = Panel(partial(draw_splits, rows), 1.8 + 1.5 * rows["model"].nunique(), 3.3)
        ends = rows.groupby("model", sort=False)["auc"].agg(["min", "max"])
        spans = "; ".join(
            f"{row.Index} {theme.format_auc(row.min)} to {theme.format_auc(row.max)}" for row in ends.itertuples()
        )
        caption = (
            f"One simple chain (logistic) fitted and tested on {rows['split'].nunique()} random splits of the "
            "same patients: "
            f"{spans}. A single split is one draw from this cloud. Line: median; bar at its left: quartiles."
        )
        title = f"Test AUC over many random splits for {target}"
        blocks.append(press.figure(f"splits_{slug(str(target))}", title, caption, [panel], rows))
    return blocks
