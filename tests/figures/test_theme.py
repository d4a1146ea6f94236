"""Colours, number formats and fonts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from dlr.figures import theme
from dlr.words import MODELS, Model

NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< 0.001"),
        (0.00099, "< 0.001"),
        (0.001, "0.001"),
        (0.0314, "0.031"),
        (1.0, "1.000"),
        (NAN, "–"),
        (None, "–"),
    ],
)
def test_a_p_value_is_never_printed_as_zero(p: float | None, text: str) -> None:
    assert theme.format_p(p) == text


@pytest.mark.parametrize(("value", "text"), [(0.7814, "0.781"), (1.0, "1.000"), (NAN, "–"), (-0.05, "−0.050")])
def test_an_auc_has_three_digits(value: float, text: str) -> None:
    assert theme.format_auc(value) == text


def test_an_interval_with_a_negative_limit_says_to() -> None:
    assert theme.format_interval(0.634, 0.882) == "0.634–0.882"
    assert theme.format_interval(-0.098, 0.082) == "−0.098 to 0.082"
    assert theme.format_interval(NAN, 0.5) == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(201.0, "201"), (12345, "12,345"), (0.03142, "0.0314"), (-2.5, "−2.5"), (math.inf, "∞")]
)
def test_numbers_have_three_significant_digits_and_no_needless_zeros(value: float, text: str) -> None:
    assert theme.format_number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.3434, "0.343"), (2.0, "2.000"), (12.34, "12.3"), (math.inf, "∞")])
def test_an_odds_ratio_below_ten_has_three_digits(value: float, text: str) -> None:
    assert theme.format_ratio(value) == text


@given(st.text(max_size=200), st.integers(8, 60))
def test_a_shortened_text_fits_and_a_short_one_is_kept(text: str, length: int) -> None:
    short = theme.shorten(text, length)
    assert len(short) <= length
    if len(" ".join(text.split())) <= length:
        assert short == " ".join(text.split())


def test_a_feature_is_written_over_two_lines() -> None:
    assert theme.feature_label("wavelet-LH_glcm_Idmn") == "wavelet-LH · glcm\nIdmn"
    assert theme.feature_label("peritumoral_4mm_wavelet-LH_glcm_Idmn") == "wavelet-LH · glcm\nIdmn, peritumoral 4mm"
    assert theme.feature_label("age") == "age"


def test_styles_models_and_words_have_the_same_members_in_the_same_order() -> None:
    assert list(theme.STYLES) == [spec.name for spec in MODELS] == list(Model)


@pytest.mark.parametrize("part", ["colour", "line", "marker"])
def test_every_model_has_a_colour_a_line_style_and_a_marker_of_its_own(part: str) -> None:
    styles = [*theme.STYLES.values(), *theme._SPARE]
    assert len({str(getattr(style, part)) for style in styles}) == len(styles)


def test_a_model_that_the_house_does_not_know_always_has_the_same_style() -> None:
    toy = theme.style("Toy")
    assert toy in theme._SPARE and toy == theme.style("Toy")
    assert theme.style("").colour == theme.GREY


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_and_accent_can_be_read_on_white() -> None:
    for colour in (theme.INK, theme.ACCENT, theme.GREY):
        assert 1.05 / (_luminance(colour) + 0.05) >= 4.5  # WCAG 2.1, level AA


def test_the_two_classes_differ_in_lightness_so_that_grey_print_tells_them_apart() -> None:
    assert (_luminance(theme.NEGATIVE) + 0.05) / (_luminance(theme.POSITIVE) + 0.05) > 4


def test_a_missing_cjk_font_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "cjk_font", lambda: None)
    assert theme.missing_font_warning(["age", "Müller"]) is None
    warning = theme.missing_font_warning(["age", "钙化"])
    assert warning is not None and "钙化" in warning and "fonts-noto-cjk" in warning


def test_an_installed_cjk_font_needs_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "cjk_font", lambda: "Noto Sans CJK SC")
    assert theme.missing_font_warning(["钙化"]) is None
    assert theme.fonts_for("钙化") == [theme.latin_font(), "Noto Sans CJK SC", "DejaVu Sans"]
    assert theme.fonts_for("age ≥ 50, λ") == [theme.latin_font()]


def test_labels_are_never_read_as_mathematics() -> None:
    assert theme.rc()["text.parse_math"] is False
