# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Is it the tumour or the hospital: one marker's AUC pooled, within hospitals, and in a hospital left out."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_cohort_forest
from dlr.report.blocks import Block, Prose
from dlr.report.evidence import Evidence, cell
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.words import Estimate, Model, Target

__all__ = ["MEAN_NOTE", "PAIRS", "cohort_blocks", "cohort_rows", "recognised"]

PAIRS, MEAN = "auc_pairs_within_cohorts", "auc_within_cohorts"
POOLED, WITHIN, OVER, LEFT_OUT = "pooled", "pairs within a cohort", "mean over cohorts", "left-out cohort"
NETWORKS = (Model.DL, Model.SINGLE_TASK, Model.MULTI_TASK, Model.SPATIAL)
TOO_FAR, TOO_LOW = 0.05, 0.6  # pooled above within; left out under
MEAN_NOTE = "Pairs within a cohort: of a positive and a negative patient of one cohort (and fold), so that to recognise the cohort helps nobody; left-out cohort: everybody predicted by models of the other cohorts."
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


def recognised(rows: pd.DataFrame) -> list[str]:
    """Which models may recognise the cohort: pooled far above within cohorts, or lost in cohorts left out.

    rows : as `cohort_rows` gives them. A pooled AUC whose interval holds .5 has nothing to lose.
    """
    said = []
    for model, own in rows.groupby("model", sort=False):
        by = own.set_index("measure")
        pooled, within, left_out = (by["value"].get(words, float("nan")) for words in (POOLED, WITHIN, LEFT_OUT))
        if not by["lower"].get(POOLED, float("nan")) > 0.5:
            continue
        far, lost = pooled - within > TOO_FAR, left_out < TOO_LOW <= pooled
        if far or lost:
            kind = "network" if model in NETWORKS else "model"
            figures = [
                f"{pooled:.3f} pooled",
                *([f"{within:.3f} within"] if far else []),
                *([f"{left_out:.3f} in cohorts left out"] if lost else []),
            ]
            said.append(f"the {kind} {model} may recognise the cohort ({', '.join(figures)})")
    return said
