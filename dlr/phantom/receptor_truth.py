"""The documented truth of a cohort with three receptors: how ER, PR and HER2 hang together, and what shows them.

The cohort is drawn backwards. The labels come first, as one pattern (ER, PR, HER2) of eight: ER with its frequency, PR
given ER, and HER2 given both by a logistic model with the odds ratio HER2_ODDS_RATIO for each (the other held fixed).
Then, given the pattern, variables that the images show: independent, normal, SD 1, mean the sum of shift x label over
the markers that a variable tells of. By Bayes' rule over the eight patterns the probability of every marker given the
variables is exact, and no model of the images can rank better than it in expectation. Without shifts it is the
marker's frequency: the null cohort.

Source of frequencies: Huang et al., Insights Imaging 2024 (300, 276 and 160 of 388 women); PR given ER and the odds
ratio are ours, chosen so that PR's frequency comes out as published.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

from dlr.phantom.truth import expected_auc
from dlr.randomness import rng

__all__ = ["FREQUENCIES", "HER2_ODDS_RATIO", "MARKERS", "PATTERNS", "PR_GIVEN_ER", "ReceptorTruth", "pattern_shares"]

MARKERS = ("er", "pr", "her2")
PATTERNS = np.array(list(itertools.product((0, 1), repeat=3)))  # (8, 3), columns as MARKERS
FREQUENCIES = {"er": 300 / 388, "pr": 276 / 388, "her2": 160 / 388}
PR_GIVEN_ER = (0.14, 0.88)  # frequency of PR in ER-negative and ER-positive: 71.2 % in all
HER2_ODDS_RATIO = 0.5  # of HER2 with ER at either PR, and with PR at either ER


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


@dataclass(frozen=True)
class ReceptorTruth:
    """What variables tell of the markers."""

    shifts: Mapping[str, Mapping[str, float]]  # of a variable's mean, in SD, by marker: {"margin": {"er": 1.5}}
    shares: tuple[float, ...]  # frequency of each of PATTERNS

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of every variable in every pattern, float (8, variables)."""
        weights = [[shift.get(marker, 0.0) for shift in self.shifts.values()] for marker in MARKERS]
        return np.asarray(PATTERNS @ np.array(weights))

    def draw(self, patterns: np.ndarray, seed: int, *names: str | int) -> pd.DataFrame:
        """The variables of patients whose patterns are these rows of PATTERNS (int (n,)): a float column each."""
        means = self.means[patterns]
        return pd.DataFrame(
            {
                name: means[:, k] + rng(seed, *names, name).standard_normal(len(patterns))
                for k, name in enumerate(self.shifts)
            }
        )

    def probability(self, variables: pd.DataFrame) -> pd.DataFrame:
        """Exact probability of each marker given a patient's variables: columns MARKERS."""
        z = variables[list(self.shifts)].to_numpy(dtype=float)
        # the patterns' densities, without the factor that all share
        log_joint = np.log(self.shares) + z @ self.means.T - 0.5 * np.sum(self.means**2, axis=1)
        posterior = np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))
        return pd.DataFrame(posterior @ PATTERNS, columns=list(MARKERS), index=variables.index)

    def reachable_auc(self, draws: int = 200_000) -> dict[str, float]:
        """Expected AUC of the true probability, by marker and "macro", their mean; by Monte Carlo, SE below .001."""
        patterns = rng(0, "reachable", "patterns").choice(len(PATTERNS), draws, p=np.array(self.shares))
        probability = self.probability(self.draw(patterns, 0, "reachable"))
        found = {marker: expected_auc(probability[marker].to_numpy()) for marker in MARKERS}
        return found | {"macro": float(np.mean(list(found.values())))}
