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
from dlr.words import Target

__all__ = ["cohort_blocks", "cohort_rows", "recognised"]

POOLED, PAIRS, MEAN = "auc_pooled", "auc_pairs_within_cohorts", "auc_within_cohorts"
WORDS = {
    POOLED: "pooled",
    PAIRS: "pairs within a cohort",
    MEAN: "mean over cohorts",
    "left-out cohort": "left-out cohort",
}
TOO_FAR, TOO_LOW = 0.05, 0.6  # pooled above within; left out under
NOTE = "Out-of-fold. Pooled: all pairs of a positive and a negative patient; pairs within a cohort: those of one cohort; mean over cohorts: of each cohort's own AUC, the small ones counting as much as the large; left-out cohort: everybody predicted by models of the other cohorts. In brackets 95 % intervals."


def cohort_rows(evidence: Evidence, target: str) -> pd.DataFrame:
    """model, measure (pooled, pairs within a cohort, …, a cohort's name), value, lower, upper, n, n_positive."""
    rows = []
    for model in evidence.models(target):
        if evidence.get(target, model, "out-of-fold", PAIRS) is None:
            continue
        found = {words: evidence.get(target, model, "out-of-fold", metric) for metric, words in list(WORDS.items())[:3]}
        found["left-out cohort"] = evidence.get(target, model, "left-out cohort", "auc")
        for words, auc in found.items():
            if auc is not None:
                rows.append((model, words, auc.value, auc.lower, auc.upper, auc.n, auc.n_positive))
        for row in evidence.of_cohorts(target, model).itertuples(index=False):
            name = str(row.subset).partition("=")[2]
            rows.append((model, f"in {name}", row.value, row.lower, row.upper, int(row.n), int(row.n_positive)))
    return pd.DataFrame(rows, columns=["model", "measure", "value", "lower", "upper", "n", "n_positive"])


def cohort_blocks(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """The table, its figure, and the sentence where a network may recognise the cohort; nothing of one cohort."""
    rows = cohort_rows(evidence, target.name)
    if rows.empty:
        return []
    shown = []
    for model in dict.fromkeys(rows["model"]):
        cells = {"Model": model}
        for metric, words in WORDS.items():
            role, measure = ("left-out cohort", "auc") if words == metric else ("out-of-fold", metric)
            cells[words.capitalize()] = cell(evidence.get(target.name, model, role, measure), 3, "\n")
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
        blocks.append(Prose((f"For {target.name} the network may recognise the cohort: {'; '.join(said)}.",)))
    return blocks


def recognised(rows: pd.DataFrame) -> list[str]:
    """Of which models the pooled AUC lies far above that within cohorts, or is lost in cohorts left out.

    rows : as `cohort_rows` gives them. What is pooled no better than a left-out cohort may be has nothing to lose.
    """
    said = []
    for model, own in rows.groupby("model", sort=False):
        value = own.set_index("measure")["value"]
        pooled, pairs, left_out = (value.get(WORDS[key], float("nan")) for key in (POOLED, PAIRS, "left-out cohort"))
        if pooled - pairs > TOO_FAR:
            said.append(f"{model} has {pooled:.3f} pooled and {pairs:.3f} within")
        if left_out < TOO_LOW <= pooled:
            said.append(f"{model} has {pooled:.3f} pooled and {left_out:.3f} in cohorts left out")
    return said
