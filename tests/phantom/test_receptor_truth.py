"""The truth of three receptors: frequencies, odds ratios, and the exact probability of each marker."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dlr.phantom import MARKERS, ReceptorTruth, pattern_shares
from dlr.phantom.receptor_truth import PATTERNS

SHIFTS = {"margin": {"er": 1.5}, "shadow": {"pr": 0.4, "her2": -1.0}}
TRUTH = ReceptorTruth(SHIFTS, tuple(pattern_shares()))


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
    drawn = TRUTH.draw(patterns, 3, "large")
    for number, (er, pr, her2) in enumerate(PATTERNS):
        of_pattern = drawn[patterns == number]
        np.testing.assert_allclose(of_pattern.mean(), [1.5 * er, 0.4 * pr - 1.0 * her2], atol=0.02)  # 4 SE
        np.testing.assert_allclose(of_pattern.std(), 1, atol=0.015)
        assert abs(np.corrcoef(of_pattern.T)[0, 1]) < 0.02


def test_reachable_auc_is_what_the_exact_probability_reaches_on_new_patients():
    patterns = np.random.default_rng(1).choice(8, 60_000, p=pattern_shares())
    probability = TRUTH.probability(TRUTH.draw(patterns, 1, "new"))
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
    probability = null.probability(null.draw(np.arange(8), 1, "null"))
    np.testing.assert_allclose(probability, np.tile([300 / 388, 0.7121649, 160 / 388], (8, 1)), atol=1e-6)
