"""Figures of what was measured: families of features, their p-values, their correlations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme

__all__ = ["CLASSES", "class_of", "draw_correlation", "draw_family_counts", "draw_family_shares", "draw_p_violin"]

CLASSES = ("shape", "first-order", "texture")
_SHADES = {"shape": theme.LIGHT, "first-order": theme.ACCENT_LIGHT, "texture": theme.ACCENT, "deep": "#e8c37a"}


def class_of(family: str) -> str:
    """Shape, first-order or texture: the three classes that papers of the field count."""
    name = str(family).lower()
    if name.startswith("shape"):
        return "shape"
    if name in ("firstorder", "first-order", "first_order"):
        return "first-order"
    if name.startswith(("deep", "embedding", "pca")):
        return "deep"
    return "texture"


def draw_family_shares(families: pd.DataFrame, ax: Axes) -> Axes:
    """Pie of the classes shape, first-order and texture, each with count and share.

    families : columns family, image_type, count.
    """
    counts = families.groupby(families["family"].map(class_of))["count"].sum()
    counts = counts.reindex([name for name in (*CLASSES, "deep") if name in counts.index])
    total = int(counts.sum())
    wedges = ax.pie(
        counts.to_numpy(),
        colors=[_SHADES[name] for name in counts.index],
        startangle=90,
        counterclock=False,
        radius=1.0,
        wedgeprops={"linewidth": 1, "edgecolor": "white"},
    )[0]
    # a legend, since a slice of 14 in 1,561 has no room for words
    ax.legend(
        wedges,
        [f"{name}: {count:,} ({100 * count / total:.1f} %)" for name, count in counts.items()],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.03),
        handlelength=1,
        handleheight=1,
    )
    return ax


def draw_family_counts(families: pd.DataFrame, ax: Axes, by: str = "family") -> Axes:
    """Bars of the number of features, a bar for each family or image type.

    families : columns family, image_type, count.  by : "family" or "image_type".
    """
    counts = families.groupby(by, sort=False)["count"].sum().sort_values(kind="stable")
    if by == "family":
        shades = [_SHADES[class_of(name)] for name in counts.index]
        ax.barh(range(len(counts)), counts.to_numpy(), color=shades, height=0.68)
    else:
        ax.barh(range(len(counts)), counts.to_numpy(), color=theme.ACCENT_LIGHT, height=0.68)
    ax.set_yticks(range(len(counts)), [theme.shorten(str(name), 24) for name in counts.index])
    for y, count in enumerate(counts):
        ax.text(count, y, f" {count:,}", va="center", fontsize=7.5)
    ax.set(xlabel="Number of features", xlim=(0, 1.16 * counts.max()))
    ax.tick_params(axis="y", length=0)
    return ax


def draw_p_violin(values: pd.DataFrame, ax: Axes, level: float = 0.05) -> Axes:
    """Distribution of the p-values of each family of features, with the level below which a feature stays.

    values : columns family, p. A family of fewer than five features is drawn as points.
    """
    values = values.dropna(subset=["p"])
    names = [name for name, _ in values.groupby("family")["p"].median().sort_values(kind="stable").items()]
    for x, name in enumerate(names):
        p = values.loc[values["family"] == name, "p"].to_numpy(dtype=float)
        if len(p) < 5 or np.ptp(p) == 0:
            ax.plot(np.full(len(p), x), p, "o", color=theme.ACCENT, markersize=3.5)
        else:
            body = ax.violinplot([p], positions=[x], widths=0.8, showextrema=False)["bodies"][0]  # type: ignore[index]
            body.set(facecolor=theme.ACCENT_LIGHT, edgecolor=theme.ACCENT, alpha=1, linewidth=0.7)
            body.set_clip_path(None)
            ax.plot([x - 0.16, x + 0.16], [np.median(p)] * 2, color=theme.INK, linewidth=1.4)
    ax.axhline(level, color=theme.INK, linestyle="--", linewidth=0.9)
    ax.text(1.01, level, f"p = {level:g}", va="center", fontsize=7.5, transform=ax.get_yaxis_transform())
    counts = values["family"].value_counts()
    ax.set_xticks(range(len(names)), [f"{name}\n{counts[name]:,}" for name in names])
    ax.set(ylim=(0, 1), xlim=(-0.6, len(names) - 0.4), ylabel="p-value")
    return ax


def draw_correlation(matrix: pd.DataFrame, ax: Axes, title: str = "") -> Axes:
    """Pearson's r between features as a matrix of colours, features in order of name; names shown for few.

    matrix : square, index and columns the features.
    """
    names = sorted(matrix.index)
    values = matrix.loc[names, names].to_numpy(dtype=float)
    image = ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_title(title)
    few = len(names) <= 20
    if few:
        labels = [theme.feature_label(name, 26) for name in names]
        size = 6.5 if len(names) <= 12 else 5
        ax.set_yticks(range(len(names)), labels, fontsize=size)
        ax.set_xticks(range(len(names)), [str(k + 1) for k in range(len(names))], fontsize=size)
        ax.set_xlabel("the same order")
    else:
        ax.set(xticks=[], yticks=[], xlabel=f"{len(names):,} features, in order of name")
    figure = ax.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, cax=ax.inset_axes((1.04, 0.15, 0.04, 0.7)))
    bar.set_label("Pearson's r")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return ax
