"""Contact sheets: outlines, or regions of lesions, over their images, many to a page; and examples of each class."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from dlr.figures import theme
from dlr.figures.patients import draw_outline
from dlr.figures.regions import region_marks

__all__ = ["Outlined", "contact_sheet", "example_picture", "outlined_slices"]

ACROSS, DOWN = 4, 5  # on a portrait A4 page
PLANES = ("coronal", "sagittal")  # of a volume, beside the slice with the largest ROI: a row of three a case
A4 = (8.27, 11.69)  # inches, as are all lengths on the page
EDGE, SIDE, HEAD = 0.5, 1.7, 0.42  # the page's margin, a picture's side, the room for its title
MARGIN = 0.35  # of the lesion's larger side, shown on each side of it
AROUND = 0.06  # the same where regions are shown, which reach beyond the lesion
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
    reach: float | None = None  # of what is shown on each side of the lesion's middle; None: by the lesion's size
    regions: Mapping[str, np.ndarray] = field(default_factory=dict)  # bool (y, x) by name


def outlined_slices(
    case_id: str,
    label: str,
    image: np.ndarray,
    mask: np.ndarray,
    spacing: tuple[float, float, float],
    planes: bool,
    regions: Mapping[str, np.ndarray] | None = None,
) -> list[Outlined]:
    """The slice with the largest ROI of a case (z, y, x); planes: with two across the ROI's middle, at one scale.

    Without an ROI the middle slice.  regions : bool (z, y, x) by name; the planes then reach around them.
    """
    down, back, right = spacing
    z = int(mask.sum(axis=(1, 2)).argmax()) if mask.any() else len(mask) // 2
    every, regions = slice(None), regions or {}

    def cut(words: str, at: Any, edges: tuple[float, float], reach: float | None) -> Outlined:
        own = {name: region[at] for name, region in regions.items()}
        return Outlined(case_id, words, image[at], mask[at], spacing=edges, reach=reach, regions=own)

    if not planes:
        return [cut(label, z, (back, right), None)]
    reach, middle = None, np.array(mask.shape) // 2
    if mask.any():
        seen = np.logical_or.reduce([mask, *regions.values()])
        extent = [np.ptp(places) + 1 for places in np.nonzero(seen)]
        around = AROUND if regions else MARGIN
        reach = (0.5 + around) * max(n * edge for n, edge in zip(extent, spacing, strict=True))
        middle = np.argwhere(mask).mean(axis=0).round().astype(int)
    _, y, x = middle
    return [
        cut(label, z, (back, right), reach),
        cut(PLANES[0], (every, y), (down, right), reach),
        cut(PLANES[1], (every, every, x), (down, back), reach),
    ]


def contact_sheet(
    cases: Iterable[Outlined], path: Path, across: int = ACROSS, title: str = "Outlines over images"
) -> Path:
    """Write a PDF with five rows a page, in the order given; images are read one page at a time."""
    step = (A4[0] - 2 * EDGE - SIDE) / (ACROSS - 1)
    with matplotlib.rc_context(theme.rc() | {"savefig.dpi": 110, "pdf.fonttype": 3}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        with PdfPages(path, metadata={"CreationDate": None, "ModDate": None}) as sheet:
            for number, chunk in enumerate(_pages(cases, across * DOWN), start=1):
                page, ax = _empty(*A4)
                ax.text(EDGE, A4[1] - 0.4, f"{title}, page {number}", fontsize=8, color=theme.GREY)
                _name_regions(chunk, ax)
                for k, case in enumerate(chunk):
                    row, column = divmod(k, across)
                    _show(case, ax, EDGE + column * step, A4[1] - 0.9 - SIDE - row * (SIDE + HEAD), SIDE)
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
        page, ax = _empty(2.1 * each, 2.25 * len(by_label))
        for i, label in enumerate(sorted(by_label)):
            for j, case in enumerate(by_label[label]):
                _show(case, ax, 0.01 + j * 2.1, 2.25 * (len(by_label) - 1 - i) + 0.02, 2.0 - 0.13)
        theme.fit_fonts(page)
        page.savefig(path, format="png", dpi=120, metadata={"Software": None})
    return path


def _empty(width: float, height: float) -> tuple[Figure, Axes]:
    """A page with one Axes all over it, in inches: an Axes a case would take most of the time."""
    page = Figure(figsize=(width, height))
    FigureCanvasAgg(page)
    ax = page.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return page, ax


def _name_regions(cases: Iterable[Outlined], ax: Axes) -> None:
    """Which line is which region's border, once a page; nothing where no case has regions."""
    found = {name for case in cases for name in case.regions}
    if found:
        ax.legend(handles=region_marks(found), loc="center right", bbox_to_anchor=(A4[0] - EDGE, A4[1] - 0.36),
                  bbox_transform=ax.transData, ncols=len(found), borderaxespad=0)  # fmt: skip


def _show(case: Outlined, ax: Axes, left: float, bottom: float, side: float) -> None:
    """The lesion with some surroundings in a square of `side` inches; what lies beyond the image is black."""
    mask = np.asarray(case.mask, dtype=bool)
    height, width = case.spacing
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        rows, columns = (np.arange(n) for n in mask.shape)
    y, x = (rows[0] + rows[-1] + 1) / 2, (columns[0] + columns[-1] + 1) / 2  # the lesion's middle, in pixels
    own = (0.5 + MARGIN) * max(len(rows) * height, len(columns) * width, SMALLEST * min(height, width))
    reach = own if case.reach is None else case.reach
    low, high = ([at - reach / edge for at, edge in ((y, height), (x, width))] for reach in (reach, -reach))
    box = tuple(
        slice(max(0, int(a) - 1), min(n, int(b) + 2)) for a, b, n in zip(low, high, mask.shape, strict=True)
    )  # fmt: skip
    inch = side / (2 * reach)
    extent = (
        left + (box[1].start - low[1]) * width * inch, left + (box[1].stop - low[1]) * width * inch,
        bottom + side - (box[0].stop - low[0]) * height * inch, bottom + side - (box[0].start - low[0]) * height * inch,
    )  # fmt: skip
    second = None if case.second is None else np.asarray(case.second, dtype=bool)[box]
    title = f"{theme.shorten(case.case_id, 22)}\n{theme.shorten(case.label, 26)}"
    shown = (left, left + side, bottom, bottom + side)
    regions = {name: region[box] for name, region in case.regions.items()}
    draw_outline(np.asarray(case.image, dtype=float)[box], mask[box], ax, title, second, extent, shown, regions)


def _pages(cases: Iterable[Outlined], many: int) -> Iterator[list[Outlined]]:
    rest = iter(cases)
    while chunk := list(islice(rest, many)):
        yield chunk
