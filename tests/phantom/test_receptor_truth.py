"""The truth of receptors and Ki-67: frequencies, odds ratios, exact probabilities, and the error that stays."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dlr.phantom import MARKERS, ReceptorTruth, pattern_shares
from dlr.phantom.receptor_truth import PATTERNS, draw_ki67, ki67_by_pattern

SHIFTS = {"margin": {"er": 1.5}, "shadow": {"pr": 0.4, "her2": -1.0}}
TRUTH = ReceptorTruth(SHIFTS, tuple(pattern_shares()))
OF_KI67 = ReceptorTruth({"core": {"er": 1.8, "ki67": -0.8}, "rim": {"pr": 2.6, "ki67": 0.4}}, tuple(pattern_shares()))


def drawn(truth, patterns, seed, name):
    return truth.draw(patterns, draw_ki67(patterns, seed, name), seed, name)


def share(shares, **labels):
    """Frequency of the patterns with these labels."""
    kept = [all(dict(zip(MARKERS, pattern, strict=True))[m] == v for m, v in labels.items()) for pattern in PATTERNS]
    return shares[np.array(kept)].sum()


def test_frequencies_are_the_published_ones():
    shares = pattern_shares()
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert share(shares, er=1) == pytest.approx(300 / 388, abs=1e-12)
    assert share(shares, pr=1) == pytest.approx(276 / 388, abs=0.001)  # from PR given ER, in two decimals
    assert share(shares, her2=1) == pytest.approx(160 / 388, abs=1e-10)
    assert share(shares, er=1, pr=1) / share(shares, er=1) == pytest.approx(0.88, abs=1e-12)
    assert share(shares, er=0, pr=1) / share(shares, er=0) == pytest.approx(0.14, abs=1e-12)


@pytest.mark.parametrize(("marker", "other"), [("er", "pr"), ("pr", "er")])
@pytest.mark.parametrize("held", [0, 1])
def test_her2_has_odds_ratio_one_half_with_each_hormone_receptor_at_either_other(marker, other, held):
    shares = pattern_shares()

    def odds(value):
        given = {marker: value, other: held}
        return share(shares, **given, her2=1) / share(shares, **given, her2=0)

    assert odds(1) / odds(0) == pytest.approx(0.5, abs=1e-10)


def test_a_tilt_multiplies_the_odds_of_a_marker_given_the_others():
    plain, tilted = pattern_shares(), pattern_shares(math.log(3))
    for er, pr in itertools.product((0, 1), repeat=2):
        given = {"er": er, "pr": pr}
        before = share(plain, **given, her2=1) / share(plain, **given, her2=0)
        after = share(tilted, **given, her2=1) / share(tilted, **given, her2=0)
        assert after / before == pytest.approx(3, abs=1e-10)


def test_probability_is_bayes_rule_written_out_over_eight_patterns():
    variables = pd.DataFrame({"margin": [0.0, 2.3, -1.0], "shadow": [0.0, -1.2, 1.7]}, index=["a", "b", "c"])
    found = TRUTH.probability(variables)
    assert list(found.columns) == list(MARKERS)
    for name, z in variables.iterrows():
        joint = {
            (er, pr, her2): share(pattern_shares(), er=er, pr=pr, her2=her2)
            * norm.pdf(z["margin"], 1.5 * er)
            * norm.pdf(z["shadow"], 0.4 * pr - 1.0 * her2)
            for er, pr, her2 in itertools.product((0, 1), repeat=3)
        }
        for place, marker in enumerate(MARKERS):
            positive = sum(value for pattern, value in joint.items() if pattern[place])
            assert found.loc[name, marker] == pytest.approx(positive / sum(joint.values()), rel=1e-12)


def test_of_one_marker_alone_it_is_the_logistic_model_of_two_normals():
    # shares of ER alone, the other two never positive: log odds = logit(.25) + shift z - shift^2 / 2
    shares = np.where((PATTERNS[:, 1] == 0) & (PATTERNS[:, 2] == 0), np.where(PATTERNS[:, 0], 0.25, 0.75), 0.0)
    with np.errstate(divide="ignore"):
        found = ReceptorTruth({"margin": {"er": 2.0}}, tuple(shares)).probability(pd.DataFrame({"margin": [1.5]}))
    assert found.loc[0, "er"] == pytest.approx(1 / (1 + math.exp(-(math.log(0.25 / 0.75) + 2 * 1.5 - 2))), rel=1e-12)
    assert found.loc[0, "pr"] == 0


def test_far_out_variables_give_a_probability_all_the_same():
    found = TRUTH.probability(pd.DataFrame({"margin": [80.0, -80.0], "shadow": [0.0, 0.0]}))
    assert np.isfinite(found.to_numpy()).all()
    assert found["er"].tolist() == pytest.approx([1, 0], abs=1e-12)


def test_variables_have_sd_one_and_the_documented_means():
    patterns = np.repeat(np.arange(8), 40_000)
    made = drawn(TRUTH, patterns, 3, "large")
    for number, (er, pr, her2) in enumerate(PATTERNS):
        of_pattern = made[patterns == number]
        np.testing.assert_allclose(of_pattern.mean(), [1.5 * er, 0.4 * pr - 1.0 * her2], atol=0.02)  # 4 SE
        np.testing.assert_allclose(of_pattern.std(), 1, atol=0.015)
        assert abs(np.corrcoef(of_pattern.T)[0, 1]) < 0.02


def test_reachable_auc_is_what_the_exact_probability_reaches_on_new_patients():
    patterns = np.random.default_rng(1).choice(8, 60_000, p=pattern_shares())
    probability = TRUTH.probability(drawn(TRUTH, patterns, 1, "new"))
    reachable = TRUTH.reachable_auc()
    found = [roc_auc_score(PATTERNS[patterns, k], probability[marker]) for k, marker in enumerate(MARKERS)]
    assert [reachable[marker] for marker in MARKERS] == pytest.approx(found, abs=0.01)  # 4 SE
    assert reachable["macro"] == pytest.approx(np.mean([reachable[marker] for marker in MARKERS]))


def test_a_marker_shown_by_a_variable_of_its_own_is_reached_at_least_as_that_variable_alone_reaches_it():
    # two normals of SD 1 a shift apart: AUC = Phi(shift / sqrt 2)
    assert TRUTH.reachable_auc()["er"] > norm.cdf(1.5 / math.sqrt(2)) - 0.003


def test_without_shifts_nothing_can_be_known():
    null = ReceptorTruth({"margin": {"er": 0.0}, "shadow": {}}, tuple(pattern_shares()))
    assert null.reachable_auc(2000) == {"er": 0.5, "pr": 0.5, "her2": 0.5, "macro": 0.5}
    probability = null.probability(drawn(null, np.arange(8), 1, "null"))
    np.testing.assert_allclose(probability, np.tile([300 / 388, 0.7121649, 160 / 388], (8, 1)), atol=1e-6)


def test_ki67_is_higher_without_hormone_receptors_and_with_her2():
    by_pattern = dict(zip(map(tuple, PATTERNS.tolist()), ki67_by_pattern(), strict=True))
    assert by_pattern[0, 0, 0] == pytest.approx(-0.2)
    assert by_pattern[1, 1, 0] == pytest.approx(-1.4)  # -0.2 - 0.9 - 0.3: 20 %
    assert by_pattern[1, 1, 1] == pytest.approx(-0.9)
    patterns = np.repeat(np.arange(8), 40_000)
    logit = np.log(draw_ki67(patterns, 3, "large") / (100 - draw_ki67(patterns, 3, "large"))).reshape(8, -1)
    np.testing.assert_allclose(logit.mean(axis=1), ki67_by_pattern(), atol=0.016)  # 4 SE
    np.testing.assert_allclose(logit.std(axis=1), 0.8, atol=0.012)


def test_given_the_pattern_variables_that_show_ki67_have_covariance_one_plus_its_shifts():
    patterns = np.repeat(np.arange(8), 40_000)
    made = drawn(OF_KI67, patterns, 3, "large").to_numpy().reshape(8, -1, 2)
    for number, (er, pr, her2) in enumerate(PATTERNS):
        standard = (-0.2 - 0.9 * er - 0.3 * pr + 0.5 * her2 + 1.4) / 0.8  # of the pattern's mean
        expected = [1.8 * er - 0.8 * standard, 2.6 * pr + 0.4 * standard]
        np.testing.assert_allclose(made[number].mean(axis=0), expected, atol=0.026)  # 4 SE
        np.testing.assert_allclose(OF_KI67.means[number], expected, atol=1e-12)
        np.testing.assert_allclose(np.cov(made[number].T), [[1.64, -0.32], [-0.32, 1.16]], atol=0.05)


def by_integration(truth, z):
    """Marker probabilities, and per cents with their weights, by adding up a grid over Ki-67 in every pattern."""
    grid = np.linspace(-8, 8, 8001)  # logit of Ki-67
    mass = np.zeros((8, grid.size))
    for number, pattern in enumerate(PATTERNS):
        density = truth.shares[number] * norm.pdf(grid, ki67_by_pattern()[number], 0.8)
        for name, shift in truth.shifts.items():
            label = sum(shift.get(marker, 0.0) * pattern[place] for place, marker in enumerate(MARKERS))
            density = density * norm.pdf(z[name], label + shift.get("ki67", 0.0) * (grid + 1.4) / 0.8)
        mass[number] = density
    mass /= mass.sum()
    return mass.sum(axis=1) @ PATTERNS, 100 * expit(grid), mass.sum(axis=0)


@pytest.mark.parametrize("z", [(0.0, 0.0), (2.1, -0.7), (-3.0, 4.0), (0.4, 1.3)])
def test_probability_and_median_of_ki67_are_those_of_numerical_integration(z):
    variables = pd.DataFrame([dict(zip(OF_KI67.shifts, z, strict=True))])
    probability, per_cent, mass = by_integration(OF_KI67, variables.iloc[0])
    np.testing.assert_allclose(OF_KI67.probability(variables).iloc[0], probability, atol=1e-9)
    median = np.interp(0.5, np.cumsum(mass) - mass / 2, per_cent)
    assert OF_KI67.median_ki67(variables)[0] == pytest.approx(median, abs=1e-3)  # the grid's step is .05 of a per cent


def test_no_other_guess_of_ki67_misses_it_by_less_than_the_median_does():
    patterns = np.random.default_rng(2).choice(8, 20_000, p=pattern_shares())
    ki67 = draw_ki67(patterns, 2, "new")
    median = OF_KI67.median_ki67(OF_KI67.draw(patterns, ki67, 2, "new"))
    documented = OF_KI67.irreducible_mae()
    assert np.mean(np.abs(ki67 - median)) == pytest.approx(documented["images"], abs=0.35)  # 4 SE
    assert np.mean(np.abs(ki67 - np.median(ki67))) == pytest.approx(documented["nothing"], abs=0.5)
    for other in (median * 0.97, median * 1.03, median + 1, median - 1):
        assert np.mean(np.abs(ki67 - other)) > np.mean(np.abs(ki67 - median))


def test_one_variable_by_itself_tells_what_two_normals_on_either_side_tell():
    """A single marker's shift of 1.5 SD in one variable: the AUC of two normals, whatever the other variables tell."""
    truth = ReceptorTruth({"a": {"er": 1.5}, "b": {"pr": 3.0, "ki67": 1.0}, "c": {"er": 2.0}}, tuple(pattern_shares()))
    alone = truth.of("a")
    assert list(alone.shifts) == ["a"] and alone.reachable_auc()["er"] == pytest.approx(
        norm.cdf(1.5 / 2**0.5), abs=0.003
    )
    assert alone.reachable_auc(2000)["er"] < truth.without("b").reachable_auc(2000)["er"]
    least = [one.irreducible_mae(4000)["images"] for one in (truth, truth.of("b"), truth.of("a"))]
    assert least == sorted(least), "a alone tells of Ki-67 through ER only"


def test_irreducible_error_is_that_of_numerical_integration_over_variables_and_ki67():
    one = ReceptorTruth({"core": {"ki67": 1.0}}, tuple(float(p) for p in np.eye(8)[6]))  # every woman ER+ PR+ HER2-
    # logit Ki-67 is N(-1.4, .8); given z, z = (logit + 1.4) / .8 + noise, it is N(-1.4 + .4 z, .8 / sqrt 2)
    z, e = np.meshgrid(np.linspace(-9, 9, 601), np.linspace(-6, 6, 601), indexing="ij")
    weight = norm.pdf(z, 0, math.sqrt(2)) * norm.pdf(e)
    missed = np.abs(100 * expit(-1.4 + 0.4 * z + 0.8 / math.sqrt(2) * e) - 100 * expit(-1.4 + 0.4 * z))
    with np.errstate(divide="ignore"):
        found = one.irreducible_mae()["images"]
    assert found == pytest.approx(np.sum(weight * missed) / np.sum(weight), abs=0.12)  # 4 SE


def test_without_a_variable_only_the_others_tell():
    assert OF_KI67.without("core") == ReceptorTruth({"rim": OF_KI67.shifts["rim"]}, OF_KI67.shares)
