"""Section 4, models side by side: one table, ROC, comparisons, calibration, decision curves, predictions."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import (
    Line,
    draw_algorithm_table,
    draw_auc_forest,
    draw_p_matrix,
    draw_pr,
    draw_roc,
    theme,
)
from dlr.report.blocks import Block, Heading, Missing, Section
from dlr.report.combined import combined_blocks
from dlr.report.evidence import Evidence, cell, curve_rows, main_variant
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources
from dlr.report.trust import VALIDATED, calibration, decision, predictions

__all__ = ["models", "roc_lines"]

TABLE = (
    ("AUC", "auc", 3),
    ("Sensitivity", "sensitivity", 2),
    ("Specificity", "specificity", 2),
    ("PPV", "ppv", 2),
    ("NPV", "npv", 2),
    ("Brier", "brier", 3),
    ("Calibration\nslope", "calibration_slope", 2),
    ("Net benefit\nat cut-off", "net_benefit_at_cutoff", 3),
)
ROLES_SHOWN = ("nested", "test", "external", "validation", "left-out cohort", "out-of-fold", "apparent")
APPARENT_NOTE = (
    "In brackets 95 % intervals. Apparent values come from a model's own training patients (published way); they "
    "are printed for comparison with "
    "papers and say nothing about new patients. Out-of-fold intervals are a patient bootstrap given these "
    "models; stacked ones are optimistic, "
    "since their inputs come from models that saw the held-out labels."
)


def models(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """Clinical, Rad, DL, DLR and Combined on the same patients."""
    blocks: list[Block] = []
    for target in sources.targets:
        if len(sources.targets) > 1:
            blocks.append(Heading(target))
        if not evidence.models(target):
            blocks.append(Missing(f"Models for {target}", sources.why("evaluate", "metrics.csv")))
            continue
        blocks += _table(sources, press, evidence, target)
        blocks += _forest(press, evidence, target)
        blocks += _roc(sources, press, evidence, target)
        blocks += _comparisons(sources, press, evidence, target)
        blocks += calibration(sources, press, evidence, target)
        blocks += decision(sources, press, target)
        blocks += predictions(sources, press, evidence, target)
        blocks += _pr(sources, press, evidence, target)
    blocks += _algorithms(sources, press)
    blocks += combined_blocks(sources, press)
    return Section(4, "models", "Models side by side", tuple(blocks))


def roc_lines(sources: Sources, evidence: Evidence, target: str, role: str) -> list[Line]:
    """The ROC curves of all models in a role, with their AUC."""
    rows = curve_rows(sources.table("evaluate", "roc.csv"), target, role)
    if rows is None:
        return []
    lines = []
    for model in evidence.models(target):
        own = rows[rows["model"] == model].sort_values(["false_positive_rate", "sensitivity"], kind="stable")
        if len(own):
            area = evidence.get(target, model, role, "auc")
            lines.append(Line(model, role, own["false_positive_rate"].to_numpy(), own["sensitivity"].to_numpy(), area))
    return lines


def _table(sources: Sources, press: Press, evidence: Evidence, target: str) -> list[Block]:
    main = [(model, evidence.variants(target, model)[0]) for model in evidence.models(target)]
    others = [(m, v) for m in evidence.models(target) for v in evidence.variants(target, m)[1:]]
    note = APPARENT_NOTE + (
        " Cut-off: Youden on out-of-fold training predictions, used unchanged on test. "
        "The best test value is not marked: the choice of a model by its test value is a leak."
    )
    blocks = [_measures(press, evidence, target, main, f"models_{slug(target)}", f"All models for {target}", note)]
    if others:
        title = f"Variants of the models for {target}"
        blocks.append(_measures(press, evidence, target, others, f"variants_{slug(target)}", title, ""))
    return blocks


def _measures(
    press: Press, evidence: Evidence, target: str, pairs: list[tuple[str, str]], name: str, title: str, note: str
) -> Block:
    """A row a model, variant and role; apparent rows in grey."""
    rows: list[dict[str, str]] = []
    raw, quiet = [], []
    for model, variant in pairs:
        for role in ROLES_SHOWN:
            found = evidence.rows(target, model, role, variant)
            if found.empty:
                continue
            row = {
                "Model": f"{model}, {variant}" if variant else model,
                "Patients are": f"{role}, stacked" if evidence.stacked(model, role) else role,
                "n (positive)": f"{found['n'].iloc[0]} ({found['n_positive'].iloc[0]})",
            }
            for words, metric, digits in TABLE:
                row[words] = cell(evidence.get(target, model, role, metric, variant), digits, "\n")
            if role == "apparent":
                quiet.append(len(rows))
            rows.append(row)
            raw.append(found)
    return press.table(name, title, pd.DataFrame(rows), pd.concat(raw), note, quiet=quiet)


def _forest(press: Press, evidence: Evidence, target: str) -> list[Block]:
    rows = []
    for model in evidence.models(target):
        for role in ROLES_SHOWN[:-1]:
            auc = evidence.get(target, model, role, "auc")
            if auc is not None:
                words = f"{role}, stacked" if evidence.stacked(model, role) else role
                rows.append((model, words, auc.value, auc.lower, auc.upper, auc.n, auc.n_positive))
    table = pd.DataFrame(rows, columns=["model", "role", "value", "lower", "upper", "n", "n_positive"])
    if table.empty:
        return []
    panel = Panel(lambda ax: draw_auc_forest(table, ax), 7.2, 0.9 + 0.27 * len(table))
    caption = "Filled: test side. Open: out-of-fold training patients. Lines are 95 % intervals."
    return [press.figure(f"auc_forest_{slug(target)}", f"AUC of all models for {target}", caption, [panel], table)]


def _roc(sources: Sources, press: Press, evidence: Evidence, target: str) -> list[Block]:
    by_role = {
        role: roc_lines(sources, evidence, target, role) for role in ("test", "external", "out-of-fold", "apparent")
    }
    if not any(by_role.values()):
        return [Missing("ROC curves", sources.why("evaluate", "roc.csv"))]
    data = sources.table("evaluate", "roc.csv")
    blocks: list[Block] = []
    together = [
        Panel(
            partial(draw_roc, lines, by="model"), 3.7, 4.2 + 0.05 * len(lines),
            "All models, out-of-fold training patients" if role == "out-of-fold" else f"All models, {role}",
        )
        for role, lines in by_role.items()
        if len(lines) > 1 and role != "apparent"
    ]  # fmt: skip
    if together:
        caption = "AUC with its 95 % interval in the legend."
        title = f"ROC curves of all models for {target}"
        blocks.append(press.figure(f"roc_all_{slug(target)}", title, caption, together, data))
    panels = []
    for model in evidence.models(target):
        lines = [line for role in by_role for line in by_role[role] if line.model == model]
        panels.append(Panel(partial(draw_roc, lines, by="role"), 3.3, 4.1, model))
    caption = (
        "Each model by itself: solid the test side, dashed out-of-fold, dotted apparent (its own training patients, "
        "published way). The space between dotted and dashed is optimism."
    )
    title = f"ROC curves by model for {target}"
    blocks.append(press.figure(f"roc_each_{slug(target)}", title, caption, panels, data))
    return blocks


def _comparisons(sources: Sources, press: Press, evidence: Evidence, target: str) -> list[Block]:
    if len(evidence.models(target)) < 2:
        return [Missing("Comparisons of models", f"There is one model of {target} only.")]
    table = sources.table("evaluate", "comparisons.csv")
    rows = None if table is None else table[table["target"] == target]
    if rows is None or rows.empty:
        return [Missing("Comparisons of models", sources.why("evaluate", "comparisons.csv"))]
    shown = pd.DataFrame({
        "Comparison": [f"{a} − {b}" for a, b in zip(rows["model_a"], rows["model_b"], strict=True)],
        "Protocol": rows["protocol"], "Side": rows["side"], "Measure": rows["metric"].str.upper(),
        "Difference (95 % interval)": [
            f"{theme.format_auc(d)} ({theme.format_interval(lo, hi)})"
            for d, lo, hi in zip(rows["difference"], rows["lower"], rows["upper"], strict=True)
        ],
        "p": rows["p"].map(theme.format_p), "p (Holm)": rows["p_holm"].map(theme.format_p), "Method": rows["method"],
    })  # fmt: skip
    primary = sources.setting("evaluate.primary")
    strong = []
    if primary and len(primary) == 2:
        pairs = list(zip(rows["model_a"], rows["model_b"], strict=True))
        strong = [k for k, pair in enumerate(pairs) if set(pair) == set(primary)]
    note = "In bold the comparison named beforehand; Holm's correction runs over the others. " if strong else ""
    note += "A large p does not show that two models are equal."
    title = f"Comparisons for {target}"
    blocks: list[Block] = [press.table(f"comparisons_{slug(target)}", title, shown, rows, note, strong)]
    matrix = rows[(rows["metric"] == "auc") & (rows["side"] == "test") & (rows["subset"].fillna("all") == "all")]
    if (matrix["protocol"] == "crossfit").any():
        matrix = matrix[matrix["protocol"] == "crossfit"]
    matrix = matrix[~matrix.duplicated(["model_a", "model_b"])]
    names = set(matrix["model_a"]) | set(matrix["model_b"])
    if len(names) > 2:
        side = 1.3 + 0.85 * (len(names) - 1)
        panel = Panel(lambda ax: draw_p_matrix(matrix, ax), side, 0.8 + 0.62 * (len(names) - 1))
        caption = "Two-sided p of the difference in test AUC; below it Holm's. Shaded: Holm under 0.05."
        blocks.append(press.figure(f"p_matrix_{slug(target)}", f"p-values of all pairs for {target}", caption, [panel]))
    return blocks


def _pr(sources: Sources, press: Press, evidence: Evidence, target: str) -> list[Block]:
    table = sources.table("evaluate", "pr.csv")
    panels = []
    for role in VALIDATED:
        rows = curve_rows(table, target, role)
        if rows is None:
            continue
        lines = [
            Line(model, role, own["recall"].to_numpy(), own["precision"].to_numpy())
            for model in evidence.models(target)
            if len(own := rows[rows["model"] == model].sort_values("cutoff", ascending=False, kind="stable"))
        ]
        ends = rows.loc[rows.groupby("model")["recall"].idxmax(), "precision"]
        panels.append(
            Panel(partial(draw_pr, lines, prevalence=float(ends.min())), 3.7, 4.2, f"Precision and recall, {role}")
        )
    if not panels:
        return [Missing("Precision-recall curves", sources.why("evaluate", "pr.csv"))]
    caption = "The horizontal line is the share of positive patients, which chance reaches."
    return [press.figure(f"pr_{slug(target)}", f"Precision and recall for {target}", caption, panels, table)]


def _algorithms(sources: Sources, press: Press) -> list[Block]:
    tables = [sources.table(stage, "algorithms.csv") for stage in ("clinical", "radiomics_model", "fusion_model")]
    found = [main_variant(table) for table in tables if table is not None]
    if not found:
        return [Missing("Algorithms by out-of-fold AUC", sources.why("radiomics_model", "algorithms.csv"))]
    everything = pd.concat(found, ignore_index=True)
    order = sources.setting("learn.algorithms", [])
    blocks: list[Block] = []
    for target, table in everything.groupby("target", sort=False):
        table = table.assign(place=table["algorithm"].map({name: k for k, name in enumerate(order)}))
        table = table.sort_values("place", kind="stable").drop(columns="place")
        models_shown = sorted(dict.fromkeys(table["model"]), key=lambda name: list(theme.STYLES).index(name))
        table = pd.concat([table[table["model"] == model] for model in models_shown])
        corrected = [
            f"{row.model} {theme.format_auc(row.out_of_fold)} becomes {theme.format_auc(row.bbc_corrected)} "
            f"(best of {row.n_tried:.0f})"
            for row in table[table["bbc_corrected"].notna()].itertuples()
        ]
        words = (
            f"The best of several looks better than it is; corrected for the choice (BBC-CV) {'; '.join(corrected)}. "
        )
        caption = (words if corrected else "") + (
            "The chains themselves choose inside each fold, so the AUC of a model needs no such correction."
        )
        panel = Panel(
            partial(draw_algorithm_table, table),
            1.9 + 1.35 * len(models_shown), 0.7 + 0.48 * table["algorithm"].nunique(),
        )  # fmt: skip
        title = f"Out-of-fold AUC of every algorithm for {target}"
        blocks.append(press.figure(f"algorithms_{slug(str(target))}", title, caption, [panel], table))
    return blocks
