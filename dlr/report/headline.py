# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section answer: which model, on whom, at what time of use, how well, in one paragraph and one figure."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_calibration, draw_decision, draw_roc, theme
from dlr.report import per_cent
from dlr.report.baseline import first_line
from dlr.report.blocks import Block, Heading, Missing, Prose, Section
from dlr.report.calibration_and_benefit import patients_of
from dlr.report.cohorts import alone
from dlr.report.combined_set import entered, left_words, named_beforehand, primary_set
from dlr.report.contents import section
from dlr.report.evidence import FEW_EVENTS, LEADERS, Evidence, Headline, cell, with_interval
from dlr.report.models import roc_lines
from dlr.report.overview import opening
from dlr.report.press import Panel, Press
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.report.time_of_use import ORDER, time_of_use
from dlr.tables import CALIBRATION, DECISION, METRICS, NET_BENEFIT, ROC
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, Estimate, Model, Role

__all__ = ["answer", "answer_panels", "headline_paragraph"]

KEY_NUMBERS = (
    ("Patients (positive)", "", 0),
    ("AUC", "auc", 3),
    ("Sensitivity", "sensitivity", 2),
    ("Specificity", "specificity", 2),
    ("Calibration intercept", "calibration_intercept", 2),
    ("Calibration slope", "calibration_slope", 2),
)
WIDTH, HEIGHT = 3.1, 3.4  # of a panel: two stand side by side beside the remarks


