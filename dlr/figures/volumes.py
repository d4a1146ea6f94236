"""Figures of volumes: three planes with their map, t-SNE in three projections, AUC within and across cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme

__all__ = ["draw_cohort_forest"]

WITHIN = ("pooled", "pairs within a cohort", "mean over cohorts", "left-out cohort")  # filled marks: of all cohorts


def draw_cohort_forest(rows: pd.DataFrame, ax: Axes) -> Axes:
    """AUC and 95 % interval pooled, by pairs within a cohort, as mean over cohorts, in cohorts left out; open: in one.

    rows : columns model, measure, value, lower, upper, n, n_positive, in the order of drawing.
    """
    y, places, labels = 0.0, [], []
    for model in dict.fromkeys(rows["model"]):
        style = theme.style(str(model))
        for row in rows[rows["model"] == model].itertuples():
            ax.plot([row.lower, row.upper], [y, y], color=style.colour, linewidth=1.4)
            ax.plot(
                [row.value], [y], marker=style.marker, color=style.colour, markersize=5.5, linestyle="none",
                markerfacecolor=style.colour if row.measure in WITHIN else "white",
            )  # fmt: skip
            ax.text(
                1.03, y, f"{theme.format_auc(row.value)} ({theme.format_interval(row.lower, row.upper)}), n {row.n}",
                va="center", fontsize=7.5, transform=ax.get_yaxis_transform(),
            )  # fmt: skip
            labels.append(f"{model}, {theme.shorten(str(row.measure), 32)}")
            places.append(y)
            y += 1
        y += 0.45
    ax.axvline(0.5, color=theme.LIGHT, linewidth=0.9, zorder=0)
    ax.set_yticks(places, labels)
    ax.tick_params(axis="y", length=0)
    low = np.nanmin([0.45, float(rows["lower"].min()) - 0.02])
    ax.set(xlabel="AUC, 95 % interval", xlim=(max(0, low), 1.01), ylim=(max(places, default=0) + 0.7, -0.7))
    ax.spines["left"].set_visible(False)
    return ax
