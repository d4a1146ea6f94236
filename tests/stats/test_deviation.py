"""The standard deviation's interval: by hand, and how often it covers."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.stats import standard_deviation


def test_by_hand() -> None:
    """0, 1, 2, 3, 10: mean 3.2, Σ 62.8, s² 15.7; trimmed by half nothing but the median 2 is left."""
    found = standard_deviation([0, 1, 2, 3, 10])
    kurtosis = 5 * (16 + 1 + 0 + 1 + 8**4) / 62.8**2
    c = 5 / (5 - 1.959963984540054)
    half = 1.959963984540054 * c * np.sqrt((kurtosis - 2 / 5) / 4)
    centre = np.log(c * 15.7)
    assert found.value == pytest.approx(15.7**0.5)
    assert (found.lower, found.upper) == pytest.approx((np.exp((centre - half) / 2), np.exp((centre + half) / 2)))


@pytest.mark.parametrize("drawn", ["normal", "uniform", "beta"])
def test_it_covers_whatever_the_shape(drawn: str) -> None:
    draw = np.random.default_rng(1)
    make = {
        "normal": lambda: draw.normal(size=50),
        "uniform": lambda: draw.random(50),
        "beta": lambda: draw.beta(2, 5, 50),
    }
    truth = {"normal": 1, "uniform": 12**-0.5, "beta": (10 / (49 * 8)) ** 0.5}[drawn]
    covered = [(e := standard_deviation(make[drawn]())).lower < truth < e.upper for _ in range(600)]
    assert 0.925 < np.mean(covered) < 0.985


def test_too_few_or_equal_values_have_no_interval() -> None:
    for given in ([1, 2, 3, 4], [2] * 9):
        found = standard_deviation(given)
        assert np.isnan([found.lower, found.upper]).all() and found.value == pytest.approx(np.std(given, ddof=1))
