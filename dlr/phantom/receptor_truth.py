"""The documented truth of a cohort with receptors: how ER, PR, HER2 and Ki-67 hang together, and what shows them.

The cohort is drawn backwards. The labels come first, as one pattern (ER, PR, HER2) of eight: ER with its frequency, PR
given ER, and HER2 given both by a logistic model with the odds ratio HER2_ODDS_RATIO for each (the other held fixed).
Given the pattern, the logit of Ki-67 (as a fraction) is normal: mean KI67_LOGIT summed over the positive markers, SD
KI67_SD. Then variables that the images show: noise of SD 1, independent, on a mean of shift x label summed over the
markers that a variable tells of, plus its shift x Ki-67, standardised as (logit - KI67_REFERENCE) / KI67_SD.

All is exact by Bayes' rule over the eight patterns: given one, the variables are normal with covariance I + c c', c
their shifts with Ki-67; given the variables too, so is Ki-67's logit, which is then a mixture of eight normals. No
model of the images can rank a marker better in expectation than its probability does, and none can miss Ki-67 by less
in the mean than the median of that mixture. Without shifts they are the marker's frequency and Ki-67's own median: the
null cohort.

Source of frequencies: Huang et al., Insights Imaging 2024 (300, 276 and 160 of 388 women); PR given ER and the odds
ratio are ours, chosen so that PR's frequency comes out as published; so are the numbers of Ki-67, higher without
hormone receptors and with HER2.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit, logsumexp, ndtr

from dlr.phantom.truth import expected_auc
from dlr.randomness import rng

__all__ = [
    "FREQUENCIES",
    "HER2_ODDS_RATIO",
    "KI67",
    "MARKERS",
    "PATTERNS",
    "PR_GIVEN_ER",
    "ReceptorTruth",
    "draw_ki67",
    "ki67_by_pattern",
    "pattern_shares",
]

MARKERS = ("er", "pr", "her2")
KI67 = "ki67"
PATTERNS = np.array(list(itertools.product((0, 1), repeat=3)))  # (8, 3), columns as MARKERS
FREQUENCIES = {"er": 300 / 388, "pr": 276 / 388, "her2": 160 / 388}
PR_GIVEN_ER = (0.14, 0.88)  # frequency of PR in ER-negative and ER-positive: 71.2 % in all
HER2_ODDS_RATIO = 0.5  # of HER2 with ER at either PR, and with PR at either ER
KI67_TRIPLE_NEGATIVE = -0.2  # mean of logit(Ki-67 / 100) there: 45 %
KI67_LOGIT = {"er": -0.9, "pr": -0.3, "her2": 0.5}  # what each positive marker adds
KI67_SD = 0.8  # of the logit, given the pattern
KI67_REFERENCE = KI67_TRIPLE_NEGATIVE + KI67_LOGIT["er"] + KI67_LOGIT["pr"]  # of the commonest pattern: 20 %


def pattern_shares(tilt: float = 0.0) -> np.ndarray:
    """Frequency of each of PATTERNS, float (8,).

    tilt : makes positives of every marker commoner: weights e^(tilt x number of positive markers). A cohort whose
    label rates are its own is drawn with a tilt of its own.
    """
    er, pr, her2 = PATTERNS.T
    of_er = np.where(er, FREQUENCIES["er"], 1 - FREQUENCIES["er"])
    pr_positive = np.where(er, PR_GIVEN_ER[1], PR_GIVEN_ER[0])
    of_hormones = of_er * np.where(pr, pr_positive, 1 - pr_positive)

    def her2_positive(intercept: float) -> np.ndarray:
        return expit(intercept + np.log(HER2_ODDS_RATIO) * (er + pr))

    def excess(intercept: float) -> float:
        return float(np.sum(of_hormones * her2_positive(intercept)) / 2 - FREQUENCIES["her2"])  # each pair stands twice

    positive = her2_positive(brentq(excess, -20, 20, xtol=1e-13))
    shares = of_hormones * np.where(her2, positive, 1 - positive) * np.exp(tilt * PATTERNS.sum(axis=1))
    return np.asarray(shares / shares.sum())


def ki67_by_pattern() -> np.ndarray:
    """Mean of the logit of Ki-67 (as a fraction) in each of PATTERNS, float (8,)."""
    return np.asarray(KI67_TRIPLE_NEGATIVE + PATTERNS @ np.array([KI67_LOGIT[marker] for marker in MARKERS]))


def draw_ki67(patterns: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Ki-67 in per cent, float (n,), of patients whose patterns are these rows of PATTERNS (int (n,))."""
    standard = rng(seed, *names, KI67).standard_normal(len(patterns))
    return np.asarray(100 * expit(ki67_by_pattern()[patterns] + KI67_SD * standard))


