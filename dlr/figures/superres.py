"""Figures of super-resolution: a lesion before and after, detail recovered and invented, what it does to an AUC."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlr.figures import theme
from dlr.figures.patients import outline

__all__ = [
    "Enlarged", "Restored", "draw_auc_differences", "draw_detail_account", "draw_restored",
    "restored_height", "trial_page",
]  # fmt: skip

GAP = 0.03  # between pictures, as a share of one's width
BAR = 0.05  # width of the colour bar
ABOVE = 0.12  # room for the names of the columns
COLOURS = "RdBu_r"  # red: brighter than the truth, or than bicubic
INVENTED = "#e69f00"
PAGE_WIDTH, MARGIN, ROW_TITLE = 13.0, 0.25, 0.36  # inches, of a page of its own


@dataclass(frozen=True)
class Enlarged:
    """An image, or a part of one, whose truth nobody knows, in grey levels of 255."""

    low: np.ndarray  # (h, w)
    bicubic: np.ndarray  # (h·s, w·s)
    restored: np.ndarray  # (h·s, w·s)

    @property
    def shape(self) -> tuple[int, int]:
        return self.restored.shape[0], self.restored.shape[1]

    @property
    def difference(self) -> np.ndarray:
        """Restored less bicubic, in grey levels."""
        return self.restored - self.bicubic

    @property
    def lines(self) -> np.ndarray:
        """What is outlined, bool (h·s, w·s): nothing."""
        return np.zeros(self.shape, dtype=bool)

    @property
    def window(self) -> tuple[float, float]:
        """Grey levels that become black and white."""
        return _window(self.low)

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        """What is drawn, by the words above it: the input by nearest neighbours, the difference last."""
        scale = self.shape[0] // self.low.shape[0]
        blocks = np.repeat(np.repeat(self.low, scale, axis=0), scale, axis=1)
        return {
            "input": blocks,
            "bicubic": self.bicubic,
            "restored": self.restored,
            "restored − bicubic": self.difference,
        }


@dataclass(frozen=True)
class Restored(Enlarged):
    """One lesion in grey levels of 255, all of one size but for the input."""

    truth: np.ndarray  # (h·s, w·s)
    mask: np.ndarray  # bool (h·s, w·s)

    @property
    def difference(self) -> np.ndarray:
        """Restored less truth, in grey levels."""
        return self.restored - self.truth

    @property
    def lines(self) -> np.ndarray:
        return self.mask

    @property
    def window(self) -> tuple[float, float]:
        return _window(self.truth)

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        before = {name: picture for name, picture in super().pictures.items() if name != "restored − bicubic"}
        return {**before, "truth": self.truth, "restored − truth": self.difference}


def _window(grey: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(grey, (0.5, 99.5))
    return float(low), float(max(high, low + 1))


def restored_height(one: Enlarged, width: float) -> float:
    """Inches that `draw_restored` needs for a width in inches, the column's names included."""
    height, across = one.shape
    return width / _wide(one) * (height / across + ABOVE)


def _wide(one: Enlarged) -> float:
    """All columns, gaps and the colour bar, in widths of one picture."""
    columns = len(one.pictures)
    return columns + columns * GAP + BAR


def draw_restored(one: Enlarged, limit: float, ax: Axes) -> Axes:
    """Input, bicubic, restored and truth in one window of grey levels, then the difference to the truth with its bar.

    limit : grey levels at both ends of the colour bar.  The lesion is outlined on the input and on the difference.
    Where nobody knows the truth its column is not there, and the difference is that to bicubic.
    """
    height, width = one.shape
    tall = height / width
    columns = len(one.pictures)
    for number, (name, picture) in enumerate(one.pictures.items()):
        left = number * (1 + GAP)
        extent = (left, left + 1, tall, 0.0)
        last = number == columns - 1
        window = (-limit, limit) if last else one.window
        ax.imshow(
            picture, cmap=COLOURS if last else "gray", vmin=window[0], vmax=window[1], extent=extent,
            interpolation="none",
        )  # fmt: skip
        ax.text(left, -0.03, name, va="bottom", fontsize=8)
        if number in (0, columns - 1) and one.lines.any():
            lines = outline(one.lines, extent)
            tone = theme.INK if last else "white"
            ax.add_collection(LineCollection(lines, colors=[tone], linewidths=0.8), autolim=False)
        if last:
            ax.add_patch(Rectangle((left, 0), 1, tall, facecolor="none", edgecolor=theme.LIGHT, linewidth=0.7))
    _bar(ax, columns * (1 + GAP), tall, limit)
    ax.set(xlim=(0, _wide(one)), ylim=(tall, -ABOVE), aspect="equal")
    ax.axis("off")
    return ax


