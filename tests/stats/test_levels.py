"""What a column's levels tell of the outcome by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import auc_of_levels

A_AND_B = np.repeat(["A", "B"], [39, 81])
POSITIVE = np.repeat([True, False, True, False], [33, 6, 5, 76])  # 33 of 39 in A, 5 of 81 in B


def found(positive, level, group=None, shuffles: int = 999, seed: int = 0):
    return auc_of_levels(positive, level, group, generator=rng(seed, "levels"), shuffles=shuffles)


def test_two_hospitals_by_hand() -> None:
    """Of 38 x 82 pairs 33 x 76 are ordered and 33 x 6 + 5 x 76 are level."""
    told = found(POSITIVE, A_AND_B)
    assert told.area == pytest.approx((33 * 76 + (33 * 6 + 5 * 76) / 2) / (38 * 82))
    assert told.p == 1 / 1000 and 0.5 < told.null < 0.6
    assert set(told.share) == {33 / 39, 5 / 81}


def test_of_three_levels_pairs_of_one_side_alone_are_compared() -> None:
    """Shares over both sides: a 2/3, b 1/2, c 1/4. First side: a1 above b0, c0; second: b1, c1 against a0, c0."""
    positive = [1, 0, 1, 1, 0, 0, 1, 0, 0]
    level = ["a", "b", "a", "b", "c", "a", "c", "c", "c"]
    side = [1, 1, 1, 2, 1, 2, 2, 2, 2]
    ordered = (2 + 2) + (0 + 1 + 1) + (0 + 0.5 + 0.5)
    assert found(positive, level, side).area == pytest.approx(ordered / (2 * 2 + 2 * 3))


def test_a_level_that_is_a_side_tells_nothing() -> None:
    told = found(POSITIVE, A_AND_B, A_AND_B)
    assert told.area == told.null == 0.5 and told.p == 1


def test_the_shuffles_are_those_of_a_plain_loop() -> None:
    """Mean and share of 500 areas of outcomes that are shuffled one by one inside two sides."""
    draw = np.random.default_rng(3)
    level, side, outcome = draw.integers(4, size=30), draw.integers(2, size=30), draw.random(30) < 0.4

    def area(positive: np.ndarray) -> float:
        share = np.array([positive[level == own].mean() for own in level])
        pairs = [(share[i], share[j]) for i in range(30) for j in range(30)
                 if positive[i] and not positive[j] and side[i] == side[j]]  # fmt: skip
        return float(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))

    null = []
    for _ in range(500):
        mixed = outcome.copy()
        for one in (0, 1):
            mixed[side == one] = draw.permutation(outcome[side == one])
        null.append(area(mixed))
    told = found(outcome, level, side, shuffles=20_000)
    assert told.area == pytest.approx(area(outcome))
    assert told.null == pytest.approx(np.mean(null), abs=5 * np.std(null) / 500**0.5)
    assert told.p == pytest.approx(np.mean(np.array(null) >= area(outcome) - 1e-12), abs=0.11)  # 5 errors of a share


def test_p_of_noise_is_under_its_level_no_more_often_than_it_says() -> None:
    """400 cohorts of 60 over six scanners: at most 5 % + 3 errors under .05; it steps, so it may lie below."""
    draw = np.random.default_rng(5)
    p = [found(draw.random(60) < 0.3, draw.integers(6, size=60), seed=k, shuffles=499).p for k in range(400)]
    assert np.mean(np.array(p) < 0.05) < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_sides_of_one_class_each_have_no_pairs() -> None:
    with pytest.raises(InputError, match="no group has both classes"):
        found(POSITIVE, A_AND_B, POSITIVE)
