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


@pytest.mark.parametrize(("value", "text"), [(0.7814, "0.78"), (1.0, "1.00"), (NAN, "–"), (-0.05, "−0.05")])
def test_an_auc_without_its_interval_has_two_digits(value: float, text: str) -> None:
    assert theme.format_auc(value) == text


def test_an_interval_with_a_negative_limit_says_to() -> None:
    assert theme.format_interval(0.634, 0.882) == "0.63–0.88"
    assert theme.format_interval(-0.098, 0.082) == "−0.10 to 0.08"
    assert theme.format_interval(NAN, 0.5) == "–"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "text"),
    [
        (0.7483, 0.5771, 0.8662, "0.75 (0.58–0.87)"),
        (0.9972, 0.9791, 1.0, "0.997 (0.979–1.000)"),
        (0.8, 0.7996, 0.8004, "0.800 (0.800–0.800)"),  # never more than three
        (0.603, -0.06, 1.26, "0.6 (−0.1 to 1.3)"),
        (20.21, -0.01, 40.43, "20 (0–40)"),
        (0.105, -0.0781, 0.288, "0.10 (−0.08 to 0.29)"),
        (1.0, 1.0, 1.0, "1.000 (1.000–1.000)"),
        (0.5, NAN, 0.7, "0.500"),
        (NAN, 0.1, 0.2, "–"),
    ],
)
def test_an_estimate_has_the_digits_that_its_interval_allows(
    value: float, lower: float, upper: float, text: str
) -> None:
    assert theme.format_estimate(value, lower, upper) == text


@given(st.floats(-100, 100), st.floats(0.0101, 300))
def test_the_last_digit_is_worth_a_hundredth_to_a_tenth_of_the_interval(lower: float, width: float) -> None:
    unit = 10.0 ** -theme.decimals(lower, lower + width)
    assert unit <= 0.1001 * width or unit == 1
    assert unit >= 0.0099 * width or unit in (1, 0.001)


def test_no_limit_keeps_the_sign_of_a_zero() -> None:
    assert theme.format_interval(-0.0004, 0.3) == "0.00–0.30"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "text"),
    [
        (2.533, 0.341, 18.83, "2.5 (0.34–19)"),
        (1.0474, 1.0249, 1.0706, "1.047 (1.025–1.071)"),
        (0.177, 0.0724, 0.432, "0.18 (0.072–0.43)"),
        (1.97, 1.302, 2.98, "1.97 (1.30–2.98)"),
        (0.0031, 0.0004, 0.021, "0.0031 (0.0004–0.021)"),
        (8.5, 1.2, math.inf, "8.5 (1.2–∞)"),
    ],
)
def test_a_ratio_has_the_digits_that_its_interval_allows_on_the_log_scale(
    value: float, lower: float, upper: float, text: str
) -> None:
    assert theme.format_ratio(value, lower, upper) == text
    assert theme.format_ratio(value, lower, upper) == f"{text.split()[0]} ({theme.ratio_limits(lower, upper)})"


def test_a_coefficient_has_a_digit_more_than_its_interval_would() -> None:
    assert theme.format_coefficient(-1.734, 0.456) == "−1.73 (0.46)"
    assert theme.format_coefficient(0.0062, 0.0192) == "0.006 (0.019)"
    assert theme.format_coefficient(25.4, 12.1) == "25.4 (12.1)"


@pytest.mark.parametrize(
    ("value", "text"), [(201.0, "201"), (12345, "12,345"), (0.03142, "0.0314"), (-2.5, "−2.5"), (math.inf, "∞")]
)
def test_numbers_have_three_significant_digits_and_no_needless_zeros(value: float, text: str) -> None:
    assert theme.format_number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.3434, "0.343"), (2.0, "2.00"), (12.34, "12.3"), (math.inf, "∞")])
def test_an_odds_ratio_without_limits_has_three_digits(value: float, text: str) -> None:
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
