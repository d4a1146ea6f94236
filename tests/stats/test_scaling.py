"""Recalibration of held-out logits: the summit of a general optimiser; what happens where nothing can be learnt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from dlr.stats.scaling import recalibration
from dlr.words import expit


def drawn(n: int, slope: float, seed: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    logit = spread * draw.normal(size=n)
    return draw.random(n) < expit(0.3 + slope * logit), logit


@pytest.mark.parametrize(("n", "slope", "spread"), [(60, 0.4, 1.0), (140, 2.5, 0.7), (65, 30.0, 0.05), (200, 1.0, 3.0)])
def test_it_is_the_summit_of_likelihood_and_prior(n, slope, spread):
    positive, logit = drawn(n, slope, 1, spread)
    sign = np.where(positive, 1.0, -1.0)

    def lack(b: np.ndarray) -> float:
        return float(np.logaddexp(0, -sign * (b[0] + np.exp(b[1]) * logit)).sum() + b[1] ** 2 / 2)

    best = min((minimize(lack, [0, start], method="BFGS") for start in (-2, 0, 2, 4)), key=lambda found: found.fun)
    found = recalibration(positive, logit)
    assert lack(np.array([found.intercept, np.log(found.slope)])) <= best.fun + 1e-5
    assert np.log(found.slope) == pytest.approx(best.x[1], abs=5e-3)


def test_with_many_rows_the_slope_is_the_true_one():
    found = recalibration(*drawn(200_000, 0.5, 2))
    assert found.slope == pytest.approx(0.5, abs=0.02) and found.intercept == pytest.approx(0.3, abs=0.03)


def test_logits_that_turn_the_order_round_are_flattened_and_those_that_separate_stay_finite():
    positive = np.arange(40) < 20
    logit = np.linspace(2, -2, 40)
    backward, forward = recalibration(~positive, logit), recalibration(positive, logit)
    assert 0 < backward.slope < 0.2 and 1 < forward.slope < 20


def test_equal_logits_keep_their_slope_and_say_the_prevalence():
    found = recalibration(np.arange(30) < 10, np.full(30, 0.7))
    assert found.slope == 1 and expit(found.intercept + 0.7) == pytest.approx(1 / 3)


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(1e-3, 30))
def test_it_keeps_the_order_and_the_mean(seed, shift, spread):
    """The intercept is profiled out: the mean probability is the prevalence, whatever the slope."""
    positive, logit = drawn(50, 1.0, seed)
    positive[:2] = [True, False]
    logit = shift + spread * logit
    found = recalibration(positive, logit)
    p = found.probability(logit)
    assert found.slope > 0 and np.isfinite(p).all() and p.mean() == pytest.approx(positive.mean(), abs=1e-6)
