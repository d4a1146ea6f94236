"""Calibration: R's val.prob and converged glm, a hand-worked slope, invariances, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_values
from scipy.special import expit, logit
from statsmodels.api import GLM, add_constant, families

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import calibration, calibration_groups, flexible_curve
from dlr.stats.recalibration import fit_logits
from dlr.stats.splines import lowess, restricted_cubic, spline_knots

R = r_values("calibration.json")


def r_probabilities(name: str) -> tuple[np.ndarray, np.ndarray]:
    data = r_data(R[name]["data"])
    return data["y"].to_numpy(), data["p"].to_numpy()


def simulated(n: int = 600, slope: float = 1.0, intercept: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes drawn at `probability`; printed probabilities are off by the given intercept and slope."""
    draw = rng(8, "calibration")
    x = draw.normal(scale=1.2, size=n)
    return draw.random(n) < expit(x), expit((x - intercept) / slope)


@pytest.mark.parametrize("name", R)
def test_intercept_and_slope_with_intervals_equal_r(name: str) -> None:
    found, expected = calibration(*r_probabilities(name), replicates=20), R[name]["converged_glm"]
    for ours, theirs in (
        ("intercept", "calibration_in_the_large"),
        ("slope", "slope"),
        ("joint_intercept", "intercept"),
    ):
        one = getattr(found, ours)
        assert_equals_r([one.value, one.lower, one.upper], [expected[theirs], *expected[f"{theirs}_ci95"]])


@pytest.mark.parametrize("name", R)
def test_brier_and_scaled_brier_equal_r(name: str) -> None:
    found = calibration(*r_probabilities(name), replicates=20)
    assert_equals_r([found.brier.value, found.scaled_brier.value], [R[name]["brier"], R[name]["brier_scaled"]])
    assert_equals_r(found.brier.value, R[name]["val_prob"]["Brier"])


@pytest.mark.parametrize("name", R)
def test_distances_from_lowess_equal_r(name: str) -> None:
    found, expected = calibration(*r_probabilities(name), replicates=20).lowess, R[name]["lowess"]
    assert_equals_r(
        [found.ici, found.e50, found.e90, found.emax], [expected[k] for k in ("Eavg", "E50", "E90", "Emax")]
    )
    val_prob = R[name]["val_prob"]
    assert_equals_r([found.ici, found.e90, found.emax], [val_prob[k] for k in ("Eavg", "E90", "Emax")])


@pytest.mark.parametrize("name", [name for name in R if name != "birthwt_ties"])
def test_lowess_curve_equals_r(name: str) -> None:
    y, p = r_probabilities(name)
    order = np.argsort(p, kind="stable")
    assert_equals_r(lowess(p, y.astype(float))[order], R[name]["lowess"]["y_smooth"])


@pytest.mark.parametrize("name", R)
def test_spline_knots_coefficients_and_distances_equal_r(name: str) -> None:
    (y, p), expected = r_probabilities(name), R[name]["rcs5"]
    x = logit(p)
    knots = spline_knots(x)
    assert_equals_r(knots, expected["knots_logit"])
    fit = fit_logits(y == 1, np.column_stack([np.ones(len(x)), restricted_cubic(x, knots)]))
    # R's normal equations of nearly collinear cubic terms lose digits: the README holds this curve to 1e-7
    assert_equals_r(fit.beta, expected["coefficients"], 1e-7)
    found = calibration(y, p, replicates=20).spline
    theirs = [expected[k] for k in ("ICI", "E50", "E90", "Emax")]
    assert_equals_r([found.ici, found.e50, found.e90, found.emax], theirs)


@pytest.mark.parametrize("name", R)
def test_flexible_curve_equals_r_on_its_grid(name: str) -> None:
    expected = R[name]["rcs5"]
    curve = flexible_curve(*r_probabilities(name), at=expected["grid_p"])
    assert_equals_r(curve["predicted"], expected["grid_p"])
    assert_equals_r(curve["observed"], expected["grid_calibrated"])
    assert (curve["lower"] < curve["observed"]).all()
    assert (curve["observed"] < curve["upper"]).all()


def test_band_equals_the_wald_interval_of_statsmodels() -> None:
    y, p = r_probabilities("pima_te")
    x = logit(p)
    basis = add_constant(restricted_cubic(x, spline_knots(x)))
    fit = GLM(y.astype(float), basis, families.Binomial()).fit(tol=1e-14)
    expected = fit.get_prediction(basis).summary_frame()[["mean_ci_lower", "mean_ci_upper"]]
    np.testing.assert_allclose(flexible_curve(y, p, at=p)[["lower", "upper"]], expected, atol=1e-7)


