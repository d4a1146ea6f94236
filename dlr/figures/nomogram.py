"""The nomogram as a figure: points, a line a variable, total points, risk, and one patient drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dlr.figures import theme

if TYPE_CHECKING:
    from dlr.stats import Axis, Nomogram

__all__ = ["draw_nomogram", "nomogram_rows"]

GAP_POINTS = 3.0  # printer's points between two labels at least
UNDER = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}  # keeps a patient's line from running through a label
LEVELS = (  # where a label may stand: below, above, further below, further above
    (-0.16, "top"), (0.16, "bottom"), (-0.38, "top"), (0.38, "bottom"),
)  # fmt: skip
OVER = 1.5  # how far beyond an axis a patient outside its range is drawn
SAME = 0.4  # categories closer than this share one label


def nomogram_rows(nomogram: Nomogram) -> int:
    """How many lines the drawing has: points, one a variable, total points, risk."""
    return len(nomogram.axes) + 3


def draw_nomogram(
    nomogram: Nomogram, ax: Axes, patient: pd.DataFrame | None = None, risk_label: str = "Risk", font_size: float = 8
) -> Axes:
    """Draw every line of the nomogram; the axis of total points spans the same width as that of points.

    patient : a table of one row with the model's raw columns; its path is drawn in the accent colour.
    The Axes' final size must be set before the call: labels that would touch are moved or left out.
    """
    rows = nomogram_rows(nomogram)
    ax.set(xlim=(0, 100), ylim=(-(rows - 1) - 0.62, 0.62))
    ax.axis("off")
    totals = np.asarray(nomogram.total_ticks(), dtype=float)
    top = max(100.0, max(axis.widest for axis in nomogram.axes))
    points_ticks = np.arange(0, top + 1e-9, 10)
    scale, total_scale = 100 / top, 100 / totals[-1]

    _name(ax, 0, "Points", font_size, bold=True)
    _scale(ax, 0, points_ticks * scale, [f"{tick:g}" for tick in points_ticks], font_size, minor=5, above=True)
    for k, axis in enumerate(nomogram.axes):
        x = np.array([tick.points for tick in axis.ticks]) * scale
        labels = [tick.label for tick in axis.ticks]
        _name(ax, -(k + 1), axis.label, font_size, note=_note(axis))
        if axis.kind == "category":
            _scale(ax, -(k + 1), *_joined(x, labels), font_size, keep_all=True)
        elif axis.turn is not None:  # there and back: the way back stands above the line
            _scale(ax, -(k + 1), x[: axis.turn + 1], labels[: axis.turn + 1], font_size)
            _scale(ax, -(k + 1), x[axis.turn :][1:], labels[axis.turn :][1:], font_size, above=True)
        else:
            _scale(ax, -(k + 1), x, labels, font_size)
    y_total, y_risk = -(rows - 2), -(rows - 1)
    _name(ax, y_total, "Total points", font_size, bold=True)
    _scale(ax, y_total, totals * total_scale, [f"{tick:g}" for tick in totals], font_size, minor=5)
    risks = nomogram.risks_shown()
    _name(ax, y_risk, risk_label, font_size, bold=True)
    if len(risks):
        at = np.asarray(nomogram.risk_ticks(risks), dtype=float) * total_scale
        _scale(ax, y_risk, at, [f"{risk:g}" for risk in risks], font_size, middle_first=True)
    if patient is not None:
        _draw_patient(nomogram, ax, patient, scale, total_scale, font_size)
    return ax


def _note(axis: Axis) -> str:
    return "signature, probability" if str(axis.transform).lower().endswith("logit") else ""


def _name(ax: Axes, y: float, text: str, font_size: float, bold: bool = False, note: str = "") -> None:
    """The line's name, left of the drawing; of several lines the last stands beside the axis, clear of its ticks."""
    label = theme.shorten(text, 56)
    if len(label) > 26:
        middle = min((k for k, c in enumerate(label) if c in " _-"), key=lambda k: abs(k - len(label) / 2), default=26)
        label = f"{label[: middle + 1].rstrip()}\n{label[middle + 1 :]}"
    if note:
        label = f"{label}\n({note})"
    several = "\n" in label
    ax.annotate(
        label, (0, y), xytext=(-12, -0.45 * font_size if several else 0), textcoords="offset points", ha="right",
        va="bottom" if several else "center", annotation_clip=False, fontsize=font_size - 0.7 if several else font_size,
        fontweight="bold" if bold else "normal", linespacing=1.1,
    )  # fmt: skip


