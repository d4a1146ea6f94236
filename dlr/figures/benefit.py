"""Figures of whether probabilities can be trusted and used: calibration, decision curves, each patient's prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme
from dlr.words import Role

__all__ = ["draw_calibration", "draw_decision", "draw_predictions"]

RUG = 0.05  # height of a patient's stroke beside a calibration plot


def draw_calibration(
    calibration: pd.DataFrame, ax: Axes, model: str = "", patients: pd.DataFrame | None = None
) -> Axes:
    """Observed fraction against predicted probability: groups with 95 % intervals, smooth curve, line of identity.

    calibration : columns kind ("group" or "curve"), predicted, observed, lower, upper, n, role. Stacked: broken.
    patients : columns probability, positive: a stroke each, of the positive above, of the negative below.
    """
    tone, stacked = theme.style(model).colour, _stacked(calibration)
    ax.plot([0, 1], [0, 1], color=theme.GREY, linewidth=0.8, linestyle="--", label="ideal", zorder=1)
    curve = calibration[calibration["kind"] == "curve"].sort_values("predicted")
    if len(curve):
        if curve["lower"].notna().any():
            ax.fill_between(curve["predicted"], curve["lower"], curve["upper"], color=tone, alpha=0.14, linewidth=0)
        line = theme.STACKED_LINE if stacked else "-"
        ax.plot(curve["predicted"], curve["observed"], color=tone, linestyle=line, label="smooth curve")
    groups = calibration[calibration["kind"] == "group"].sort_values("predicted")
    if len(groups):
        below = (groups["observed"] - groups["lower"]).clip(lower=0).fillna(0)
        above = (groups["upper"] - groups["observed"]).clip(lower=0).fillna(0)
        _, _, bars = ax.errorbar(
            groups["predicted"], groups["observed"], yerr=np.array([below, above]), fmt=theme.style(model).marker,
            color=tone, markersize=4, elinewidth=0.9, markerfacecolor="white" if stacked else tone,
            label="groups, 95 % interval" + (f" ({Role.STACKED})" if stacked else ""),
        )  # fmt: skip
        if stacked:
            bars[0].set_linestyle(theme.STACKED_LINE)
    if patients is not None:
        for truth, low, high in ((0, -RUG, 0), (1, 1, 1 + RUG)):
            own = patients.loc[patients["positive"] == truth, "probability"]
            ax.vlines(own, low, high, color=theme.NEGATIVE if truth == 0 else theme.POSITIVE, linewidth=0.6)
    edge = 0.01 if patients is None else RUG + 0.01
    ends = {"xlim": (-0.01, 1.01), "ylim": (-edge, 1 + edge)}
    ax.set(xlabel="Predicted probability", ylabel="Observed", aspect="equal", **ends)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, handlelength=1.8, columnspacing=1.2)
    return ax


def _stacked(rows: pd.DataFrame) -> bool:
    """Whether the rows of one model are stacked and optimistic."""
    return bool((rows["role"] == Role.STACKED).any())


def draw_decision(curves: pd.DataFrame, ax: Axes, limits: tuple[float, float] = (0.05, 0.60)) -> Axes:
    """Net benefit against threshold probability for each model, beside treating all and treating none.

    curves : columns model, role, threshold, net_benefit, treat_all, treat_none (and lower, upper where a band is
    wanted). A stacked model is drawn broken.
    limits : the threshold probabilities that were fixed beforehand.
    """
    shown = curves[curves["threshold"].between(limits[0] - 1e-9, limits[1] + 1e-9)].sort_values("threshold")
    first = shown[shown["model"] == shown["model"].iloc[0]] if len(shown) else shown
    ax.plot(first["threshold"], first["treat_all"], color=theme.GREY, linewidth=0.9, label="treat all")
    ax.axhline(0, color=theme.GREY, linewidth=0.9, linestyle=":", label="treat none")
    for model, line in shown.groupby("model", sort=False):
        name, stacked = str(model), _stacked(line)
        if {"lower", "upper"} <= set(line.columns) and line["lower"].notna().any():
            ax.fill_between(line["threshold"], line["lower"], line["upper"], color=theme.style(name).colour, alpha=0.12)
        ax.plot(
            line["threshold"], line["net_benefit"],
            color=theme.style(name).colour, linestyle=theme.STACKED_LINE if stacked else theme.style(name).line,
            label=f"{name} ({Role.STACKED})" if stacked else name,
        )  # fmt: skip
    top = max(0.05, float(shown[["net_benefit", "treat_all"]].max().max())) if len(shown) else 0.05
    ax.set(xlabel="Threshold probability", ylabel="Net benefit", xlim=limits, ylim=(-0.35 * top, 1.12 * top))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, columnspacing=1.4)
    return ax


def draw_predictions(patients: pd.DataFrame, ax: Axes, classes: Sequence[str] = ("negative", "positive")) -> Axes:
    """Each patient's probability as a bar that starts at the cut-off, in order, coloured by the truth.

    patients : columns probability, positive, cutoff (a patient's own, where folds have theirs), role. Stacked: hatched.
    """
    table = patients.sort_values(["probability", "positive"], kind="stable").reset_index(drop=True)
    cutoff, stacked = table["cutoff"].to_numpy(dtype=float), _stacked(table)
    positive = table["positive"].astype(bool).to_numpy()
    height = table["probability"].to_numpy(dtype=float) - cutoff
    x = np.arange(len(table))
    for truth, tone, name in ((False, theme.NEGATIVE, classes[0]), (True, theme.POSITIVE, classes[1])):
        chosen = positive == truth
        ax.bar(
            x[chosen], height[chosen], bottom=cutoff[chosen], width=0.82, color=tone, label=f"{name} ({chosen.sum()})",
            edgecolor=theme.GREY if not truth else "white" if stacked else tone, linewidth=0.2,
            hatch=theme.STACKED_HATCH if stacked else None,
        )  # fmt: skip
    low, middle, high = cutoff.min(), float(np.median(cutoff)), cutoff.max()
    ax.axhline(middle, color=theme.INK, linewidth=0.8)
    by_fold = f" ({low:.2f} to {high:.2f} by fold)" if low < high else ""
    ax.text(-0.6, middle, f"cut-off {middle:.2f}{by_fold} ", va="bottom", ha="left", fontsize=7.5)
    ax.set(
        xlabel="Patients, in order of probability", ylabel="Probability", ylim=(0, 1), xlim=(-1, len(table)), xticks=[]
    )
    ax.legend(loc="upper left", ncols=1, handlelength=1.2)
    return ax
