"""Axes to draw on, with the theme's settings."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dlr.figures import theme


@pytest.fixture
def ax() -> Iterator[Axes]:
    with matplotlib.rc_context(theme.rc()):
        page = Figure(figsize=(5, 4))
        FigureCanvasAgg(page)
        yield page.add_subplot()
