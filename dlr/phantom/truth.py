"""The documented truth of a synthetic cohort: how HER2 hangs together with image and clinical variables.

The cohort is drawn backwards. HER2 comes first (prevalence 58/201), then every variable given HER2, independently of
the others:

- image variables (spiculation, texture, shadow): normal, SD 1, mean `signal` x shift for HER2-positive, 0 for negative;
- binary clinical variables: marginal frequency and odds ratio as published, odds ratio raised to `signal`;
- PR given ER and HER2 (so that both hormone receptors go together), with the published adjusted odds ratio.

By Bayes' rule the probability of HER2 given any set of these is then *exactly* a logistic model, with a variable's
log likelihood ratio as its term: adjusted and unadjusted odds ratios are equal (but for ER, whose adjusted one is
weaker, as PR tells part of it), and no model can rank better than this probability does. What depends on HER2 only
through one of them (age through menopause, Ki-67 through ER) has the coefficient 0; blood markers have no part in it.
Calcification is both drawn into the image and recorded, and so belongs to both blocks.

Source of frequencies and odds ratios: Hu et al., Sci Rep 2025 (training side; the odds ratios are recovered from the
printed intervals). The shifts of the image variables are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from dlr.randomness import rng

__all__ = ["BLOCKS", "IMAGE_VARIABLES", "PREVALENCE", "Block", "Reachable", "Truth", "binary_given", "truth_of"]

Block = Literal["image", "clinical", "both"]

PREVALENCE = 58 / 201
IMAGE_VARIABLES = MappingProxyType({"spiculation": 0.9, "texture": 1.2, "shadow": 0.7})  # shift of the mean, in SD
FREQUENCIES = MappingProxyType(
    {
        "er": 0.707,
        "menopause": 0.547,
        "lymph_metastasis": 0.333,
        "calcification": 0.398,
        "family_history": 0.040,
    }
)
ODDS_RATIOS = MappingProxyType(
    {
        "er": 0.24,
        "menopause": 1.17,
        "lymph_metastasis": 1.32,
        "calcification": 2.24,
        "family_history": 1.53,
    }
)
PR_GIVEN_ER = (0.098, 0.79)  # frequency of PR in ER-negative and ER-positive: 58.7 % in all
PR_ODDS_RATIO = 0.343  # given ER; the published multivariable value
BLOCKS: dict[Block, tuple[str, ...]] = {
    "image": (*IMAGE_VARIABLES, "calcification"),
    "clinical": ("er", "pr", "menopause", "lymph_metastasis", "calcification", "family_history"),
    "both": (*IMAGE_VARIABLES, "er", "pr", "menopause", "lymph_metastasis", "calcification", "family_history"),
}


@dataclass(frozen=True)
class Reachable:
    """The AUC of the true probability, by block: no model can have a higher one in expectation."""

    image: float
    clinical: float
    both: float


@dataclass(frozen=True)
class Truth:
    """logit P(HER2-positive) = intercept of the block + sum of coefficient x variable, over the block's variables."""

    signal: float
    prevalence: float
    coefficients: MappingProxyType[str, float]  # log odds ratio given all other variables; image ones per SD
    unadjusted: MappingProxyType[str, float]  # log odds ratio of the variable alone
    intercepts: MappingProxyType[Block, float]
    reachable_auc: Reachable

    def probability(self, variables: pd.DataFrame, block: Block = "both") -> np.ndarray:
        """True probability of HER2-positive, float (n,), given the columns BLOCKS[block] without missing values."""
        return _probability(variables, block, self.coefficients, self.intercepts)


def binary_given(frequency: float, odds_ratio: float, prevalence: float) -> tuple[float, float]:
    """P(x = 1 | HER2-negative) and P(x = 1 | HER2-positive) with this frequency in all and this odds ratio."""

    def excess(negative_logit: float) -> float:
        positive = expit(negative_logit + np.log(odds_ratio))
        return float(prevalence * positive + (1 - prevalence) * expit(negative_logit) - frequency)

    negative_logit = brentq(excess, -20, 20, xtol=1e-13)
    return float(expit(negative_logit)), float(expit(negative_logit + np.log(odds_ratio)))


def pr_given_er(signal: float) -> np.ndarray:
    """P(PR = 1 | ER, HER2) as an array (2, 2) indexed [er, her2]."""
    er_negative, er_positive = binary_given(FREQUENCIES["er"], ODDS_RATIOS["er"] ** signal, PREVALENCE)
    table = np.empty((2, 2))
    for er, frequency in enumerate(PR_GIVEN_ER):
        # P(HER2 | ER) by Bayes' rule
        with_her2 = PREVALENCE * (er_positive if er else 1 - er_positive)
        without = (1 - PREVALENCE) * (er_negative if er else 1 - er_negative)
        table[er] = binary_given(frequency, PR_ODDS_RATIO**signal, with_her2 / (with_her2 + without))
    return table


