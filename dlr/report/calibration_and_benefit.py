# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Whether probabilities can be trusted and used: calibration, decision curves, every patient's prediction."""

from __future__ import annotations

from functools import partial

from dlr.figures import draw_calibration, draw_decision, draw_predictions, theme
from dlr.report.blocks import Block, Prose
from dlr.report.evidence import Evidence, cell
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources
from dlr.tables import CALIBRATION, DECISION, HISTOGRAM
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, Role, Target

__all__ = ["VALIDATED", "calibration", "decision", "predictions"]

VALIDATED = (
    "test",
    FROZEN_EXTERNAL,
    "out-of-fold",
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
            draw, title = partial(draw_calibration, own, model=model), _titled(evidence, target, model, role)
            panels.append(Panel(draw, 3.3, 3.75, title, "\n".join(words)))
            fit = evidence.get(target.name, model, role, "hosmer_lemeshow_p")
            if fit is not None:
                small.append(
                    f"{model}, {evidence.role_words(target.name, model, role)}: p = {theme.format_p(fit.value)} ({fit.method})"
                )
        if panels:
            title = f"Calibration for {target.name}, {role}"
            caption = "Slope 1 and intercept 0 are ideal; a slope below 1 means predictions that are too extreme."
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
