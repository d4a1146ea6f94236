"""Whether probabilities can be trusted and used: calibration, decision curves, every patient's prediction."""

from __future__ import annotations

from functools import partial

from dlr.figures import draw_calibration, draw_decision, draw_predictions, theme
from dlr.report.blocks import Block, Missing, Prose
from dlr.report.evidence import Evidence, cell, curve_rows
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources

__all__ = ["VALIDATED", "calibration", "decision", "decision_limits", "predictions"]

VALIDATED = ("test", "external", "out-of-fold")  # roles in which calibration and decision curves may be shown


def decision_limits(sources: Sources) -> tuple[float, float]:
    """The threshold probabilities fixed beforehand."""
    low, high = sources.setting("evaluate.thresholds", (0.05, 0.60))
    return float(low), float(high)


def calibration(sources: Sources, press: Press, evidence: Evidence, target: str) -> list[Block]:
    """Calibration of every model where it is valid, slope and intercept above each panel."""
    table = sources.table("evaluate", "calibration.csv")
    blocks: list[Block] = []
    small = []
    for role in VALIDATED:
        rows = curve_rows(table, target, role)
        panels = []
        for model in evidence.models(target):
            own = None if rows is None else rows[rows["model"] == model]
            if own is None or own.empty:
                continue
            words = [
                f"{name} {cell(found, 2)}"
                for name in ("slope", "intercept")
                if (found := evidence.get(target, model, role, f"calibration_{name}")) is not None
            ]
            panels.append(Panel(partial(draw_calibration, own, model=model), 3.3, 3.75, model, "\n".join(words)))
            fit = evidence.get(target, model, role, "hosmer_lemeshow_p")
            if fit is not None:
                small.append(f"{model}, {role}: p = {theme.format_p(fit.value)} ({fit.method})")
        if panels:
            title = f"Calibration for {target}, {role}"
            caption = "Slope 1 and intercept 0 are ideal; a slope below 1 means predictions that are too extreme."
            blocks.append(press.figure(f"calibration_{slug(target)}_{slug(role)}", title, caption, panels, rows))
    if not blocks:
        return [Missing("Calibration", sources.why("evaluate", "calibration.csv"))]
    if small:
        words_small = (
            f"Hosmer–Lemeshow: {'; '.join(small)}. A large p is no proof of calibration and a small one grows with the "
            "number of patients; slope, intercept and curve say more."
        )
        blocks.append(Prose((words_small,), quiet=True))
    return blocks


def decision(sources: Sources, press: Press, target: str) -> list[Block]:
    """Net benefit over the thresholds fixed beforehand."""
    table = sources.table("evaluate", "decision.csv")
    limits = decision_limits(sources)
    panels = []
    for role in VALIDATED:
        rows = curve_rows(table, target, role)
        if rows is not None:
            panels.append(Panel(partial(draw_decision, rows, limits=limits), 4.4, 3.7, f"Net benefit, {role}"))
    if not panels:
        return [Missing("Decision curves", sources.why("evaluate", "decision.csv"))]
    caption = (
        f"Threshold probabilities from {limits[0]:.2f} to {limits[1]:.2f}, fixed beforehand "
        "(evaluate.thresholds); the CSV "
        "has 0.01 to 0.99. A model helps at a threshold where it lies above both treating all and treating none."
    )
    return [press.figure(f"decision_{slug(target)}", f"Decision curves for {target}", caption, panels, table)]


def predictions(sources: Sources, press: Press, evidence: Evidence, target: str) -> list[Block]:
    """Every patient's probability as a bar, on test where there is one."""
    table = sources.table("evaluate", "histogram.csv")
    rows = curve_rows(table, target, "test")
    role = "test"
    if rows is None:
        rows, role = curve_rows(table, target, "out-of-fold"), "out-of-fold"
    if rows is None:
        return [Missing("Predictions of every patient", sources.why("evaluate", "histogram.csv"))]
    classes = (f"{target} negative", f"{target} positive")
    panels = [
        Panel(partial(draw_predictions, own, classes=classes), 4.4, 2.7, f"{model}, {role}")
        for model in evidence.models(target)
        if len(own := rows[rows["model"] == model])
    ]
    caption = "A bar a patient, from the cut-off to the predicted probability: above the line called positive."
    return [
        press.figure(f"predictions_{slug(target)}", f"Every patient's prediction for {target}", caption, panels, table)
    ]
