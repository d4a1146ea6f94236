"""Draws the report's figures and writes its tables: SVG for the page, PDF and CSV beside it; same bytes every time."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import matplotlib
import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from dlr.csv_files import write_csv
from dlr.figures import theme
from dlr.report.blocks import Drawing, FigureBlock, TableBlock

__all__ = ["Panel", "Press", "place", "save_pdf", "slug"]

_NUMBER = re.compile(r"^[<>≥≤]?\s*[−-]?[\d,.]+(e[−-]?\d+)?\s*(%|\(.*\)|\n\(.*\)|[–/×].*|to .*)?$")
IDENTITIES = ("Case", "Patient", "Version", "Section", "TRIPOD+AI", "CLEAR", "METRICS")  # words, even if of digits
ACROSS = 3  # panels side by side in a figure's PDF
PAD = 0.04  # inches left free around what a panel draws
FIRST = (0.5, 0.45, 0.3, 0.35)  # margins of an Axes before its labels are measured, in inches
SMALLEST = 0.2  # inches of an Axes, however long its labels
SLACK = 0.16  # inches that may stay free in one direction
MOST_TURNS = 6
TYPE_3, TRUETYPE = 3, 42  # matplotlib's numbers of the ways to embed a font


@dataclass(frozen=True)
class Panel:
    """One Axes of a figure: what draws it, its size in inches, its title."""

    draw: Callable[[Axes], Any]
    width: float = 3.7
    height: float = 3.5
    title: str = ""
    subtitle: str = ""  # a line or two of numbers under the title


def slug(text: str) -> str:
    """A text as part of a file name: letters and digits of any script, the rest underscores."""
    return re.sub(r"[^\w-]+", "_", text).strip("_") or "x"


class Press:
    """Writes figures/ and tables/ under the report's folder and keeps a list of what it wrote."""

    def __init__(self, out: Path, tiff: bool = False) -> None:
        self.out = out
        self.tiff = tiff
        self.figures: list[FigureBlock] = []
        self.tables: list[tuple[str, str, int]] = []  # title, path, rows
        for folder in ("figures", "tables"):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def figure(
        self,
        name: str,
        title: str,
        caption: str,
        panels: Sequence[Panel],
        data: pd.DataFrame | None = None,
        across: int | None = None,
    ) -> FigureBlock:
        """Draw a figure's panels for the page, its PDF as one sheet (`across` in a row), and write its numbers."""
        assert name not in {figure.name for figure in self.figures}, name
        with matplotlib.rc_context(theme.rc()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            sheet, cells = _sheet(panels, across)
            drawings = tuple(
                Drawing(_svg(sheet, k, cell, f"{name}-{k}", _words(title, panel)), round(panel.width * 96))
                for k, (panel, cell) in enumerate(zip(panels, cells, strict=True))
            )
            save_pdf(sheet, self.out / "figures" / f"{name}.pdf")
            if self.tiff:
                sheet.savefig(
                    self.out / "figures" / f"{name}.tiff",
                    format="tiff",
                    dpi=600,
                    pil_kwargs={"compression": "tiff_lzw"},
                )
        csv = None if data is None else self.csv(name, title, data)
        figure = FigureBlock(name, title, caption, drawings, f"figures/{quote(name)}.pdf", csv)
        self.figures.append(figure)
        return figure

    def table(
        self,
        name: str,
        title: str,
        shown: pd.DataFrame,
        data: pd.DataFrame | None = None,
        note: str = "",
        strong: Sequence[int] = (),
        quiet: Sequence[int] = (),
        most: int = 60,
        theirs: Sequence[int] = (),
    ) -> TableBlock:
        """A table for the page out of finished cells; `data`: the unrounded numbers of its CSV (default: the cells)."""
        csv = self.csv(name, title, shown if data is None else data)
        rows = tuple(tuple(_cell(value) for value in row) for row in shown.head(most).itertuples(index=False))
        numeric = tuple(
            name not in IDENTITIES and _flush_right([row[k] for row in rows]) for k, name in enumerate(shown.columns)
        )
        return TableBlock(
            title,
            tuple(map(str, shown.columns)),
            rows,
            numeric,
            csv,
            note,
            frozenset(strong),
            frozenset(quiet),
            max(0, len(shown) - most),
            frozenset(theirs),
        )

    def csv(self, name: str, title: str, data: pd.DataFrame) -> str:
        """Write tables/NAME.csv (UTF-8 with a mark, so that spreadsheets read every script) and return its link."""
        path = self.out / "tables" / f"{name}.csv"
        write_csv(path, data, mark=True)
        link = f"tables/{quote(path.name)}"
        if link not in {known for _, known, _ in self.tables}:
            self.tables.append((title, link, len(data)))
        return link


def save_pdf(page: Figure | Sequence[Figure], path: Path) -> None:
    """Write one figure, or several as pages, as PDF without dates.

    TrueType is embedded as such, which editors like; CJK fonts hold PostScript outlines, which viewers read safely
    only as Type 3.
    """
    pages = [page] if isinstance(page, Figure) else page
    east_asian = any(theme.has_cjk(text.get_text()) for each in pages for text in each.findobj(Text))
    with (
        matplotlib.rc_context({"pdf.fonttype": TYPE_3 if east_asian else TRUETYPE}),
        PdfPages(path, metadata={"CreationDate": None, "ModDate": None}) as document,
    ):
        for each in pages:
            document.savefig(each)


def _words(title: str, panel: Panel) -> str:
    return f"{title}: {panel.title}" if panel.title else title


def _sheet(panels: Sequence[Panel], across: int | None = None) -> tuple[Figure, list[Bbox]]:
    """All panels on one page, an Axes each, at most three in a row; and each one's cell of the page in inches."""
    across = across or (ACROSS if len(panels) != 4 else 2)
    rows = [panels[k : k + across] for k in range(0, len(panels), across)]
    heights = [max(panel.height for panel in row) for row in rows]
    top = sum(heights)
    sheet = Figure(figsize=(max(sum(panel.width for panel in row) for row in rows), top))
    FigureCanvasAgg(sheet)
    cells = []
    for row, height in zip(rows, heights, strict=True):
        left = 0.0
        for panel in row:
            cell = Bbox.from_bounds(left, top - panel.height, panel.width, panel.height)
            place(panel, cell, sheet)
            cells.append(cell)
            left += panel.width
        top -= height
    return sheet, cells


def place(panel: Panel, cell: Bbox, sheet: Figure) -> None:
    """Draw a panel on a page so that it fills a cell (inches, from the lower left corner) with all its words."""
    ax = sheet.add_axes(_shares(_inside(cell, FIRST), sheet))
    panel.draw(ax)
    _entitle(ax, panel)
    theme.fit_fonts(ax)
    _fit(ax, cell, sheet)


def _fit(ax: Axes, cell: Bbox, sheet: Figure) -> None:
    """Make an Axes so large that it fills its cell together with its labels, title and legend.

    Again where it misses, since a legend's place and the choice of ticks follow the size. Mostly two measurements are
    enough; matplotlib's constrained layout takes four, and measuring texts is most of the work.
    """
    renderer = sheet.canvas.get_renderer()  # type: ignore[attr-defined]
    inches = sheet.dpi_scale_trans.inverted()
    for turn in range(MOST_TURNS):
        outer = ax.get_tightbbox(renderer, for_layout_only=True)
        assert outer is not None
        outer, inner = outer.transformed(inches), ax.bbox.transformed(inches)
        free = (outer.x0 - cell.x0, outer.y0 - cell.y0, cell.x1 - outer.x1, cell.y1 - outer.y1)
        if turn and min(free) >= 0 and min(free[0] + free[2], free[1] + free[3]) <= SLACK:
            return
        margins = (inner.x0 - outer.x0, inner.y0 - outer.y0, outer.x1 - inner.x1, outer.y1 - inner.y1)
        ax.set_position(_shares(_inside(cell, [max(0.0, margin) + PAD for margin in margins]), sheet))
        ax.apply_aspect()


def _inside(cell: Bbox, margins: Sequence[float]) -> Bbox:
    """A cell less its margins: left, bottom, right, top, all in inches; never without extent."""
    left, bottom, right, top = margins
    return Bbox.from_bounds(
        cell.x0 + left, cell.y0 + bottom,
        max(SMALLEST, cell.width - left - right), max(SMALLEST, cell.height - bottom - top),
    )  # fmt: skip


def _shares(box: Bbox, sheet: Figure) -> tuple[float, float, float, float]:
    width, height = sheet.get_size_inches()
    return box.x0 / width, box.y0 / height, box.width / width, box.height / height


def _entitle(ax: Axes, panel: Panel) -> None:
    lines = panel.subtitle.count("\n") + 1 if panel.subtitle else 0
    if panel.title:
        # a place of its own, else every drawing would measure all tick labels for the title's sake
        ax.set_title(panel.title, pad=8 + 10 * lines, y=1.0)
    if panel.subtitle:
        ax.annotate(
            panel.subtitle, (0, 1), xytext=(0, 4), textcoords="offset points", xycoords="axes fraction", va="bottom",
            fontsize=7.5, color=theme.GREY, linespacing=1.25,
        )  # fmt: skip


def _svg(sheet: Figure, panel: int, cell: Bbox, name: str, words: str) -> Markup:
    """One panel of a sheet as an SVG element to stand inside a page: its ids begin with `name`, no fixed size."""
    buffer = io.StringIO()
    for k, ax in enumerate(sheet.axes):
        ax.set_visible(k == panel)
    sheet.savefig(
        buffer, format="svg", bbox_inches=cell, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    for ax in sheet.axes:
        ax.set_visible(True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"[^A-Za-z0-9_-]", "", name) or "figure"
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    text = re.sub(r"\n\s*", "\n", text).replace("\n\n", "\n")
    head, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    opening = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {box.group()} role="img" aria-label="{escape(words)}"'
    # the SVG is matplotlib's, which escapes the labels it is given; its comments, which repeat them, are gone
    return Markup(f"{opening}>{rest.strip()}")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return theme.NOTHING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | int | np.number):
        return theme.format_number(float(value))
    return str(value)


def _flush_right(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell not in ("", theme.NOTHING)]
    return bool(filled) and all(_NUMBER.match(cell) for cell in filled)