def answer(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """The headline of every target, and what a reviewer will say."""
    first = first_line(sources, evidence)
    blocks: list[Block] = [*([Prose((first,))] if first else []), *opening(sources, press, evidence)]
    for target in sources.targets:
        headline = evidence.headline(target)
        if sources.several:
            blocks.append(Heading(target.name, opens=True))
        if headline is None:
            blocks.append(Missing(f"The answer for {target.name}", sources.why(METRICS)))
        elif target.binary:
            blocks.append(Prose((headline_paragraph(sources, evidence, headline),)))
            blocks += _key_numbers(sources, press, evidence, headline)
            blocks += _figure(sources, press, evidence, headline)
        else:
            blocks += per_cent.answer_blocks(sources, press, evidence, headline)
    return section("answer", sources, blocks, [remarks(sources, evidence)])


def headline_paragraph(sources: Sources, evidence: Evidence, headline: Headline) -> str:
    """One paragraph: model, patients, time of use, discrimination, calibration, clinical use."""
    target, model = headline.target.name, headline.model
    test = evidence.get(target, model, "test", "auc")
    nested = evidence.get(target, model, "nested", "auc")
    inside = evidence.get(target, model, "out-of-fold", "auc")
    sentences = [
        f"{model} ({sources.model(model).words}) predicts {target}.",
        time_of_use(sources, model, headline.target).sentence,
    ]
    sentences.append(_later_comparator(sources, headline))
    chosen = primary_set(sources, headline.target) if model == Model.COMBINED else None
    if chosen is not None:
        sentences += [named_beforehand(sources, chosen, entered(chosen)), left_words(sources, chosen)]
    if nested is not None and headline.role == "nested":
        sentences.append(
            f"Repeated nested cross-validation over {_patients(nested)} gives an AUC of {with_interval(nested)}; it leads because the test side has fewer than {FEW_EVENTS} events."
        )
    if test is not None:
        sentences.append(f"In {_patients(test, 'test ')} its AUC is {with_interval(test)}.")
    elif headline.role == FROZEN_EXTERNAL:
        sentences.append(
            f"In {_patients(headline.estimate, 'external ')}, who met the frozen chains, its AUC is {with_interval(headline.estimate)}."
        )
    elif headline.role == CROSS_VALIDATED_EXTERNAL:
        sentences.append(
            f"Cross-validated within {_patients(headline.estimate, 'external ')}, as published, its AUC is {with_interval(headline.estimate)}: no external test, as its chains were fitted among them."
        )
    if inside is not None:
        optimistic = f" ({Role.STACKED})" if evidence.stacked(target, model, "out-of-fold") else ""
        shuffled = evidence.shuffled(target, model)
        chance = "" if shuffled is None else f"; of {shuffled.n} shuffled outcomes p {theme.format_p(shuffled.value)}"
        sentences.append(
            f"Out-of-fold in {inside.n} training patients it is {with_interval(inside)}{optimistic}{chance}."
        )
    sentences += alone(sources, evidence, headline)
    role = "test" if test is not None else headline.role
    slope = evidence.get(target, model, role, "calibration_slope")
    if slope is not None:
        sentences.append(
            f"The calibration slope is {with_interval(slope, 2)} (1 is ideal; below 1, predictions are too extreme)."
        )
    sentences.append(_net_benefit(evidence, headline, role))
    return " ".join(filter(None, sentences))


def _later_comparator(sources: Sources, headline: Headline) -> str:
    """That the model it is held against needs what is known later still; empty where it does not."""
    other = next((name for name in sources.settings.evaluate.primary if name != headline.model), "")
    if other != Model.CLINICAL:
        return ""
    own, theirs = (time_of_use(sources, name, headline.target) for name in (headline.model, other))
    if ORDER.index(theirs.available) <= ORDER.index(own.available):
        return ""
    return f"{other}, with which it is compared, is known later: {theirs.sentence[:1].lower()}{theirs.sentence[1:]}"


def _net_benefit(evidence: Evidence, headline: Headline, role: str) -> str:
    """What acting on the headline's model brings at the thresholds that were set beforehand."""
    rows = evidence.curve(NET_BENEFIT, headline.target, role)
    rows = None if rows is None else rows[rows["model"] == headline.model].sort_values("threshold")
    if rows is None or rows.empty:
        return ""
    told = [
        f"{theme.format_estimate(row.net_benefit, row.lower, row.upper)} at {100 * row.threshold:g} % (treating everyone {theme.format_auc(row.treat_all)})"
        for row in rows.itertuples()
    ]
    return (
        f"Its net benefit at the threshold probabilities set beforehand is {'; '.join(told)}; treating no one gives 0."
    )


def _patients(estimate: Estimate, kind: str = "") -> str:
    return f"{estimate.n} {kind}patients ({estimate.n_positive} positive)"


def _key_numbers(sources: Sources, press: Press, evidence: Evidence, headline: Headline) -> list[Block]:
    """The paragraph's numbers as a small table, a column a role."""
    target, model = headline.target.name, headline.model
    shown: dict[str, list[str]] = {"": [name for name, _, _ in KEY_NUMBERS]}
    for role in ("nested", *LEADERS):
        auc = evidence.get(target, model, role, "auc")
        if auc is not None:
            cells = [f"{auc.n} ({auc.n_positive})"]
            for _, metric, digits in KEY_NUMBERS[1:]:
                cells.append(cell(evidence.get(target, model, role, metric), digits, "\n"))
            shown[role.capitalize()] = cells
    name = f"answer_{sources.slug(headline.target)}"
    title = f"{model} for {target} in numbers" if sources.several else f"{model} in numbers"
    return [press.table(name, title, pd.DataFrame(shown), note="In brackets: 95 % intervals.")]


def answer_panels(sources: Sources, evidence: Evidence, headline: Headline) -> list[Panel]:
    """Of a binary outcome's headline: ROC curve, calibration and decision curve, as far as there are any."""
    target, model = headline.target, headline.model
    role = "test" if evidence.get(target.name, model, "test", "auc") else headline.role
    words = evidence.role_words(target.name, model, role)
    panels = []
    lines = [line for r in (role, "out-of-fold") for line in roc_lines(evidence, target, r) if line.model == model]
    lines = list({line.role: line for line in lines}.values())
    if lines:
        panels.append(Panel(lambda ax: draw_roc(lines, ax, by="role"), WIDTH, HEIGHT, "Discrimination"))
    calibration = evidence.curve(CALIBRATION, target, role)
    if calibration is not None and (calibration["model"] == model).any():
        own = calibration[calibration["model"] == model]
        patients = patients_of(evidence, target, model, role)
        draw = partial(draw_calibration, own, model=model, patients=patients)
        panels.append(Panel(draw, WIDTH, HEIGHT, f"Calibration, {words}"))
    decision = evidence.curve(DECISION, target, role)
    if decision is not None and (decision["model"] == model).any():
        curve = decision[decision["model"] == model]
        limits = sources.settings.evaluate.thresholds
        panels.append(Panel(lambda ax: draw_decision(curve, ax, limits), WIDTH, HEIGHT, f"Net benefit, {words}"))
    return panels


def _figure(sources: Sources, press: Press, evidence: Evidence, headline: Headline) -> list[Block]:
    target, model = headline.target, headline.model
    panels = answer_panels(sources, evidence, headline)
    if not panels:
        return sources.missing("Figure of the answer", ROC)
    caption = f"{model}: how well it tells the classes apart, whether its probabilities are right, and whether acting on them helps. Intervals are 95 %."
    title = f"The answer: {model} for {target.name}"
    return [press.figure(f"answer_{sources.slug(target)}", title, caption, panels)]
