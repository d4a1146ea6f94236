"""Figures of volumes by what they draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from dlr import figures
from dlr.figures import Plane, theme

SPACING = (2.0, 0.5, 1.0)  # mm: slices, rows, columns
SHAPE = (6, 20, 16)


def planes(heat: bool = True) -> list[Plane]:
    grey = np.random.default_rng(0).random(SHAPE)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:4, 5:12, 4:10] = True
    z, y, x = SPACING
    return [
        Plane(grey[at], mask[at], grey[at] if heat else None, edges)
        for at, edges in (((3,), (y, x)), ((slice(None), 8), (z, x)), ((slice(None), slice(None), 7), (z, y)))
    ]


def test_three_planes_a_row_at_one_scale_in_mm(ax: Axes) -> None:
    figures.draw_planes({"SingleTask": planes(), "MultiTask": planes(heat=False)}, ax)
    assert [text.get_text() for text in ax.texts] == ["axial", "coronal", "sagittal", "SingleTask", "MultiTask"]
    extents = [image.get_extent() for image in ax.images]
    sizes = [(abs(r - l), abs(b - t)) for l, r, b, t in extents[:3]]
    assert sizes == [pytest.approx(size) for size in ((16.0, 10.0), (16.0, 12.0), (10.0, 12.0))]
    assert len(extents) == 6 and extents[3][:2] == extents[0][:2] and extents[3][3] > extents[0][2], (
        "the next one below"
    )
    assert ax.get_aspect() == 1.0
    assert sum(isinstance(drawn, LineCollection) for drawn in ax.collections) == 6


def test_a_map_lies_over_its_grey_and_hides_it_where_it_is_high(ax: Axes) -> None:
    heat = np.zeros((4, 5))
    heat[1, 2], heat[2, 2] = 1.0, 0.5
    one = Plane(np.tile(np.arange(5.0), (4, 1)), np.zeros((4, 5), dtype=bool), heat, (1.0, 1.0))
    figures.draw_planes({"MultiTask": [one, one, one]}, ax)
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (4, 5, 3)
    np.testing.assert_allclose(shown[0], np.linspace(0, 1, 5)[:, None].repeat(3, axis=1), atol=0.02)
    turbo = colormaps["turbo"]
    for row, value in ((1, 1.0), (2, 0.5)):
        expected = (1 - 0.55 * value) * shown[0, 2] + 0.55 * value * np.array(turbo(value)[:3])
        np.testing.assert_allclose(shown[row, 2], expected, atol=1e-6)


def test_the_height_of_planes_fits_what_is_drawn(ax: Axes) -> None:
    rows = {"SingleTask": planes(), "MultiTask": planes()}
    figures.draw_planes(rows, ax)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert figures.planes_height(rows, 5.0) == pytest.approx(5.0 * (bottom - top) / (right - left))


def test_tsne_fills_those_who_were_held_out_and_marks_labels_by_shape(ax: Axes) -> None:
    points = pd.DataFrame({
        "x": [0.0, 1, 2, 3, 4], "y": [0.0, 1, 4, 9, 1], "z": [5.0, 5, 5, 5, 5], "label": [1, 1, 0, np.nan, 1],
        "role": ["train", "held-out", "held-out", "train", "held-out"],
    })  # fmt: skip
    figures.draw_tsne(points, ax)
    named = ["positive, trained on", "positive, held out", "negative, held out", "unknown, trained on"]
    drawn = dict(zip(named, ax.lines[:4], strict=True))
    assert [line.get_label() for line in ax.lines[:4]] == named and len(ax.lines) == 12, "three projections"
    filled, hollow = drawn["positive, held out"], drawn["positive, trained on"]
    assert to_hex(filled.get_markerfacecolor()) == theme.POSITIVE and hollow.get_markerfacecolor() == "white"
    assert [line.get_marker() for line in ax.lines[:4]] == ["o", "o", "s", "x"]
    assert [text.get_text() for text in ax.texts] == ["y against x", "z against x", "z against y"]
    # the longest axis, y, runs from 0 to 9: one scale for all; x is centred at 2, y at 4.5
    np.testing.assert_allclose(filled.get_xdata(), [(1 - 2) / 9, (4 - 2) / 9])
    np.testing.assert_allclose(filled.get_ydata(), [(1 - 4.5) / 9, (1 - 4.5) / 9])
    np.testing.assert_allclose(ax.lines[8].get_xdata(), [1.2 * 2 - 0.5], err_msg="y to the right in the third")


def test_tsne_fills_half_of_those_who_chose_the_epoch(ax: Axes) -> None:
    points = pd.DataFrame(
        {"x": [0.0, 1], "y": [0.0, 1], "z": [0.0, 1], "label": [1, 1], "role": ["train", "stopped on"]}
    )
    figures.draw_tsne(points, ax)
    whole, half = ax.lines[:2]
    assert half.get_label() == "positive, stopped on" and half.get_fillstyle() == "left"
    assert to_hex(half.get_markerfacecolor()) == theme.POSITIVE and half.get_markerfacecoloralt() == "white"
    assert whole.get_fillstyle() == "full"


def test_a_forest_of_cohorts_is_open_within_one_cohort(ax: Axes) -> None:
    rows = pd.DataFrame(
        [("DL", "pooled", 0.7, 0.6, 0.8, 90, 50), ("DL", "in Duke", 0.6, 0.5, 0.72, 60, 30)],
        columns=["model", "measure", "value", "lower", "upper", "n", "n_positive"],
    )
    figures.draw_cohort_forest(rows, ax)
    marks = [line for line in ax.lines if line.get_marker() == theme.style("DL").marker]
    assert [line.get_markerfacecolor() for line in marks] == [theme.style("DL").colour, "white"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["DL, pooled", "DL, in Duke"]
    assert "0.70 (0.60–0.80), n 90" in [text.get_text() for text in ax.texts]
