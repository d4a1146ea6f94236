"""Receiver operating characteristic and precision-recall curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from dlr.figures import theme
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, Estimate, Role

__all__ = ["Line", "draw_pr", "draw_roc"]


@dataclass(frozen=True)
class Line:
    """One curve of one model: ROC (false-positive rate, sensitivity) or PR (recall, precision)."""

    model: str
    role: str  # "test", "out-of-fold", "apparent" ...
    x: np.ndarray
    y: np.ndarray
    area: Estimate | None = None  # printed in the legend where known
    stacked: bool = False  # drawn broken

    @property
    def drawn(self) -> float:
        """Area under the line as it is drawn, by trapezoids; of an ROC curve of one set of values their AUC."""
        return float(np.trapezoid(self.y, self.x))


ROLE_STYLES = {
    "test": "-",
    FROZEN_EXTERNAL: (0, (7, 1.5, 1, 1.5)),
    "out-of-fold": (0, (5, 1.5)),
    "nested": (0, (8, 1.5)),
    CROSS_VALIDATED_EXTERNAL: (0, (3, 1.5, 1, 1.5, 1, 1.5)),
    "apparent": (0, (1.2, 1.2)),
}
WIDEST_LABEL = 46  # letters of a legend's line: a longer one would leave the curves no room
ROLE_WIDTHS = {"test": 1.9, FROZEN_EXTERNAL: 1.6, "out-of-fold": 1.4, "apparent": 1.2}


def draw_roc(lines: Sequence[Line], ax: Axes, by: str = "model") -> Axes:
    """Sensitivity against 1 − specificity with the AUC and its interval in the legend, and the diagonal of chance.

    Where the line pools what the AUC takes apart (out-of-fold: folds and seeds), its own area stands in the legend too.
    by : "model" tells the lines apart by model; "role" draws one model's lines in its colour, told apart by style.
    """
    ax.plot([0, 1], [0, 1], color=theme.LIGHT, linewidth=0.9, zorder=1)
    for line in lines:
        ax.plot(line.x, line.y, label=_label(line, by), **_style(line, by))
    ax.set(xlabel="1 − specificity", ylabel="Sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    _legend(ax, len(lines))
    return ax


def draw_pr(lines: Sequence[Line], ax: Axes, prevalence: float | None = None) -> Axes:
    """Precision against recall; a horizontal line at the prevalence, which is what chance gives."""
    if prevalence is not None:
        ax.axhline(prevalence, color=theme.LIGHT, linewidth=0.9, zorder=1)
        ax.text(1.03, prevalence, f"{prevalence:.2f}", va="center", fontsize=7.5, color=theme.GREY)
    for line in lines:
        ax.plot(line.x, line.y, label=_label(line, "model"), drawstyle="steps-pre", **_style(line, "model"))
    ax.set(xlabel="Recall (sensitivity)", ylabel="Precision (PPV)", xlim=(-0.01, 1.01), ylim=(0, 1.02), aspect="equal")
    _legend(ax, len(lines))
    return ax


def _label(line: Line, by: str) -> str:
    name = (line.model if by == "model" else line.role) + (f" ({Role.STACKED})" if line.stacked else "")
    if line.area is None:
        return name
    words = theme.format_estimate(line.area.value, line.area.lower, line.area.upper)
    drawn = theme.format_auc(line.drawn)
    words += "" if drawn == theme.format_auc(line.area.value) else f"; line {drawn}"
    return f"{name} {words}" if len(name) + len(words) < WIDEST_LABEL else f"{name}\n{words}"


def _style(line: Line, by: str) -> dict:
    return _usual_style(line, by) | ({"linestyle": theme.STACKED_LINE} if line.stacked else {})


def _usual_style(line: Line, by: str) -> dict:
    if by == "role":
        return {
            "color": theme.style(line.model).colour,
            "linestyle": ROLE_STYLES.get(line.role, "-"),
            "linewidth": ROLE_WIDTHS.get(line.role, 1.4),
        }
    return {"color": theme.style(line.model).colour, "linestyle": theme.style(line.model).line}


def _legend(ax: Axes, count: int) -> None:
    """Below the axes, where no curve can run through it."""
    if count:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=1, handlelength=3.2)
