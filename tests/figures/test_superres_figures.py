"""Figures of super-resolution by what they draw."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from dlr import figures
from dlr.figures import Restored, theme

COLUMNS = ["input", "bicubic", "restored", "truth", "restored − truth"]


def lesion(height: int = 12, width: int = 16, scale: int = 4) -> Restored:
    random = np.random.default_rng(0)
    truth = random.integers(20, 200, (height, width)).astype(float)
    low = truth.reshape(height // scale, scale, width // scale, scale).mean(axis=(1, 3))
    mask = np.zeros((height, width), dtype=bool)
    mask[3:9, 4:12] = True
    return Restored(low, truth - 5, truth + 7, truth, mask)


def test_before_and_after_stand_in_five_columns_that_do_not_overlap(ax: Axes) -> None:
    one = lesion()
    figures.draw_restored(one, 20, ax)
    pictures, bar = ax.images[:5], ax.images[5]
    assert [text.get_text() for text in ax.texts[:5]] == COLUMNS
    extents = [picture.get_extent() for picture in (*pictures, bar)]
    for (_, right, *_), (left, *_) in pairwise(extents):
        assert right < left
    assert all((bottom, top) == (pytest.approx(12 / 16), 0) for _, _, bottom, top in extents)
    assert ax.get_aspect() == 1.0
    assert not ax.axison


def test_the_inputs_pixels_are_drawn_as_large_as_they_are(ax: Axes) -> None:
    one = lesion()
    figures.draw_restored(one, 20, ax)
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == one.truth.shape
    assert (shown[:4, 4:8] == one.low[0, 1]).all()


def test_where_nobody_knows_the_truth_bicubic_is_what_the_restored_image_is_held_against(ax: Axes) -> None:
    known = lesion()
    figures.draw_restored(figures.Enlarged(known.low, known.bicubic, known.restored), 20, ax)
    assert [text.get_text() for text in ax.texts[:4]] == ["input", "bicubic", "restored", "restored − bicubic"]
    np.testing.assert_allclose(np.asarray(ax.images[3].get_array()), 12)
    assert len(ax.images) == 5 and not ax.collections  # four pictures and the bar, no outline
    assert figures.restored_height(known, 8) < figures.restored_height(
        figures.Enlarged(known.low, known.bicubic, known.restored), 8
    )


def test_four_pictures_share_one_window_of_grey(ax: Axes) -> None:
    figures.draw_restored(lesion(), 20, ax)
    windows = {picture.get_clim() for picture in ax.images[:4]}
    assert len(windows) == 1
    assert {picture.get_cmap().name for picture in ax.images[:4]} == {"gray"}


def test_the_difference_is_restored_less_truth_around_nothing_and_its_bar_says_grey_levels(ax: Axes) -> None:
    figures.draw_restored(lesion(), 20, ax)
    difference, bar = ax.images[4:]
    np.testing.assert_allclose(np.asarray(difference.get_array()), 7)
    assert difference.get_clim() == bar.get_clim() == (-20, 20)
    assert difference.get_cmap() == bar.get_cmap()
    assert np.asarray(bar.get_array())[0] == 20 and np.asarray(bar.get_array())[-1] == -20, "the highest above"
    assert [text.get_text() for text in ax.texts[5:]] == ["+20", "0", "−20"]


def test_a_picture_without_any_contrast_is_drawn(ax: Axes) -> None:
    flat = np.full((8, 8), 40.0)
    figures.draw_restored(Restored(flat[:2, :2], flat, flat, flat, flat > 99), 5, ax)
    low, high = ax.images[0].get_clim()
    assert low < high


def test_the_height_of_a_row_fits_what_is_drawn(ax: Axes) -> None:
    one = lesion()
    figures.draw_restored(one, 20, ax)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert figures.restored_height(one, 9.0) == pytest.approx(9.0 * (bottom - top) / (right - left))


ACCOUNT = pd.DataFrame(
    [
        ("restored", "recovered", 0.148, 0.130, 0.166), ("restored", "invented", 0.317, 0.280, 0.350),
        ("bicubic", "recovered", 0.056, np.nan, np.nan), ("bicubic", "invented", 0.044, np.nan, np.nan),
    ],
    columns=["subject", "part", "value", "lower", "upper"],
)  # fmt: skip


def test_the_detail_account_sets_invented_under_recovered(ax: Axes) -> None:
    figures.draw_detail_account(ACCOUNT, ax)
    recovered, invented = ([(bar.get_y(), bar.get_width(), bar.get_hatch()) for bar in c] for c in ax.containers)
    assert [width for _, width, _ in recovered] == [0.148, 0.056]
    assert [width for _, width, _ in invented] == [0.317, 0.044]
    assert all(below[0] == pytest.approx(above[0] + 0.38) for above, below in zip(recovered, invented, strict=True))
    assert {hatch for *_, hatch in recovered} == {None} and {hatch for *_, hatch in invented} == {"////"}
    assert [text.get_text() for text in ax.texts] == ["14.8 %", "5.6 %", "31.7 %", "4.4 %"]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.130, 0.166], [0.280, 0.350]], "of bicubic none is known"
    assert ax.get_xlim()[1] > 0.350
    legend = ax.get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["recovered", "invented"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["restored", "bicubic"]


DIFFERENCES = pd.DataFrame(
    [
        ("Rad", "test: enhanced − bicubic", -0.012, -0.027, 0.004),
        ("Rad", "test: enhanced − native", 0.025, 0.011, 0.039),
        ("DL", "test: enhanced − bicubic", -0.05, -0.08, -0.02),
    ],
    columns=["model", "words", "difference", "lower", "upper"],
)


def test_a_difference_is_filled_only_where_its_interval_does_not_hold_0(ax: Axes) -> None:
    figures.draw_auc_differences(DIFFERENCES, ax)
    marks = [line for line in ax.lines if line.get_marker() not in ("None", "", None)]
    assert [to_hex(mark.get_markerfacecolor()) for mark in marks] == [
        "#ffffff", theme.style("Rad").colour, theme.style("DL").colour,
    ]  # fmt: skip
    assert [text.get_text() for text in ax.texts] == [
        "−0.012 (−0.027 to 0.004)", "0.025 (0.011–0.039)", "−0.050 (−0.080 to −0.020)",
    ]  # fmt: skip
    low, high = ax.get_xlim()
    assert low == -high and high > 0.08, "none stands in the middle"
    assert ax.get_yticklabels()[0].get_text() == "Rad, test: enhanced − bicubic"


def test_an_interval_that_ends_at_0_holds_it(ax: Axes) -> None:
    figures.draw_auc_differences(DIFFERENCES.iloc[:1].assign(lower=-0.027, upper=0.0), ax)
    mark = next(line for line in ax.lines if line.get_marker() == theme.style("Rad").marker)
    assert mark.get_markerfacecolor() == "white"
