"""Agreement of per cents: hand-worked patients, SciPy, published tolerance factors, coverage, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dlr.errors import InputError
from dlr.stats import absolute_error_difference, per_cent_agreement
from dlr.stats.per_cent import tolerance_factor

OBSERVED, PREDICTED = [10.0, 20.0, 30.0, 40.0], [12.0, 18.0, 36.0, 42.0]


def test_four_patients_by_hand() -> None:
    """Differences 2, -2, 6, 2: mean 2, SD 3.266; absolute: mean 3, SD 2; the median 25 errs by 15, 5, 5, 15."""
    found = per_cent_agreement(OBSERVED, PREDICTED, 25.0)
    t3 = 3.182446305284263  # Student's .975 quantile, 3 df
    mae = found.mean_absolute_error
    assert (mae.value, mae.lower, mae.upper) == pytest.approx((3.0, 3 - t3, 3 + t3))
    sd = np.sqrt(32 / 3)
    assert (found.bias.value, found.bias.upper - 2) == pytest.approx((2.0, t3 * sd / 2))
    assert found.lower_limit.value == pytest.approx(2 - 1.959964 * sd, abs=1e-5)
    assert found.upper_limit.value == pytest.approx(2 + 1.959964 * sd, abs=1e-5)
    assert found.baseline_error.value == 10.0
    assert found.gain.difference == -7.0  # -13, -3, 1, -13
    assert (mae.n, mae.n_positive) == (4, 0) and mae.method == "t interval of the mean absolute error"


def test_gain_and_intervals_are_scipys() -> None:
    draw = np.random.default_rng(0)
    observed = draw.uniform(0, 80, 50)
    predicted = np.clip(observed + draw.normal(2, 8, 50), 0, 100)
    found = per_cent_agreement(observed, predicted, np.full(50, 35.0))
    one, other = np.abs(predicted - observed), np.abs(35 - observed)
    paired = stats.ttest_rel(one, other)
    interval = paired.confidence_interval()
    gain = found.gain
    assert (gain.statistic, gain.p) == pytest.approx((paired.statistic, paired.pvalue), rel=1e-12)
    assert (gain.lower, gain.upper) == pytest.approx((interval.low, interval.high), rel=1e-12)
    single = stats.ttest_1samp(one, 0.0).confidence_interval()
    mae = found.mean_absolute_error
    assert (mae.lower, mae.upper) == pytest.approx((single.low, single.high), rel=1e-12)
    r = stats.pearsonr(observed, predicted)
    assert (found.pearson.value, found.pearson.lower) == pytest.approx((r.statistic, r.confidence_interval().low))
    rank = stats.spearmanr(observed, predicted).statistic
    assert found.spearman.value == pytest.approx(rank) and found.spearman.lower < rank < found.spearman.upper


@pytest.mark.parametrize(("n", "k"), [(10, 2.911), (20, 2.396), (50, 2.065)])
def test_one_sided_tolerance_factors_are_the_published_ones(n: int, k: float) -> None:
    """95 % content with 95 % confidence."""
    assert tolerance_factor(n, stats.norm.ppf(0.95), 0.95) == pytest.approx(k, abs=6e-4)


def test_limits_of_many_patients_have_the_usual_approximate_interval() -> None:
    """Bland & Altman 1999: standard error SD sqrt(1/n + 1.96²/(2 (n - 1)))."""
    draw = np.random.default_rng(2)
    observed = draw.uniform(30, 60, 4000)
    predicted = observed + draw.normal(1, 5, 4000)
    found = per_cent_agreement(observed, predicted, 45.0)
    sd = (predicted - observed).std(ddof=1)
    half = 1.96 * sd * np.sqrt(1 / 4000 + 1.96**2 / (2 * 3999))
    for limit in (found.lower_limit, found.upper_limit):
        assert (limit.value - limit.lower, limit.upper - limit.value) == pytest.approx((half, half), rel=0.05)
    assert found.lower_limit.lower < found.lower_limit.value < found.lower_limit.upper < found.bias.value


def test_intervals_cover_what_is_true_in_small_cohorts() -> None:
    """200 cohorts of 25: bias 3, SD 8, so limits -12.68 and 18.68; within three errors of 95 %."""
    draw = np.random.default_rng(3)
    sure = np.zeros(4)
    folded = 8 * np.sqrt(2 / np.pi) * np.exp(-9 / 128) + 3 * (1 - 2 * stats.norm.cdf(-3 / 8))
    for _ in range(200):
        observed = draw.uniform(40, 60, 25)
        found = per_cent_agreement(observed, np.clip(observed + draw.normal(3, 8, 25), 0, 100), 50.0)
        truth = ((found.bias, 3.0), (found.lower_limit, 3 - 15.68), (found.upper_limit, 3 + 15.68),
                 (found.mean_absolute_error, folded))  # fmt: skip
        sure += [one.lower <= true <= one.upper for one, true in truth]
    assert (np.abs(sure / 200 - 0.95) < 0.046).all()


@given(st.integers(0, 2**32 - 1))
def test_exchanging_two_models_turns_the_sign(seed: int) -> None:
    draw = np.random.default_rng(seed)
    observed, a, b = draw.uniform(0, 100, (3, 12))
    one, other = absolute_error_difference(observed, a, b), absolute_error_difference(observed, b, a)
    assert one.difference == pytest.approx(-other.difference) and one.p == pytest.approx(other.p)
    assert one.lower == pytest.approx(-other.upper) and one.lower <= one.difference <= one.upper
    assert one.difference == pytest.approx(np.abs(a - observed).mean() - np.abs(b - observed).mean())


def test_a_model_against_itself_differs_by_nothing_and_a_shift_by_the_shift() -> None:
    same = absolute_error_difference(OBSERVED, PREDICTED, PREDICTED)
    assert (same.difference, same.lower, same.upper, same.p) == (0, 0, 0, 1)
    shifted = absolute_error_difference([50.0] * 5, [53.0] * 5, [51.0] * 5)
    assert (shifted.difference, shifted.lower, shifted.upper) == (2, 2, 2) and np.isnan(shifted.p)


def test_one_value_for_everybody_has_an_error_and_no_correlation() -> None:
    found = per_cent_agreement(OBSERVED, [25.0] * 4, 25.0)
    assert np.isnan(found.pearson.value) and np.isnan(found.spearman.value)
    assert found.mean_absolute_error.value == 10 and found.gain.p == 1


@pytest.mark.parametrize(
    ("observed", "predicted", "baseline", "said"),
    [
        (OBSERVED, [1.0, 2.0], 25.0, "2 patients"),
        (OBSERVED[:3], PREDICTED[:3], 25.0, "3 patients where 4"),
        (OBSERVED, [1.0, 2.0, 3.0, 4.0, 5.0], 25.0, "shape"),
        (OBSERVED, [1.0, 2.0, 3.0, 140.0], 25.0, "the predicted per cent reaches from 1 to 140"),
        ([-3.0, 2.0, 3.0, 4.0], PREDICTED, 25.0, "the observed per cent reaches from -3"),
        (OBSERVED, [1.0, 2.0, np.nan, 4.0], 25.0, "missing"),
        (OBSERVED, PREDICTED, [25.0] * 5, "shape"),
        (OBSERVED, PREDICTED, 120.0, "the baseline reaches"),
    ],
)
def test_broken_per_cents_are_refused(observed, predicted, baseline, said: str) -> None:
    with pytest.raises(InputError, match=said):
        per_cent_agreement(observed, predicted, baseline)
