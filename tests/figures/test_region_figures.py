"""Figures of regions, ablation and subtypes by what they draw."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from dlr import figures
from dlr.figures import Plane, theme
from dlr.figures.patients import filled_regions
from dlr.figures.regions import ABLATION_NAMES
from dlr.volume.settings import AblationRow
from dlr.words import REGIONS


def test_regions_and_rows_of_the_ablation_are_those_of_the_network() -> None:
    assert tuple(theme.REGIONS) == REGIONS
    assert set(ABLATION_NAMES) >= set(get_args(AblationRow))
    assert len({str(style.line) for style in theme.REGIONS.values()}) == len(REGIONS), "colour is never alone"


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def lines_of(ax: Axes, marker: str) -> list:
    return [line for line in ax.lines if line.get_marker() == marker]


def nested() -> dict[str, np.ndarray]:
    """Core, rim and peritumoral squares, one within the other, as disjoint masks (12, 12)."""
    whole = np.indices((12, 12)).max(axis=0)
    return {"core": whole < 3, "rim": (whole >= 3) & (whole < 6), "peritumoral": (whole >= 6) & (whole < 9)}


def test_a_border_of_a_region_is_its_outer_one() -> None:
    filled = filled_regions(nested())
    assert list(filled) == ["core", "rim", "peritumoral"]
    assert [int(mask.sum()) for mask in filled.values()] == [9, 36, 81]
    empty = {**nested(), "core": np.zeros((12, 12), dtype=bool)}
    assert {name: int(mask.sum()) for name, mask in filled_regions(empty).items()} == {"rim": 27, "peritumoral": 72}


def test_attention_scales_show_three_borders_in_three_line_styles_with_one_legend(ax: Axes) -> None:
    grey = np.arange(144.0).reshape(12, 12)
    plane = Plane(grey, np.zeros((12, 12), dtype=bool), grey / 144, (1.0, 1.0), nested())
    rows = {"layer2": [plane] * 3, "layer3": [plane] * 3}
    figures.draw_attention_scales(rows, ax)
    drawn = [one for one in ax.collections if isinstance(one, LineCollection)]
    assert len(drawn) == 18 and len({str(one.get_linestyle()) for one in drawn}) == 3
    assert words(ax) == ["axial", "coronal", "sagittal", "layer2", "layer3"]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["core", "rim", "peritumoral"]
    assert figures.attention_scales_height(rows, 4.0) > figures.planes_height(rows, 4.0)


def test_an_outline_over_regions_keeps_them_apart(ax: Axes) -> None:
    whole = np.indices((12, 12)).max(axis=0)
    figures.draw_outline(np.arange(144.0).reshape(12, 12), whole < 4, ax, regions=nested())
    drawn = [one for one in ax.collections if isinstance(one, LineCollection)]
    assert len(drawn) == 4 and len({str(one.get_linestyle()) for one in drawn[:3]}) == 3
    assert drawn[3].get_linewidth()[0] < drawn[0].get_linewidth()[0], "the outline itself is thin"


def test_region_weights_are_means_with_the_range_over_chains_beside_the_even_share(ax: Axes) -> None:
    rows = [("er", "core", 0.5), ("er", "rim", 0.3), ("er", "peritumoral", 0.2)]
    rows += [("er", "core", 0.4), ("er", "rim", 0.2), ("er", "peritumoral", 0.4)]
    figures.draw_region_weights(pd.DataFrame(rows, columns=["target", "region", "weight"]), ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["er, core", "er, rim", "er, peritumoral"]
    assert words(ax) == ["0.45 (0.40–0.50)", "0.25 (0.20–0.30)", "0.30 (0.20–0.40)"]
    means = [float(lines_of(ax, theme.REGIONS[name].marker)[0].get_xdata()[0]) for name in theme.REGIONS]
    assert means == pytest.approx([0.45, 0.25, 0.3])
    assert float(np.asarray(ax.lines[0].get_xdata())[0]) == pytest.approx(1 / 3)


def test_weights_of_one_chain_and_two_regions_have_no_range(ax: Axes) -> None:
    rows = pd.DataFrame([("pr", "core", 0.6), ("pr", "rim", 0.4)], columns=["target", "region", "weight"])
    figures.draw_region_weights(rows, ax)
    assert words(ax) == ["0.600", "0.400"] and "even: 0.50" in ax.get_xlabel()


def test_attention_shares_are_medians_beside_the_size_of_the_region(ax: Axes) -> None:
    rows = [("layer4", "core", share, size) for share, size in ((0.1, 0.05), (0.3, 0.07), (0.5, 0.06))]
    rows += [("layer4", "elsewhere", 1 - share, 1 - size) for _, _, share, size in list(rows)]
    figures.draw_attention_shares(pd.DataFrame(rows, columns=["scale", "region", "share", "volume_share"]), ax)
    assert words(ax) == ["30.0 % (6.0 %)", "70.0 % (94.0 %)"]
    (core,) = lines_of(ax, theme.REGIONS["core"].marker)[:1]
    assert core.get_xdata()[0] == pytest.approx(0.3)
    quartiles = ax.lines[0].get_xdata()
    np.testing.assert_allclose(quartiles, [0.2, 0.4])
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.06, 0.94])


ABLATION = pd.DataFrame(
    [
        ("full", "auc", 0.75, 0.65, 0.85, np.nan, np.nan, np.nan, np.nan, 0.893),
        ("core_pooled", "auc", 0.73, 0.62, 0.83, -0.02, -0.05, 0.01, 0.2, np.nan),
        ("core_only", "auc", 0.42, 0.30, 0.55, -0.33, -0.45, -0.2, 0.0001, 0.845),
    ],
    columns=[
        "row",
        "metric",
        "value",
        "lower",
        "upper",
        "difference",
        "difference_lower",
        "difference_upper",
        "p",
        "published",
    ],
)


def test_the_ablation_prints_differences_and_the_trap_apart(ax: Axes) -> None:
    figures.draw_ablation(ABLATION, ax)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["Spatial, whole", "core only, the rest hidden", "core pooled, the rest seen, the trap"]
    places = ax.get_yticks()
    assert places[2] - places[1] > places[1] - places[0], "apart"
    marks = lines_of(ax, "o")
    assert [line.get_markerfacecolor() for line in marks] == [theme.ACCENT, "white"]
    said = words(ax)
    assert "0.42 (0.30–0.55)" in said and "−0.33 (−0.45 to −0.20)" in said and "< 0.001" in said
    assert ax.get_xlim()[0] <= 0.30


def test_published_figures_are_grey_italics_marked_as_theirs(ax: Axes) -> None:
    figures.draw_ablation(ABLATION, ax)
    theirs = [text for text in ax.texts if text.get_text() in ("0.893", "0.845", "theirs, unverified (×)")]
    assert len(theirs) == 3
    assert all(text.get_fontstyle() == "italic" and text.get_color() == theme.GREY for text in theirs)
    assert [float(line.get_xdata()[0]) for line in lines_of(ax, "x")] == [0.893, 0.845]
    ours = [text for text in ax.texts if text not in theirs]
    assert not any(text.get_fontstyle() == "italic" for text in ours)


def test_an_ablation_nobody_published_says_nothing_of_others(ax: Axes) -> None:
    figures.draw_ablation(ABLATION.assign(published=np.nan), ax)
    assert not any("theirs" in said for said in words(ax)) and not lines_of(ax, "x")


def test_an_ablation_of_errors_is_in_per_cent_from_zero(ax: Axes) -> None:
    rows = ABLATION.assign(metric="mae", value=[9.0, 10.0, 12.0], lower=[8.0, 9.0, 11.0], upper=[10.0, 11.0, 13.0])
    figures.draw_ablation(rows, ax)
    assert "MAE in %" in ax.get_xlabel() and ax.get_xlim()[0] == 0 and "9.0 (8.0–10.0)" in words(ax)


def test_a_confusion_has_counts_row_shares_and_empty_classes(ax: Axes) -> None:
    counts = pd.DataFrame([[3, 1], [0, 0]], index=["Luminal A", "Triple negative"], columns=["Luminal A", "Other"])
    figures.draw_confusion(counts, ax)
    assert words(ax) == ["3", "75 %", "1", "25 %", "0", theme.NOTHING, "0", theme.NOTHING]
    shades = [patch.get_alpha() for patch in ax.patches if patch.get_alpha() is not None]
    assert shades == [0.75, 0.25, 0.0, 0.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Luminal A\nn 4", "Triple negative\nn 0"]


def test_a_long_class_is_broken_into_lines(ax: Axes) -> None:
    name = "Luminal A or B/HER2-negative"
    figures.draw_confusion(pd.DataFrame([[1]], index=[name], columns=[name]), ax)
    assert ax.get_xticklabels()[0].get_text().count("\n") == 1
