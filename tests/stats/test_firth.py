"""Firth's penalised likelihood: brglm2 and logistf values, hand-worked table, properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_formula, r_values
from scipy.optimize import minimize
from scipy.stats import chi2

from dlr.stats import LogisticFit, firth, logistic
from dlr.stats.firth import JeffreysLikelihood
from dlr.stats.separation import separating_terms
from dlr.words import logit

COLUMNS = {
    "estimate": "estimate", "se": "se", "z": "z", "p": "p_wald", "profile_lower": "penalised_profile_low",
    "profile_upper": "penalised_profile_high", "lr_chi2": "penalised_lr_chi2", "lr_p": "penalised_lr_p",
}  # fmt: skip


@pytest.mark.parametrize("name", r_values("logistic.json")["firth"])
def test_terms_equal_r(name: str) -> None:
    expected = r_values("logistic.json")["firth"][name]
    frame, outcome = r_formula(r_data(expected["data"]), expected["formula"])
    fit = firth(frame, outcome)
    for ours, theirs in COLUMNS.items():
        assert_equals_r(fit.terms[ours], expected["terms"][theirs])
    assert_equals_r([fit.log_likelihood, fit.maximised], [expected["loglik_at_firth"], expected["penalised_loglik"]])
    assert_equals_r(fit.predict(frame)[:5], expected["fitted_first5"])


def test_a_saturated_table_gets_half_a_patient_in_every_cell() -> None:
    """With a coefficient a group Jeffreys' prior adds ½ to each cell (Firth 1993): here 10 of 10 and 12 of 30."""
    x, y = np.repeat([1.0, 0.0], [10, 30]), np.repeat([1, 1, 0], [10, 12, 18])
    fit = firth(pd.DataFrame({"x": x}), y)
    assert fit.terms.loc["x", "estimate"] == pytest.approx(np.log(10.5 / 0.5 / (12.5 / 18.5)), abs=1e-12)
    assert fit.separated == ("x",)


def test_the_penalised_profile_of_endometrial_nv_is_the_published_one() -> None:
    """Heinze & Schemper 2002: 2.93 (0.61 to 7.85)."""
    data = r_data("endometrial.csv")
    term = firth(data[["NV", "PI", "EH"]], data["HG"]).terms.loc["NV"]
    assert [round(term[c], 2) for c in ("estimate", "profile_lower", "profile_upper")] == [2.93, 0.61, 7.85]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_estimates_are_finite_whatever_the_separation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(np.round(rng.normal(size=(25, 2)), 1), columns=["a", "b"])
    y = (frame["a"] + 0.3 * rng.normal(size=25) > frame["a"].median()).astype(int).to_numpy()
    fit = firth(frame, y)
    assert np.isfinite(fit.terms[["estimate", "se"]].to_numpy()).all()
    assert (
        (fit.terms["profile_lower"] < fit.terms["estimate"]) & (fit.terms["estimate"] < fit.terms["profile_upper"])
    ).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 20))
