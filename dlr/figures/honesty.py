"""Figures of honesty: the published way against the honest way, the AUC over many splits, agreement of outlines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme
from dlr.words import Role

__all__ = ["draw_dice", "draw_icc", "draw_optimism", "draw_splits"]

OPTIMISM_MARKS = (
    ("paper_train", "published way, training side (apparent)", "o", False),
    ("paper_test", "published way, test side", "o", True),
    ("crossfit_out_of_fold", "honest way, out-of-fold", "D", False),
    ("stacked", f"out-of-fold, {Role.STACKED}", "X", False),
    ("nested", "honest way, nested", "s", True),
    ("crossfit_test", "honest way, test side", "D", True),
)


def draw_optimism(gaps: pd.DataFrame, ax: Axes, measure: str = "AUC") -> Axes:
    """What the published way shows against what the honest way shows, a line a model; the gap is the optimism.

    gaps : OPTIMISM_GAP, a row a model; a stacked value is hatched, and no gap is taken to it.  measure : in words; an
    AUC has its axis end at 1 and chance drawn at 0.5.
    """
    rows = gaps.reset_index(drop=True)
    stacked = rows["role"] == Role.STACKED
    inside = rows["crossfit_out_of_fold"]
    rows = rows.assign(stacked=inside.where(stacked), crossfit_out_of_fold=inside.mask(stacked))
    for y, row in rows.iterrows():
        honest, shown = row[row["against"]] if row["against"] else np.nan, row["paper_train"]
        ax.plot([honest, shown], [y, y], color=theme.LIGHT, linewidth=5, solid_capstyle="butt", zorder=1)
        if stacked[y]:
            low, high = sorted((row["stacked"], honest if np.isfinite(honest) else shown))
            ax.barh(y, high - low, 0.16, low, hatch=theme.STACKED_HATCH, fill=False, edgecolor=theme.GREY, linewidth=0)
        if pd.notna(row["gap"]):
            ax.text(
                (honest + shown) / 2, float(y) - 0.22, f"{row['gap']:+.2f}".replace("-", "−"),  # type: ignore[arg-type]
                ha="center", va="bottom", fontsize=7.5,
            )  # fmt: skip
    for column, label, mark, filled in OPTIMISM_MARKS:
        if rows[column].isna().all():
            continue
        tone = theme.ACCENT if column.startswith(("crossfit", "nested")) else theme.GREY
        ax.plot(
            rows[column], rows.index, linestyle="none", marker=mark, markersize=6, color=tone,
            markerfacecolor=tone if filled else "white", label=label, zorder=3,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [str(name) for name in rows["model"]])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=measure, ylim=(len(rows) - 0.5, -0.6))
    if measure == "AUC":
        values = rows[[mark[0] for mark in OPTIMISM_MARKS]].to_numpy(dtype=float)
        low = min(0.45, float(np.nanmin(values)) - 0.03) if np.isfinite(values).any() else 0.45
        ax.axvline(0.5, color=theme.LIGHT, linewidth=0.9, zorder=0)
        ax.set_xlim(low, 1.015)
    else:
        ax.margins(x=0.12)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=1)
    return ax


def draw_splits(splits: pd.DataFrame, ax: Axes) -> Axes:
    """The honest test AUC over many random splits, a point a split, with median and quartiles; a diamond: the study's.

    splits : columns model, split, auc, own (of the study's own split).
    """
    models = list(dict.fromkeys(splits["model"]))
    own = splits["own"].astype(bool)
    marked = splits[own].set_index("model")["auc"].reindex(models)
    for x, model in enumerate(models):
        values = splits.loc[(splits["model"] == model) & ~own].sort_values("split")["auc"].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        # a fixed spread by rank, so that points stay apart and nothing is drawn at random
        offsets = 0.26 * (np.argsort(np.argsort(values)) % 5 - 2) / 2
        ax.plot(
            x + offsets, values, theme.style(model).marker, color=theme.style(model).colour, markersize=4, alpha=0.75
        )
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        ax.plot([x - 0.36, x + 0.36], [middle, middle], color=theme.INK, linewidth=1.6)
        ax.plot([x - 0.4, x - 0.4], [low, high], color=theme.INK, linewidth=0.9)
        ax.text(x + 0.4, middle, theme.format_auc(middle), va="center", fontsize=7.5)
    if marked.notna().any():
        ax.plot(
            range(len(models)), marked, "D", color=theme.INK, markerfacecolor="white", markersize=7,
            markeredgewidth=1.6, label="the study's own split", zorder=4,
        )  # fmt: skip
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1))
    ax.axhline(0.5, color=theme.LIGHT, linewidth=0.9, zorder=0)
    ax.set_xticks(range(len(models)), models)
    ax.set(ylabel="AUC on the split's test side", xlim=(-0.6, len(models) - 0.25))
    ax.set_ylim(top=1.01)
    return ax


def draw_icc(stability: pd.DataFrame, ax: Axes, threshold: float | None = 0.75, name: str = "ICC(2,1)") -> Axes:
    """Histogram of the features' intraclass correlation, those under the chosen agreement lighter.

    stability : column icc (a row a feature).  name : which intraclass correlation.
    """
    values = stability["icc"].dropna().clip(lower=-0.2).to_numpy(dtype=float)
    edges = np.arange(-0.2, 1.0001, 0.05)
    counts, _ = np.histogram(values, bins=edges)
    kept = edges[:-1] >= (threshold if threshold is not None else -1) - 1e-9
    tones = [theme.ACCENT if k else theme.NEGATIVE for k in kept]
    ax.bar(edges[:-1], counts, width=0.047, align="edge", color=tones)
    if threshold is not None:
        ax.axvline(threshold, color=theme.INK, linestyle="--", linewidth=0.9)
        above = int((values >= threshold).sum())
        ax.text(
            0.02, 0.97, f"{above:,} of {len(values):,} features at {threshold:g} or above",
            transform=ax.transAxes, va="top", fontsize=7.5,
        )  # fmt: skip
        ax.set_ylim(top=1.15 * max(1, counts.max()))
    ax.set(xlabel=f"{name} of a feature", ylabel="Features", xlim=(-0.22, 1.02))
    return ax


def draw_dice(agreement: pd.DataFrame, ax: Axes, threshold: float | None = None) -> Axes:
    """Dice overlap of the two outlines of every case, in order; cases under the chosen agreement in the accent colour.

    agreement : columns dice, below (bool).
    """
    table = agreement.sort_values("dice", kind="stable").reset_index(drop=True)
    below = table["below"].astype(bool).to_numpy()
    x, y = np.arange(len(table)), table["dice"].to_numpy(dtype=float)
    ax.plot(x[~below], y[~below], "o", markersize=3, color=theme.ACCENT_LIGHT, label=f"agreed ({(~below).sum()})")
    ax.plot(x[below], y[below], "v", markersize=4.5, color=theme.ACCENT, label=f"for a third reader ({below.sum()})")
    if threshold is not None:
        ax.axhline(threshold, color=theme.INK, linestyle="--", linewidth=0.9)
    ax.set(
        xlabel="Cases, in order of overlap", ylabel="Dice", ylim=(min(0.5, np.nanmin(y, initial=0.5)), 1.005), xticks=[]
    )
    ax.legend(loc="lower right", handlelength=1)
    return ax
