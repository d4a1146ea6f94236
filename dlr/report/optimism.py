# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section optimism: the published way against the honest way: the gap between them, and the AUC over many splits."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_optimism, draw_splits, theme
from dlr.report.blocks import Block, Heading, Missing, Prose, Section
from dlr.report.combined_set import primary_set
from dlr.report.contents import section
from dlr.report.evidence import LEADING, Evidence, main_variant, measure_words
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import OPTIMISM_GAP, SPLITS, STABILITY
from dlr.words import Protocol, Role, Target

__all__ = ["HONEST", "gap_rows", "optimism"]

STACKED = "stacked"  # column of the table: the out-of-fold values that are stacked
EXPLANATION = "The published way selects features and tunes models on the whole training side and shows how well the very models that were fitted there do on it. The honest way fits everything again inside each fold and predicts only patients that the chain has not seen. The data are the same; the difference is the optimism of the published way. A stacked value is no honest one, as its inputs come from models that saw the held-out labels: it is drawn hatched, and the gap is taken to the nested value, where there is none to the test side."
COLUMNS = {
    "paper_train": "Published: training (apparent)",
    "paper_test": "Published: test",
    "crossfit_out_of_fold": "Honest: out-of-fold",
    STACKED: f"{Role.STACKED[:1].upper()}{Role.STACKED[1:]}: out-of-fold",
    "nested": "Honest: nested",
    "crossfit_test": "Honest: test",
    "gap": "Gap (apparent − honest)",
}
HONEST = {"crossfit_out_of_fold": "out-of-fold", "nested": "nested", "crossfit_test": "test"}  # what `against` says


def optimism(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """The optimism page, outcome by outcome."""
    blocks: list[Block] = [Prose((EXPLANATION,))]
    for target in sources.targets:
        if sources.several:
            blocks.append(Heading(target.name, opens=True))
        blocks += _gaps(sources, press, evidence, target)
        if target.binary:
            blocks += _splits(sources, press, evidence, target)
    return section("optimism", sources, blocks)


def gap_rows(sources: Sources, evidence: Evidence, target: Target) -> pd.DataFrame:
    """OPTIMISM_GAP of a target by its leading measure, main variants; empty where there is none."""
    rows = sources.of(OPTIMISM_GAP, target, metric=LEADING[target.kind])
    return OPTIMISM_GAP.empty() if rows is None else evidence.in_order(main_variant(rows))


def _gaps(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    rows = gap_rows(sources, evidence, target)
    if rows.empty or rows[["paper_train", "crossfit_out_of_fold"]].isna().all(axis=None):
        why = sources.why(OPTIMISM_GAP)
        protocols = sources.settings.learn.protocols
        if not {Protocol.PAPER, Protocol.CROSSFIT} <= set(protocols):
            why = f"It needs both protocols, and learn.protocols is {', '.join(protocols)}."
        return [Missing(f"Published way against honest way for {target.name}", why)]
    words = measure_words(LEADING[target.kind])
    stacked = rows["role"] == Role.STACKED
    values = rows.assign(**{
        STACKED: rows["crossfit_out_of_fold"].where(stacked),
        "crossfit_out_of_fold": rows["crossfit_out_of_fold"].mask(stacked),
    })  # fmt: skip
    found = {words: values[name].map(theme.format_auc) for name, words in COLUMNS.items() if values[name].notna().any()}
    shown = pd.DataFrame({"Model": rows["model"], **found, "Gap to": rows["against"].map(HONEST).fillna("")})
    panel = Panel(partial(draw_optimism, rows, measure=words), 7.0, 2.0 + 0.48 * len(rows))
    caption = f"The grey bar runs from the honest {words} to the apparent one."
    if stacked.any():
        caption += f" Hatched: {Role.STACKED}."
    if rows["gap"].notna().any():
        # an error is optimistic where it is too small
        worst = rows.loc[rows["gap"].idxmax() if target.binary else rows["gap"].idxmin()]
        caption += f" Largest gap: {worst['model']}, {theme.format_auc(worst['gap'])}."
    name = sources.slug(target)
    title = f"{words[:1].upper()}{words[1:]} the published way and the honest way for {target.name}"
    return [
        press.figure(f"optimism_{name}", title, caption, [panel], rows),
        press.table(f"optimism_table_{name}", f"The gap in numbers for {target.name}", shown, rows),
    ]


def _splits(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    rows = sources.of(SPLITS, target)
    if rows is None:
        why = "evaluate.splits is 0." if sources.settings.evaluate.splits == 0 else sources.why(SPLITS)
        return sources.missing(f"AUC over many splits for {target.name}", SPLITS, why)
    rows = evidence.in_order(rows)
    panel = Panel(partial(draw_splits, rows), 1.8 + 1.5 * rows["model"].nunique(), 3.3)
    drawn, own = rows[~rows["own"]], rows[rows["own"]]
    ends = drawn.groupby("model", sort=False)["auc"].agg(["min", "max"])
    spans = "; ".join(
        f"{row.Index} {theme.format_auc(row.min)} to {theme.format_auc(row.max)}" for row in ends.itertuples()
    )
    by = "; ".join(f"{row.model} {row.algorithm}" for row in rows.drop_duplicates("model").itertuples())
    filtered = sources.table(STABILITY) is not None and sources.settings.learn.icc_filter is not None
    filter_too = ", its features filtered by their ICC in that split's training patients" if filtered else ""
    caption = f"One of the study's own cross-fitting chains, by the algorithm that most of them chose ({by}){filter_too}, fitted and tested on {drawn['split'].nunique()} random splits of the same patients: {spans}. A single split is one draw from this cloud."
    if len(own):
        marked = "; ".join(f"{row.model} {theme.format_auc(row.auc)}" for row in own.itertuples())
        caption += f" Diamond: the study's own split by that one chain: {marked}; the signature itself is the mean of all chains."
    if primary_set(sources, target) is not None:
        caption += " Combined is left out: each split would need every signature cross-fitted again."
    caption += " Line: median; bar at its left: quartiles."
    name, title = f"splits_{sources.slug(target)}", f"Test AUC over many random splits for {target.name}"
    return [press.figure(name, title, caption, [panel], rows)]
