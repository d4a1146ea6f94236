"""Models of one outcome against one another: differences with intervals, p of all pairs, algorithms out-of-fold."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import ALGORITHM_NAMES, draw_algorithm_table, draw_p_matrix, theme
from dlr.report.blocks import Block, Missing
from dlr.report.evidence import LEADING, WHOLE, Evidence, main_variant, measure_words
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import ALGORITHMS, COMPARISONS
from dlr.words import Protocol, Side, Target

__all__ = ["algorithms", "comparisons", "of_networks", "primary_comparison"]

HOLM_NOTE = (
    "In bold the comparison named beforehand, at .05 by itself; Holm's correction runs over the {count} others of a "
    "protocol and side. The chance of any false finding among all is therefore up to twice .05. "
)


def comparisons(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """Paired differences on the same patients, the one that was named beforehand in bold, and all p as a matrix."""
    rows = sources.of(COMPARISONS, target)
    if rows is None and len(evidence.models(target.name)) < 2:
        return [Missing("Comparisons of models", f"There is one model of {target.name} only.")]
    if rows is None:
        return sources.missing("Comparisons of models", COMPARISONS)
    digits = 3 if target.binary else 2
    shown = pd.DataFrame({
        "Comparison": [
            f"{_named(a, va)} − {_named(b, vb)}"
            for a, va, b, vb in rows[["model_a", "variant_a", "model_b", "variant_b"]].itertuples(index=False)
        ],
        "Protocol": rows["protocol"], "Side": rows["side"], "Measure": rows["metric"].map(measure_words),
        "Difference (95 % interval)": [
            theme.format_estimate(d, lo, hi, digits)
            for d, lo, hi in zip(rows["difference"], rows["lower"], rows["upper"], strict=True)
        ],
        "p": rows["p"].map(theme.format_p), "p (Holm)": rows["p_holm"].map(theme.format_p), "Method": rows["method"],
    })  # fmt: skip
    primary = set(sources.settings.evaluate.primary)
    pairs = rows[["model_a", "model_b", "variant_a", "variant_b"]].itertuples(index=False)
    strong = [k for k, (a, b, *variants) in enumerate(pairs) if {a, b} == primary and not any(variants)]
    note = _holm_words(rows, primary) if strong else ""
    note += "A large p does not show that two models are equal."
    name, title = f"comparisons_{sources.slug(target)}", f"Comparisons for {target.name}"
    return [press.table(name, title, shown, rows, note, strong), *_matrix(sources, press, target, rows)]


def primary_comparison(sources: Sources, target: Target) -> pd.Series | None:
    """The row of COMPARISONS that was named beforehand: test AUC, main variants; None where it was not made."""
    rows = sources.of(COMPARISONS, target, side=Side.TEST, metric="auc")
    if rows is None:
        return None
    pair = set(sources.settings.evaluate.primary)
    rows = rows[[{a, b} == pair for a, b in zip(rows["model_a"], rows["model_b"], strict=True)]]
    return rows.iloc[0] if len(rows) else None


def _holm_words(rows: pd.DataFrame, primary: set[str]) -> str:
    """How many comparisons Holm's correction runs over, and what it leaves of the error of all."""
    tested = rows[rows["p_holm"].notna() & (rows["variant_a"] == "") & (rows["variant_b"] == "")]
    own = [{a, b} == primary for a, b in zip(tested["model_a"], tested["model_b"], strict=True)]
    others = tested[[not one for one in own]].groupby(["protocol", "side"]).size()
    if others.empty or not any(own):
        return "In bold the comparison named beforehand. "
    low, high = others.min(), others.max()
    count = f"{low}" if low == high else f"{low} to {high}"
    return HOLM_NOTE.format(count=count)


def _named(model: str, variant: str) -> str:
    return f"{model}, {variant}" if variant else model


def _matrix(sources: Sources, press: Press, target: Target, rows: pd.DataFrame) -> list[Block]:
    metric = LEADING[target.kind]
    main = (rows["variant_a"] == "") & (rows["variant_b"] == "")
    matrix = rows[main & (rows["metric"] == metric) & (rows["side"] == Side.TEST) & (rows["subset"] == WHOLE)]
    if (matrix["protocol"] == Protocol.CROSSFIT).any():
        matrix = matrix[matrix["protocol"] == Protocol.CROSSFIT]
    matrix = matrix[~matrix.duplicated(["model_a", "model_b"])]
    names = sorted({*matrix["model_a"], *matrix["model_b"]}, key=sources.place)
    if len(names) < 3:
        return []
    side = 1.3 + 0.85 * (len(names) - 1)
    panel = Panel(partial(draw_p_matrix, matrix, models=names), side, 0.8 + 0.62 * (len(names) - 1))
    words = measure_words(metric)
    caption = f"Two-sided p of the difference in test {words}; below it Holm's. Shaded: Holm under 0.05."
    title = f"p-values of all pairs for {target.name}"
    return [press.figure(f"p_matrix_{sources.slug(target)}", title, caption, [panel])]


def of_networks(sources: Sources, table: pd.DataFrame) -> pd.Series:
    """Which rows of ALGORITHMS or CHOICES are networks: the last word of their algorithm is a backbone's name."""
    backbones = (sources.document("deep.json") or {}).get("backbones", {})
    return table["algorithm"].str.split().str[-1].isin(list(backbones))


def algorithms(sources: Sources, press: Press, target: Target) -> list[Block]:
    """Every algorithm of every model out-of-fold, and the best one's value corrected for the choice."""
    rows = sources.of(ALGORITHMS, target)
    rows = None if rows is None else main_variant(rows[~of_networks(sources, rows)])
    words = measure_words(LEADING[target.kind])
    if rows is None or rows.empty:
        return sources.missing(f"Algorithms by out-of-fold {words}", ALGORITHMS)
    order = sources.settings.learn.fitted(target.kind)
    place = rows["algorithm"].map(lambda name: order.index(name) if name in order else len(order))
    rows = rows.assign(place=place, model_place=rows["model"].map(sources.place))
    rows = rows.sort_values(["model_place", "place"], kind="stable").drop(columns=["place", "model_place"])
    corrected = [
        f"{row.model} {_value(row.out_of_fold, target)} becomes {_value(row.bbc_corrected, target)} "
        f"(best of {row.n_tried:.0f})"
        for row in rows[rows["bbc_corrected"].notna()].itertuples()
    ]
    better = f"The best of several looks better than it is; corrected for the choice (BBC-CV) {'; '.join(corrected)}. "
    beside = [ALGORITHM_NAMES[name] for name in sources.settings.learn.reported if (rows["algorithm"] == name).any()]
    told = f"{' and '.join(beside)}: reported beside, never chosen. " if beside else ""
    caption = (
        f"{told}The chains themselves choose inside each fold, so the {words} of a model needs no such correction."
    )
    panel = Panel(
        partial(draw_algorithm_table, rows),
        1.9 + 1.35 * rows["model"].nunique(), 0.7 + 0.48 * rows["algorithm"].nunique(),
    )  # fmt: skip
    name, title = f"algorithms_{sources.slug(target)}", f"Out-of-fold {words} of every algorithm for {target.name}"
    return [press.figure(name, title, (better if corrected else "") + caption, [panel], rows)]


def _value(value: float, target: Target) -> str:
    return theme.format_auc(value) if target.binary else f"{value:.2f}"
