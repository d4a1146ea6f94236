"""Colours, line styles, number formats and fonts of every figure and page: written once, the same everywhere.

The model colours are those of Okabe & Ito (Color Universal Design, 2008), told apart by every common colour vision;
each model has a line style and a marker as well, since colour is never alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.text import Text

from dlr.radiomics.regions import LESION, region_and_rest
from dlr.words import Model

__all__ = [
    "ACCENT",
    "ACCENT_LIGHT",
    "CJK_FONTS",
    "GREY",
    "INK",
    "LIGHT",
    "NEGATIVE",
    "NOTHING",
    "POSITIVE",
    "REGIONS",
    "STACKED_HATCH",
    "STACKED_LINE",
    "STYLES",
    "Style",
    "cjk_font",
    "decimals",
    "fit_fonts",
    "fonts_for",
    "feature_label",
    "format_auc",
    "format_coefficient",
    "format_estimate",
    "format_interval",
    "format_number",
    "format_p",
    "format_percent",
    "format_ratio",
    "has_cjk",
    "latin_font",
    "missing_font_warning",
    "ratio_limits",
    "rc",
    "shorten",
    "style",
]

INK = "#1c2326"
GREY = "#6b7479"
LIGHT = "#d5dadc"
ACCENT = "#0b5563"
ACCENT_LIGHT = "#7fb0b8"
POSITIVE = ACCENT  # patients with the outcome
NEGATIVE = "#c3cacd"  # patients without it: lighter, so that print in grey still tells them apart


@dataclass(frozen=True)
class Style:
    """How a model is drawn everywhere."""

    colour: str
    line: Any  # matplotlib's line style: a name, or (offset, (on, off, ...))
    marker: str


STYLES: dict[str, Style] = {
    Model.CLINICAL: Style("#e69f00", (0, (5, 1.5)), "s"),
    Model.RAD: Style("#0072b2", (0, (3, 1, 1, 1)), "o"),
    Model.DL: Style("#009e73", (0, (1.2, 1)), "^"),
    Model.DLR: Style("#cc79a7", (0, (7, 1.5, 1, 1.5)), "D"),
    Model.RAD_DL: Style("#5b5f9e", (0, (3, 0.8, 3, 2)), "d"),
    Model.COMBINED: Style(INK, "-", "P"),
    Model.SINGLE_TASK: Style("#56b4e9", (0, (9, 2)), "v"),
    Model.MULTI_TASK: Style("#d55e00", (0, (6, 1, 1, 1, 1, 1)), "X"),
    Model.SPATIAL: Style("#8a6d00", (0, (3, 1.5)), "h"),
}
_SPARE = (  # for the models that a pipeline names itself
    Style("#7b4ab5", (0, (4, 1, 2, 1)), "p"),
    Style("#7a5c43", (0, (8, 1, 2, 1)), "<"),
    Style("#b3003c", (0, (2, 2)), ">"),
    Style("#4c7a00", (0, (10, 1, 1, 1)), "8"),
    Style("#a05a9c", (0, (5, 3)), "*"),
)
_NO_MODEL = Style(GREY, "-", "o")

REGIONS: dict[str, Style] = {  # of a tumour, from the inside outwards; seen on grey pictures and on white paper
    "core": Style("#d55e00", "-", "o"),
    "rim": Style("#0095d9", (0, (4, 1.5)), "s"),
    "peritumoral": Style("#c964e8", (0, (1.4, 1)), "^"),
}

STACKED_LINE = (0, (1.8, 2.2))  # of a value that is stacked and optimistic, whatever its model
STACKED_HATCH = "////"

NOTHING = "–"  # printed for a number that is not defined

LATIN_FONTS = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "PingFang HK",
    "Heiti SC",
    "Heiti TC",
    "Hiragino Sans GB",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
_CJK = re.compile("[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_BEYOND = re.compile(
    "[^\u0000-\u04ff\u2000-\u206f\u2190-\u22ff]"
)  # beyond Latin, Greek, Cyrillic, punctuation, operators


def style(model: str) -> Style:
    """The style of a model; of a name that the house does not know always the same spare one; without a name grey."""
    if not model:
        return _NO_MODEL
    return STYLES.get(model) or _SPARE[crc32(model.encode()) % len(_SPARE)]


@cache
def _installed() -> frozenset[str]:
    return frozenset(entry.name for entry in font_manager.fontManager.ttflist)


def cjk_font() -> str | None:
    """The first installed font with Chinese, Japanese and Korean characters, or None."""
    return next((name for name in CJK_FONTS if name in _installed()), None)


def latin_font() -> str:
    """The first installed font of the house, for text in Latin and Greek letters."""
    return next((name for name in LATIN_FONTS if name in _installed()), "sans-serif")


def fonts_for(text: str) -> list[str]:
    """Fonts for a text in order of trial; more than one only where it needs one, since every trial takes time."""
    if not _BEYOND.search(text):
        return [latin_font()]
    fallback = cjk_font()
    return [latin_font(), *([fallback] if fallback else []), "DejaVu Sans"]


def fit_fonts(drawing: Artist) -> None:
    """Give each text of a figure or axes that needs them further fonts, tick labels included."""
    for text in drawing.findobj(Text):
        assert isinstance(text, Text)
        if _BEYOND.search(text.get_text()):
            text.set_fontfamily(fonts_for(text.get_text()))


def has_cjk(text: str) -> bool:
    """Whether a text has Chinese, Japanese or Korean characters."""
    return _CJK.search(text) is not None


def missing_font_warning(texts: Iterable[str]) -> str | None:
    """What to install where a text has Chinese, Japanese or Korean characters and no font has them; else None."""
    if cjk_font() is not None:
        return None
    found = next((text for text in texts if has_cjk(text)), None)
    if found is None:
        return None
    return (
        f"figures hold characters such as {found[:20]!r}, but no font with them is installed: boxes are drawn instead. "
        "Install one (Debian, Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts; "
        "macOS and Windows bring PingFang or Microsoft YaHei), then run the report again"
    )


def rc() -> dict[str, Any]:
    """matplotlib settings of every figure, to be used with `matplotlib.rc_context`.

    Text is never read as mathematics, since labels come from users; a fixed salt and outlined SVG text make the
    files the same bytes every time and the same picture on every machine. No hinting: PDF and SVG hold unhinted
    outlines, and a hinted text would be measured narrower than it is printed.
    """
    return {
        "text.hinting": "none",
        "font.family": [latin_font()],
        "font.size": 8.5,
        "text.parse_math": False,
        "text.color": INK,
        "axes.unicode_minus": True,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.labelsize": 8.5,
        "axes.labelcolor": INK,
        "axes.edgecolor": GREY,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "legend.handlelength": 2.6,
        "lines.linewidth": 1.5,
        "hatch.linewidth": 0.6,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "svg.fonttype": "path",
        "svg.hashsalt": "dlr",
        "pdf.fonttype": 42,
        "pdf.compression": 6,
    }


def _undefined(value: float | None) -> bool:
    return value is None or math.isnan(value)


def format_p(p: float | None) -> str:
    """A p-value with three digits; below 0.001 "< 0.001", never 0."""
    if _undefined(p):
        return NOTHING
    assert p is not None
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def format_auc(value: float | None, digits: int = 2) -> str:
    """An AUC, or another measure between 0 and 1, that stands without its interval."""
    return NOTHING if _undefined(value) else _fixed(value, digits)  # type: ignore[arg-type]


def format_interval(lower: float | None, upper: float | None, digits: int | None = None, most: int = 3) -> str:
    """Two limits as "0.63–0.88"; "to" where a limit is negative.  digits : by default those of `decimals`."""
    if _undefined(lower) or _undefined(upper):
        return NOTHING
    assert lower is not None and upper is not None
    shown = decimals(lower, upper, most) if digits is None else digits
    low, high = _fixed(lower, shown), _fixed(upper, shown)
    return f"{low} to {high}" if low.startswith("−") or high.startswith("−") else f"{low}–{high}"


def decimals(lower: float | None, upper: float | None, most: int = 3) -> int:
    """Digits after the point that an estimate deserves: the last is worth between 1 % and 10 % of the interval's width.

    An interval of 0.35 has two, of 0.05 three, of 40 none; at most `most`, which are those of a value without interval.
    """
    if _undefined(lower) or _undefined(upper):
        return most
    assert lower is not None and upper is not None
    width = abs(upper - lower)
    if not 0 < width < math.inf:
        return most
    return min(most, max(0, math.ceil(1 - math.log10(width) - 1e-9)))


def format_estimate(
    value: float | None, lower: float | None, upper: float | None, most: int = 3, between: str = " ", words: str = ""
) -> str:
    """A value with its interval in brackets, "0.75 (0.58–0.87)", both with the digits that the width allows.

    between : what separates them.  words : what stands in the brackets before the limits.
    """
    if _undefined(value):
        return NOTHING
    assert value is not None
    shown = _fixed(value, decimals(lower, upper, most))
    limits = format_interval(lower, upper, most=most)
    return shown if limits == NOTHING else f"{shown}{between}({words}{limits})"


def format_ratio(value: float | None, lower: float | None = None, upper: float | None = None) -> str:
    """A ratio with its limits, digits by the width on the log scale: "2.5 (0.34–19)", "1.047 (1.025–1.071)"."""
    if _undefined(value) or value is None:
        return NOTHING
    limits = ratio_limits(lower, upper)
    shown = _ratio(value, _significant(lower, upper))
    return shown if limits == NOTHING else f"{shown} ({limits})"


def ratio_limits(lower: float | None, upper: float | None) -> str:
    """The limits of a ratio, with the digits of `format_ratio`."""
    if _undefined(lower) or _undefined(upper):
        return NOTHING
    assert lower is not None and upper is not None
    digits = _significant(lower, upper)
    return f"{_ratio(lower, digits)}–{_ratio(upper, digits)}"


def _significant(lower: float | None, upper: float | None) -> int:
    """Significant digits of a ratio by the width of its interval on the log scale."""
    if _undefined(lower) or _undefined(upper):
        return 3
    assert lower is not None and upper is not None
    if not 0 < lower <= upper < math.inf:
        return 2
    width = math.log(upper / lower)
    return 2 if width >= 1 else 3 if width >= 0.1 else 4


def _ratio(value: float, significant: int) -> str:
    if math.isinf(value) or value <= 0:
        return format_number(value)
    if value < 0.01 or value >= 1e5:
        return f"{value:.2g}"
    return f"{value:.{min(3, max(0, significant - 1 - math.floor(math.log10(value))))}f}"


def _fixed(value: float, digits: int) -> str:
    """With that many digits after the point; a zero has no sign."""
    if math.isinf(value):
        return format_number(value)
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def format_coefficient(value: float | None, se: float | None) -> str:
    """A coefficient with its standard error in brackets; a digit more than its interval would have, to compute with."""
    if _undefined(value) or _undefined(se):
        return NOTHING
    assert value is not None and se is not None
    digits = min(3, 1 + decimals(value - 2 * se, value + 2 * se))
    return f"{_fixed(value, digits)} ({_fixed(se, digits)})"


def format_percent(share: float | None, digits: int = 1) -> str:
    """A share as per cent."""
    return NOTHING if _undefined(share) else f"{100 * share:.{digits}f} %"  # type: ignore[operator]


def format_number(value: float | None, digits: int = 3) -> str:
    """Any number with `digits` significant digits and no needless zeros; integers whole."""
    if _undefined(value):
        return NOTHING
    assert value is not None
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer() and abs(value) < 1e7:
        return f"{int(value):,}".replace("-", "−") if abs(value) >= 10000 else f"{int(value)}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def shorten(text: str, length: int = 40) -> str:
    """A text of at most `length` characters: the middle of a longer one is replaced by an ellipsis."""
    text = " ".join(str(text).split())
    if len(text) <= length:
        return text
    head = (length - 1 + 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def feature_label(feature: str, length: int = 34) -> str:
    """A feature's column name over two lines: image type and family, then the feature and its region."""
    region, name = region_and_rest(str(feature))
    parts = name.split("_", 2)
    if len(parts) < 3:
        return shorten(feature, length)
    where = "" if region == LESION else f", {region.replace('_', ' ')}"
    return f"{shorten(parts[0], length - 8)} · {parts[1]}\n{shorten(parts[2], length - len(where))}{where}"
