# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""An outcome in per cent: its answer, its models side by side, what they say against what was found."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_bland_altman, draw_observed_predicted
from dlr.report.blocks import Block, Prose
from dlr.report.comparisons import comparisons
from dlr.report.evidence import FEW_EVENTS, LEADERS, ROLES_SHOWN, Evidence, Headline, cell, with_interval
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.report.time_of_use import time_of_use
from dlr.tables import PER_CENT
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, Estimate, Target

__all__ = ["NOTE", "TABLE", "agreement", "agreement_panels", "answer_blocks", "headline_paragraph", "model_blocks"]

TABLE = (
    ("Mean absolute\nerror", "mae", 1),
    ("Median told\nto everybody", "baseline_mae", 1),
    ("Gain over\nthe median", "mae_gain", 1),
    ("Bias", "bias", 1),
    ("Lower limit\nof agreement", "limits_lower", 1),
    ("Upper limit\nof agreement", "limits_upper", 1),
    ("Pearson's r", "pearson", 2),
    ("Spearman's ρ", "spearman", 2),
)
NOTE = "In percentage points, but for the correlations. Bias: predicted minus observed, mean; limits of agreement: between them lie 95 % of the differences, were they normal. The median is that of the patients that each chain was fitted on. In brackets 95 % intervals. Apparent values come from a model's own training patients and say nothing about new ones."
FIGURE = "Each patient's prediction against what was found, and their difference (Bland and Altman) with bias and limits of agreement; shaded: 95 % intervals."
BINARY_ONLY = "Two classes are needed for ROC, calibration and decision curves, for the Combined model and for its nomogram: for an outcome in per cent there is none of them."
WIDTH, HEIGHT = 3.1, 3.4
SHOWN = (
    "test",
    FROZEN_EXTERNAL,
    "out-of-fold",
    CROSS_VALIDATED_EXTERNAL,
)  # the first of these roles that has patients is drawn


def answer_blocks(sources: Sources, press: Press, evidence: Evidence, headline: Headline) -> list[Block]:
    """The headline in a paragraph, as a small table and as a figure."""
    target, model = headline.target, headline.model
    shown: dict[str, list[str]] = {"": ["Patients", *(name.replace("\n", " ") for name, _, _ in TABLE)]}
    for role in ("nested", *LEADERS):
        error = evidence.get(target.name, model, role, "mae")
        if error is not None:
            cells = [cell(evidence.get(target.name, model, role, metric), digits, "\n") for _, metric, digits in TABLE]
            shown[role.capitalize()] = [str(error.n), *cells]
    name, title = f"answer_{sources.slug(target)}", f"{model} for {target.name} in numbers"
    return [
        Prose((headline_paragraph(sources, evidence, headline),)),
        press.table(name, title, pd.DataFrame(shown), note="In percentage points, but for the correlations. In brackets: 95 % intervals."),
        *agreement(sources, press, evidence, target, [model], name, f"The answer: {model} for {target.name}"),
    ]  # fmt: skip


def headline_paragraph(sources: Sources, evidence: Evidence, headline: Headline) -> str:
    """One paragraph: model, patients, time of use, error beside the baseline's, bias, agreement, correlation."""
    target, model, role, error = headline.target.name, headline.model, headline.role, headline.estimate
    sentences = [
        f"{model} ({sources.model(model).words}) predicts {target} in per cent.",
        time_of_use(sources, model, headline.target).sentence,
    ]
    patients = {
        "nested": "patients held out by repeated nested cross-validation",
        "out-of-fold": "training patients out-of-fold",
        FROZEN_EXTERNAL: "external patients, by frozen chains,",
        CROSS_VALIDATED_EXTERNAL: "external patients, cross-validated within, which is no external test,",
    }
    sentences.append(
        f"In {error.n} {patients.get(role, f'{role} patients')} it is off by {with_interval(error, 1)} percentage points on average (mean absolute error)."
    )
    if role == "nested":
        sentences.append(f"This value leads because the test side has fewer than {FEW_EVENTS} patients.")
    found = {metric: evidence.get(target, model, role, metric) for _, metric, _ in TABLE}
    baseline, gain = found["baseline_mae"], found["mae_gain"]
    if baseline is not None:
        sentences.append(
            f"Who tells everybody the median of the training patients is off by {with_interval(baseline, 1)}."
        )
    if gain is not None:
        proof = "" if gain.lower > 0 else ", which is not shown to be more than nothing"
        sentences.append(f"The model's gain over that is {with_interval(gain, 1)}{proof}.")
    bias, lower, upper = found["bias"], found["limits_lower"], found["limits_upper"]
    if bias is not None:
        sentences.append(f"Its bias is {with_interval(bias, 1)}: on average predictions are {_high_or_low(bias)}.")
    if lower is not None and upper is not None:
        limits = f"{lower.value:.1f} to {upper.value:.1f}".replace("-", "−")
        sentences.append(
            f"The limits of agreement are {limits}: so far apart may prediction and truth be in one patient."
        )
    if found["pearson"] is not None:
        rank = found["spearman"]
        beside = "" if rank is None else f", of ranks {with_interval(rank, 2)}"
        sentences.append(f"The correlation with the truth is {with_interval(found['pearson'], 2)}{beside}.")
    inside = evidence.get(target, model, "out-of-fold", "mae")
    if inside is not None and role != "out-of-fold":
        sentences.append(
            f"Out-of-fold in {inside.n} training patients its mean absolute error is {with_interval(inside, 1)}."
        )
    return " ".join(sentences)


