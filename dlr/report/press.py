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
from matplotlib.figure import Figure as Page
from matplotlib.text import Text

from dlr.figures import theme
from dlr.report.blocks import Drawing, Figure, Table

__all__ = ["Panel", "Press", "save_pdf", "slug"]

_NUMBER = re.compile(r"^[<>≥≤]?\s*[−-]?[\d,.]+(e[−-]?\d+)?\s*(%|\(.*\)|\n\(.*\)|[–/×].*|to .*)?$")
IDENTITIES = ("Case", "Patient", "Version", "Section", "TRIPOD+AI", "CLEAR", "METRICS")  # words, even if of digits
ACROSS = 3  # panels side by side in a figure's PDF


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
        self.figures: list[Figure] = []
        self.tables: list[tuple[str, str, int]] = []  # title, path, rows
        for folder in ("figures", "tables"):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def figure(
        self, name: str, title: str, caption: str, panels: Sequence[Panel], data: pd.DataFrame | None = None
    ) -> Figure:
        """Draw a figure's panels for the page, its PDF as one sheet, and write its numbers."""
        assert name not in {figure.name for figure in self.figures}, name
        with matplotlib.rc_context(theme.rc()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            pages = [_page(panel) for panel in panels]
            drawings = tuple(
                Drawing(_svg(page, f"{name}-{k}", _words(title, panel)), round(panel.width * 96))
                for k, (panel, page) in enumerate(zip(panels, pages, strict=True))
            )
            sheet = _sheet(panels, pages)
            save_pdf(sheet, self.out / "figures" / f"{name}.pdf")
            if self.tiff:
                sheet.savefig(
                    self.out / "figures" / f"{name}.tiff",
                    format="tiff",
                    dpi=600,
                    pil_kwargs={"compression": "tiff_lzw"},
                )
        csv = None if data is None else self.csv(name, title, data)
        figure = Figure(name, title, caption, drawings, f"figures/{quote(name)}.pdf", csv)
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
    ) -> Table:
        """A table for the page out of finished cells; `data`: the unrounded numbers of its CSV (default: the cells)."""
        csv = self.csv(name, title, shown if data is None else data)
        rows = tuple(tuple(_cell(value) for value in row) for row in shown.head(most).itertuples(index=False))
        numeric = tuple(
            name not in IDENTITIES and _flush_right([row[k] for row in rows]) for k, name in enumerate(shown.columns)
        )
        return Table(
            title,
            tuple(map(str, shown.columns)),
            rows,
            numeric,
            csv,
            note,
            frozenset(strong),
            frozenset(quiet),
            max(0, len(shown) - most),
        )

    def csv(self, name: str, title: str, data: pd.DataFrame) -> str:
        """Write tables/NAME.csv (UTF-8 with a mark, so that spreadsheets read every script) and return its link."""
        path = self.out / "tables" / f"{name}.csv"
        data.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")
        link = f"tables/{quote(path.name)}"
        if link not in {known for _, known, _ in self.tables}:
            self.tables.append((title, link, len(data)))
        return link


def save_pdf(page: Page, path: Path) -> None:
    """Write a figure as PDF without dates.

    TrueType is embedded as such, which editors like; CJK fonts hold PostScript outlines, which viewers read safely
    only as Type 3.
    """
    east_asian = any(theme.has_cjk(text.get_text()) for text in page.findobj(Text))
    with matplotlib.rc_context({"pdf.fonttype": 3 if east_asian else 42}):
        page.savefig(path, format="pdf", metadata={"CreationDate": None, "ModDate": None})


def _words(title: str, panel: Panel) -> str:
    return f"{title}: {panel.title}" if panel.title else title


def _page(panel: Panel) -> Page:
    """A panel on a page of its size, laid out once, so that every format has the same picture."""
    page = Page(figsize=(panel.width, panel.height), layout="constrained")
    FigureCanvasAgg(page)
    _fill(page.add_subplot(), panel)
    layout = page.get_layout_engine()
    assert layout is not None
    layout.execute(page)
    if any(ax.get_aspect() != "auto" for ax in page.axes):
        layout.execute(page)  # the first pass does not yet know where axes of equal aspect end up
    page.set_layout_engine(None)  # not "none", which would lay out again before every file
    return page


def _sheet(panels: Sequence[Panel], pages: Sequence[Page]) -> Page:
    """All panels on one page, at most three in a row, each as it was laid out on its own page."""
    if len(pages) == 1:
        return pages[0]
    across = ACROSS if len(panels) != 4 else 2
    rows = [list(zip(panels, pages, strict=True))[k : k + across] for k in range(0, len(panels), across)]
    width = max(sum(panel.width for panel, _ in row) for row in rows)
    heights = [max(panel.height for panel, _ in row) for row in rows]
    sheet = Page(figsize=(width, sum(heights)))
    FigureCanvasAgg(sheet)
    top = sum(heights)
    for row, height in zip(rows, heights, strict=True):
        left = 0.0
        for panel, page in row:
            corner = (left, top - panel.height)
            boxes = [_placed(ax, panel, corner, sheet) for ax in page.axes]
            before = len(sheet.axes)
            _fill(sheet.add_axes(boxes[0]), panel)
            for ax, box in zip(sheet.axes[before:], boxes, strict=True):
                ax.set_position(box)
            left += panel.width
        top -= height
    return sheet


def _placed(ax: Axes, panel: Panel, corner: tuple[float, float], sheet: Page) -> tuple[float, float, float, float]:
    """An axes' box on the sheet, in shares of it; `corner` is the panel's lower left one in inches."""
    box = ax.get_position(original=True)
    width, height = sheet.get_size_inches()
    return (
        (corner[0] + box.x0 * panel.width) / width, (corner[1] + box.y0 * panel.height) / height,
        box.width * panel.width / width, box.height * panel.height / height,
    )  # fmt: skip


def _fill(ax: Axes, panel: Panel) -> None:
    panel.draw(ax)
    _entitle(ax, panel)
    theme.fit_fonts(ax)


def _entitle(ax: Axes, panel: Panel) -> None:
    lines = panel.subtitle.count("\n") + 1 if panel.subtitle else 0
    if panel.title:
        ax.set_title(panel.title, pad=8 + 10 * lines)
    if panel.subtitle:
        ax.annotate(
            panel.subtitle, (0, 1), xytext=(0, 4), textcoords="offset points", xycoords="axes fraction", va="bottom",
            fontsize=7.5, color=theme.GREY, linespacing=1.25,
        )  # fmt: skip


def _svg(page: Page, name: str, words: str) -> Markup:
    """A figure as an SVG element to stand inside a page: its ids begin with the figure's name, no fixed size."""
    buffer = io.StringIO()
    page.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
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
