# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section models: models side by side, outcome by outcome: one table, ROC, comparisons, calibration, decision curves."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import Line, draw_auc_forest, draw_pr, draw_roc, theme
from dlr.report import per_cent
from dlr.report.blocks import Block, Heading, Missing, Prose, Section
from dlr.report.calibration_and_benefit import VALIDATED, calibration, decision, net_benefit, predictions
from dlr.report.cohorts import confounder_blocks
from dlr.report.combined import clinical_blocks, combined_blocks
from dlr.report.comparisons import algorithms, comparisons, primary_comparison
from dlr.report.contents import number_of, section
from dlr.report.evidence import ROLES_SHOWN, Evidence, cell, held_out_once, judged_on, with_interval
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.report.unknown_outcomes import unknown_outcomes
from dlr.tables import COMBINED_TERMS, METRICS, PR, ROC, UNIVARIABLE
from dlr.words import LESION_ALONE, OTHER_IMAGES, Estimate, Target

__all__ = ["models", "roc_lines"]

TABLE = (
    ("AUC", "auc", 3),
    ("Sensitivity", "sensitivity", 2),
    ("Specificity", "specificity", 2),
    ("PPV", "ppv", 2),
    ("NPV", "npv", 2),
    ("Brier", "brier", 3),
    ("Calibration\nintercept", "calibration_intercept", 2),
    ("Calibration\nslope", "calibration_slope", 2),
)
APPARENT_NOTE = "In brackets 95 % intervals. Apparent values come from a model's own training patients (published way); they are printed for comparison with papers and say nothing about new patients."
OUT_OF_FOLD_NOTE = "Out-of-fold AUCs are those of one chain; their intervals are DeLong's, widened because each patient also taught the models that judged the others. A stacked value is optimistic, since its inputs come from models that saw the held-out labels; figures draw it broken or hatched. A signature's calibration out-of-fold is that of single chains: `dlr predict` serves the mean of all of them, which ranks a little better and is less extreme, so its slope lies higher."
OTHER_IMAGES_NOTE = "With and without super-resolution: native and bicubic images are the same chains fitted on the images as they are, and on those enlarged by bicubic interpolation alone; a model without that name saw the enhanced ones. Section {number} has their paired differences."
LESION_ALONE_NOTE = "Lesion alone: the same chains fitted on the features of the lesion without those of the regions around it; the paired difference stands among the comparisons."
SHUFFLED = "p of shuffled\noutcomes"
SHUFFLED_NOTE = "p of shuffled outcomes: how often the model's cheap chain (logistic regression alone) does as well out-of-fold when outcomes are shuffled among the training patients and everything is fitted again; a stacked model is held against shuffles of itself."
POOLED_NOTE = " Out-of-fold the AUC compares patients within a fold and seed alone, while the line pools all folds: where they differ, the area under the line stands behind it."
CUTOFF_NOTE = "Cut-off: Youden on {judged}, used unchanged on test{crossed}. The best test value is not marked: the choice of a model by its test value is a leak."

CROSSED_NOTE = "; out-of-fold patients of each fold are judged at the cut-off that the other folds chose"


