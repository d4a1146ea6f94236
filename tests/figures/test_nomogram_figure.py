"""The nomogram: every line where its points say, labels that do not touch, a patient on the lines."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from dlr.figures import draw_nomogram, nomogram_rows, theme
from dlr.randomness import rng
from dlr.stats import Nomogram, logistic

LEVELS = ["3", "4a", "4b", "4c", "5"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = rng(1, "nomogram figure")
    n = 300
    table = pd.DataFrame({"age": random.normal(54, 11, n).round(), "pr": random.integers(0, 2, n).astype(float)})
    table["birads"] = pd.Categorical(random.choice(LEVELS, n), categories=LEVELS)
    table["Rad"] = random.beta(2, 4, n)
    return table


@pytest.fixture(scope="module")
def nomogram(frame: pd.DataFrame) -> Nomogram:
    random = rng(2, "nomogram figure")
    score = 0.03 * (frame["age"] - 54) - 0.8 * frame["pr"] + 3 * frame["Rad"] - 1.5
    positive = pd.Series(random.random(len(frame)) < 1 / (1 + np.exp(-score)), index=frame.index)
    fit = logistic(frame, positive, logits=["Rad"])
    return Nomogram.from_logistic(
        fit, labels={"Rad": "Rad score"}, level_labels={"pr": {"0": "negative", "1": "positive"}}
    )


def shown(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_every_variable_has_a_line_between_points_and_risk(nomogram: Nomogram, ax: Axes) -> None:
    draw_nomogram(nomogram, ax, risk_label="Risk of her2")
    assert nomogram_rows(nomogram) == 7
    for words in (
        "Points",
        "Total points",
        "Risk of her2",
        "age",
        "pr",
        "birads",
        "Rad score\n(signature, probability)",
    ):
        assert words in shown(ax)


def test_categories_are_all_written(nomogram: Nomogram, ax: Axes) -> None:
    draw_nomogram(nomogram, ax)
    written = {word for text in shown(ax) for word in text.split(", ")}
    assert {"negative", "positive", *LEVELS} <= written


def test_a_line_runs_from_its_lowest_to_its_highest_points(nomogram: Nomogram, ax: Axes) -> None:
    draw_nomogram(nomogram, ax)
    for k, axis in enumerate(nomogram.axes):
        lines = [line for line in ax.lines if list(line.get_ydata()) == [-(k + 1)] * 2]
        ends = lines[0].get_xdata()
        assert ends[0] == pytest.approx(0)
        assert ends[1] == pytest.approx(axis.widest)


@pytest.mark.parametrize("width", [4.0, 6.0, 9.0])
def test_labels_of_a_line_never_touch(nomogram: Nomogram, ax: Axes, width: float) -> None:
    page = ax.get_figure(root=True)
    assert page is not None
    page.set_size_inches(width, 4)
    draw_nomogram(nomogram, ax)
    renderer = page.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [
        (text.get_position()[1], text.get_window_extent(renderer)) for text in ax.texts if text.get_ha() == "center"
    ]
    for (y, a), (other, b) in itertools.combinations(boxes, 2):
        if y == other:
            assert a.x1 <= b.x0 or b.x1 <= a.x0


@pytest.mark.parametrize("width", [6.0, 9.0])
@pytest.mark.parametrize("name", ["Rad", "DLR signature of the fused chain of ultrasound"])
def test_the_name_of_a_line_touches_no_label_of_a_tick(nomogram: Nomogram, ax: Axes, width: float, name: str) -> None:
    page = ax.get_figure(root=True)
    assert page is not None
    page.set_size_inches(width, 0.5 + 0.55 * nomogram_rows(nomogram))
    signature = next(axis for axis in nomogram.axes if axis.name == "Rad")
    first = replace(signature.ticks[0], label="0.001")  # a long label, where the axis begins
    long = replace(signature, label=name, ticks=(first, *signature.ticks[1:]))
    axes = tuple(long if axis is signature else axis for axis in nomogram.axes)
    draw_nomogram(replace(nomogram, axes=axes), ax, font_size=8.5)
    renderer = page.canvas.get_renderer()  # type: ignore[attr-defined]
    names = [text for text in ax.texts if text.get_ha() == "right"]
    assert any(text.get_text().endswith("(signature, probability)") for text in names)
    for text, label in itertools.product(names, [text for text in ax.texts if text.get_ha() == "center"]):
        box = text.get_window_extent(renderer).padded(4, 0)  # 4 px: room enough to tell them apart
        assert not box.overlaps(label.get_window_extent(renderer)), (text.get_text(), label.get_text())


def test_the_patient_stands_on_every_line_and_total_and_risk_are_written(
    nomogram: Nomogram, frame: pd.DataFrame, ax: Axes
) -> None:
    patient = frame.iloc[[3]]
    draw_nomogram(nomogram, ax, patient)
    points = nomogram.points(patient).iloc[0]
    dots = [line for line in ax.lines if line.get_marker() == "o" and line.get_color() == theme.ACCENT]
    assert [dot.get_xdata()[0] for dot in dots[:4]] == pytest.approx(list(points))
    total = float(nomogram.total(patient)[0])
    assert f"{total:.0f} points" in shown(ax)
    assert f"risk {float(nomogram.risk(total)):.2f}" in shown(ax)


def test_a_patient_beyond_the_axes_stays_on_the_page(nomogram: Nomogram, frame: pd.DataFrame, ax: Axes) -> None:
    draw_nomogram(nomogram, ax, frame.iloc[[0]].assign(age=400.0))
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert max(dots) <= 102
