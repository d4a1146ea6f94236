# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section subtypes: molecular subtypes called from the markers' answers, against those of the markers as measured."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from dlr.figures import draw_confusion, theme
from dlr.report.blocks import Block, Prose, Section
from dlr.report.contents import section
from dlr.report.evidence import ROLES, ROLES_SHOWN
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources
from dlr.tables import SUBTYPE_METRICS, SUBTYPES
from dlr.words import Subtype, chose_cutoffs

__all__ = ["CLASSES", "RULES", "counted", "passes", "subtypes"]

CLASSES = tuple(Subtype)
RULES = {
    "st_gallen_2013": "St Gallen 2013: hormone receptor positive is ER or PR positive; luminal A of these is HER2-negative with Ki-67 under 20 %, and with PR of 20 % or more where PR is a per cent",
    "st_gallen_2011": "St Gallen 2011: hormone receptor positive is ER or PR positive; luminal A of these is HER2-negative with Ki-67 under 14 %",
}
CALLED = "Called from the answers to each marker at its own cut-off (Ki-67: the predicted per cent); true by the same rule from the markers as measured, of patients in whom all that the rule needs is known."
TOGETHER = "Where Ki-67 is unknown, luminal A and luminal B/HER2-negative cannot be told apart and are one class."
NOTE = "Of patients whose true subtype is known, with Wilson's 95 % intervals; the difference is of the same patients, with its paired interval."
CAPTION = "Rows: the subtype of the markers as measured; columns: the one called. Below each count the share of its row; framed: called rightly. "


def subtypes(sources: Sources, press: Press) -> Section:
    """A confusion matrix a model, in the first role that has patients, and the rule in words."""
    table = sources.table(SUBTYPES)
    if table is None:
        return section("subtypes", sources, sources.missing("Molecular subtypes", SUBTYPES))
    rules = "; ".join(RULES.get(rule, rule) for rule in dict.fromkeys(table["rule"]))
    merged = (table[["true", "called"]] == Subtype.LUMINAL_A_OR_B).to_numpy().any()
    blocks: list[Block] = [Prose((f"{rules}. {CALLED}{' ' + TOGETHER if merged else ''}",))]
    for role, rows in _of_roles(table):
        panels = []
        for model in sorted(dict.fromkeys(rows["model"]), key=sources.place):
            counts = counted(rows[rows["model"] == model])
            wide, high = len(counts.columns), len(counts)
            panels.append(Panel(partial(draw_confusion, counts), 1.7 + 0.85 * wide, 1.1 + 0.55 * high, model))
        blocks += [*_accuracy(sources, press, role), *_unknown(_in_role(table[table["variant"] == ""], role))]
        title = f"True and called subtypes, {role}"
        blocks.append(press.figure(f"confusion_{slug(role)}", title, CAPTION.strip(), panels, rows, across=2))
    return section("subtypes", sources, blocks)


def _unknown(rows: pd.DataFrame) -> list[Block]:
    """How many patients are called and stand in no matrix."""
    called = rows.groupby("patient_id")["true"].max()  # "" where it is unknown to every model
    missing = int((called == "").sum())
    said = f"{missing} of {len(called)} patients stand in no matrix: a marker that the rule needs of them (a receptor, or Ki-67 where it decides) is unknown."
    return [Prose((said,))] if missing else []


def _accuracy(sources: Sources, press: Press, role: str) -> list[Block]:
    """A line a model: accuracy, what calling everybody the commonest subtype reaches, sensitivity by subtype."""
    table = sources.table(SUBTYPE_METRICS)
    rows = None if table is None else _in_role(table[table["variant"] == ""], role)
    if rows is None or rows.empty:
        return []
    classes = [name for name in CLASSES if (rows["subtype"] == name).any()]
    lines, passing = [], []
    for model in sorted(dict.fromkeys(rows["model"]), key=sources.place):
        by = rows[rows["model"] == model].set_index(["metric", "subtype"])
        cells = {
            "Accuracy": _cell(by, "accuracy", "all"),
            "The commonest\nfor everybody": _cell(by, "no_information_rate", "all"),
            "Difference,\npaired": _cell(by, "gain", "all"),
            **{f"Sensitivity,\n{name}": _cell(by, "sensitivity", name) for name in classes},
        }
        passing += [model] if passes(by) else []
        lines.append({"Model": model, "n": f"{by['n'].get(('accuracy', 'all'), 0):.0f}", **cells})
    said = f"Shown to call more patients rightly than the commonest subtype for everybody ({role}): {', '.join(passing) or 'no model'}."
    if chose_cutoffs(rows["protocol"].iloc[0], rows["side"].iloc[0]):
        said = f"Nothing is claimed of these patients ({role}): the cut-offs of the markers were chosen on them, so that accuracies are too good."
    name, title = f"subtypes_{slug(role)}", f"Subtypes called rightly, {role}"
    return [press.table(name, title, pd.DataFrame(lines), rows, NOTE), Prose((said,))]


def passes(by: pd.DataFrame) -> bool:
    """Whether more patients are called rightly than by the commonest subtype for everybody: the interval of the paired
    difference lies above 0.

    by : SUBTYPE_METRICS of one signature, by metric and subtype.
    """
    return bool(by.at[("gain", "all"), "lower"] > 0)


def _cell(by: pd.DataFrame, metric: str, subtype: str) -> str:
    if (metric, subtype) not in by.index or pd.isna(by.at[(metric, subtype), "value"]):
        return theme.NOTHING
    one = by.loc[(metric, subtype)]
    return theme.format_estimate(one["value"], one["lower"], one["upper"], 2, "\n")


def _in_role(table: pd.DataFrame, role: str) -> pd.DataFrame:
    """Rows of the first protocol and side that a role stands for and that has any."""
    found = [table[(table["protocol"] == protocol) & (table["side"] == side)] for protocol, side in ROLES[role]]
    return next((rows for rows in found if len(rows)), table.iloc[:0])


def _of_roles(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Main variants whose true subtype is known, by the role of their patients; never a model's own."""
    known = table[(table["true"] != "") & (table["called"] != "") & (table["variant"] == "")]
    for role in ROLES_SHOWN:
        rows = _in_role(known, role)
        if len(rows) and role != "apparent":
            yield role, rows


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Patients by true subtype (rows) and the called one (columns), in the order of CLASSES, both the same classes."""
    found = {*rows["true"], *rows["called"]}
    order = [*(name for name in CLASSES if name in found), *sorted(found - set(CLASSES))]
    counts = pd.crosstab(rows["true"], rows["called"])
    return counts.reindex(index=order, columns=order, fill_value=0)
