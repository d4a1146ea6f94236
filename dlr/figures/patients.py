"""Figures of who is in the study: flow chart, outlines over images."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import FancyArrowPatch, Rectangle

from dlr.figures import theme

__all__ = ["Extent", "draw_flow", "draw_outline", "filled_regions", "flow_rows", "outline"]

Extent = tuple[float, float, float, float]  # left, right, bottom, top of a picture in the units of its Axes
FIRST, SECOND = "#56e0f5", "#e69f00"  # outlines: the final one, another reader's

SIDES = ("train", "validation", "test", "external")
GAP = 2.0  # between boxes that stand side by side, of a width of 100
LEFT, MIDDLE, RIGHT = 49.0, 24.5, 51.0  # right end and middle of the main line's boxes, left end of who left
HALF = 0.33  # half a box's height; a row is 1


def flow_rows(flow: pd.DataFrame) -> float:
    """How many rows the flow chart has, for choosing the height of its panel."""
    main, left, sides, details = _parts(flow)
    return len(main) + len(left) + ((1 + 0.28 * _most(details)) if sides else 0)


def draw_flow(flow: pd.DataFrame, ax: Axes) -> Axes:
    """Flow of patients: the main line downwards, who left to the right with the reason, the sides at the bottom.

    flow : columns step, patients, cases, reason. A row with a reason counts who left; one without counts who remain;
    a row named train, validation, test or external counts a side, and "train, ..." a part of that side.
    """
    main, left, sides, details = _parts(flow)
    rows = flow_rows(flow)
    ax.set(xlim=(-0.3, 100.3), ylim=(-rows - 0.02, 0.02))
    ax.axis("off")
    y, previous, waiting = -0.5, None, []
    for row in sorted([*main, *left], key=lambda row: row["order"]):
        if row["reason"]:
            waiting.append(y)
            _box(ax, RIGHT, y, 100 - RIGHT, [_wrap(_left_text(row), 46), _counts(row)], edge=theme.LIGHT)
        else:
            if previous is not None:
                _arrow(ax, MIDDLE, previous - HALF, MIDDLE, y + HALF)
            _branch(ax, waiting)
            previous, waiting = y, []
            _box(ax, 0, y, LEFT, [_wrap(_capital(row["step"]), 40), _counts(row)], bold=True)
        y -= 1
    if sides:
        across = max(len(sides), 2)
        width = (100 - GAP * (across - 1)) / across
        centres = [k * (width + GAP) + width / 2 for k in range(len(sides))]
        turn = y + 0.45
        if previous is not None:
            ax.plot([MIDDLE, MIDDLE], [previous - HALF, turn], color=theme.GREY, linewidth=0.8)
            ax.plot([min(MIDDLE, *centres), max(MIDDLE, *centres)], [turn, turn], color=theme.GREY, linewidth=0.8)
            _branch(ax, waiting)
        deeper = 0.28 * _most(details)
        for k, row in enumerate(sides):
            _arrow(ax, centres[k], turn, centres[k], y + HALF)
            lines = [_capital(row["step"]), _counts(row), *details[str(row["step"])]]
            _box(ax, k * (width + GAP), y, width, lines, bold=True, edge=theme.ACCENT, deeper=deeper)
    else:
        _branch(ax, waiting)
    return ax


def draw_outline(
    image: np.ndarray,
    mask: np.ndarray,
    ax: Axes,
    title: str = "",
    second: np.ndarray | None = None,
    extent: Extent | None = None,
    field: Extent | None = None,
    regions: Mapping[str, np.ndarray] | None = None,
) -> Axes:
    """A lesion's outline over its image, grey levels between the 1st and 99th percentile.

    image : float (y, x).  mask : bool (y, x).  second : bool (y, x), another reader's mask, drawn dashed.
    extent, field : where several share an Axes, the place of the image in its units, and what is shown of it: black
    where the image does not reach. By default the Axes is the image's own, in pixels.
    regions : name -> bool (y, x): their outer borders in the styles of the theme, the outline thin and white.
    """
    height, width = image.shape
    if extent is None or field is None:
        extent = field = (-0.5, width - 0.5, height - 0.5, -0.5)
        ax.set(xlim=field[:2], ylim=field[2:], aspect="equal")
        ax.axis("off")
    left, right, bottom, top = field
    frame = Rectangle((left, bottom), right - left, top - bottom, facecolor="black", edgecolor="none", zorder=0)
    ax.add_patch(frame)
    low, high = np.nanpercentile(image, [1, 99])
    shown = ax.imshow(
        image, cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="bilinear", extent=extent,
        aspect=ax.get_aspect(),
    )  # fmt: skip
    shown.set_clip_path(frame)
    borders = [
        (filled, theme.REGIONS[name].colour, theme.REGIONS[name].line, 1.0)
        for name, filled in filled_regions(regions or {}).items()
    ]
    own = (mask, "white", "-", 0.5) if regions else (mask, FIRST, "-", 1.0)
    for outlined, tone, style, wide in ((second, SECOND, "--", 1.0), *borders, own):
        if outlined is not None and outlined.any():
            lines = LineCollection(outline(outlined, extent), colors=[tone], linewidths=wide, linestyles=[style])
            lines.set_clip_path(frame)
            ax.add_collection(lines, autolim=False)
    ax.annotate(
        title, (left, top), xytext=(0, 3), textcoords="offset points", fontsize=7.5, va="bottom", annotation_clip=False
    )
    return ax


def outline(mask: np.ndarray, extent: Extent) -> list[np.ndarray]:
    """The border lines of a mask (y, x) that fills the extent: points (n, 2) in the extent's units."""
    left, right, bottom, top = extent
    height, width = mask.shape
    framed = np.pad(mask.astype(float), 1)  # so that a lesion at the image's edge has a closed outline
    lines = contour_generator(z=framed).lines(0.5)
    step = np.array([(right - left) / width, (bottom - top) / height])
    return [np.array([left, top]) + (np.asarray(line) - 0.5) * step for line in lines]


