# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The nomogram on one A4 page: every axis, one patient worked through, and how a new patient's signature is got."""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dlr.figures import draw_nomogram, nomogram_rows, theme
from dlr.report.nomogram_words import range_table, worked_patient
from dlr.report.press import save_pdf
from dlr.stats import Nomogram

__all__ = ["draw_nomogram_page"]

A4 = (11.69, 8.27)  # inches, landscape
LEFT, RIGHT = 0.19, 0.955  # the axes' own ends, as shares of the page; names of the lines stand left of them
SMALL = 8.0
WIDEST = 58  # characters of a line of the left column
READING = "Go from each value straight up to the line of points, add the points, find the sum on the line of total points, and read the risk below it."
NEW_PATIENT = "A signature cannot be read off an image by eye: it takes the image, an outline of the lesion drawn as for this study, and the saved chains. The command\n{command}\nprints signature, points and risk, and names a value outside its training range."


def draw_nomogram_page(
    nomogram: Nomogram,
    path: Path,
    *,
    title: str,
    example: pd.Series | pd.DataFrame | None = None,
    example_id: str = "",
    risk_label: str = "Risk",
    command: str = "dlr predict RUN manifest.csv",
) -> Path:
    """Write a vector PDF of one landscape A4 page; the same bytes every time.

    example : the model's raw columns of one patient, drawn in and worked through.
    command : the line that gives a new patient's signature.
    """
    patient = example.to_frame().T if isinstance(example, pd.Series) else example
    with matplotlib.rc_context(theme.rc()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        page = Figure(figsize=A4)
        FigureCanvasAgg(page)
        page.text(0.045, 0.945, title, fontsize=13, fontweight="bold", va="center")
        rows = nomogram_rows(nomogram)
        height = min(0.57, 0.082 * rows + 0.02)
        ax = page.add_axes((LEFT, 0.90 - height, RIGHT - LEFT, height))
        draw_nomogram(nomogram, ax, patient, risk_label=risk_label, font_size=9.5 if rows <= 8 else 8)
        top = 0.90 - height - 0.055
        _write(page, 0.045, top, "How to read it", READING, 44)
        if patient is not None:
            named = f"Worked patient {theme.shorten(example_id, 24)}" if example_id else "A worked patient"
            _table(page, 0.35, top, named, worked_patient(nomogram, patient), (0.0, 0.155, 0.275), last_right=True)
        _table(page, 0.68, top, "Axes and their training range", range_table(nomogram)[["Axis", "Training range"]],
               (0.0, 0.135), last_right=False)  # fmt: skip
        _write(page, 0.045, top - 0.155, "A new patient", NEW_PATIENT.format(command=command), 44)
        theme.fit_fonts(page)
        save_pdf(page, path)
    return path


def _write(page: Figure, x: float, y: float, head: str, text: str, width: int) -> None:
    page.text(x, y, head, fontsize=SMALL + 0.5, fontweight="bold", va="top")
    # a line of its own that fits is a command: it stays whole
    parts = text.split("\n")
    lines = [line for part in parts for line in ([part] if len(part) <= WIDEST else textwrap.wrap(part, width + 6))]
    page.text(x, y - 0.028, "\n".join(lines), fontsize=SMALL, va="top", linespacing=1.35)


def _table(
    page: Figure, x: float, y: float, head: str, table: pd.DataFrame, columns: tuple[float, ...], last_right: bool
) -> None:
    """A small table of text: a head, then a line a row; only as many rows as the page has room for."""
    page.text(x, y, head, fontsize=SMALL + 0.5, fontweight="bold", va="top")
    step = min(0.024, (y - 0.06) / (len(table) + 1))
    for k, row in enumerate(table.itertuples(index=False)):
        at = y - 0.028 - k * step
        for n, (offset, cell) in enumerate(zip(columns, row, strict=True)):
            right = last_right and n == len(columns) - 1
            page.text(
                x + offset, at, theme.shorten(str(cell), 26 if n == 0 else 34), fontsize=min(SMALL, step * 290),
                va="top", ha="right" if right else "left",
            )  # fmt: skip
