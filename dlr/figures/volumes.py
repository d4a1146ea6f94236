"""Figures of volumes: three planes with their map, t-SNE in projections, AUC within and across cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from dlr.figures import theme
from dlr.figures.comparison import forest_frame
from dlr.figures.patients import Extent, filled_regions, outline

__all__ = ["Plane", "draw_cohort_forest", "draw_planes", "draw_tsne", "planes_height"]

PROJECTIONS = ((0, 1), (0, 2), (1, 2))  # of a t-SNE: to the right, upwards
WITHIN = ("pooled", "pairs within a cohort", "mean over cohorts", "left-out cohort")  # filled marks: of all cohorts
PLANES = ("axial", "coronal", "sagittal")
GAP = 0.05  # between planes, as a share of all their widths
OPACITY = 0.55  # of a map at its highest
ABOVE = 1.6  # gaps above the first row, for the names of the planes
ROLES = {  # of a patient: words, how a mark is filled, with what if not with the label's colour
    "train": ("trained on", "full", "white"),
    "held-out": ("held out", "full", ""),
    "stopped on": ("stopped on", "left", ""),
}
LABELS = (
    (1.0, "positive", theme.POSITIVE, "o"),
    (0.0, "negative", theme.GREY, "s"),
    (None, "unknown", theme.GREY, "x"),
)


@dataclass(frozen=True)
class Plane:
    """One cut through a volume, its rows downwards; with regions their borders are drawn, else that of the mask."""

    grey: np.ndarray  # (rows, columns)
    mask: np.ndarray  # bool (rows, columns)
    heat: np.ndarray | None  # 0 to 1 of the whole volume's highest, or None
    edges: tuple[float, float]  # mm of a row and of a column
    regions: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> bool (rows, columns)

    @property
    def size(self) -> tuple[float, float]:
        """Height and width in mm."""
        return self.grey.shape[0] * self.edges[0], self.grey.shape[1] * self.edges[1]


def planes_height(rows: Mapping[str, Sequence[Plane]], width: float) -> float:
    """Inches that `draw_planes` needs for a width in inches."""
    planes = next(iter(rows.values()))
    wide, high = _layout(planes)
    return width * (len(rows) * high / wide + GAP * (len(rows) - 1 + ABOVE))


def draw_planes(rows: Mapping[str, Sequence[Plane]], ax: Axes) -> Axes:
    """Axial, coronal and sagittal planes of one volume at one scale in mm, a row a network, its map in turbo over them.

    The map's opacity grows with its value. The outline is white; of regions the outer borders are, in their styles.
    """
    wide, high = _layout(next(iter(rows.values())))
    gap = GAP * wide
    for number, (name, planes) in enumerate(rows.items()):
        left, top = 0.0, number * (high + gap)
        for plane, title in zip(planes, PLANES, strict=True):
            height, width = plane.size
            up = top + (high - height) / 2
            extent = (left, left + width, up + height, up)
            ax.imshow(_painted(plane), interpolation="bilinear", extent=extent)
            for lines in _borders(plane, extent):
                ax.add_collection(lines, autolim=False)
            if number == 0:
                ax.text(left, -0.25 * gap, title, va="bottom", fontsize=7.5, color=theme.GREY)
            left += width + gap
        ax.text(-0.6 * gap, top + high / 2, name, rotation=90, ha="right", va="center", fontsize=8)
    ax.set(xlim=(0, wide), ylim=(len(rows) * (high + gap) - gap, -ABOVE * gap), aspect="equal")
    ax.axis("off")
    return ax


def _borders(plane: Plane, extent: Extent) -> list[LineCollection]:
    """White lines, which every colour of a map lets see: of the mask, or the outer border of every region."""
    if not plane.regions:
        return [LineCollection(outline(plane.mask, extent), colors=["white"], linewidths=1.0)]
    return [
        LineCollection(
            outline(filled, extent), colors=["white"], linewidths=1.0, linestyles=[theme.REGIONS[name].line],
            path_effects=[withStroke(linewidth=2, foreground="black", alpha=0.6)],
        )
        for name, filled in filled_regions(plane.regions).items()
    ]  # fmt: skip


def _painted(plane: Plane) -> np.ndarray:
    """RGB (rows, columns, 3): the grey with the map over it, as one picture, which halves a page of them."""
    low, bright = np.percentile(plane.grey, (1, 99))
    grey = np.clip((plane.grey - low) / ((bright - low) or 1.0), 0, 1)[..., None].repeat(3, axis=2)
    if plane.heat is None:
        return grey
    heat = np.clip(plane.heat, 0, 1)
    alpha = OPACITY * heat[..., None]
    return (1 - alpha) * grey + alpha * colormaps["turbo"](heat)[..., :3]


def _layout(planes: Sequence[Plane]) -> tuple[float, float]:
    """Width of three planes with two gaps, and the height of the highest, in mm."""
    widths = sum(plane.size[1] for plane in planes)
    return widths / (1 - 2 * GAP), max(plane.size[0] for plane in planes)


def draw_tsne(points: pd.DataFrame, ax: Axes) -> Axes:
    """Three projections of a t-SNE, side by side at one scale; shape and colour say the label, the filling the role.

    points : columns x, y, z, role (train, held-out, stopped on), label (1, 0 or NaN).
    """
    label = points["label"].to_numpy(dtype=float)
    role = points["role"].to_numpy(dtype=object)
    xyz = points[["x", "y", "z"]].to_numpy(dtype=float)
    places = (xyz - (xyz.min(axis=0) + xyz.max(axis=0)) / 2) / max(np.ptp(xyz, axis=0).max(), 1e-9)  # within ±1/2
    for number, (right, up) in enumerate(PROJECTIONS):
        shift = 1.2 * number
        ax.add_patch(
            Rectangle((shift - 0.56, -0.56), 1.12, 1.12, facecolor="none", edgecolor=theme.LIGHT, linewidth=0.8)
        )
        ax.text(
            shift, -0.6, f"{'xyz'[up]} against {'xyz'[right]}", ha="center", va="top", fontsize=7.5, color=theme.GREY
        )
        for value, words, tone, mark in LABELS:
            own = np.isnan(label) if value is None else label == value
            for name, (called, filled, colour) in ROLES.items():
                shown = own & (role == name)
                if shown.any():
                    ax.plot(
                        places[shown, right] + shift, places[shown, up], linestyle="none", marker=mark, color=tone,
                        markersize=3.2, markeredgewidth=0.8, fillstyle=filled,
                        markerfacecolor=colour or tone, markerfacecoloralt="white",
                        label=f"{words}, {called}" if number == 0 else None,
                    )  # fmt: skip
    ax.set(xlim=(-0.58, 1.2 * 2 + 0.58), ylim=(-0.72, 0.58), aspect="equal")
    ax.axis("off")
    return ax


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
                1.03, y, f"{theme.format_estimate(row.value, row.lower, row.upper)}, n {row.n}",
                va="center", fontsize=7.5, transform=ax.get_yaxis_transform(),
            )  # fmt: skip
            labels.append(f"{model}, {theme.shorten(str(row.measure), 32)}")
            places.append(y)
            y += 1
        y += 0.45
    return forest_frame(ax, labels, places, float(rows["lower"].min()))