def _scale(
    ax: Axes,
    y: float,
    x: np.ndarray,
    labels: Sequence[str],
    font_size: float,
    minor: int = 0,
    above: bool = False,
    keep_all: bool = False,
    middle_first: bool = False,
) -> None:
    """A line with ticks and labels; labels that would touch go to another level (keep_all) or are left out."""
    ax.plot([x.min(), x.max()], [y, y], color=theme.INK, linewidth=0.9, solid_capstyle="butt")
    direction = 1 if above else -1
    ax.vlines(x, y, y + 0.1 * direction, color=theme.INK, linewidth=0.8)
    if minor:
        fine = np.concatenate([np.linspace(a, b, minor + 1)[1:-1] for a, b in pairwise(x)])
        ax.vlines(fine, y, y + 0.055 * direction, color=theme.INK, linewidth=0.5)
    levels = LEVELS if keep_all else (LEVELS[1:2] if above else LEVELS[:1])
    taken: list[list[tuple[float, float]]] = [[] for _ in levels]
    order = _priority(len(x), middle_first)
    widths = [_text_width(ax, label, font_size - 0.5) for label in labels]
    gap = GAP_POINTS * _units_per_point(ax)
    for k in sorted(range(len(x)), key=lambda k: x[k]) if keep_all else order:
        low, high = x[k] - widths[k] / 2 - gap / 2, x[k] + widths[k] / 2 + gap / 2
        free = [n for n, spans in enumerate(taken) if all(high <= a or low >= b for a, b in spans)]
        if not free and not keep_all:
            continue
        level = free[0] if free else len(levels) - 1
        taken[level].append((low, high))
        offset, va = levels[level]
        if keep_all and offset > 0:
            ax.vlines(x[k], y, y + 0.1, color=theme.INK, linewidth=0.8)
        ax.text(x[k], y + offset, labels[k], ha="center", va=va, fontsize=font_size - 0.5, clip_on=False, bbox=UNDER)


def _joined(x: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Categories in order of points; those at the same place share a label."""
    places: list[float] = []
    words: list[str] = []
    for k in np.argsort(x, kind="stable"):
        if places and x[k] - places[-1] < SAME:
            words[-1] += f", {labels[k]}"
        else:
            places.append(float(x[k]))
            words.append(labels[k])
    return np.array(places), words


def _priority(count: int, middle_first: bool) -> list[int]:
    """Which labels are placed first: both ends, then every other, halving; or from the middle outwards."""
    if middle_first:
        return sorted(range(count), key=lambda k: (abs(k - (count - 1) / 2), k))
    order: list[int] = [0, count - 1] if count > 1 else [0]
    step = 1
    while step < count:
        step *= 2
    while step >= 1:
        order += [k for k in range(0, count, step) if k not in order]
        step //= 2
    return order


def _units_per_point(ax: Axes) -> float:
    """How many units of the x axis one printer's point (1/72 inch) covers."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    width = figure.get_size_inches()[0] * ax.get_position().width * 72
    low, high = ax.get_xlim()
    return (high - low) / width


def _text_width(ax: Axes, text: str, font_size: float) -> float:
    """Width of a label in units of the x axis, measured with the figure's own renderer."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    probe = figure.text(0, 0, text, fontsize=font_size, fontfamily=theme.fonts_for(text))
    extent = probe.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    probe.remove()
    return extent.width * 72 / figure.dpi * _units_per_point(ax)


def _draw_patient(
    nomogram: Nomogram, ax: Axes, patient: pd.DataFrame, scale: float, total_scale: float, font_size: float
) -> None:
    """A dot on every line, a thin line up to the points, and one from the total down to the risk."""
    points = nomogram.points(patient).iloc[0]
    rows = nomogram_rows(nomogram)
    for k, axis in enumerate(nomogram.axes):
        x = float(np.clip(points[axis.name] * scale, -OVER, 100 + OVER))
        ax.plot(
            [x, x], [-(k + 1), 0], color=theme.ACCENT, linewidth=0.5, linestyle=(0, (2, 2)), zorder=1, clip_on=False
        )
        ax.plot([x], [-(k + 1)], "o", color=theme.ACCENT, markersize=5, zorder=5, clip_on=False)
    total = float(nomogram.total(patient)[0])
    risk = float(np.asarray(nomogram.risk(total)))
    x, y_total, y_risk = float(np.clip(total * total_scale, -OVER, 100 + OVER)), -(rows - 2), -(rows - 1)
    ax.plot([x, x], [y_total, y_risk], color=theme.ACCENT, linewidth=1.0, zorder=4, clip_on=False)
    ax.plot([x, x], [y_total, y_risk], "o", color=theme.ACCENT, markersize=5, zorder=5, clip_on=False)
    side = -1 if x > 60 else 1
    for y, text in ((y_total, f"{total:.0f} points"), (y_risk, f"risk {risk:.2f}")):
        ax.annotate(
            text, (x, y), xytext=(5 * side, 5), textcoords="offset points", color=theme.ACCENT, fontweight="bold",
            fontsize=font_size - 0.5, ha="left" if side > 0 else "right", va="bottom",
        )  # fmt: skip