def test_two_probabilities_by_hand() -> None:
    # p = .2 with 3 of 10 positive, p = .6 with 5 of 10: the logistic goes through both points, so
    # slope = (logit .5 - logit .3) / (logit .6 - logit .2), intercept = logit .3 - slope logit .2
    p = np.repeat([0.2, 0.6], 10)
    y = np.repeat([1, 0, 1, 0], [3, 7, 5, 5])
    found = calibration(y, p, replicates=20)
    slope = (logit(0.5) - logit(0.3)) / (logit(0.6) - logit(0.2))
    assert found.slope.value == pytest.approx(slope, abs=1e-12)
    assert found.joint_intercept.value == pytest.approx(logit(0.3) - slope * logit(0.2), abs=1e-12)
    # Brier: (3 · .64 + 7 · .04 + 5 · .16 + 5 · .36) / 20 = 4.8 / 20; prevalence .4, worst .24
    assert found.brier.value == pytest.approx(0.24, abs=1e-15)
    assert found.scaled_brier.value == pytest.approx(0, abs=1e-14)
    assert found.curve.empty
    assert found.groups[["predicted", "observed", "n"]].to_numpy() == pytest.approx(
        np.array([[0.2, 0.3, 10], [0.6, 0.5, 10]])
    )


def test_recalibration_equals_statsmodels() -> None:
    positive, p = simulated(slope=1.4, intercept=0.3)
    joint = GLM(positive.astype(float), add_constant(logit(p)), families.Binomial()).fit(tol=1e-14)
    offset = GLM(positive.astype(float), np.ones(len(p)), families.Binomial(), offset=logit(p)).fit(tol=1e-14)
    found = calibration(positive, p, replicates=20)
    ours = [found.joint_intercept.value, found.slope.value, found.intercept.value]
    assert ours == pytest.approx([*joint.params, *offset.params], abs=1e-10)
    assert [found.slope.lower, found.slope.upper] == pytest.approx(list(joint.conf_int()[1]), abs=1e-7)


@given(st.floats(0.4, 2.5), st.floats(-1.5, 1.5))
@settings(max_examples=25)
def test_slope_and_intercept_undo_a_known_distortion(slope: float, intercept: float) -> None:
    positive, p = simulated()
    plain = calibration(positive, p, replicates=5)
    distorted = calibration(positive, expit((logit(p) - intercept) / slope), replicates=5)
    assert distorted.slope.value == pytest.approx(slope * plain.slope.value, abs=1e-8)
    shift = intercept * plain.slope.value + plain.joint_intercept.value
    assert distorted.joint_intercept.value == pytest.approx(shift, abs=1e-8)


def test_true_probabilities_are_found_calibrated() -> None:
    found = calibration(*simulated())
    for one, ideal in ((found.intercept, 0), (found.slope, 1), (found.joint_intercept, 0)):
        assert one.lower < ideal < one.upper
    assert found.spline.ici < 0.04
    inside = (found.curve["lower"] <= found.curve["predicted"]) & (found.curve["predicted"] <= found.curve["upper"])
    assert inside.mean() > 0.9


def test_a_curve_needs_a_hundred_patients_in_each_class() -> None:
    positive, p = simulated()
    few = np.flatnonzero(positive)[:99]
    enough = np.flatnonzero(positive)[:100]
    others = np.flatnonzero(~positive)
    for chosen, rows in ((few, 0), (enough, 101)):
        members = np.concatenate([chosen, others])
        found = calibration(positive[members], p[members], replicates=5).curve
        assert len(found) == rows
        assert list(found.columns) == ["predicted", "observed", "lower", "upper"]


def test_lowess_of_a_value_that_fills_the_window_is_the_mean_of_its_ties() -> None:
    curve = lowess(np.array([0.2] * 8 + [0.5, 0.9]), np.array([1.0, 0, 0, 0, 1, 0, 0, 0, 1, 1]))
    assert curve[:8] == pytest.approx(np.full(8, 0.25))
    assert np.isfinite(curve).all()


def test_separated_classes_have_no_slope() -> None:
    complete, quasi = [0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1]
    for y, p in ((complete, [0.1, 0.2, 0.3, 0.4, 0.6, 0.7]), (quasi, [0.1, 0.2, 0.3, 0.3, 0.6, 0.7])):
        found = calibration(y, p, replicates=20)
        assert np.isnan([found.slope.value, found.slope.lower, found.slope.upper, found.joint_intercept.value]).all()
        assert np.isfinite([found.intercept.value, found.brier.value]).all()


