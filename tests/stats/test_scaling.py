"""Recalibration of held-out logits: the summit of a general optimiser; what happens where nothing can be learnt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from dlr.stats.scaling import Expected, recalibration
from dlr.words import expit


def drawn(n: int, slope: float, seed: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    logit = spread * draw.normal(size=n)
    return draw.random(n) < expit(0.3 + slope * logit), logit


@pytest.mark.parametrize(("n", "slope", "spread"), [(60, 0.4, 1.0), (140, 2.5, 0.7), (65, 30.0, 0.05), (200, 1.0, 3.0)])
def test_it_is_the_summit_of_likelihood_and_prior(n, slope, spread):
    """By a general optimiser; the recalibrated logits' SD is lognormal around .4, less of few rows."""
    positive, logit = drawn(n, slope, 1, spread)
    sign, centred = np.where(positive, 1.0, -1.0), logit - logit.mean()

    def lack(b: np.ndarray) -> float:
        prior = (b[1] + np.log(centred.std() / (0.4 * min(n / 100, 1) ** 0.5))) ** 2 / (2 * 0.5**2)
        return float(np.logaddexp(0, -sign * (b[0] + np.exp(b[1]) * centred)).sum() + prior)

    best = min((minimize(lack, [0, start], method="BFGS") for start in (-2, 0, 2, 4)), key=lambda found: found.fun)
    found = recalibration(positive, logit, np.zeros(n), Expected(0.4, 0.5))
    assert np.log(found.slope) == pytest.approx(best.x[1], abs=0.01)
    assert found.intercept + found.slope * logit.mean() == pytest.approx(best.x[0], abs=0.01)


def test_with_many_rows_the_slope_is_the_true_one_whatever_was_expected():
    positive, logit = drawn(200_000, 0.5, 2)
    for spread in (0.2, 2.0):
        found = recalibration(positive, logit, np.zeros(len(logit)), Expected(spread, 0.5))
        assert found.slope == pytest.approx(0.5, abs=0.02) and found.intercept == pytest.approx(0.3, abs=0.03)


def test_logits_that_turn_the_order_round_are_flattened_and_those_that_separate_stay_finite():
    positive, logit, fold = np.arange(40) < 20, np.linspace(2, -2, 40), np.zeros(40)
    backward, forward = (
        recalibration(~positive, logit, fold, Expected(0.45, 0.5)),
        recalibration(positive, logit, fold, Expected(0.45, 0.5)),
    )
    assert 0 < backward.slope * logit.std() < 0.2 and 0.8 < forward.slope * logit.std() < 5


def test_the_scale_that_a_penalty_left_does_not_matter():
    positive, logit = drawn(80, 1.0, 4)
    one, other = (recalibration(positive, scale * logit, np.zeros(80), Expected(0.45, 0.5)) for scale in (1.0, 1e-3))
    np.testing.assert_allclose(other.probability(1e-3 * logit), one.probability(logit), rtol=1e-9)


def test_logits_are_compared_within_folds_and_a_fold_that_says_the_same_of_everybody_tells_nothing():
    positive, logit = drawn(60, 1.0, 5)
    fold = np.arange(60) % 3
    of_all = 0.45 * (60 / 40) ** 0.5  # the rows of the third fold count among those that could be learnt from
    alone = recalibration(positive[fold < 2], logit[fold < 2], fold[fold < 2], Expected(of_all, 0.5))
    shifted = np.where(fold == 2, 0.1, logit + 5.0 * (fold == 1))
    assert recalibration(positive, shifted, fold, Expected(0.45, 0.5)).slope == pytest.approx(alone.slope, rel=1e-9)


def test_equal_logits_keep_their_slope_and_say_the_prevalence():
    found = recalibration(np.arange(30) < 10, np.full(30, 0.7), np.arange(30) % 5, Expected(0.45, 0.5))
    assert found.slope == 1 and expit(found.intercept + 0.7) == pytest.approx(1 / 3)


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(1e-3, 30))
def test_it_keeps_the_order_and_the_mean(seed, shift, scale):
    """The intercept is profiled out: the mean probability is the prevalence, whatever the slope."""
    positive, logit = drawn(50, 1.0, seed)
    positive[:2] = [True, False]
    logit = shift + scale * logit
    found = recalibration(positive, logit, np.zeros(50), Expected(0.45, 0.5))
    p = found.probability(logit)
    assert found.slope > 0 and np.isfinite(p).all() and p.mean() == pytest.approx(positive.mean(), abs=1e-6)


def test_the_less_is_known_beforehand_the_more_the_rows_decide():
    positive, logit = drawn(80, 1.0, 6)
    far = [recalibration(positive, logit, np.zeros(80), Expected(0.05, doubt)).slope for doubt in (0.2, 0.5, 2.0)]
    assert far[0] < far[1] < far[2]


def test_fewer_rows_are_expected_to_teach_less_up_to_a_hundred():
    assert [Expected(0.8, 0.5, power).of(25) for power in (0.5, 1.0)] == pytest.approx([0.4, 0.2])
    assert Expected(0.8, 0.5).of(100) == Expected(0.8, 0.5).of(3000) == 0.8
