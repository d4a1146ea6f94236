"""Figures as SVG within a page, tables as cells."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.textpath import TextToPath

from dlr.figures import theme
from dlr.report.press import Panel, Press, _sheet, slug


@pytest.fixture
def press(tmp_path: Path) -> Press:
    return Press(tmp_path)


def test_svg_keeps_no_size_no_comment_and_ids_of_its_own(press: Press) -> None:
    def draw(ax: Axes) -> None:
        ax.plot([0, 1], [0, 1], label="-->&<b>")
        ax.set_title("$x_1$ -- > <script>")

    figure = press.figure("one", "A & B", "", [Panel(draw), Panel(draw)])
    first, second = (str(panel.svg) for panel in figure.panels)
    assert first.startswith("<svg ") and first.endswith("</svg>")
    assert "<!--" not in first and "<script" not in first and "<metadata" not in first
    assert 'aria-label="A &amp; B"' in first
    assert not re.search(r'<svg[^>]*\swidth="', first)
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'href="#([^"]+)"', first)) <= ids[0]


def test_a_panel_with_labels_title_and_legend_fills_its_cell_and_stays_inside(press: Press) -> None:
    def wide(ax: Axes) -> None:
        ax.plot([0, 1], [0, 1e5], label="a legend below")
        ax.set(xlabel="x", ylabel="a label", yticks=[0, 5e4, 1e5], yticklabels=["none", "a long name of a tick", "all"])
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17))

    def square(ax: Axes) -> None:
        ax.plot([0, 1], [0, 1])
        ax.set(aspect="equal", xlabel="x")

    panels = [Panel(wide, 3, 2.5, "A", "two\nlines"), Panel(square, 4, 3), Panel(wide, 3.6, 3), Panel(square, 3, 3)]
    sheet, cells = _sheet(panels)
    inches = sheet.dpi_scale_trans.inverted()
    for ax, cell, panel in zip(sheet.axes, cells, panels, strict=True):
        outer = ax.get_tightbbox(sheet.canvas.get_renderer()).transformed(inches)  # type: ignore[attr-defined, union-attr]
        assert (cell.width, cell.height) == pytest.approx((panel.width, panel.height))
        assert cell.x0 <= outer.x0 and outer.x1 <= cell.x1 and cell.y0 <= outer.y0 and outer.y1 <= cell.y1
        assert max(outer.width / cell.width, outer.height / cell.height) > 0.93
    assert not any(a.overlaps(b) for a, b in combinations([cell.padded(-0.01) for cell in cells], 2))


@pytest.mark.parametrize("words", ["1010 + 64 = 1074", "after the t-test", "0.634–0.882"])
def test_a_text_is_measured_as_wide_as_it_is_printed(words: str) -> None:
    with matplotlib.rc_context(theme.rc()):
        page = Figure()
        FigureCanvasAgg(page)
        text = page.text(0, 0, words, fontsize=7.5)
        measured = text.get_window_extent(page.canvas.get_renderer()).width * 72 / page.dpi  # type: ignore[attr-defined]
        printed, _, _ = TextToPath().get_text_width_height_descent(words, text.get_fontproperties(), False)
    assert measured == pytest.approx(printed, abs=1)  # PDF and SVG hold unhinted outlines; less than a pixel apart


def test_a_figure_name_is_used_once(press: Press) -> None:
    press.figure("one", "", "", [Panel(lambda ax: ax.plot([0, 1]))])
    with pytest.raises(AssertionError):
        press.figure("one", "", "", [Panel(lambda ax: ax.plot([0, 1]))])


def test_columns_of_numbers_are_flush_right_and_identities_are_not(press: Press) -> None:
    shown = pd.DataFrame({
        "Case": ["001", "002"], "AUC": ["0.781\n(0.63–0.88)", "–"], "p": ["< 0.001", "0.04"], "Words": ["a", "1"],
    })  # fmt: skip
    assert press.table("t", "T", shown).numeric == (False, True, True, False)


def test_a_long_table_is_cut_and_says_so(press: Press) -> None:
    table = press.table("t", "T", pd.DataFrame({"a": range(100)}), most=10)
    assert len(table.rows) == 10 and table.left_out == 90
    assert len(pd.read_csv(press.out / "tables" / "t.csv")) == 100


@pytest.mark.parametrize(
    ("text", "name"), [("her2", "her2"), ("HER2 / ER", "HER2_ER"), ("钙化", "钙化"), ("../..", "x")]
)
def test_a_file_name_holds_letters_and_digits_only(text: str, name: str) -> None:
    assert slug(text) == name
