"""Figures of a network of regions: learnt weights, attention by scale and region, the ablation, called subtypes."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from dlr.figures import theme
from dlr.figures.comparison import forest_frame
from dlr.figures.volumes import Plane, draw_planes, planes_height

__all__ = [
    "ABLATION_NAMES",
    "TRAP",
    "attention_scales_height",
    "draw_ablation",
    "draw_attention_scales",
    "draw_attention_shares",
    "draw_confusion",
    "draw_region_weights",
    "region_marks",
]

ABLATION_NAMES = {
    "full": "Spatial, whole",
    "without_attention": "without attention",
    "single_scale": "attention at one scale",
    "without_peritumoral": "without peritumoral tissue",
    "without_core": "without the core",
    "without_rim": "without the rim",
    "without_multi_task": "a network for each target",
    "without_shared_extractor": "an extractor for each target",
    "core_only": "core only, the rest hidden",
    "core_pooled": "core pooled, the rest seen",
    "radiomics_logistic": "radiomics, logistic",
    "radiomics_svm": "radiomics, linear SVM",
    "frozen": "frozen 2-D network, all slices",
}
TRAP = "core_pooled"  # printed apart: the surroundings still reach what is pooled
APART = 0.6  # of a line, left free before a group
LEGEND = 0.3  # inches under the planes
FIRST, SECOND, THIRD, LAST = 7.0, 103.0, 215.0, 250.0  # points right of the axes where columns of numbers begin
GROUP_WIDTH = 16  # letters of a class in a confusion matrix before it is broken


def draw_attention_scales(rows: Mapping[str, Sequence[Plane]], ax: Axes) -> Axes:
    """The spatial attention of every scale over three planes of a volume, with the outer borders of the regions.

    rows : scale -> axial, coronal and sagittal plane, finest first; the planes bear their regions.
    """
    draw_planes(rows, ax)
    found = {name for planes in rows.values() for plane in planes for name in plane.regions}
    if found:
        marks = region_marks(found, theme.INK)
        ax.legend(handles=marks, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=len(marks), borderaxespad=0.2)
    return ax


def region_marks(names: Collection[str], colour: str = "") -> list[Line2D]:
    """Lines for a legend of regions' borders, from the inside outwards.  colour : of all; "": each its own."""
    return [
        Line2D([], [], color=colour or style.colour, linewidth=1.2, linestyle=style.line, label=name)
        for name, style in theme.REGIONS.items()
        if name in names
    ]


def attention_scales_height(rows: Mapping[str, Sequence[Plane]], width: float) -> float:
    """Inches that `draw_attention_scales` needs for a width in inches."""
    return planes_height(rows, width) + LEGEND


def draw_region_weights(weights: pd.DataFrame, ax: Axes) -> Axes:
    """Learnt weights of the regions for every target: each chain a point, their mean and range; the even share dashed.

    weights : columns target, region, weight (1 in sum over the regions of a chain), a row a chain.
    """
    regions = [name for name in theme.REGIONS if (weights["region"] == name).any()]
    even = 1 / len(regions)
    ax.axvline(even, color=theme.GREY, linewidth=0.9, linestyle="--", zorder=0)
    labels, places, y = [], [], 0.0
    for target in dict.fromkeys(weights["target"]):
        for region in regions:
            own = weights.loc[(weights["target"] == target) & (weights["region"] == region), "weight"].to_numpy()
            if not len(own):
                continue
            style = theme.REGIONS[region]
            ax.plot([own.min(), own.max()], [y, y], color=style.colour, linewidth=1.4)
            ax.plot(own, np.full(len(own), y), linestyle="none", marker="|", markersize=6, color=style.colour)
            ax.plot([own.mean()], [y], linestyle="none", marker=style.marker, color=style.colour, markersize=5.5)
            spread = (own.min(), own.max()) if len(own) > 1 else (np.nan, np.nan)
            _beside(ax, y, theme.format_estimate(own.mean(), *spread))
            labels.append(f"{theme.shorten(str(target), 24)}, {region}")
            places.append(y)
            y += 1
        y += APART
    _lines(ax, labels, places)
    high = float(weights["weight"].max())
    ax.set(xlabel=f"Weight of the region (even: {even:.2f})", xlim=(0, min(1.0, max(2 * even, 1.08 * high))))
    return ax


def draw_attention_shares(shares: pd.DataFrame, ax: Axes) -> Axes:
    """Share of the attention that lies in a region at every scale: median and quartiles over patients.

    The grey bar reaches to the region's own share of the volume: a mark beyond it says more than the region's size.

    shares : columns scale, region (core, rim, peritumoral, elsewhere), share, volume_share, a row a patient.
    """
    labels, places, y = [], [], 0.0
    for scale in dict.fromkeys(shares["scale"]):
        for region in (*theme.REGIONS, "elsewhere"):
            own = shares[(shares["scale"] == scale) & (shares["region"] == region)]
            if not len(own):
                continue
            style = theme.REGIONS.get(region, theme.style(""))
            low, median, high = np.percentile(own["share"], [25, 50, 75])
            size = float(np.median(own["volume_share"]))
            ax.barh([y], [size], height=0.62, color=theme.LIGHT, zorder=0, linewidth=0)
            ax.plot([low, high], [y, y], color=style.colour, linewidth=1.4)
            ax.plot([median], [y], linestyle="none", marker=style.marker, color=style.colour, markersize=5.5)
            _beside(ax, y, f"{theme.format_percent(median)} ({theme.format_percent(size)})")
            labels.append(f"{scale}, {region}")
            places.append(y)
            y += 1
        y += APART
    _lines(ax, labels, places)
    ax.set(xlabel="Share of the attention (bar, in brackets: of the volume)", xlim=(0, 1))
    return ax