def test_separation_is_named_exactly_where_the_likelihood_never_stops_rising(seed: int, n: int) -> None:
    """The linear programme against a long walk uphill: without separation the maximum lies near."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 2, n)})
    y = rng.integers(0, 2, n)
    if len(set(y)) < 2 or frame["b"].nunique() < 2:
        return
    x = np.column_stack([np.ones(n), frame])
    if np.linalg.matrix_rank(x) < 3:
        return
    fit = logistic(frame, y, on_separation="report", profile=False)
    assert bool(fit.separated) == bool(separating_terms(x, y).any())
    if not fit.separated:
        gradient = x.T @ (y - fit.predict(frame))
        np.testing.assert_allclose(gradient, 0, atol=1e-9)


# two cohorts of 30 patients whose signature separates the classes on a short stretch of logits: the profile of the
# intercept has two summits there
SEPARATED = {
    7: (
        "0.3453 0.3441 0.3452 0.3449 0.345 0.3452 0.3449 0.3454 0.3458 0.3451 0.3456 0.3449 0.3452 0.3447 0.3448 "
        "0.3444 0.3444 0.3454 0.3449 0.3447 0.3452 0.3449 0.3448 0.3465 0.347 0.3471 0.3469 0.3473 0.3471 0.3471",
        "010100010010100001000000011010",
        "53 65 54 65 54 56 49 57 41 47 61 41 32 68 39 28 61 35 58 51 47 46 50 54 65 59 64 51 57 61",
    ),
    10: (
        "0.3462 0.3452 0.3453 0.3448 0.3455 0.3451 0.3453 0.3454 0.345 0.3446 0.3449 0.3449 0.345 0.3445 0.3447 "
        "0.3454 0.3446 0.3447 0.3443 0.3449 0.3464 0.3471 0.3468 0.3468 0.3468 0.3467 0.3467 0.3478 0.3469 0.3471",
        "001001000111001100000011110101",
        "32 38 41 46 42 57 64 41 68 53 63 63 69 41 79 28 42 53 77 51 52 66 34 44 59 70 75 73 56 63",
    ),
}


def separated_cohort(positives: int) -> tuple[pd.DataFrame, np.ndarray]:
    signature, er, age = SEPARATED[positives]
    frame = pd.DataFrame({"rad": signature.split(), "er": list(er), "age": age.split()}).astype(float)
    return frame, np.repeat([0, 1], [30 - positives, positives])


def assert_limits_are_the_profiles(fit: LogisticFit, x: np.ndarray, y: np.ndarray) -> None:
    """Every finite limit lies where the penalised likelihood, maximised by another method, has fallen by χ²/2."""
    scale = np.sqrt((x**2).mean(axis=0))
    z, b = x / scale, fit.coefficients * scale

    def value(beta: np.ndarray) -> float:
        eta = z @ beta
        p = np.clip(1 / (1 + np.exp(-np.clip(eta, -500, 500))), 1e-300, 1)
        sign, determinant = np.linalg.slogdet((z.T * (p * (1 - p))) @ z)
        return float(y @ eta - np.logaddexp(0, eta).sum() + determinant / 2) if sign > 0 else -1e9

    for j, term in enumerate(fit.terms.index):
        rest = np.delete(np.arange(len(b)), j)
        for column in ("profile_lower", "profile_upper"):
            limit = fit.terms.loc[term, column] * scale[j]
            if not np.isfinite(limit):
                continue

            def fall(others: np.ndarray, j: int = j, rest: np.ndarray = rest, limit: float = limit) -> float:
                beta = np.empty(len(b))
                beta[j], beta[rest] = limit, others
                return -value(beta)

            share = limit / b[j] if b[j] else 1.0
            starts = [b[rest], b[rest] * share, b[rest] + 1.0]
            options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-9, "fatol": 1e-9}
            highest = -min(minimize(fall, start, method="Nelder-Mead", options=options).fun for start in starts)
            assert 2 * (value(b) - highest) > chi2.ppf(0.95, 1) - 1e-3, (term, column)


@pytest.mark.parametrize("positives", SEPARATED)
def test_a_signature_that_separates_on_a_short_stretch_has_its_profile_limits(positives: int) -> None:
    frame, y = separated_cohort(positives)
    fit = firth(frame, y, logits=["rad"])
    limits = fit.terms[["profile_lower", "estimate", "profile_upper"]]
    assert np.isfinite(limits.to_numpy()).all() and fit.notes == ()
    assert (limits.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    assert_limits_are_the_profiles(fit, fit.design.matrix(frame), y)


def test_limits_follow_the_unit_of_a_separating_column() -> None:
    """The signature's logits moved and stretched: slopes and their limits stretch back."""
    frame, y = separated_cohort(7)
    rad = logit(frame["rad"].to_numpy())
    raw, moved = (firth(frame.assign(rad=column), y) for column in (rad, 1000 * (rad - rad.mean())))
    columns = ["estimate", "profile_lower", "profile_upper"]
    terms = raw.terms.loc[["rad", "er", "age"], columns].mul([1 / 1000, 1, 1], axis=0)
    np.testing.assert_allclose(moved.terms.loc[["rad", "er", "age"], columns], terms, rtol=1e-4, atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-4, 1e-3, 1e-2, 0.5]), st.booleans())
def test_separated_and_nearly_separated_designs_end_in_limits_or_in_a_note(seed: int, gap: float, torn: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 32))
    y = (np.arange(n) >= n - int(rng.integers(3, n // 2))).astype(int)
    signature = np.sort(rng.normal(0, 10 ** rng.uniform(-4, 0), n)) + gap * y
    if torn:  # the classes overlap by one pair of patients
        signature[[y.argmax() - 1, y.argmax()]] = signature[[y.argmax(), y.argmax() - 1]]
    frame = pd.DataFrame({"s": signature + 0.5, "er": rng.permutation(np.arange(n) % 2), "age": rng.normal(52, 11, n)})
    fit = firth(frame, y)
    below, above = fit.terms["profile_lower"], fit.terms["profile_upper"]
    assert not (below >= fit.terms["estimate"]).any() and not (above <= fit.terms["estimate"]).any()
    missing = int(below.isna().sum() + above.isna().sum())
    assert len(fit.notes) == missing and all("profile limit of" in note for note in fit.notes)
    assert np.isfinite(fit.terms["lr_p"]).all()


def test_a_limit_that_cannot_be_followed_is_nan_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A likelihood whose summit is lost beyond a point, as by an optimiser that fails there."""
    frame, y = separated_cohort(7)
    plain = JeffreysLikelihood.value

    def cut(self: JeffreysLikelihood, beta: np.ndarray) -> float:
        return plain(self, beta) if beta[3] < 5 else -np.inf

    monkeypatch.setattr(JeffreysLikelihood, "value", cut)
    fit = firth(frame, y, logits=["rad"])
    assert np.isnan(fit.terms.loc["age", "profile_upper"]) and np.isfinite(fit.terms.loc["age", "profile_lower"])
    assert "the upper profile limit of age could not be found" in fit.notes
    again = LogisticFit.from_json(fit.to_json())
    assert again.notes == fit.notes
