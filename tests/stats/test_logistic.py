"""Logistic regression: R's converged glm, hand-worked tables, published odds, separation, broken input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_formula, r_values
from scipy.special import expit

from dlr.errors import InputError
from dlr.stats import LogisticFit, drop_one, likelihood_ratio, logistic
from dlr.words import logit

COHORTS = ("birthwt", "pima_tr", "asah", "nodal")
MODELS = [(cohort, "multivariable", "") for cohort in COHORTS] + [
    (cohort, "univariable", name) for cohort in COHORTS for name in r_values("logistic.json")[cohort]["univariable"]
]
COLUMNS = {
    "estimate": "estimate", "se": "se", "z": "z", "p": "p", "lower": "wald_low", "upper": "wald_high",
    "odds_ratio": "or", "or_lower": "or_wald_low", "or_upper": "or_wald_high",
    "profile_lower": "profile_low", "profile_upper": "profile_high",
}  # fmt: skip


def r_model(cohort: str, kind: str, name: str) -> tuple[dict, LogisticFit, pd.DataFrame, pd.Series]:
    of_cohort = r_values("logistic.json")[cohort]
    expected = of_cohort[kind][name] if name else of_cohort[kind]
    frame, outcome = r_formula(r_data(of_cohort["data"]), expected["formula"])
    return expected, logistic(frame, outcome), frame, outcome


def two_by_two(exposed_positive: int, exposed: int, other_positive: int, other: int) -> tuple[pd.DataFrame, np.ndarray]:
    x = np.repeat([1.0, 0.0], [exposed, other])
    y = np.repeat([1, 0, 1, 0], [exposed_positive, exposed - exposed_positive, other_positive, other - other_positive])
    return pd.DataFrame({"x": x}), y


@pytest.mark.parametrize(("cohort", "kind", "name"), MODELS)
def test_terms_and_fit_equal_r(cohort: str, kind: str, name: str) -> None:
    expected, fit, frame, _outcome = r_model(cohort, kind, name)
    for ours, theirs in COLUMNS.items():
        assert_equals_r(fit.terms[ours], expected["terms"][theirs])
    assert_equals_r(fit.vcov, expected["vcov"])
    assert_equals_r(fit.predict(frame)[:5], expected["fitted_first5"])
    assert_equals_r(fit.linear_predictor(frame)[:5], expected["linear_predictor_first5"])
    ours = [fit.deviance, fit.log_likelihood, fit.aic, -2 * fit.null_log_likelihood]
    assert_equals_r(ours, [expected[key] for key in ("deviance", "loglik", "aic", "null_deviance")])
    ours = [fit.r2_nagelkerke, fit.r2_cox_snell]
    assert_equals_r(ours, [expected[key] for key in ("r2_nagelkerke", "r2_cox_snell")])
    assert (fit.n, fit.n_positive, fit.method, fit.separated) == (expected["n"], expected["events"], "ML", ())


@pytest.mark.parametrize("cohort", COHORTS)
def test_drop_one_equals_r_with_a_factor_as_a_whole(cohort: str) -> None:
    expected, fit, frame, outcome = r_model(cohort, "multivariable", "")
    ours, theirs = drop_one(frame, outcome), expected["lr_test"]
    assert list(ours.index) == theirs["term"]
    for column in ("df", "deviance", "aic", "lrt", "p"):
        assert_equals_r(ours[column], theirs[column])
    single = ours.index[ours["df"] == 1][0]
    assert fit.terms["lr_chi2"].filter(like=single).iloc[0] == pytest.approx(ours.loc[single, "lrt"], abs=1e-10)


def test_likelihood_ratio_of_nested_models_is_their_difference_in_deviance() -> None:
    expected, fit, frame, outcome = r_model("asah", "multivariable", "")
    test = likelihood_ratio(logistic(frame.drop(columns="wfnsf"), outcome), fit)
    at = expected["lr_test"]["term"].index("wfnsf")
    assert_equals_r([test.statistic, test.df, test.p], [expected["lr_test"][key][at] for key in ("lrt", "df", "p")])


def test_estimates_of_a_two_by_two_table_are_its_log_odds() -> None:
    """log odds ratio log(30·60 / (20·40)), se √(1/30 + 1/20 + 1/40 + 1/60) = √0.125: worked on paper."""
    frame, y = two_by_two(30, 50, 40, 100)
    term = logistic(frame, y).terms.loc["x"]
    assert term["estimate"] == pytest.approx(np.log(30 * 60 / (20 * 40)), abs=1e-14)
    assert term["se"] == pytest.approx(np.sqrt(1 / 30 + 1 / 20 + 1 / 40 + 1 / 60), abs=1e-14)


@pytest.mark.parametrize(
    ("variable", "exposed_positive", "exposed", "odds_ratio", "lower", "upper"),
    [
        ("er", 20, 96, 0.24, 0.11, 0.52),
        ("menopause", 23, 71, 1.17, None, None),
        ("lymph_metastasis", 16, 46, 1.32, None, None),
        ("calcification", 24, 59, 2.24, 1.08, 4.65),
        ("family_history", 2, 5, 1.53, None, None),
    ],
)
def test_univariable_odds_of_the_published_training_side(
    variable: str, exposed_positive: int, exposed: int, odds_ratio: float, lower: float | None, upper: float | None
) -> None:
    """Hu et al. 2025: 43 of 140 positive; counts recovered from the printed intervals, to the two printed digits."""
    frame, y = two_by_two(exposed_positive, exposed, 43 - exposed_positive, 140 - exposed)
    term = logistic(frame, y).terms.loc["x"]
    assert round(term["odds_ratio"], 2) == odds_ratio
    if lower is not None:
        assert (round(term["or_lower"], 2), round(term["or_upper"], 2)) == (lower, upper)


def test_a_signature_enters_as_its_clipped_logit() -> None:
    rng = np.random.default_rng(3)
    p = np.concatenate([[0.0, 1.0], rng.beta(2, 2, 98)])
    y = (rng.random(100) < p).astype(int)
    by_design = logistic(pd.DataFrame({"DL": p}), y, logits=["DL"])
    by_hand = logistic(pd.DataFrame({"DL": logit(p)}), y)
    np.testing.assert_allclose(by_design.coefficients, by_hand.coefficients, atol=1e-13)
    np.testing.assert_allclose(
        by_design.predict(pd.DataFrame({"DL": p})), by_hand.predict(pd.DataFrame({"DL": logit(p)}))
    )


def test_weights_count_patients_several_times() -> None:
    rng = np.random.default_rng(4)
    frame, weights = pd.DataFrame({"a": rng.normal(size=60)}), rng.integers(1, 4, 60)
    y = (rng.random(60) < expit(frame["a"])).astype(int).to_numpy()
    weighted = logistic(frame, y, weights=weights)
    repeated = logistic(frame.loc[frame.index.repeat(weights)].reset_index(drop=True), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.terms, repeated.terms, atol=1e-10)


def test_an_offset_of_the_fit_itself_leaves_nothing_to_estimate() -> None:
    _, fit, frame, outcome = r_model("birthwt", "multivariable", "")
    again = logistic(frame, outcome, offset=fit.linear_predictor(frame))
    np.testing.assert_allclose(again.coefficients, 0, atol=1e-12)


def test_quasi_separation_is_named_and_fitted_by_firth() -> None:
    data = r_data("endometrial.csv")
    fit = logistic(data[["NV", "PI", "EH"]], data["HG"])
    assert (fit.method, fit.separated) == ("Firth", ("NV",))
    assert np.isfinite(fit.terms.to_numpy()).all()


def test_separation_can_be_reported_instead() -> None:
    data = r_data("iris2.csv")
    fit = logistic(data[["petal_length"]], data["versicolor"], on_separation="report")
    assert (fit.method, fit.separated) == ("ML", ("(Intercept)", "petal_length"))
    assert fit.log_likelihood == pytest.approx(0, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_do_not_matter(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
    y = (rng.random(80) < expit(frame["a"])).astype(int).to_numpy()
    fit = logistic(frame, y, profile=False)
    other = logistic(frame.assign(a=frame["a"] * scale + shift), y, profile=False)
    assert other.terms.loc["a", "estimate"] * scale == pytest.approx(fit.terms.loc["a", "estimate"], rel=1e-8, abs=1e-8)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_mean_probability_is_the_prevalence_and_limits_enclose_the_estimate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["x", "y", "z"], 60)})
    y = (rng.random(60) < 0.4).astype(int)
    fit = logistic(frame, y, on_separation="report")
    if not fit.separated:
        assert fit.predict(frame).mean() == pytest.approx(y.mean(), abs=1e-12)
    t = fit.terms
    assert ((t["profile_lower"] < t["estimate"]) & (t["estimate"] < t["profile_upper"])).all() or fit.separated


def test_json_gives_the_fit_back_to_the_last_bit() -> None:
    data = r_data("endometrial.csv")
    for fit in (r_model("asah", "multivariable", "")[1], logistic(data[["NV", "PI", "EH"]], data["HG"], profile=False)):
        again = LogisticFit.from_json(fit.to_json())
        assert again.to_json() == fit.to_json()
        pd.testing.assert_frame_equal(again.terms, fit.terms, check_exact=True)
        assert (again.design.terms, again.path, again.separated) == (fit.design.terms, fit.path, fit.separated)


def test_levels_are_one_whether_number_or_text() -> None:
    data = r_data("asah.csv")
    frame = data.assign(wfns=pd.Categorical(data["wfns"]))[["age", "wfns"]]
    fit = logistic(frame, data["outcome"], profile=False)
    assert fit.variables == ("age", "wfns") and list(fit.terms.index[-2:]) == ["wfns=4", "wfns=5"]
    np.testing.assert_array_equal(fit.predict(frame), fit.predict(data[["age", "wfns"]].astype({"wfns": str})))
    np.testing.assert_array_equal(fit.predict(frame), fit.predict(data[["wfns", "age"]].astype({"wfns": float})))


def test_a_missing_value_at_prediction_gives_nan_for_that_patient_only() -> None:
    data = r_data("birthwt.csv")
    fit = logistic(data[["age", "race"]], data["low"], references={"race": "white"}, profile=False)
    new = pd.DataFrame({"age": [20, np.nan, 30], "race": ["black", "white", None]})
    assert list(np.isnan(fit.predict(new))) == [False, True, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(age=np.nan), "missing"),
        (lambda f: f.assign(age=np.inf), "infinite"),
        (lambda f: f.assign(age=3.0), "constant"),
        (lambda f: f.assign(race="white"), "one level"),
        (lambda f: f.assign(twice=2 * f["age"] + 1), "twice.*linear combination"),
        (lambda f: f[["age", "age"]], "two columns are named age"),
    ],
)
def test_a_column_that_cannot_be_fitted_is_named(change, words: str) -> None:
    data = r_data("birthwt.csv")
    with pytest.raises(InputError, match=words):
        logistic(change(data[["age", "race"]]), data["low"])


def test_nearly_collinear_columns_are_fitted_or_refused_never_passed_over() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80)})
    frame["b"] = frame["a"] + 1e-6 * rng.normal(size=80)
    y = (rng.random(80) < expit(frame["a"])).astype(int).to_numpy()
    fit = logistic(frame, y, profile=False)
    x = np.column_stack([np.ones(80), frame])
    np.testing.assert_allclose(x.T @ (y - fit.predict(frame)), 0, atol=1e-9)


def test_all_broken_columns_are_named_at_once() -> None:
    data = r_data("birthwt.csv")
    with pytest.raises(InputError) as caught:
        logistic(data[["age", "lwt"]].assign(age=1.0, lwt=np.nan), data["low"])
    assert [problem.where for problem in caught.value.problems] == ["column age", "column lwt"]


def test_broken_outcomes_and_tables_are_named() -> None:
    data = r_data("birthwt.csv")
    frame, y = data[["age", "race"]], data["low"]
    for outcome, words in ((y * 0, "each class"), (y + 1, "0 and 1"), (y[:-1].to_numpy(), "188 values")):
        with pytest.raises(InputError, match=words):
            logistic(frame, outcome)
    with pytest.raises(InputError, match="index differs"):
        logistic(frame, y.sort_index(ascending=False))
    with pytest.raises(InputError, match="fewer variables"):
        logistic(data[["age", "lwt", "ftv"]][:4], np.array([0, 1, 0, 1]))
    fit = logistic(frame, y, profile=False)
    with pytest.raises(InputError, match="no column race"):
        fit.predict(frame[["age"]])
    with pytest.raises(InputError, match="level green"):
        fit.predict(frame.assign(race="green"))
    with pytest.raises(InputError, match="holds text"):
        fit.predict(frame.assign(age="old"))


def test_likelihood_ratio_refuses_what_has_no_chi_squared_distribution() -> None:
    data = r_data("birthwt.csv")
    small, large = logistic(data[["age"]], data["low"]), logistic(data[["lwt", "ui"]], data["low"])
    with pytest.raises(InputError, match="not inside"):
        likelihood_ratio(small, large)
    with pytest.raises(InputError, match="different patients"):
        likelihood_ratio(small, logistic(data[["age", "ui"]][9:], data["low"][9:]))
    endometrial = r_data("endometrial.csv")
    penalised = logistic(endometrial[["NV", "PI"]], endometrial["HG"], profile=False)
    with pytest.raises(InputError, match="penalised"):
        likelihood_ratio(logistic(endometrial[["PI"]], endometrial["HG"]), penalised)