def filled_regions(regions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each region with all that lie further in: its border is then the outer one alone.

    regions : disjoint masks of one shape, named as in the theme. Those without a voxel have no border and are left out.
    """
    filled, within = {}, None
    for name in theme.REGIONS:
        own = regions.get(name)
        if own is not None and own.any():
            within = own if within is None else within | own
            filled[name] = within
    return filled


def _parts(flow: pd.DataFrame) -> tuple[list[dict], list[dict], list[dict], dict[str, list[str]]]:
    """Rows of the main line, rows of who left, rows of the sides, and by side the lines of its parts."""
    rows = [{**row, "order": k} for k, row in enumerate(flow.to_dict("records"))]
    sides = [row for row in rows if str(row["step"]) in SIDES]
    details: dict[str, list[str]] = {str(row["step"]): [] for row in sides}
    main, left = [], []
    for row in rows:
        row["reason"] = "" if pd.isna(row.get("reason")) else str(row["reason"])
        side, _, part = str(row["step"]).partition(", ")
        if side in details:
            if part:
                details[side].append(f"{part}: {_counts(row)}")
        elif row["reason"]:
            left.append(row)
        else:
            main.append(row)
    return main, left, sides, details


def _most(details: dict[str, list[str]]) -> int:
    return max((len(lines) for lines in details.values()), default=0)


def _capital(text: object) -> str:
    return str(text)[:1].upper() + str(text)[1:]


def _left_text(row: dict) -> str:
    step, reason = str(row["step"]), row["reason"]
    return reason if step.lower() in ("excluded", reason.lower()) else f"{step}: {reason}"


def _counts(row: dict) -> str:
    patients, cases = int(row["patients"]), row.get("cases", float("nan"))
    words = [f"{patients:,} patient{'' if patients == 1 else 's'}"] if patients else []
    if pd.notna(cases):
        words.append(f"{int(cases):,} case{'' if int(cases) == 1 else 's'}")
    return ", ".join(words) or "0 patients"


def _wrap(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(str(text), width, max_lines=2, placeholder=" …"))


def _box(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    lines: list[str],
    bold: bool = False,
    edge: str = theme.GREY,
    deeper: float = 0.0,
) -> None:
    """A box whose first line is the head; `deeper` adds room below for further lines."""
    bottom = y - HALF - deeper
    ax.add_patch(Rectangle((x, bottom), width, 2 * HALF + deeper, facecolor="white", edgecolor=edge, linewidth=0.9))
    head, *rest = lines
    tall = "\n" in head
    ax.text(
        x + 1.5, y + (0.12 if tall else 0.10), head, va="center", ha="left", fontsize=7.5 if tall else 8,
        fontweight="bold" if bold else "normal", linespacing=1.05,
    )  # fmt: skip
    for k, line in enumerate(rest):
        at = y - (0.2 if tall else 0.14) - 0.28 * k
        ax.text(x + 1.5, at, line, va="center", ha="left", fontsize=7.5, color=theme.GREY)


def _branch(ax: Axes, at: list[float]) -> None:
    """Arrows from the main line to the boxes of who left."""
    for y in at:
        _arrow(ax, MIDDLE, y, RIGHT, y)


def _arrow(ax: Axes, x0: float, y0: float, x1: float, y1: float) -> None:
    ax.add_patch(
        FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=7, color=theme.GREY, linewidth=0.8,
                        shrinkA=0, shrinkB=0)
    )  # fmt: skip
