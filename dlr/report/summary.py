"""A study on one A4 sheet an outcome, for a meeting: the answer, its curves, the nomogram, the worst remarks."""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from dlr.errors import InputError
from dlr.figures import draw_nomogram, nomogram_rows, theme
from dlr.report import per_cent
from dlr.report.blocks import Remark
from dlr.report.evidence import Evidence
from dlr.report.headline import answer_panels, headline_paragraph
from dlr.report.nomogram_section import BINARY_ONLY, as_drawn, drawn_sets
from dlr.report.press import Panel, place, save_pdf
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.stats import Nomogram
from dlr.tables import METRICS, POINTS
from dlr.words import Target

__all__ = ["draw_summary"]

A4 = (8.27, 11.69)  # inches, as are all lengths on the sheet
EDGE, GAP = 0.6, 0.16
SIZES = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0)  # points of the text: the first at which all of it fits
LINE = 1.38 / 72  # inches of a line a point of its size
WORST = 3  # remarks
PANELS, ROW, FLATTEST = 2.75, 0.5, 0.34  # heights: of the curves, of a line of the nomogram, and the least of it
NAMES = 1.75  # left of the nomogram's lines
WIDTH = A4[0] - 2 * EDGE
LETTERS = (
    "font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize",
    "legend.handlelength", "lines.linewidth",
)  # fmt: skip
SPLIT = re.compile(r"\S+\s*")


def draw_summary(sources: Sources, path: Path) -> Path:
    """Write a vector PDF, a page an outcome; the same bytes every time. Raises InputError without an outcome."""
    if not sources.targets:
        raise InputError(sources.about.run_folder, "there is no outcome to sum up", "run the study with a target")
    evidence = Evidence(sources)
    with matplotlib.rc_context(theme.rc()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        save_pdf([_sheet(sources, evidence, target) for target in sources.targets], path)
    return path


class _Sheet:
    """A page that is written from the top to the bottom."""

    def __init__(self, size: float) -> None:
        self.page = Figure(figsize=A4)
        FigureCanvasAgg(self.page)
        self.size = size
        self.top = A4[1] - EDGE  # what is free lies below

    def write(self, text: str, scale: float = 1.0, left: float = 0.0, **style: Any) -> None:
        """Lines of text below what is there."""
        size = self.size * scale
        for line in self._lines(text, size, WIDTH - left, style.get("fontweight", "normal")):
            at = ((EDGE + left) / A4[0], self.top / A4[1])
            self.page.text(*at, line, fontsize=size, va="top", fontfamily=theme.fonts_for(line), **style)
            self.top -= size * LINE

    def _lines(self, text: str, size: float, width: float, weight: str) -> Iterator[str]:
        """A text in lines that fit, broken at spaces, and within a word that no line holds."""
        line = ""
        for word in SPLIT.findall(text):
            if line and self._width((line + word).rstrip(), size, weight) > width:
                yield line.rstrip()
                line = ""
            line += word
            while self._width(line.rstrip(), size, weight) > width:
                fits = bisect_right(range(2, len(line)), width, key=lambda k: self._width(line[:k], size, weight)) + 1
                yield line[:fits]
                line = line[fits:]
        yield line.rstrip()

    def _width(self, text: str, size: float, weight: str) -> float:
        """Inches of a text on one line."""
        renderer = self.page.canvas.get_renderer()  # type: ignore[attr-defined]
        drawn = self.page.text(0, 0, text, fontsize=size, fontweight=weight, fontfamily=theme.fonts_for(text))
        extent = drawn.get_window_extent(renderer)
        drawn.remove()
        return float(extent.width / self.page.dpi)

    def panels(self, panels: list[Panel], height: float) -> None:
        """Panels side by side over the whole width, in letters that were made for wider ones."""
        each = min(WIDTH / len(panels), 3.1)
        share = each / 3.1
        smaller = {name: share * matplotlib.rcParams[name] for name in LETTERS}
        with matplotlib.rc_context(smaller):
            for k, panel in enumerate(panels):
                place(panel, Bbox.from_bounds(EDGE + k * each, self.top - height, each, height), self.page)
        self.top -= height + GAP

    def nomogram(self, drawn: Nomogram, patient: pd.DataFrame | None, risk: str, height: float) -> None:
        """The nomogram over the whole width, its names at the left."""
        box = (EDGE + NAMES, self.top - height, WIDTH - NAMES - 0.15, height)
        ax = self.page.add_axes((box[0] / A4[0], box[1] / A4[1], box[2] / A4[0], box[3] / A4[1]))
        draw_nomogram(drawn, ax, patient, risk_label=risk, font_size=7.5)
        theme.fit_fonts(ax)
        self.top -= height + GAP


def _sheet(sources: Sources, evidence: Evidence, target: Target) -> Figure:
    """The sheet of one outcome in the largest letters at which all of it fits."""
    worst = [remark for remark in remarks(sources, evidence).remarks if remark.of in ("", target.name)][:WORST]
    for size, whole in (*((size, True) for size in SIZES), (SIZES[-1], False)):
        sheet = _Sheet(size)
        if _written(sheet, sources, evidence, target, worst, whole):
            break
    return sheet.page


def _written(
    sheet: _Sheet, sources: Sources, evidence: Evidence, target: Target, worst: list[Remark], whole: bool
) -> bool:
    """Write the sheet; whether it all stands above the lower edge. The nomogram takes what height is left.

    whole : remarks with their evidence and answers.
    """
    about, headline, sets = sources.about, evidence.headline(target), drawn_sets(sources, target)
    title = sources.title if not sources.several else sources.counted(target)
    sheet.write(title, 1.75, fontweight="bold")
    sheet.write(f"Study {about.study}; dlr {about.version}; seed {about.seed}.", 0.9, color=theme.GREY)
    sheet.top -= GAP
    if headline is None:
        sheet.write(f"There is no answer for {target.name}. {sources.why(METRICS)}")
        panels = []
    elif target.binary:
        sheet.write(headline_paragraph(sources, evidence, headline))
        panels = answer_panels(sources, evidence, headline)
    else:
        sheet.write(per_cent.headline_paragraph(sources, evidence, headline))
        panels = per_cent.agreement_panels(evidence, target, [headline.model])
    sheet.top -= GAP
    if panels:
        sheet.panels(panels, PANELS)
    below = _Sheet(sheet.size)
    _remarks(below, worst, whole)
    needed = A4[1] - EDGE - below.top
    if sets:
        drawn, patient = as_drawn(sets[0])
        sheet.write(f"Nomogram of {sets[0]['title']}", 1.05, fontweight="bold")
        rows, free = nomogram_rows(drawn), sheet.top - EDGE - needed - GAP
        height = min(ROW * rows, max(free, FLATTEST * rows))
        sheet.nomogram(drawn, patient, f"Risk of {target.name}", height)
    elif sources.gives(POINTS):
        reason = sources.why(POINTS) if target.binary else BINARY_ONLY
        sheet.write(f"There is no nomogram. {reason}", color=theme.GREY)
        sheet.top -= GAP
    _remarks(sheet, worst, whole)
    return sheet.top >= EDGE


def _remarks(sheet: _Sheet, worst: list[Remark], whole: bool) -> None:
    sheet.write("What a reviewer will say", 1.05, fontweight="bold")
    if not worst:
        sheet.write("None of the checks found anything to say.")
    for number, remark in enumerate(worst, 1):
        sheet.write(f"{number}  {remark.says}", fontweight="bold")
        if whole:
            sheet.write(f"{remark.evidence} {remark.answer}", left=0.17)
