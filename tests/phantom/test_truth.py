"""The documented truth: marginals, odds ratios, and the probability that no model can beat."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from dlr.phantom import BLOCKS, CLINICAL_COLUMNS, truth_of
from dlr.phantom.clinical import draw_clinical, draw_her2_assays
from dlr.phantom.truth import ODDS_RATIOS, PR_ODDS_RATIO, PREVALENCE, binary_given, draw_image_variables

N = 200_000


@pytest.fixture(scope="module")
def large():
    positive = np.random.default_rng(5).random(N) < PREVALENCE
    clinical = draw_clinical(positive, 1.0, 5, "large")
    return positive, clinical.join(draw_image_variables(positive, 1.0, 5, "large"))


def fit_logistic(x, y):
    """Newton's method: (coefficients with the intercept first, standard errors)."""
    design = np.column_stack([np.ones(len(y)), x])
    beta = np.zeros(design.shape[1])
    for _ in range(25):
        p = expit(design @ beta)
        information = design.T @ (design * (p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(information, design.T @ (y - p))
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


@pytest.mark.parametrize(
    ("column", "mean", "sd"),
    [
        ("age", 54.0, 11.0),
        ("ki67", 38.8, 23.3),
        ("ca125", 65.2, 38.1),
        ("ca153", 9.2, 7.7),
        ("cea", 4.8, 37.1),
    ],
)
def test_numeric_marginals_are_the_published_ones(large, column, mean, sd):
    _, table = large
    assert table[column].mean() == pytest.approx(mean, rel=0.05)
    assert table[column].std() == pytest.approx(sd, rel=0.06)


def test_ca199_and_cea_have_heavy_tails(large):
    _, table = large
    assert table["ca199"].mean() == pytest.approx(13.1, rel=0.05)
    assert 25 < table["ca199"].std() < 45  # a heavy tail's SD converges slowly to 34.6
    usual = table.loc[table["cea"] < 400, "cea"]
    assert usual.mean() == pytest.approx(1.98, rel=0.03)
    assert usual.std() == pytest.approx(2.09, rel=0.06)
    assert (table["cea"] > 400).sum() == round(N / 201)


@pytest.mark.parametrize(
    ("column", "frequency"),
    [
        ("er", 0.707),
        ("pr", 0.587),
        ("lymph_metastasis", 0.333),
        ("calcification", 0.398),
        ("menopause", 0.547),
        ("family_history", 0.040),
    ],
)
def test_binary_marginals_are_the_published_ones(large, column, frequency):
    _, table = large
    assert table[column].mean() == pytest.approx(frequency, abs=0.005)


@pytest.mark.parametrize(("column", "odds_ratio"), ODDS_RATIOS.items())
def test_univariable_odds_ratios_are_the_published_ones(large, column, odds_ratio):
    positive, table = large
    beta, se = fit_logistic(table[[column]].to_numpy(dtype=float), positive)
    assert abs(beta[1] - np.log(odds_ratio)) < 4 * se[1]


def test_pr_given_er_has_the_published_adjusted_odds_ratio(large):
    positive, table = large
    beta, se = fit_logistic(table[["er", "pr"]].to_numpy(dtype=float), positive)
    assert abs(beta[2] - np.log(PR_ODDS_RATIO)) < 4 * se[2]


def test_a_large_logistic_fit_recovers_every_documented_coefficient(large):
    positive, table = large
    names = list(BLOCKS["both"])
    x = table[names].astype(float)
    x["ki67"] = logit(x["ki67"] / 100)
    extra = ["age", "cea", "ca125", "ca153"]  # no part in the truth
    beta, se = fit_logistic(np.column_stack([x, table[extra].to_numpy(dtype=float)]), positive)
    truth = truth_of(1.0)
    expected = [truth.intercepts["both"], *(truth.coefficients[name] for name in names), *(0.0 for _ in extra)]
    # Ki-67 is recorded in whole per cent, which costs its coefficient about a hundredth
    slack = np.where(np.array(["", *names, *extra]) == "ki67", 0.02, 0.0)
    assert (np.abs(beta - expected) < 4 * se + slack).all()


@pytest.mark.parametrize("block", BLOCKS)
def test_reachable_auc_is_the_true_probabilitys_on_new_patients(large, block):
    positive, table = large
    probability = truth_of(1.0).probability(table, block)
    assert roc_auc_score(positive, probability) == pytest.approx(getattr(truth_of(1.0).reachable_auc, block), abs=0.005)


@pytest.mark.parametrize("block", BLOCKS)
def test_true_probability_is_calibrated(large, block):
    positive, table = large
    probability = truth_of(1.0).probability(table, block)
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1)):
        inside = (probability >= low) & (probability < high)
        if inside.sum() > 100:
            error = 0.5 / np.sqrt(inside.sum())
            assert positive[inside].mean() == pytest.approx(probability[inside].mean(), abs=4 * error)


def test_reachable_auc_rises_from_clinical_to_image_to_both():
    reachable = truth_of(1.0).reachable_auc
    assert 0.7 < reachable.clinical < reachable.image < reachable.both < 0.96


def test_signal_zero_knows_nothing():
    truth = truth_of(0.0)
    assert set(truth.coefficients.values()) == {0.0}
    reachable = truth.reachable_auc
    assert (reachable.image, reachable.clinical, reachable.both) == (0.5, 0.5, 0.5)
    positive = np.arange(400) < 100
    table = draw_clinical(positive, 0.0, 1).join(draw_image_variables(positive, 0.0, 1))
    np.testing.assert_allclose(truth.probability(table), PREVALENCE, rtol=1e-12)


def test_more_signal_reaches_more():
    reached = [truth_of(signal).reachable_auc.both for signal in (0.0, 0.5, 1.0, 1.5)]
    assert reached == sorted(reached)


def test_binary_given_by_hand():
    # frequency .5 at prevalence .5 and odds ratio 9: 1/4 and 3/4
    assert binary_given(0.5, 9.0, 0.5) == pytest.approx((0.25, 0.75), abs=1e-12)


def test_clinical_columns_are_fields_own_and_never_the_target():
    table = draw_clinical(np.array([True, False, True]), 1.0, 1)
    assert tuple(table.columns) == CLINICAL_COLUMNS
    assert "her2" not in table


def test_assays_give_her2_back():
    positive = np.random.default_rng(2).random(2000) < 0.3
    assays = draw_her2_assays(positive, 2)
    from_assays = (assays["her2_ihc"] == "3+") | ((assays["her2_ihc"] == "2+") & (assays["her2_fish"] == "amplified"))
    np.testing.assert_array_equal(from_assays, positive)
    assert ((assays["her2_fish"] != "") == (assays["her2_ihc"] == "2+")).all()
    assert set(assays["her2_ihc"]) == {"0", "1+", "2+", "3+"}


def test_draws_for_one_column_do_not_depend_on_another():
    positive = np.zeros(50, dtype=bool)
    one, other = draw_clinical(positive, 1.0, 3, "a"), draw_clinical(positive, 1.0, 3, "b")
    again = draw_clinical(positive, 1.0, 3, "a")
    pd.testing.assert_frame_equal(one, again)
    assert not one.equals(other)
