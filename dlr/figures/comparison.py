"""Figures that set models or algorithms side by side: AUC table, forest of AUCs, matrix of p-values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from dlr.figures import theme
from dlr.words import Role

__all__ = ["ALGORITHM_NAMES", "draw_algorithm_table", "draw_auc_forest", "draw_p_matrix", "forest_frame"]

ALGORITHM_NAMES = {
    "logistic": "Logistic regression",
    "random_forest": "Random forest",
    "extra_trees": "Extra trees",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "ridge": "Ridge regression",
    "svm": "Linear SVM",
}


def draw_algorithm_table(algorithms: pd.DataFrame, ax: Axes) -> Axes:
    """Each algorithm out-of-fold with its interval, a row an algorithm and a column a model; a column's best in bold.

    algorithms : columns model, algorithm, measure (auc: the highest is best; mae: the lowest), out_of_fold, lower,
    upper.
    """
    models = list(dict.fromkeys(algorithms["model"]))
    names = list(dict.fromkeys(algorithms["algorithm"]))
    table = algorithms.set_index(["algorithm", "model"])
    values = table["out_of_fold"].unstack("model").reindex(index=names, columns=models)
    error = (algorithms["measure"] == "mae").all()
    digits, best = (1, values.min()) if error else (3, values.max())
    for i, name in enumerate(names):
        for j, model in enumerate(models):
            value = values.loc[name, model]
            if pd.isna(value):
                ax.text(j, i, theme.NOTHING, ha="center", va="center", color=theme.GREY)
                continue
            row = table.loc[(name, model)]
            weight = "bold" if value == best[model] else "normal"
            shown, _, limits = theme.format_estimate(value, row["lower"], row["upper"], digits).partition(" ")
            ax.text(j, i - 0.14, shown, ha="center", va="center", fontweight=weight)
            ax.text(j, i + 0.22, limits.strip("()"), ha="center", va="center", fontsize=7, color=theme.GREY)
    for i in range(len(names) + 1):
        ax.axhline(i - 0.5, color=theme.LIGHT if 0 < i < len(names) else theme.GREY, linewidth=0.7)
    ax.set_xticks(range(len(models)), models, fontweight="bold")
    ax.set_yticks(range(len(names)), [ALGORITHM_NAMES.get(name, name) for name in names])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set(xlim=(-0.5, len(models) - 0.5), ylim=(len(names) - 0.5, -0.5))
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def draw_auc_forest(aucs: pd.DataFrame, ax: Axes) -> Axes:
    """AUC and 95 % interval of every model, a line each, with the numbers beside.

    aucs : columns model, role, value, lower, upper, n, n_positive, in the order of drawing.
    """
    rows = aucs.reset_index(drop=True)
    models = list(dict.fromkeys(rows["model"]))
    labels, y, places = [], 0.0, []
    for model in models:
        for row in rows[rows["model"] == model].itertuples():
            tone = theme.style(str(model)).colour
            apparent = row.role == "apparent"
            line = theme.STACKED_LINE if row.role.endswith(f"({Role.STACKED})") else ":" if apparent else "-"
            ax.plot([row.lower, row.upper], [y, y], color=tone, linewidth=1.4, linestyle=line)
            ax.plot(
                [row.value], [y], marker=theme.style(str(model)).marker, color=tone, markersize=5.5,
                markerfacecolor="white" if row.role != "test" else tone, linestyle="none",
            )  # fmt: skip
            ax.text(1.03, y, theme.format_estimate(row.value, row.lower, row.upper), va="center", fontsize=7.5,
                    transform=ax.get_yaxis_transform())  # fmt: skip
            labels.append(f"{model}, {row.role}")
            places.append(y)
            y += 1
        y += 0.45
    return forest_frame(ax, labels, places, float(rows["lower"].min()))


def forest_frame(ax: Axes, labels: Sequence[str], places: Sequence[float], lowest: float) -> Axes:
    """The axes of a forest of AUCs whose lines are drawn.  labels, places : of its lines, downwards.

    lowest : lower limit of all, NaN where none is known.
    """
    ax.axvline(0.5, color=theme.LIGHT, linewidth=0.9, zorder=0)
    ax.set_yticks(places, labels)
    ax.tick_params(axis="y", length=0)
    low = np.nanmin([0.45, lowest - 0.02])
    ax.set(xlabel="AUC, 95 % interval", xlim=(max(0, low), 1.01), ylim=(max(places, default=0) + 0.7, -0.7))
    ax.spines["left"].set_visible(False)
    return ax


def draw_p_matrix(comparisons: pd.DataFrame, ax: Axes, models: Sequence[str] | None = None) -> Axes:
    """p-values of all pairs of models, Holm-corrected below each, shaded where the corrected p is under 0.05.

    comparisons : columns model_a, model_b, p, p_holm.  models : their order; by default the house's, others after.
    """
    found = list(dict.fromkeys([*comparisons["model_a"], *comparisons["model_b"]]))
    order = list(models or theme.STYLES)
    models = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    place = {name: k for k, name in enumerate(models)}
    size = len(models)
    for row in comparisons.itertuples():
        a, b = sorted((place[row.model_a], place[row.model_b]))  # type: ignore[index]
        shaded = pd.notna(row.p_holm) and row.p_holm < 0.05
        ax.add_patch(_cell(a, b, theme.ACCENT_LIGHT if shaded else "white"))
        ax.text(a, b - 0.13, theme.format_p(row.p), ha="center", va="center", fontsize=8)  # type: ignore[arg-type]
        holm = theme.format_p(row.p_holm)  # type: ignore[arg-type]
        ax.text(a, b + 0.2, f"Holm {holm}", ha="center", va="center", fontsize=6.5,
                color=theme.INK if shaded else theme.GREY)  # fmt: skip
    ax.set_xticks(range(size - 1), models[:-1])
    ax.set_yticks(range(1, size), models[1:])
    ax.tick_params(length=0)
    ax.set(xlim=(-0.5, size - 1.5), ylim=(size - 0.5, 0.5))
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _cell(x: int, y: int, tone: str) -> Rectangle:
    return Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=tone, edgecolor=theme.LIGHT, linewidth=0.8)