def test_slope_is_undefined_exactly_where_one_cut_separates_the_classes() -> None:
    draw = rng(7, "separated")
    for _ in range(150):
        x, y = np.round(3 * draw.normal(size=9)), np.arange(9) % 3 == 0
        one_way, other_way = x[y].min() >= x[~y].max(), x[y].max() <= x[~y].min()
        undefined = np.isnan(fit_logits(y, np.column_stack([np.ones(9), x])).beta).all()
        assert undefined == (one_way or other_way)


def test_constant_probability_has_an_intercept_but_no_slope() -> None:
    found = calibration([1, 0, 0, 1, 0], np.full(5, 0.5), replicates=20)
    assert np.isnan([found.slope.value, found.spline.ici]).all()
    assert found.intercept.value == pytest.approx(logit(0.4), abs=1e-12)
    assert found.lowess.ici == pytest.approx(0.1, abs=1e-12)
    assert len(found.groups) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("spread", [10.0**power for power in np.arange(-10, -5, 0.5)])
def test_what_a_nearly_constant_probability_cannot_tell_is_undefined(spread: float) -> None:
    """A strong penalty leaves probabilities that differ in the ninth digit: columns of a spline are then the same."""
    draw = rng(3, "nearly constant")
    p = expit(0.7 + spread * draw.normal(0, 10, 169))
    found = calibration(draw.random(169) < p, p, replicates=20)
    for one in (found.slope, found.joint_intercept):
        assert np.isnan(one.value) or one.lower < one.value < one.upper
    assert np.isfinite(found.intercept.value) and found.intercept.lower < found.intercept.value


def test_probabilities_of_zero_and_one_are_counted() -> None:
    found = calibration([0, 0, 1, 1, 0, 1], [0.0, 0.2, 0.6, 1.0, 1.0, 0.3], replicates=20)
    assert found.at_the_edge == 3
    assert np.isfinite([found.slope.value, found.intercept.value, found.brier.value]).all()


def test_brier_interval_is_seeded_and_holds_the_value() -> None:
    positive, p = simulated()
    found, again = calibration(positive, p), calibration(positive, p)
    assert found.brier == again.brier
    assert found.brier.lower < found.brier.value < found.brier.upper
    assert found.scaled_brier.lower < found.scaled_brier.value < found.scaled_brier.upper
    formula = 1.96 * ((p - positive) ** 2).std() / np.sqrt(len(p))
    assert (found.brier.upper - found.brier.lower) / 2 == pytest.approx(formula, rel=0.1)


def test_the_prevalence_is_drawn_with_the_brier_score() -> None:
    """Of patients told .2, squared errors are .64 or .04: within the classes all replicates would be alike."""
    positive = np.arange(100) < 30
    p = np.full(100, 0.2) + np.linspace(0, 1e-9, 100)
    found = calibration(positive, p, replicates=2000)
    spread = 1.96 * np.sqrt(0.3 * 0.7 / 100) * 0.6
    assert found.brier.upper - found.brier.lower == pytest.approx(2 * spread, rel=0.1)
    assert found.scaled_brier.upper <= 1e-6, "the prevalence of the replicate is the best constant there"


@given(st.integers(2, 12))
def test_groups_hold_every_patient_once(groups: int) -> None:
    positive, p = simulated(n=100)
    table = calibration_groups(positive, p, groups)
    assert table["n"].sum() == 100
    assert (table["observed"] * table["n"]).sum() == pytest.approx(positive.sum())
    assert (table["predicted"] * table["n"]).sum() == pytest.approx(p.sum())
    assert table["predicted"].is_monotonic_increasing


def test_restricted_cubic_is_linear_beyond_the_outer_knots() -> None:
    knots = np.array([-2.0, -1.0, 0.0, 1.0, 3.0])
    for outside in (np.linspace(-9, -2, 8), np.linspace(3, 12, 8)):
        curvature = np.diff(restricted_cubic(outside, knots), n=2, axis=0)
        assert np.abs(curvature).max() < 1e-10


@pytest.mark.parametrize("statistic", [calibration, flexible_curve, calibration_groups])
@pytest.mark.parametrize(
    ("positive", "p", "said"),
    [
        ([1, 1, 0, 0], [0.1, 0.2, 1.3, 0.4], "reaches from 0.1 to 1.3"),
        ([1, 1, 0, 0], [-0.1, 0.2, 0.3, 0.4], "reaches from -0.1 to 0.4"),
        ([1, 1, 0, 0], [np.nan, 0.2, 0.3, 0.4], "missing or infinite"),
        ([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], "1 positive"),
    ],
)
def test_broken_input_is_named(statistic, positive, p, said) -> None:
    with pytest.raises(InputError, match=said):
        statistic(positive, p)
