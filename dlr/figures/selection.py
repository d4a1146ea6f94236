"""Figures of selection: LASSO path, its cross-validated error, weights, how often each feature was kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme

__all__ = ["draw_lasso_error", "draw_lasso_path", "draw_selection_frequency", "draw_weights"]


def draw_lasso_path(path: pd.DataFrame, ax: Axes, log_lambda: float | None = None) -> Axes:
    """Coefficient of every feature along log λ; those not zero at the chosen λ in the accent colour.

    path : columns log_lambda, feature, coefficient.  log_lambda : the chosen one, drawn as a line.
    """
    for _, line in path.groupby("feature", sort=True):
        line = line.sort_values("log_lambda")
        kept = log_lambda is not None and _at(line, log_lambda) != 0
        ax.plot(
            line["log_lambda"], line["coefficient"],
            color=theme.ACCENT if kept else theme.LIGHT, linewidth=1.1 if kept else 0.7, zorder=3 if kept else 2,
        )  # fmt: skip
    ax.axhline(0, color=theme.GREY, linewidth=0.6)
    if log_lambda is not None:
        ax.axvline(log_lambda, color=theme.INK, linestyle="--", linewidth=0.9)
        ax.text(log_lambda, 1.0, " chosen λ", transform=ax.get_xaxis_transform(), va="top", fontsize=7.5)
    ax.set(xlabel="log λ", ylabel="Coefficient")
    return ax


def draw_lasso_error(error: pd.DataFrame, ax: Axes, measure: str = "Cross-validated error") -> Axes:
    """Mean error over the folds with one standard error, and the two λ that are commonly chosen.

    error : columns log_lambda, mean, sd (its standard error), lambda_min, lambda_1se (λ itself, the same in every row).
    """
    error = error.sort_values("log_lambda")
    ax.errorbar(
        error["log_lambda"], error["mean"], yerr=error["sd"], fmt="o", color=theme.ACCENT, markersize=2.5,
        ecolor=theme.LIGHT, elinewidth=1, capsize=0, label="mean ± standard error",
    )  # fmt: skip
    for column, style in (("lambda_min", "--"), ("lambda_1se", ":")):
        value = float(error[column].iloc[0]) if column in error else np.nan
        if np.isfinite(value) and value > 0:
            ax.axvline(np.log(value), color=theme.INK, linestyle=style, linewidth=0.9, label=_LAMBDA[column])
    ax.set(xlabel="log λ", ylabel=measure)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, handlelength=1.8, columnspacing=1.2)
    return ax


_LAMBDA = {"lambda_min": "λ min", "lambda_1se": "λ 1se"}


def draw_weights(weights: pd.DataFrame, ax: Axes) -> Axes:
    """Weight of every kept feature in the signature's linear score, largest on top.

    weights : columns feature, coefficient.
    """
    table = weights.reindex(weights["coefficient"].abs().sort_values(kind="stable").index)
    values = table["coefficient"].to_numpy(dtype=float)
    ax.barh(range(len(table)), values, height=0.62, color=[theme.ACCENT if v > 0 else theme.NEGATIVE for v in values])
    ax.axvline(0, color=theme.GREY, linewidth=0.7)
    ax.set_yticks(range(len(table)), [theme.feature_label(name) for name in table["feature"]], fontsize=7)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="Weight (per standard deviation)", ylim=(-0.6, len(table) - 0.4))
    ax.margins(x=0.08)
    return ax


def draw_selection_frequency(frequency: pd.DataFrame, ax: Axes, most: int = 20) -> Axes:
    """Share of fitted chains that kept a feature, the most frequent on top.

    frequency : columns feature, kept, of, frequency.  most : how many are drawn.
    """
    table = frequency.sort_values(["frequency", "feature"], ascending=[False, True]).head(most).iloc[::-1]
    ax.barh(range(len(table)), table["frequency"], height=0.62, color=theme.ACCENT_LIGHT)
    for y, row in enumerate(table.itertuples()):
        ax.text(row.frequency, y, f" {row.kept:.0f}/{row.of:.0f}", va="center", fontsize=7)
    ax.axvline(0.5, color=theme.INK, linestyle="--", linewidth=0.8)
    ax.set_yticks(range(len(table)), [theme.feature_label(name) for name in table["feature"]], fontsize=7)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="Share of fitted chains that kept it", xlim=(0, 1.12), ylim=(-0.6, len(table) - 0.4))
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    return ax


def _at(line: pd.DataFrame, log_lambda: float) -> float:
    """The coefficient at the λ of the path nearest to the given one."""
    nearest = int(np.argmin(np.abs(line["log_lambda"].to_numpy(dtype=float) - log_lambda)))
    return float(line["coefficient"].iloc[nearest])