@dataclass(frozen=True)
class ReceptorTruth:
    """What variables tell of the markers and of Ki-67."""

    # of a variable's mean, in SD, by marker, and by SD of Ki-67: {"margin": {"er": 1.5, "ki67": -1}}
    shifts: Mapping[str, Mapping[str, float]]
    shares: tuple[float, ...]  # frequency of each of PATTERNS

    @cached_property
    def by_marker(self) -> np.ndarray:
        """Mean of every variable in every pattern at Ki-67's reference, float (8, variables)."""
        weights = [[shift.get(marker, 0.0) for shift in self.shifts.values()] for marker in MARKERS]
        return np.asarray(PATTERNS @ np.array(weights))

    @cached_property
    def by_ki67(self) -> np.ndarray:
        """Shift of every variable with an SD of Ki-67, float (variables,)."""
        return np.array([shift.get(KI67, 0.0) for shift in self.shifts.values()])

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of every variable in every pattern, float (8, variables)."""
        return np.asarray(self.by_marker + np.outer(_standardised(ki67_by_pattern()), self.by_ki67))

    def draw(self, patterns: np.ndarray, ki67: np.ndarray, seed: int, *names: str | int) -> pd.DataFrame:
        """The variables of patients with these rows of PATTERNS (int (n,)) and this Ki-67 (per cent, float (n,)).

        A float column each.
        """
        means = self.by_marker[patterns] + np.outer(_standardised(logit(ki67 / 100)), self.by_ki67)
        return pd.DataFrame(
            {
                name: means[:, k] + rng(seed, *names, name).standard_normal(len(patterns))
                for k, name in enumerate(self.shifts)
            }
        )

    def probability(self, variables: pd.DataFrame) -> pd.DataFrame:
        """Exact probability of each marker given a patient's variables: columns MARKERS."""
        return pd.DataFrame(self._posterior(variables) @ PATTERNS, columns=list(MARKERS), index=variables.index)

    def median_ki67(self, variables: pd.DataFrame) -> np.ndarray:
        """Median of Ki-67 in per cent given a patient's variables, float (n,): what is least wrong in the mean."""
        weights = self._posterior(variables)
        noise = 1 / (1 + self.by_ki67 @ self.by_ki67)  # variance of standardised Ki-67 given pattern and variables
        unexplained = variables[list(self.shifts)].to_numpy(dtype=float)[:, None, :] - self.by_marker
        centres = noise * (_standardised(ki67_by_pattern()) + unexplained @ self.by_ki67)
        low, high = centres.min(axis=1), centres.max(axis=1)  # of one pattern the median is its mean
        for _ in range(40):  # halvings: to 1e-11 of the way between the patterns
            middle = (low + high) / 2
            below = np.sum(weights * ndtr((middle[:, None] - centres) / np.sqrt(noise)), axis=1) < 0.5
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(100 * expit(KI67_REFERENCE + KI67_SD * (low + high) / 2))

    def reachable_auc(self, draws: int = 200_000) -> dict[str, float]:
        """Expected AUC of the true probability, by marker and "macro", their mean; by Monte Carlo, SE below .001."""
        probability = self.probability(self._drawn(draws)[1])
        found = {marker: expected_auc(probability[marker].to_numpy()) for marker in MARKERS}
        return found | {"macro": float(np.mean(list(found.values())))}

    def irreducible_mae(self, draws: int = 40_000) -> dict[str, float]:
        """Mean absolute error of Ki-67 in per cent, by Monte Carlo, SE below .06.

        "images": of its median given the variables, below which no model of the images can stay; "nothing": of its
        median in all patients.
        """
        ki67, variables = self._drawn(draws)
        return {
            "images": float(np.mean(np.abs(ki67 - self.median_ki67(variables)))),
            "nothing": float(np.mean(np.abs(ki67 - np.median(ki67)))),
        }

    def without(self, variable: str) -> ReceptorTruth:
        """What the other variables tell."""
        return replace(self, shifts={name: shift for name, shift in self.shifts.items() if name != variable})

    def of(self, variable: str) -> ReceptorTruth:
        """What one variable tells by itself."""
        return replace(self, shifts={variable: self.shifts[variable]})

    def _posterior(self, variables: pd.DataFrame) -> np.ndarray:
        """Probability of each of PATTERNS given a patient's variables, float (n, 8)."""
        z = variables[list(self.shifts)].to_numpy(dtype=float)
        c = self.by_ki67
        precision = np.eye(len(c)) - np.outer(c, c) / (1 + c @ c)  # of I + c c', by Sherman and Morrison
        weighted = self.means @ precision
        # the patterns' densities, without the factor that all share
        log_joint = np.log(self.shares) + z @ weighted.T - 0.5 * np.sum(weighted * self.means, axis=1)
        return np.asarray(np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True)))

    def _drawn(self, draws: int) -> tuple[np.ndarray, pd.DataFrame]:
        """Ki-67 and variables of so many patients, for Monte Carlo."""
        patterns = rng(0, "reachable", "patterns").choice(len(PATTERNS), draws, p=np.array(self.shares))
        ki67 = draw_ki67(patterns, 0, "reachable")
        return ki67, self.draw(patterns, ki67, 0, "reachable")


def _standardised(of_logit: np.ndarray) -> np.ndarray:
    return (of_logit - KI67_REFERENCE) / KI67_SD
