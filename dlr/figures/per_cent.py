"""Figures of a predicted per cent: against the truth, and the difference between both (Bland & Altman, Lancet 1986)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme
from dlr.words import Estimate

__all__ = ["draw_bland_altman", "draw_observed_predicted"]

ROOM = 0.06  # of the range, left free at both ends


def draw_observed_predicted(patients: pd.DataFrame, ax: Axes, model: str = "") -> Axes:
    """Predicted against observed per cent, a point a patient, with the line of identity.

    patients : columns predicted, observed (per cent).
    """
    low, high = _span(patients[["predicted", "observed"]].to_numpy(dtype=float))
    ax.plot([low, high], [low, high], color=theme.GREY, linewidth=0.8, linestyle="--", label="identity", zorder=1)
    words = f"{len(patients)} patients"
    ax.plot(patients["observed"], patients["predicted"], label=words, **_points(model, len(patients)))
    ax.set(xlabel="Observed (%)", ylabel="Predicted (%)", xlim=(low, high), ylim=(low, high), aspect="equal")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, handlelength=1.8, columnspacing=1.2)
    return ax


def draw_bland_altman(
    patients: pd.DataFrame, ax: Axes, model: str = "", bias: Estimate | None = None,
    limits: tuple[Estimate, Estimate] | None = None,
) -> Axes:  # fmt: skip
    """Predicted minus observed against their mean; the mean difference, the limits of agreement, their intervals.

    patients : columns predicted, observed (per cent).  bias, limits : with their 95 % intervals, shaded.
    """
    mean = (patients["predicted"] + patients["observed"]) / 2
    difference = patients["predicted"] - patients["observed"]
    ax.axhline(0, color=theme.LIGHT, linewidth=0.9, zorder=1)
    lines = [] if bias is None else [("bias", bias, "-")]
    if limits is not None:
        lines += [("lower limit", limits[0], "--"), ("upper limit", limits[1], "--")]
    for words, line, style in lines:
        ax.axhline(line.value, color=theme.INK, linewidth=0.9, linestyle=style, zorder=2)
        if np.isfinite([line.lower, line.upper]).all():
            ax.axhspan(line.lower, line.upper, color=theme.INK, alpha=0.07, linewidth=0, zorder=0)
        shown = f"{words}\n{line.value:.1f}".replace("-", "−")
        ax.text(1.02, line.value, shown, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5)
    ax.plot(mean, difference, **_points(model, len(patients)))
    ax.set(xlabel="Mean of predicted and observed (%)", ylabel="Predicted − observed (%)")
    return ax


def _span(values: np.ndarray) -> tuple[float, float]:
    """The ends of an axis: from 0, as a per cent begins there, to a little more than the largest."""
    low, high = min(0.0, float(np.nanmin(values))), float(np.nanmax(values))
    room = ROOM * max(high - low, 1.0)
    return low - room, high + room


def _points(model: str, count: int) -> dict[str, Any]:
    style = theme.style(model)
    return {
        "linestyle": "none", "marker": style.marker, "color": style.colour, "markersize": 4.5 if count <= 150 else 3,
        "alpha": 0.7, "markeredgewidth": 0, "zorder": 3,
    }  # fmt: skip