def _high_or_low(bias: Estimate) -> str:
    """What the interval of the bias shows."""
    if bias.lower > 0:
        return "too high"
    return "too low" if bias.upper < 0 else "not shown to be too high or too low"


def model_blocks(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """All models of the outcome: one table, the figures of agreement, comparisons, and what there is none of."""
    models = evidence.models(target.name)
    name = sources.slug(target)
    pairs = [(model, variant) for model in models for variant in evidence.variants(target.name, model)]
    return [
        _measures(press, evidence, target, pairs, f"models_{name}"),
        *agreement(
            sources, press, evidence, target, models, f"agreement_{name}", f"Predicted and observed {target.name}"
        ),
        *comparisons(sources, press, evidence, target),
        Prose((BINARY_ONLY,), quiet=True),
    ]


def _measures(press: Press, evidence: Evidence, target: Target, pairs: list[tuple[str, str]], name: str) -> Block:
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
                "Patients are": role,
                "n": str(found["n"].iloc[0]),
            }
            for words, metric, digits in TABLE:
                row[words] = cell(evidence.get(target.name, model, role, metric, variant), digits, "\n")
            if role == "apparent":
                quiet.append(len(rows))
            rows.append(row)
            raw.append(found)
    return press.table(name, f"All models for {target.name}", pd.DataFrame(rows), pd.concat(raw), NOTE, quiet=quiet)


def agreement(
    sources: Sources, press: Press, evidence: Evidence, target: Target, models: list[str], name: str, title: str
) -> list[Block]:
    """Predictions against what was found, model by model."""
    panels = agreement_panels(evidence, target, models)
    if not panels:
        return sources.missing(f"Predicted and observed {target.name}", PER_CENT)
    role = _role_shown(evidence, target)
    return [press.figure(name, title, FIGURE, panels, evidence.curve(PER_CENT, target, role), across=2)]


def _role_shown(evidence: Evidence, target: Target) -> str:
    """The first role that has patients."""
    return next((role for role in SHOWN if evidence.curve(PER_CENT, target, role) is not None), SHOWN[0])


def agreement_panels(evidence: Evidence, target: Target, models: list[str]) -> list[Panel]:
    """Two panels a model, in the first role that has patients; none where none has."""
    role = _role_shown(evidence, target)
    rows, panels = evidence.curve(PER_CENT, target, role), []
    for model in [] if rows is None else models:
        own = rows[rows["model"] == model]  # type: ignore[index]
        if own.empty:
            continue
        bias, low, high = (
            evidence.get(target.name, model, role, metric) for metric in ("bias", "limits_lower", "limits_upper")
        )
        limits = None if low is None or high is None else (low, high)
        scatter = partial(draw_observed_predicted, own, model=model)
        agreement = partial(draw_bland_altman, own, model=model, bias=bias, limits=limits)
        panels += [
            Panel(scatter, WIDTH, HEIGHT, f"{model}, {role}"),
            Panel(agreement, WIDTH + 0.1, HEIGHT - 0.25, f"{model}, {role}: difference"),
        ]
    return panels
