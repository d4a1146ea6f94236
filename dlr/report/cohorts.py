# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Is it the tumour or the hospital: one marker's AUC pooled, within hospitals, and in a hospital left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from dlr.figures import draw_cohort_forest, theme
from dlr.report.blocks import Block, Prose
from dlr.report.evidence import ROLES_SHOWN, Evidence, Headline, cell, with_interval
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import CONFOUNDERS
from dlr.words import Estimate, Model, Target, pairs_within

__all__ = ["MEAN_NOTE", "PAIRS", "cohort_blocks", "alone", "cohort_rows", "confounder_blocks", "recognised", "within"]

PAIRS, MEAN = "auc_pairs_within_cohorts", "auc_within_cohorts"
POOLED, WITHIN, OVER, LEFT_OUT = "pooled", "pairs within a cohort", "mean over cohorts", "left-out cohort"
NETWORKS = (Model.DL, Model.SINGLE_TASK, Model.MULTI_TASK, Model.SPATIAL)
TOO_FAR, TOO_LOW = 0.05, 0.6  # pooled above within; left out under
MEAN_NOTE = "Pairs within a cohort: of a positive and a negative patient of one cohort (and fold), so that to recognise the cohort helps nobody; left-out cohort: everybody predicted by models of the other cohorts."
ALONE_NOTE = "Each patient is given the share of positives at its level, pairs inside a side. A share learnt from the same patients lies above 0.5 by itself: the mean of shuffled outcomes stands beside, and p is that of 9,999 shuffles. A column is said to tell the outcome from an AUC of .6 with p under .001 after Holm."
ADJUSTED_NOTE = "Share of ordered pairs among those of one level (and out-of-fold of one fold), however few a level has: to recognise the level helps nobody there."
NOTE = "Out-of-fold, pairs of a positive and a negative patient of one fold. Pooled: all of them; pairs within a cohort: those of one cohort; mean over cohorts: of each cohort's own AUC, the small ones counting as much as the large; left-out cohort: everybody predicted by models of the other cohorts. In brackets 95 % intervals."


def cohort_rows(evidence: Evidence, target: str) -> pd.DataFrame:
    """model, measure (pooled, pairs within a cohort, …, a cohort's name), value, lower, upper, n, n_positive."""
    rows = []
    for model in evidence.models(target):
        found = _areas(evidence, target, model)
        if found[WITHIN] is None:
            continue
        for words, auc in found.items():
            if auc is not None:
                rows.append((model, words, auc.value, auc.lower, auc.upper, auc.n, auc.n_positive))
        for row in evidence.of_cohorts(target, model).itertuples(index=False):
            name = str(row.subset).partition("=")[2]
            rows.append((model, f"in {name}", row.value, row.lower, row.upper, int(row.n), int(row.n_positive)))
    return pd.DataFrame(rows, columns=["model", "measure", "value", "lower", "upper", "n", "n_positive"])


def _areas(evidence: Evidence, target: str, model: str) -> dict[str, Estimate | None]:
    """What is held against one another; pooled within folds, as pairs within cohorts are, where every fold has both."""
    out_of_fold = {
        name: evidence.get(target, model, "out-of-fold", name) for name in ("auc", "auc_pooled", PAIRS, MEAN)
    }
    return {
        POOLED: out_of_fold["auc"] or out_of_fold["auc_pooled"],
        WITHIN: out_of_fold[PAIRS],
        OVER: out_of_fold[MEAN],
        LEFT_OUT: evidence.get(target, model, "left-out cohort", "auc"),
    }