def draw_binary(positive: np.ndarray, signal: float, seed: int, *names: str | int) -> pd.DataFrame:
    """The binary clinical variables given HER2 (bool, (n,)): int64 columns in the order of BLOCKS["clinical"]."""
    columns: dict[str, np.ndarray] = {}
    for name, frequency in FREQUENCIES.items():
        without, with_her2 = binary_given(frequency, ODDS_RATIOS[name] ** signal, PREVALENCE)
        uniform = rng(seed, *names, name).random(len(positive))
        columns[name] = (uniform < np.where(positive, with_her2, without)).astype(np.int64)
    frequency_pr = pr_given_er(signal)[columns["er"], positive.astype(np.int64)]
    columns["pr"] = (rng(seed, *names, "pr").random(len(positive)) < frequency_pr).astype(np.int64)
    return pd.DataFrame({name: columns[name] for name in BLOCKS["clinical"]})


def draw_image_variables(positive: np.ndarray, signal: float, seed: int, *names: str | int) -> pd.DataFrame:
    """The image variables given HER2 (bool, (n,)): float columns spiculation, texture, shadow."""
    return pd.DataFrame(
        {
            name: rng(seed, *names, name).standard_normal(len(positive)) + signal * shift * positive
            for name, shift in IMAGE_VARIABLES.items()
        }
    )


@cache
def truth_of(signal: float = 1.0, draws: int = 200_000) -> Truth:
    """The truth at a signal strength; `draws` patients serve the Monte-Carlo of the reachable AUC (SE below .001)."""
    unadjusted: dict[str, float] = {name: signal * shift for name, shift in IMAGE_VARIABLES.items()}
    constants: dict[str, float] = {name: -((signal * shift) ** 2) / 2 for name, shift in IMAGE_VARIABLES.items()}
    for name, frequency in FREQUENCIES.items():
        without, with_her2 = binary_given(frequency, ODDS_RATIOS[name] ** signal, PREVALENCE)
        unadjusted[name] = signal * float(np.log(ODDS_RATIOS[name]))
        constants[name] = float(np.log((1 - with_her2) / (1 - without)))
    pr = pr_given_er(signal)
    absent = np.log((1 - pr[:, 1]) / (1 - pr[:, 0]))  # log likelihood ratio of PR = 0, by ER
    coefficients = unadjusted | {
        "er": unadjusted["er"] + float(absent[1] - absent[0]),
        "pr": signal * float(np.log(PR_ODDS_RATIO)),
    }
    constants["pr"] = float(absent[0])
    er = np.array(binary_given(FREQUENCIES["er"], ODDS_RATIOS["er"] ** signal, PREVALENCE))
    pr_alone = [(1 - er[her2]) * pr[0, her2] + er[her2] * pr[1, her2] for her2 in (0, 1)]
    unadjusted["pr"] = float(logit(pr_alone[1]) - logit(pr_alone[0]))
    intercepts: dict[Block, float] = {
        block: float(logit(PREVALENCE)) + sum(constants[name] for name in variables)
        for block, variables in BLOCKS.items()
    }

    positive = rng(0, "reachable", "her2").random(draws) < PREVALENCE
    variables = draw_binary(positive, signal, 0, "reachable").join(
        draw_image_variables(positive, signal, 0, "reachable")
    )
    reachable = {b: _expected_auc(_probability(variables, b, coefficients, intercepts)) for b in BLOCKS}
    return Truth(
        signal=signal,
        prevalence=PREVALENCE,
        coefficients=MappingProxyType({name: coefficients[name] for name in BLOCKS["both"]}),
        unadjusted=MappingProxyType({name: unadjusted[name] for name in BLOCKS["both"]}),
        intercepts=MappingProxyType(intercepts),
        reachable_auc=Reachable(**reachable),
    )


def _probability(
    variables: pd.DataFrame,
    block: Block,
    coefficients: dict[str, float] | MappingProxyType[str, float],
    intercepts: dict[Block, float] | MappingProxyType[Block, float],
) -> np.ndarray:
    linear = np.full(len(variables), intercepts[block])
    for name in BLOCKS[block]:
        linear += coefficients[name] * variables[name].to_numpy(dtype=float)
    return expit(linear)


def _expected_auc(probability: np.ndarray) -> float:
    """Each draw counted as positive with its probability and as negative with the rest, instead of its drawn label."""
    _, place = np.unique(np.round(probability, 12), return_inverse=True)
    positive = np.bincount(place, weights=probability)
    negative = np.bincount(place, weights=1 - probability)
    below = np.cumsum(negative) - negative
    return float(np.sum(positive * (below + negative / 2)) / (positive.sum() * negative.sum()))