def draw_ablation(rows: pd.DataFrame, ax: Axes) -> Axes:
    """The whole model and what stands beside it for one target: value and difference to the whole, with intervals.

    The row that hides nothing though it pools over the core alone stands apart, open. Published values are not ours:
    grey, in italics, marked so.

    rows : columns row, metric (auc, mae), value, lower, upper, difference, difference_lower, difference_upper, p,
    published (NaN where there is none), in the order of drawing.
    """
    error = (rows["metric"] == "mae").all()
    digits, word = (1, "MAE in %") if error else (3, "AUC")
    named = rows[rows["row"] != TRAP], rows[rows["row"] == TRAP]
    labels, places, y = [], [], 0.0
    for row in pd.concat(named).itertuples():
        trap, whole = row.row == TRAP, row.row == "full"
        y += APART if trap else 0
        tone = theme.INK if whole else theme.GREY if trap else theme.ACCENT
        ax.plot([row.lower, row.upper], [y, y], color=tone, linewidth=1.4, linestyle=":" if trap else "-")
        ax.plot([row.value], [y], linestyle="none", marker="D" if whole else "o", color=tone, markersize=5.5,
                markerfacecolor="white" if trap else tone)  # fmt: skip
        _beside(ax, y, theme.format_estimate(row.value, row.lower, row.upper, digits))
        if not whole:
            limits = (row.difference_lower, row.difference_upper, digits)
            shown = _number(row.difference, theme.decimals(*limits), signed=True)
            _beside(ax, y, f"{shown} ({theme.format_interval(*limits[:2], most=digits)})", SECOND)
            _beside(ax, y, theme.format_p(row.p), THIRD)
        if pd.notna(row.published):
            ax.plot([row.published], [y], linestyle="none", marker="x", color=theme.GREY, markersize=4.5, zorder=1)
            _beside(ax, y, _number(row.published, digits), LAST, color=theme.GREY, fontstyle="italic")
        labels.append(
            ABLATION_NAMES.get(str(row.row), theme.shorten(str(row.row), 30)) + (", the trap" if trap else "")
        )
        places.append(y)
        y += 1
    if error:
        _lines(ax, labels, places)
        ax.set_xlim(left=0)
    else:
        forest_frame(ax, labels, places, float(np.nanmin(rows[["lower", "published"]])))
    ax.set(xlabel=f"{word}, 95 % interval", ylim=(max(places) + 0.7, -1.5))
    for right, words in ((FIRST, f"{word} (95 %)"), (SECOND, "less the whole (95 %)"), (THIRD, "p")):
        _beside(ax, -1.0, words, right, fontweight="bold")
    if rows["published"].notna().any():
        _beside(ax, -1.0, "theirs, unverified (×)", LAST, color=theme.GREY, fontstyle="italic")
    return ax


def draw_confusion(counts: pd.DataFrame, ax: Axes) -> Axes:
    """Patients by true and called class: counts, below them the share of the row, shaded by it.

    counts : a row a true class, a column a called one; a class that nobody has or is called stays, empty.
    """
    table = counts.to_numpy(dtype=float)
    sums = table.sum(axis=1)
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            share = count / sums[i] if sums[i] else 0.0
            dark = share > 0.55
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=theme.ACCENT, alpha=share, linewidth=0))
            tone = "white" if dark else theme.INK if count else theme.GREY
            ax.text(j, i - 0.1, f"{count:.0f}", ha="center", va="center", color=tone, fontsize=9)
            words = theme.format_percent(share, 0) if sums[i] else theme.NOTHING
            ax.text(j, i + 0.24, words, ha="center", va="center", color=tone, fontsize=7)
            if i == j:
                ax.add_patch(
                    Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, facecolor="none", edgecolor=theme.INK, linewidth=0.8)
                )
    rows, columns = table.shape
    ax.set_xticks(range(columns), [_broken(name) for name in counts.columns], fontsize=7.5)
    ax.set_yticks(
        range(rows), [f"{_broken(name)}\nn {total:.0f}" for name, total in zip(counts.index, sums, strict=True)],
        fontsize=7.5,
    )  # fmt: skip
    ax.tick_params(length=0)
    ax.set(xlabel="Called", ylabel="True", xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _lines(ax: Axes, labels: Sequence[str], places: Sequence[float]) -> None:
    """The axis of labelled lines, downwards."""
    ax.set_yticks(places, labels)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(places, default=0) + 0.7, -0.7)
    ax.spines["left"].set_visible(False)


def _beside(ax: Axes, y: float, words: str, right: float = FIRST, **more: Any) -> None:
    """Words of a line, so many points right of the axes: columns keep their places whatever the width."""
    ax.annotate(
        words, (1, y), xytext=(right, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points", va="center",
        fontsize=7.5, annotation_clip=False, **more,
    )  # fmt: skip


def _number(value: float, digits: int, signed: bool = False) -> str:
    if pd.isna(value):
        return theme.NOTHING
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")


def _broken(name: object) -> str:
    return "\n".join(textwrap.wrap(theme.shorten(str(name), 48), GROUP_WIDTH))