def cohort_blocks(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """The table, its figure, and the sentences where a model may recognise the cohort; nothing of one cohort."""
    rows = cohort_rows(evidence, target.name)
    if rows.empty:
        return []
    shown = []
    for model in dict.fromkeys(rows["model"]):
        areas = _areas(evidence, target.name, model)
        cells = {"Model": model} | {words.capitalize(): cell(auc, 3, "\n") for words, auc in areas.items()}
        shown.append(cells)
    name, words = sources.slug(target), f"AUC for {target.name} pooled, within and across cohorts"
    panel = Panel(partial(draw_cohort_forest, rows), 7.4, 0.9 + 0.24 * len(rows))
    caption = "A line a model and measure; open marks: within one cohort. Where the pooled value lies right of all of these, the cohort helps to answer."
    blocks: list[Block] = [
        press.table(f"cohorts_{name}", words, pd.DataFrame(shown), rows, NOTE),
        press.figure(f"cohort_forest_{name}", f"{target.name} within and across cohorts", caption, [panel], rows),
    ]
    said = recognised(rows[[sources.model(str(name)).of_images for name in rows["model"]]])
    if said:
        blocks.append(Prose((f"For {target.name} {'; '.join(said)}.",)))
    return blocks


def within(evidence: Evidence, headline: Headline | None, column: str) -> Estimate | None:
    """The headline model's AUC among pairs of one level of a column, in its own role."""
    if headline is None:
        return None
    return evidence.get(headline.target.name, headline.model, headline.role, pairs_within(column))


def alone(sources: Sources, evidence: Evidence, headline: Headline) -> Iterator[str]:
    """A sentence a column that tells the outcome by itself: how well, and what the headline's model adds to it."""
    rows = sources.of(CONFOUNDERS, headline.target)
    for row in () if rows is None else rows[rows["found"]].itertuples():
        inside = within(evidence, headline, str(row.column))
        area = f"The {row.column} alone reaches an AUC of {theme.format_estimate(row.auc, row.lower, row.upper)}"
        yield (
            f"{area}; among pairs of one {row.column} the model's is {with_interval(inside)}." if inside else f"{area}."
        )


def confounder_blocks(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """What the acquisition alone tells of the outcome, and each model pooled and inside the levels that tell it."""
    rows = sources.of(CONFOUNDERS, target)
    if rows is None:
        return []
    shown = pd.DataFrame({
        "Column": rows["column"], "Positive of each level": rows["shares"],
        "AUC": [theme.format_estimate(r.auc, r.lower, r.upper, between="\n") for r in rows.itertuples()],
        "AUC of shuffled outcomes": rows["null"].map(theme.format_auc), "p (Holm)": rows["p_holm"].map(theme.format_p),
    })  # fmt: skip
    name = sources.slug(target)
    title = f"What the acquisition alone tells of {target.name}"
    blocks: list[Block] = [press.table(f"confounders_{name}", title, shown, rows, ALONE_NOTE)]
    told = {row.column: row.found for row in rows.itertuples()}
    lines = []
    for model in evidence.models(target.name):
        for role in ROLES_SHOWN:
            pooled = evidence.get(target.name, model, role, "auc")
            found = {
                column: evidence.get(target.name, model, role, pairs_within(column))
                for column, tells in told.items() if tells or column == "cohort"
            }  # fmt: skip
            if pooled is not None and any(found.values()):
                inside = {f"Pairs of one {column}": cell(area, 3, "\n") for column, area in found.items()}
                lines.append({"Model": model, "Patients are": role, "Pooled": cell(pooled, 3, "\n")} | inside)
    if lines:
        title = f"AUC for {target.name} pooled, and adjusted for the acquisition"
        blocks.append(press.table(f"adjusted_{name}", title, pd.DataFrame(lines), note=ADJUSTED_NOTE))
    return blocks


def recognised(rows: pd.DataFrame) -> list[str]:
    """Which models may recognise the cohort: pooled far above within cohorts, or lost in cohorts left out.

    rows : as `cohort_rows` gives them. A pooled AUC whose interval holds .5 has nothing to lose, and one that lies in
    the interval of the other is not shown to be above it.
    """
    said = []
    for model, own in rows.groupby("model", sort=False):
        by = own.set_index("measure")
        pooled, within, left_out = (by["value"].get(words, float("nan")) for words in (POOLED, WITHIN, LEFT_OUT))
        if not by["lower"].get(POOLED, float("nan")) > 0.5:
            continue
        far = pooled - within > TOO_FAR and pooled > by["upper"][WITHIN]
        lost = left_out < TOO_LOW <= pooled and pooled > by["upper"][LEFT_OUT]
        if far or lost:
            kind = "network" if model in NETWORKS else "model"
            figures = [
                f"{pooled:.3f} pooled",
                *([f"{within:.3f} within"] if far else []),
                *([f"{left_out:.3f} in cohorts left out"] if lost else []),
            ]
            said.append(f"the {kind} {model} may recognise the cohort ({', '.join(figures)})")
    return said
