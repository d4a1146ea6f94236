# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Whether probabilities can be trusted and used: calibration, decision curves, every patient's prediction."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dlr.figures import draw_calibration, draw_decision, draw_predictions, theme
from dlr.report.blocks import Block, Prose
from dlr.report.evidence import Evidence, cell
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources
from dlr.tables import CALIBRATION, DECISION, HISTOGRAM, NET_BENEFIT
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, Role, Target

__all__ = ["VALIDATED", "calibration", "decision", "net_benefit", "patients_of", "predictions"]

GROUPS_NOTE = "Groups hold 15 patients or more, where there are as many (tied ones stay together); strokes are patients, above with the outcome, below without."
NET_BENEFIT_NOTE = "The thresholds were set beforehand (evaluate.net_benefit_at), the same for all models: a threshold is how many needless treatments one is willing to give for a needed one, not a property of a model. In brackets 95 % intervals; differences are paired by patient. Treating no one gives 0."
VALIDATED = (
    "test",
    FROZEN_EXTERNAL,
    "out-of-fold",
    "nested",
    CROSS_VALIDATED_EXTERNAL,
)  # roles in which calibration and decision curves may be shown


def calibration(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """Calibration of every model where it is valid, slope and intercept above each panel."""
    blocks: list[Block] = []
    small = []
    for role in VALIDATED:
        rows = evidence.curve(CALIBRATION, target, role)
        panels = []
        for model in evidence.models(target.name):
            own = None if rows is None else rows[rows["model"] == model]
            if own is None or own.empty:
                continue
            words = [
                f"{name} {cell(found, 2)}"
                for name in ("slope", "intercept")
                if (found := evidence.get(target.name, model, role, f"calibration_{name}")) is not None
            ]
            drawn = partial(draw_calibration, own, model=model, patients=patients_of(evidence, target, model, role))
            panels.append(Panel(drawn, 3.3, 3.75, _titled(evidence, target, model, role), "\n".join(words)))
            fit = evidence.get(target.name, model, role, "hosmer_lemeshow_p")
            if fit is not None:
                small.append(
                    f"{model}, {evidence.role_words(target.name, model, role)}: p = {theme.format_p(fit.value)} ({fit.method})"
                )
        if panels:
            title = f"Calibration for {target.name}, {role}"
            caption = f"Slope 1 and intercept 0 are ideal; a slope below 1 means predictions that are too extreme. {GROUPS_NOTE} {_curve_note(rows)}"
            name = f"calibration_{sources.slug(target)}_{slug(role)}"
            blocks.append(press.figure(name, title, caption, panels, rows))
    if not blocks:
        return sources.missing("Calibration", CALIBRATION)
    if small:
        words_small = f"Hosmer–Lemeshow: {'; '.join(small)}. A large p is no proof of calibration and a small one grows with the number of patients; slope, intercept and curve say more."
        blocks.append(Prose((words_small,), quiet=True))
    return blocks


def _titled(evidence: Evidence, target: Target, model: str, role: str) -> str:
    """A panel's title where the figure names the role: the model, marked where its values are stacked."""
    return f"{model} ({Role.STACKED})" if evidence.stacked(target.name, model, role) else model


def patients_of(evidence: Evidence, target: Target, model: str, role: str) -> pd.DataFrame | None:
    """Each patient's probability and truth in a role: the rug of a calibration plot."""
    rows = evidence.curve(HISTOGRAM, target, role)
    return None if rows is None else rows[rows["model"] == model]


def _curve_note(rows: pd.DataFrame) -> str:
    if (rows["kind"] == "curve").any():
        return "The smooth curve is a restricted cubic spline."
    return "No smooth curve is drawn: it takes 100 patients of each class."


def decision(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """Net benefit over the thresholds fixed beforehand."""
    low, high = sources.settings.evaluate.thresholds
    panels = []
    for role in VALIDATED:
        rows = evidence.curve(DECISION, target, role)
        if rows is not None:
            panels.append(Panel(partial(draw_decision, rows, limits=(low, high)), 4.4, 3.7, f"Net benefit, {role}"))
    if not panels:
        return sources.missing("Decision curves", DECISION)
    caption = f"Threshold probabilities from {low:.2f} to {high:.2f}, fixed beforehand (evaluate.thresholds); the CSV has 0.01 to 0.99. A model helps at a threshold where it lies above both treating all and treating none."
    name, title = f"decision_{sources.slug(target)}", f"Decision curves for {target.name}"
    return [press.figure(name, title, caption, panels, sources.of(DECISION, target))]


def net_benefit(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """All models at the same thresholds, beside treating everyone and beside the Clinical model."""
    found = [
        rows.assign(whose=[evidence.role_words(target.name, model, role) for model in rows["model"]])
        for role in VALIDATED
        if (rows := evidence.curve(NET_BENEFIT, target, role)) is not None
    ]
    if not found:
        return sources.missing(f"Net benefit at set thresholds for {target.name}", NET_BENEFIT)
    rows = pd.concat([part.sort_values("threshold", kind="stable") for part in found])
    shown = pd.DataFrame({
        "Threshold": [f"{100 * threshold:g} %" for threshold in rows["threshold"]],
        "Model": rows["model"], "Patients are": rows["whose"],
        "n (positive)": [f"{n} ({k})" for n, k in zip(rows["n"], rows["n_positive"], strict=True)],
        "Net benefit": _limited(rows, "net_benefit", "lower", "upper"),
        "Treating\neveryone": rows["treat_all"].map(theme.format_auc),
        "Less treating\neveryone": _limited(rows, *(f"less_treat_all{end}" for end in ("", "_lower", "_upper"))),
        "Less Clinical": _limited(rows, *(f"less_clinical{end}" for end in ("", "_lower", "_upper"))),
    })  # fmt: skip
    name, title = f"net_benefit_{sources.slug(target)}", f"Net benefit at set thresholds for {target.name}"
    return [press.table(name, title, shown, rows.drop(columns="whose"), NET_BENEFIT_NOTE)]


def _limited(rows: pd.DataFrame, *columns: str) -> list[str]:
    limits = zip(*(rows[column] for column in columns), strict=True)
    return [theme.format_estimate(value, low, high) for value, low, high in limits]


def predictions(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    """Every patient's probability as a bar, on test where there is one."""
    role = "test"
    rows = evidence.curve(HISTOGRAM, target, role)
    if rows is None:
        role = "out-of-fold"
        rows = evidence.curve(HISTOGRAM, target, role)
    if rows is None:
        return sources.missing("Predictions of every patient", HISTOGRAM)
    classes = (f"{target.name} negative", f"{target.name} positive")
    panels = [
        Panel(
            partial(draw_predictions, own, classes=classes),
            4.4,
            2.7,
            f"{model}, {evidence.role_words(target.name, model, role)}",
        )
        for model in evidence.models(target.name)
        if len(own := rows[rows["model"] == model])
    ]
    caption = "A bar a patient, from the cut-off to the predicted probability: above the line called positive."
    name, title = f"predictions_{sources.slug(target)}", f"Every patient's prediction for {target.name}"
    return [press.figure(name, title, caption, panels, sources.of(HISTOGRAM, target))]
