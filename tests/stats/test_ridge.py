"""Ridge: scikit-learn's optimum, no penalty equals maximum likelihood, the choice of strength."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from r_reference import r_data
from sklearn.linear_model import LogisticRegression

from dlr.stats import LogisticFit, logistic, ridge

DATA = r_data("pima_tr.csv")
FRAME, OUTCOME = DATA[["glu", "bmi", "age", "ped"]], DATA["type"]


def test_estimates_equal_scikit_learn_on_standardised_columns() -> None:
    fit = ridge(FRAME, OUTCOME, penalty=7.0)
    sd = FRAME.std(ddof=0)
    model = LogisticRegression(C=1 / 7.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    model.fit((FRAME - FRAME.mean()) / sd, OUTCOME)
    np.testing.assert_allclose(fit.coefficients[1:], model.coef_[0] / sd, rtol=1e-7)


def test_no_penalty_is_maximum_likelihood() -> None:
    plain, none = logistic(FRAME, OUTCOME, profile=False), ridge(FRAME, OUTCOME, penalty=0.0)
    np.testing.assert_allclose(none.terms, plain.terms, rtol=1e-10)
    assert none.effective_df == pytest.approx(4, abs=1e-10)


def test_a_stronger_penalty_shrinks_and_spends_fewer_degrees_of_freedom() -> None:
    fits = [ridge(FRAME, OUTCOME, penalty=penalty) for penalty in (0.0, 1.0, 10.0, 1000.0)]
    lengths = [float((f.coefficients[1:] ** 2 * FRAME.var(ddof=0).to_numpy()).sum()) for f in fits]
    assert lengths == sorted(lengths, reverse=True)
    dfs = [f.effective_df for f in fits]
    assert dfs == sorted(dfs, reverse=True) and dfs[-1] < 1
    assert fits[-1].predict(FRAME).mean() == pytest.approx(OUTCOME.mean())  # the intercept is free


def test_noise_gets_a_strong_penalty_and_signal_a_weak_one() -> None:
    rng = np.random.default_rng(5)
    noise = pd.DataFrame(rng.normal(size=(80, 6)))
    noise.columns = [f"x{k}" for k in range(6)]
    y = rng.permutation(np.repeat([0, 1], 40))
    assert ridge(noise, y).penalty > 10 * max(0.1, ridge(FRAME, OUTCOME).penalty)


def test_separation_is_named_and_the_fit_finite() -> None:
    data = r_data("endometrial.csv")
    fit = ridge(data[["NV", "PI", "EH"]], data["HG"])
    assert fit.separated == ("NV",) and fit.penalty > 0
    assert np.isfinite(fit.coefficients).all()
    assert LogisticFit.from_json(fit.to_json()).penalty == fit.penalty
