"""Figures of networks and of fusion: learning curves, variance of principal components, shares of the blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from dlr.figures import theme
from dlr.figures.patients import outline

__all__ = ["draw_attention", "draw_block_shares", "draw_learning_curves", "draw_pca_variance"]

_PARTS = {"train": (theme.GREY, "--"), "validation": (theme.ACCENT, "-"), "test": (theme.INK, ":")}


def draw_learning_curves(curves: pd.DataFrame, ax: Axes) -> Axes:
    """A measure over the epochs, mean over seeds and folds with the range between them, a line a part.

    curves : columns epoch, part, measure (one), value, seed, fold.
    """
    for part, rows in curves.groupby("part", sort=True):
        tone, style = _PARTS.get(str(part), (theme.ACCENT_LIGHT, "-"))
        by_epoch = rows.groupby("epoch")["value"]
        mean, low, high = by_epoch.mean(), by_epoch.min(), by_epoch.max()
        ax.fill_between(mean.index, low, high, color=tone, alpha=0.12, linewidth=0)
        ax.plot(mean.index, mean, color=tone, linestyle=style, label=str(part))
    ax.set(xlabel="Epoch", ylabel=str(curves["measure"].iloc[0]) if len(curves) else "")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return ax


def draw_pca_variance(pca: pd.DataFrame, ax: Axes) -> Axes:
    """Cumulative share of variance explained by the principal components, a line a fitted part.

    pca : columns component (from 1), explained (share of variance), and seed, fold where fitted more than once.
    """
    keys = [key for key in ("seed", "fold") if key in pca]
    groups = [rows for _, rows in pca.groupby(keys, sort=True)] if keys else [pca]
    for k, rows in enumerate(groups):
        rows = rows.sort_values("component")
        label = "each fitted part" if k == 0 and len(groups) > 1 else None
        ax.plot(rows["component"], rows["explained"].cumsum(), color=theme.ACCENT, linewidth=1, alpha=0.7, label=label)
    ax.axhline(0.95, color=theme.INK, linestyle="--", linewidth=0.9)
    ax.text(1.01, 0.95, "95 %", transform=ax.get_yaxis_transform(), va="center", fontsize=7.5)
    ax.set(xlabel="Principal components", ylabel="Cumulative share of variance", ylim=(0, 1.02), xlim=(0, None))
    return ax


def draw_block_shares(shares: pd.DataFrame, ax: Axes) -> Axes:
    """Share of each block of features, such as Rad and DL, at every step from the joined table to the selection.

    shares : columns step, block, count.
    """
    steps = list(dict.fromkeys(shares["step"]))
    blocks = list(dict.fromkeys(shares["block"]))
    start = pd.Series(0.0, index=steps)
    for block in blocks:
        rows = shares[shares["block"] == block].set_index("step")["count"].reindex(steps).fillna(0)
        total = shares.groupby("step")["count"].sum().reindex(steps)
        share = rows / total.where(total > 0, 1)
        ax.barh(
            range(len(steps)), share, left=start, height=0.55, color=theme.style(str(block)).colour, label=str(block)
        )
        for y, step in enumerate(steps):
            if share[step] > 0.08:
                words = f"{100 * share[step]:.0f} %"
                ax.text(start[step] + share[step] / 2, y, words, ha="center", va="center", fontsize=7.5, color="white")
        start = start + share
    for y, step in enumerate(steps):
        counts = shares[shares["step"] == step].set_index("block")["count"].reindex(blocks).fillna(0)
        parts = [theme.format_number(round(count, 1), 4) for count in (*counts, counts.sum())]
        words = f"{' + '.join(parts[:-1])} = {parts[-1]}"
        ax.text(1.02, y, words, va="center", fontsize=7.5, transform=ax.get_yaxis_transform())
    ax.set_yticks(range(len(steps)), steps)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="Share of the features", xlim=(0, 1), ylim=(len(steps) - 0.5, -0.5))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=len(blocks), handlelength=1)
    return ax


def draw_attention(grey: np.ndarray, mask: np.ndarray, heat: np.ndarray, ax: Axes) -> Axes:
    """A class activation map (0 to 1, turbo) over a picture, and the outline; all of one size.

    The map's opacity grows with its value, so that the picture stays visible where the network did not look.
    """
    low, high = np.percentile(grey, (1, 99))
    ax.imshow(grey, cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="bilinear")
    ax.imshow(heat, cmap="turbo", vmin=0, vmax=1, alpha=0.55 * np.clip(heat, 0, 1), interpolation="bilinear")
    height, width = mask.shape
    lines = outline(mask, (-0.5, width - 0.5, height - 0.5, -0.5))
    ax.add_collection(LineCollection(lines, colors=["white"], linewidths=1.0), autolim=False)
    ax.set(xticks=[], yticks=[])
    return ax
