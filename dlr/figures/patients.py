"""Figures of who is in the study: flow chart, outlines over images."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from dlr.figures import theme

__all__ = ["draw_flow", "draw_outline", "flow_rows"]

SIDES = ("train", "validation", "test", "external")


def flow_rows(flow: pd.DataFrame) -> int:
    """How many rows the flow chart has, for choosing the height of its panel."""
    main, left, sides = _parts(flow)
    return len(main) + len(left) + (1 if len(sides) else 0)


def draw_flow(flow: pd.DataFrame, ax: Axes) -> Axes:
    """Flow of patients: the main line downwards, who left to the right with the reason, the sides at the bottom.

    flow : columns step, patients, cases, reason. A row with a reason counts who left; one without counts who remain;
    a row named train, validation, test or external counts a side.
    """
    main, left, sides = _parts(flow)
    rows = flow_rows(flow)
    ax.set(xlim=(0, 100), ylim=(-rows, 0.05))
    ax.axis("off")
    events = [*[("main", row) for row in main], *[("left", row) for row in left]]
    events.sort(key=lambda event: event[1]["order"])
    previous: float | None = None
    y = -0.5
    waiting: list[float] = []
    for kind, row in events:
        if kind == "main":
            if previous is not None:
                _arrow(ax, 26, previous - 0.33, 26, y + 0.33)
                for side_y in waiting:
                    _arrow(ax, 26, side_y, 54, side_y)
            waiting = []
            _box(ax, 0, y, 52, [_wrap(row["step"], 40), _counts(row)], bold=True)
            previous = y
        else:
            waiting.append(y)
            _box(ax, 54, y, 46, [_wrap(_left_text(row), 46), _counts(row)], edge=theme.LIGHT)
        y -= 1
    if len(sides):
        width = 100 / max(len(sides), 2)
        if previous is not None:
            start = previous - 0.33
            for side_y in waiting:
                _arrow(ax, 26, side_y, 54, side_y)
            turn = y + 0.45
            ax.plot([26, 26], [start, turn], color=theme.GREY, linewidth=0.8)
            centres = [(k + 0.5) * width for k in range(len(sides))]
            ax.plot([min(26, *centres), max(26, *centres)], [turn, turn], color=theme.GREY, linewidth=0.8)
            for centre in centres:
                _arrow(ax, centre, turn, centre, y + 0.33)
        for k, row in enumerate(sides):
            _box(ax, k * width + 1, y, width - 2, [str(row["step"]), _counts(row)], bold=True, edge=theme.ACCENT)
    return ax


def draw_outline(
    image: np.ndarray, mask: np.ndarray, ax: Axes, title: str = "", second: np.ndarray | None = None
) -> Axes:
    """A lesion's outline over its image, grey levels between the 1st and 99th percentile.

    image : float (y, x).  mask : bool (y, x).  second : bool (y, x), another reader's mask, drawn dashed.
    """
    low, high = np.nanpercentile(image, [1, 99])
    ax.imshow(image, cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="bilinear")
    if second is not None and second.any():
        ax.contour(second.astype(float), levels=[0.5], colors=["#e69f00"], linewidths=0.9, linestyles="dashed")
    if mask.any():
        ax.contour(mask.astype(float), levels=[0.5], colors=["#56e0f5"], linewidths=1.0)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title(title, fontsize=7.5, fontweight="normal", pad=3, loc="left")
    return ax


def _parts(flow: pd.DataFrame) -> tuple[list[dict], list[dict], list[dict]]:
    rows = [{**row, "order": k} for k, row in enumerate(flow.to_dict("records"))]
    for row in rows:
        row["reason"] = "" if pd.isna(row.get("reason")) else str(row["reason"])
    sides = [row for row in rows if str(row["step"]) in SIDES]
    others = [row for row in rows if str(row["step"]) not in SIDES]
    return [r for r in others if not r["reason"]], [r for r in others if r["reason"]], sides


def _left_text(row: dict) -> str:
    step, reason = str(row["step"]), row["reason"]
    return reason if step.lower() in ("excluded", reason.lower()) else f"{step}: {reason}"


def _counts(row: dict) -> str:
    patients = int(row["patients"])
    text = f"{patients:,} patient{'' if patients == 1 else 's'}"
    if pd.notna(row.get("cases")):
        cases = int(row["cases"])
        text += f", {cases:,} case{'' if cases == 1 else 's'}"
    return text


def _wrap(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(str(text), width, max_lines=2, placeholder=" …"))


def _box(
    ax: Axes, x: float, y: float, width: float, lines: list[str], bold: bool = False, edge: str = theme.GREY
) -> None:
    ax.add_patch(Rectangle((x, y - 0.33), width, 0.66, facecolor="white", edgecolor=edge, linewidth=0.9))
    head, counts = lines
    tall = "\n" in head
    ax.text(
        x + 1.5, y + (0.10 if not tall else 0.12), head,
        va="center", ha="left", fontsize=7.5 if tall else 8, fontweight="bold" if bold else "normal", linespacing=1.05,
    )  # fmt: skip
    ax.text(x + 1.5, y - (0.14 if not tall else 0.2), counts, va="center", ha="left", fontsize=7.5, color=theme.GREY)


def _arrow(ax: Axes, x0: float, y0: float, x1: float, y1: float) -> None:
    ax.add_patch(
        FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=7, color=theme.GREY, linewidth=0.8,
                        shrinkA=0, shrinkB=0)
    )  # fmt: skip
