"""Splines in logistic models: knots and basis, the effect that is printed, and the nomogram that turns back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from r_reference import r_data
from scipy.stats import chi2

from dlr.errors import InputError
from dlr.stats import Design, Nomogram, contrast, effects, firth, likelihood_ratio, logistic, ridge, stepwise
from dlr.stats.splines import restricted_cubic, spline_knots


def bowl(n: int = 400, seed: int = 3) -> tuple[pd.DataFrame, np.ndarray]:
    """Risk is lowest at 50 and high at both ends."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": generator.uniform(20, 80, n), "er": generator.integers(0, 2, n).astype(float)})
    p = 1 / (1 + np.exp(-(((frame["age"] - 50) / 12) ** 2 - 2 + frame["er"])))
    return frame, (generator.random(n) < p).astype(float).to_numpy()


def test_three_knots_are_harrells() -> None:
    x = np.arange(1.0, 202.0)
    assert spline_knots(x, 3).tolist() == [21, 101, 181], "the quantiles .1, .5, .9"
    assert spline_knots(np.arange(1.0, 21.0), 3).tolist() == [5, 10.5, 16], "the fifth from either end under 100"


def test_a_spline_is_two_terms_of_harrells_basis_in_every_estimator() -> None:
    frame, outcome = bowl()
    knots = spline_knots(frame["age"].to_numpy(), 3)
    basis = restricted_cubic(frame["age"].to_numpy(), knots)
    by_hand = pd.DataFrame({"age": basis[:, 0], "bend": basis[:, 1], "er": frame["er"]})
    for estimator in (logistic, firth, ridge):
        fit = estimator(frame, outcome, splines=["age"])
        assert tuple(fit.terms.index) == ("(Intercept)", "age", "age'", "er")
        np.testing.assert_allclose(fit.coefficients, estimator(by_hand, outcome).coefficients, rtol=1e-9)
        again = type(fit).from_json(fit.to_json())
        np.testing.assert_array_equal(again.predict(frame), fit.predict(frame))
    chosen = stepwise(frame, outcome, splines=["age"])
    assert "age'" in chosen.terms.index and chosen.path[0].aic == pytest.approx(logistic(by_hand, outcome).aic)


def test_beyond_the_outer_knots_the_effect_is_a_straight_line() -> None:
    frame, outcome = bowl()
    fit = logistic(frame, outcome, splines=["age"])
    (age, _) = fit.design.variables
    far = pd.DataFrame({"age": age.knots[-1] + np.array([0.0, 10.0, 20.0, 30.0]), "er": 0.0})
    steps = np.diff(fit.linear_predictor(far))
    np.testing.assert_allclose(steps, steps[0])
    assert np.isnan(fit.predict(far.assign(age=np.nan))).all()


def test_the_printed_effect_is_of_the_quartiles_and_its_p_of_both_terms() -> None:
    frame, outcome = bowl()
    fit = logistic(frame, outcome, splines=["age"])
    low, high = np.quantile(frame["age"], (0.25, 0.75))
    two = pd.DataFrame({"age": [low, high], "er": 0.0})
    table = effects(fit, frame)
    assert table.index.tolist() == [f"age, {high:.4g} against {low:.4g}", "age, bend", "er"]
    assert table["estimate"].iloc[0] == pytest.approx(float(np.diff(fit.linear_predictor(two))[0]))
    ratio = likelihood_ratio(logistic(frame[["er"]], outcome), fit)
    assert abs(np.log10(table["p"].iloc[0]) - np.log10(ratio.p)) < 0.45 * abs(np.log10(ratio.p)), "Wald's, 2 df"
    beta, v = fit.coefficients[1:3], fit.vcov[1:3, 1:3]
    assert table["p"].iloc[0] == pytest.approx(chi2.sf(beta @ np.linalg.inv(v) @ beta, 2))
    assert table["p"].iloc[1] < 1e-6, "not a straight line"
    assert table.loc["er", "p"] == fit.terms.loc["er", "p"]
    straight = logistic(frame, outcome)
    estimate, se = contrast(straight, "age", 40, 50)
    assert (estimate, se) == pytest.approx(
        (10 * straight.terms.loc["age", "estimate"], 10 * straight.terms.loc["age", "se"])
    )


def test_what_cannot_bend_is_refused_by_name() -> None:
    frame, outcome = bowl()
    with pytest.raises(InputError, match="spline of column er"):
        logistic(frame, outcome, splines=["er"])
    with pytest.raises(InputError, match="three knots"):
        Design.of(pd.DataFrame({"age": [1.0] * 95 + [2.0, 3.0, 4.0, 5.0, 6.0]}), splines=["age"])
    with pytest.raises(InputError, match="no column weight"):
        Design.of(frame, splines=["weight"])


def test_a_nomogram_gives_a_splines_risk_back_and_starts_where_it_turns() -> None:
    frame, outcome = bowl()
    fit = logistic(frame, outcome, splines=["age"])
    paper = Nomogram.from_json(Nomogram.from_logistic(fit).to_json())
    np.testing.assert_allclose(paper.risk(paper.total(frame)), fit.predict(frame), rtol=1e-9)
    (age, er) = paper.axes
    assert age.turn is not None and er.turn is None
    assert age.ticks[age.turn].points == 0 and 44 < float(age.ticks[age.turn].value) < 56
    assert paper.points(frame)["age"].min() >= -1e-3, "no patient inside the axis has points below 0"
    data = r_data("birthwt.csv")
    assert all(axis.turn is None for axis in Nomogram.from_logistic(logistic(data[["age", "lwt"]], data["low"])).axes)
