"""The contact sheet: outlines over their images, many to a page, and a picture of a few examples of each class."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from dlr.figures import draw_outline, theme

__all__ = ["Outlined", "contact_sheet", "example_picture"]

ACROSS, DOWN = 4, 5  # on a portrait A4 page
A4 = (8.27, 11.69)
MARGIN = 0.35  # of the lesion's larger side, shown on each side of it
SMALLEST = 28  # pixels: a smaller lesion is shown as if it were so large


@dataclass(frozen=True)
class Outlined:
    """One case to show: one slice, its mask, what is printed above it."""

    case_id: str
    label: str  # such as "her2 positive"
    image: np.ndarray  # float (y, x)
    mask: np.ndarray  # bool (y, x)
    second: np.ndarray | None = None  # another reader's mask, drawn dashed
    spacing: tuple[float, float] = (1.0, 1.0)  # of a pixel, (y, x): volumes may have unequal edges


def contact_sheet(cases: Iterable[Outlined], path: Path) -> Path:
    """Write a PDF with twenty cases a page, in the order given; images are read one page at a time."""
    with matplotlib.rc_context(theme.rc() | {"savefig.dpi": 110, "pdf.fonttype": 3}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        with PdfPages(path, metadata={"CreationDate": None, "ModDate": None}) as sheet:
            for number, chunk in enumerate(_pages(cases), start=1):
                page = Figure(figsize=A4)
                FigureCanvasAgg(page)
                page.text(0.06, 0.965, f"Outlines over images, page {number}", fontsize=8, color=theme.GREY)
                grid = page.add_gridspec(
                    DOWN, ACROSS, left=0.06, right=0.94, top=0.93, bottom=0.03, hspace=0.2, wspace=0.08
                )
                for k, case in enumerate(chunk):
                    _show(case, page.add_subplot(grid[k // ACROSS, k % ACROSS]))
                theme.fit_fonts(page)
                sheet.savefig(page)
    return path


def example_picture(cases: Iterable[Outlined], path: Path, each: int = 4) -> Path | None:
    """Write a PNG with the first `each` cases of every label, a row a label; None where there is no case."""
    by_label: dict[str, list[Outlined]] = {}
    for case in cases:
        shown = by_label.setdefault(case.label, [])
        if len(shown) < each:
            shown.append(case)
    if not by_label:
        return None
    with matplotlib.rc_context(theme.rc()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        page = Figure(figsize=(2.1 * each, 2.25 * len(by_label)))
        FigureCanvasAgg(page)
        grid = page.add_gridspec(
            len(by_label), each, left=0.005, right=0.995, top=0.94, bottom=0.01, hspace=0.16, wspace=0.05
        )
        for i, label in enumerate(sorted(by_label)):
            for j, case in enumerate(by_label[label]):
                _show(case, page.add_subplot(grid[i, j]))
        theme.fit_fonts(page)
        page.savefig(path, format="png", dpi=120, metadata={"Software": None})
    return path


def _show(case: Outlined, ax: Axes) -> None:
    """The lesion with some surroundings in a square field; what lies beyond the image stays dark."""
    mask = np.asarray(case.mask, dtype=bool)
    height, width = case.spacing
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        rows, columns = (np.arange(n) for n in mask.shape)
    y, x = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    reach = (0.5 + MARGIN) * max(len(rows) * height, len(columns) * width, SMALLEST * min(height, width))
    low = [max(0, int(y - reach / height)), max(0, int(x - reach / width))]
    box = (slice(low[0], int(y + reach / height) + 2), slice(low[1], int(x + reach / width) + 2))
    second = None if case.second is None else np.asarray(case.second, dtype=bool)[box]
    title = f"{theme.shorten(case.case_id, 22)}\n{theme.shorten(case.label, 26)}"
    draw_outline(np.asarray(case.image, dtype=float)[box], mask[box], ax, title, second)
    y, x = y - low[0], x - low[1]
    ax.set(
        xlim=(x - reach / width, x + reach / width), ylim=(y + reach / height, y - reach / height),
        aspect=height / width, facecolor="black",
    )  # fmt: skip


def _pages(cases: Iterable[Outlined]) -> Iterator[list[Outlined]]:
    rest = iter(cases)
    while chunk := list(islice(rest, ACROSS * DOWN)):
        yield chunk