def _bar(ax: Axes, left: float, tall: float, limit: float) -> None:
    """The colours of a difference, its ends and its middle in grey levels."""
    shades = np.linspace(limit, -limit, 128)[:, None]
    ax.imshow(shades, cmap=COLOURS, vmin=-limit, vmax=limit, extent=(left, left + BAR, tall, 0.0), aspect="equal")
    ax.add_patch(Rectangle((left, 0), BAR, tall, facecolor="none", edgecolor=theme.GREY, linewidth=0.7))
    for share, value in ((0.0, limit), (0.5, 0.0), (1.0, -limit)):
        words = f"{value:+.0f}".replace("-", "−") if value else "0"
        place = ("top", "center", "bottom")[round(2 * share)]
        ax.text(left + 1.4 * BAR, share * tall, words, va=place, fontsize=7.5)


def draw_detail_account(account: pd.DataFrame, ax: Axes) -> Axes:
    """What is finer than the input's pixels: how much of the truth's is recovered, how much is invented, by subject.

    account : columns subject (words), part (recovered or invented), value (share of the truth's variance), lower, upper
    (NaN where no interval is known), downwards.
    """
    subjects = list(dict.fromkeys(account["subject"]))
    widest = float(np.nanmax(account[["value", "upper"]].to_numpy(dtype=float)))
    for part, shift, tone, hatch in (("recovered", -0.19, theme.ACCENT, None), ("invented", 0.19, INVENTED, "////")):
        rows = account[account["part"] == part]
        y = rows["subject"].map(subjects.index) + shift
        ax.barh(y, rows["value"], height=0.34, color=tone, hatch=hatch, edgecolor="white", linewidth=0, label=part)
        for place, row in zip(y, rows.itertuples(index=False), strict=True):
            end = row.value
            if np.isfinite(row.upper):
                ax.plot([row.lower, row.upper], [place, place], color=theme.INK, linewidth=1.0)
                end = max(end, row.upper)
            ax.text(end + 0.012 * widest, place, theme.format_percent(row.value), va="center", fontsize=7.5)
    ax.set_yticks(range(len(subjects)), subjects)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="Share of the truth's fine detail", xlim=(0, 1.15 * widest), ylim=(len(subjects) - 0.5, -0.5))
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2, handlelength=1.4)
    return ax


def draw_auc_differences(differences: pd.DataFrame, ax: Axes) -> Axes:
    """Paired differences of AUCs with 95 % intervals and the line of none; filled where the interval does not hold 0.

    differences : columns model, words, difference, lower, upper, in the order of drawing.
    """
    y, places, labels = 0.0, [], []
    for model in dict.fromkeys(differences["model"]):
        style = theme.style(str(model))
        for row in differences[differences["model"] == model].itertuples(index=False):
            apart = row.lower > 0 or row.upper < 0
            ax.plot([row.lower, row.upper], [y, y], color=style.colour, linewidth=1.4)
            ax.plot(
                [row.difference], [y], marker=style.marker, color=style.colour, markersize=5.5, linestyle="none",
                markerfacecolor=style.colour if apart else "white",
            )  # fmt: skip
            ax.text(
                1.03, y, theme.format_estimate(row.difference, row.lower, row.upper), va="center", fontsize=7.5,
                transform=ax.get_yaxis_transform(),
            )  # fmt: skip
            labels.append(f"{model}, {row.words}")
            places.append(y)
            y += 1
        y += 0.45
    reach = 1.1 * max(0.02, float(np.nanmax(np.abs(differences[["difference", "lower", "upper"]].to_numpy(float)))))
    ax.axvline(0, color=theme.INK, linewidth=0.8, linestyle="--", zorder=0)
    ax.set_yticks(places, labels)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="Difference in AUC, 95 % interval", xlim=(-reach, reach), ylim=(max(places, default=0) + 0.7, -0.7))
    ax.spines["left"].set_visible(False)
    return ax


def trial_page(above: Enlarged, below: Restored | None, words: tuple[str, str, str]) -> Figure:
    """A page of an image before and after, and of the same image held against itself where it is large enough.

    words : the title, and what stands over each of the two rows.  Each row has a colour bar of its own.
    """
    rows = [(above, words[1]), *([] if below is None else [(below, words[2])])]
    heights = [restored_height(one, PAGE_WIDTH) for one, _ in rows]
    width, height = PAGE_WIDTH + 3 * MARGIN, sum(heights) + (len(rows) + 1) * ROW_TITLE + 2 * MARGIN
    with matplotlib.rc_context(theme.rc()):
        page = Figure(figsize=(width, height))
        top = height - MARGIN
        page.text(MARGIN / width, top / height, theme.shorten(words[0], 120), va="top", fontsize=11, weight="bold")
        top -= ROW_TITLE
        for (one, said), tall in zip(rows, heights, strict=True):
            page.text(MARGIN / width, (top - 0.14) / height, said, va="top", fontsize=9)
            top -= ROW_TITLE + tall
            ax = page.add_axes((MARGIN / width, top / height, PAGE_WIDTH / width, tall / height))
            draw_restored(one, _limit(one.difference), ax)
        theme.fit_fonts(page)
    return page


def _limit(difference: np.ndarray) -> float:
    """Grey levels at the ends of a colour bar: what 99 % of the pixels stay under, in tens."""
    return float(max(10.0, 10.0 * np.ceil(np.percentile(np.abs(difference), 99) / 10)))