def models(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """All models of an outcome on the same patients, then its clinical variables and its Combined model."""
    blocks: list[Block] = []
    for target in sources.targets:
        if sources.several:
            blocks.append(Heading(target.name, opens=True))
        if not evidence.models(target.name):
            blocks.append(Missing(f"Models for {target.name}", sources.why(METRICS)))
        elif target.binary:
            blocks.append(Prose((_side_by_side(sources, evidence, target),)))
            blocks += _table(sources, press, evidence, target)
            blocks += _forest(sources, press, evidence, target)
            blocks += confounder_blocks(sources, press, evidence, target)
            blocks += unknown_outcomes(sources, evidence, target)
            blocks += _roc(sources, press, evidence, target)
            blocks += comparisons(sources, press, evidence, target)
            blocks += calibration(sources, press, evidence, target)
            blocks += decision(sources, press, evidence, target)
            blocks += net_benefit(sources, press, evidence, target)
            blocks += predictions(sources, press, evidence, target)
            blocks += _pr(sources, press, evidence, target)
        else:
            blocks += per_cent.model_blocks(sources, press, evidence, target)
        blocks += algorithms(sources, press, target)
        if target.binary:
            level = 4 if sources.several else 3
            if sources.gives(UNIVARIABLE):
                blocks += [Heading("Clinical variables", level), *clinical_blocks(sources, press, target)]
            if sources.gives(COMBINED_TERMS):
                blocks += [Heading("The Combined model", level), *combined_blocks(sources, press, target)]
    return section("models", sources, blocks)


def _side_by_side(sources: Sources, evidence: Evidence, target: Target) -> str:
    """How many models, and the comparison named beforehand."""
    names = evidence.models(target.name)
    said = f"{len(names)} models of {target.name}." if len(names) > 1 else f"One model of {target.name}: {names[0]}."
    row = primary_comparison(sources, target)
    if row is None:
        return said
    difference = with_interval(Estimate(row["difference"], row["lower"], row["upper"], 0, 0, row["method"]))
    return f"{said} Named beforehand was {row['model_a']} against {row['model_b']}: their test AUC differs by {difference}, p {theme.format_p(row['p'])}."


def roc_lines(evidence: Evidence, target: Target, role: str) -> list[Line]:
    """The ROC curves of all models in a role, with their AUC."""
    rows = evidence.curve(ROC, target, role)
    if rows is None:
        return []
    lines = []
    for model in evidence.models(target.name):
        own = rows[rows["model"] == model].sort_values(["false_positive_rate", "sensitivity"], kind="stable")
        if len(own):
            area = evidence.get(target.name, model, role, "auc")
            x, y = own["false_positive_rate"].to_numpy(), own["sensitivity"].to_numpy()
            lines.append(Line(model, role, x, y, area, evidence.stacked(target.name, model, role)))
    return lines


def _table(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    names = evidence.models(target.name)
    main = [(model, evidence.variants(target.name, model)[0]) for model in names]
    others = [(model, variant) for model in names for variant in evidence.variants(target.name, model)[1:]]
    name, title = f"models_{sources.slug(target)}", f"All models for {target.name}"
    once, crossed = (OUT_OF_FOLD_NOTE, CROSSED_NOTE) if held_out_once(sources) else ("", "")
    chosen = CUTOFF_NOTE.format(judged=judged_on(sources), crossed=crossed)
    notes = [APPARENT_NOTE, once, chosen, evidence.stopped_note(target.name)]
    blocks = [_measures(press, evidence, target, main, name, title, " ".join(filter(None, notes)))]
    if others:
        name, title = f"variants_{sources.slug(target)}", f"Variants of the models for {target.name}"
        variants = {variant for _, variant in others}
        images = (
            OTHER_IMAGES_NOTE.format(number=number_of(sources, "enhancement")) if {*OTHER_IMAGES} & variants else ""
        )
        note = " ".join(filter(None, [images, LESION_ALONE_NOTE if LESION_ALONE in variants else ""]))
        blocks.append(_measures(press, evidence, target, others, name, title, note))
    return blocks


def _measures(
    press: Press, evidence: Evidence, target: Target, pairs: list[tuple[str, str]], name: str, title: str, note: str
) -> Block:
    """A row a model, variant and role; apparent rows in grey."""
    rows: list[dict[str, str]] = []
    raw, quiet = [], []
    for model, variant in pairs:
        for role in ROLES_SHOWN:
            found = evidence.rows(target.name, model, role, variant)
            if found.empty:
                continue
            row = {
                "Model": f"{model}, {variant}" if variant else model,
                "Patients are": evidence.role_words(target.name, model, role),
                "n (positive)": f"{found['n'].iloc[0]} ({found['n_positive'].iloc[0]:.0f})",
            }
            for words, metric, digits in TABLE:
                row[words] = cell(evidence.get(target.name, model, role, metric, variant), digits, "\n")
            shuffled = evidence.shuffled(target.name, model, variant) if role == "out-of-fold" else None
            if shuffled is not None:
                row[SHUFFLED] = theme.format_p(shuffled.value)
                raw.append(found.iloc[:1].assign(
                    metric="permutation_p", value=shuffled.value, lower=shuffled.lower, upper=shuffled.upper,
                    method=shuffled.method,
                ))  # fmt: skip
            if role == "apparent":
                quiet.append(len(rows))
            rows.append(row)
            raw.append(found)
    if any(SHUFFLED in row for row in rows):
        place = list(rows[0]).index("AUC") + 1
        order = [*list(rows[0])[:place], SHUFFLED, *[words for words in rows[0] if words != SHUFFLED][place:]]
        rows = [{words: row.get(words, theme.NOTHING) for words in order} for row in rows]
        note = f"{note} {SHUFFLED_NOTE}"
    return press.table(name, title, pd.DataFrame(rows), pd.concat(raw), note, quiet=quiet)


def _forest(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    rows = []
    for model in evidence.models(target.name):
        for role in ROLES_SHOWN[:-1]:
            auc = evidence.get(target.name, model, role, "auc")
            if auc is not None:
                words = evidence.role_words(target.name, model, role)
                rows.append((model, words, auc.value, auc.lower, auc.upper, auc.n, auc.n_positive))
    table = pd.DataFrame(rows, columns=["model", "role", "value", "lower", "upper", "n", "n_positive"])
    if table.empty:
        return []
    panel = Panel(partial(draw_auc_forest, table), 7.2, 0.9 + 0.27 * len(table))
    opened = "out-of-fold training patients" if held_out_once(sources) else "patients of another side"
    caption = f"Filled: test side. Open: {opened}. Lines are 95 % intervals."
    name, title = f"auc_forest_{sources.slug(target)}", f"AUC of all models for {target.name}"
    return [press.figure(name, title, caption, [panel], table)]


def _roc(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    by_role = {role: roc_lines(evidence, target, role) for role in (*VALIDATED, "apparent")}
    if not any(by_role.values()):
        return sources.missing("ROC curves", ROC)
    data = sources.of(ROC, target)
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
        caption = f"AUC with its 95 % interval in the legend.{POOLED_NOTE if by_role['out-of-fold'] else ''}"
        name, title = f"roc_all_{sources.slug(target)}", f"ROC curves of all models for {target.name}"
        blocks.append(press.figure(name, title, caption, together, data))
    panels = []
    for model in evidence.models(target.name):
        lines = [line for role in by_role for line in by_role[role] if line.model == model]
        panels.append(Panel(partial(draw_roc, lines, by="role"), 3.3, 4.1, model))
    once = held_out_once(sources)
    dashed = " dashed out-of-fold," if once else ""
    caption = f"Each model by itself: solid the test side,{dashed} dotted apparent (its own training patients, published way). The space between dotted and {'dashed' if once else 'solid'} is optimism.{POOLED_NOTE if by_role['out-of-fold'] else ''}"
    name, title = f"roc_each_{sources.slug(target)}", f"ROC curves by model for {target.name}"
    blocks.append(press.figure(name, title, caption, panels, data))
    return blocks


def _pr(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    panels = []
    for role in VALIDATED:
        rows = evidence.curve(PR, target, role)
        if rows is None:
            continue
        lines = [
            Line(
                model,
                role,
                own["recall"].to_numpy(),
                own["precision"].to_numpy(),
                stacked=evidence.stacked(target.name, model, role),
            )
            for model in evidence.models(target.name)
            if len(own := rows[rows["model"] == model].sort_values("cutoff", ascending=False, kind="stable"))
        ]
        ends = rows.loc[rows.groupby("model")["recall"].idxmax(), "precision"]
        panels.append(
            Panel(partial(draw_pr, lines, prevalence=float(ends.min())), 3.7, 4.2, f"Precision and recall, {role}")
        )
    if not panels:
        return sources.missing("Precision-recall curves", PR)
    caption = "The horizontal line is the share of positive patients, which chance reaches."
    name, title = f"pr_{sources.slug(target)}", f"Precision and recall for {target.name}"
    return [press.figure(name, title, caption, panels, sources.of(PR, target))]
