"""The documented truth of a synthetic cohort: how HER2 hangs together with image and clinical variables.

The cohort is drawn backwards. HER2 comes first (prevalence 58/201), then every variable given HER2, independently of
the others:

- image variables (spiculation, texture, shadow): normal, SD 1, mean `signal` x shift for HER2-positive, 0 for negative;
- binary clinical variables: marginal frequency and odds ratio as published, odds ratio raised to `signal`;
- PR given ER and HER2 (so that both hormone receptors go together), with the published adjusted odds ratio;
- the logit of Ki-67 (as a fraction) given ER and HER2: normal, higher without ER and with HER2.

By Bayes' rule the probability of HER2 given any set of these is then *exactly* a logistic model, with a variable's
log likelihood ratio as its term: adjusted and unadjusted odds ratios are equal (but for ER, PR and Ki-67, which tell
part of one another), and no model can rank better than this probability does. Age depends on HER2 only through
menopause and so has the coefficient 0; blood markers have no part in it.
Calcification is both drawn into the image and recorded, and so belongs to both blocks.

Source of frequencies and odds ratios: Hu et al., Sci Rep 2025 (training side; the odds ratios are recovered from the
printed intervals). The shifts of Ki-67 and of the image variables are ours.
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
IMAGE_VARIABLES = MappingProxyType({"spiculation": 1.1, "texture": 1.4, "shadow": 0.8})  # shift of the mean, in SD
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
# logit(ki67 / 100): mean over all, what ER takes away, SD given ER and HER2, shift with HER2 in SD: 38.8 +- 23.3 %
KI67_MEAN, KI67_ER, KI67_SD, KI67_SHIFT = -0.59, 0.9, 1.15, 0.45
BLOCKS: dict[Block, tuple[str, ...]] = {
    "image": (*IMAGE_VARIABLES, "calcification"),
    "clinical": ("er", "pr", "ki67", "menopause", "lymph_metastasis", "calcification", "family_history"),
    "both": (),
}
BLOCKS["both"] = (*IMAGE_VARIABLES, *BLOCKS["clinical"])


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
    coefficients: MappingProxyType[
        str, float
    ]  # log odds ratio given all other variables; image ones per SD, Ki-67's per logit
    unadjusted: MappingProxyType[str, float]  # log odds ratio of the variable alone; Ki-67 has no single one
    intercepts: MappingProxyType[Block, float]
    reachable_auc: Reachable

    def probability(self, variables: pd.DataFrame, block: Block = "both") -> np.ndarray:
        """True probability of HER2-positive, float (n,), given the columns BLOCKS[block] without missing values.

        ki67 is in per cent and enters as its logit.
        """
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


def ki67_mean(er: np.ndarray | float, signal: float) -> np.ndarray | float:
    """Mean of logit(ki67 / 100) of HER2-negative patients by ER."""
    return KI67_MEAN - KI67_ER * (er - FREQUENCIES["er"]) - signal * KI67_SHIFT * KI67_SD * PREVALENCE


def draw_clinical_variables(positive: np.ndarray, signal: float, seed: int, *names: str | int) -> pd.DataFrame:
    """The clinical variables with a part in the truth given HER2 (bool, (n,)): columns BLOCKS["clinical"].

    Binary ones are int64; ki67 is float, in per cent, between 0 and 100.
    """
    columns: dict[str, np.ndarray] = {}
    for name, frequency in FREQUENCIES.items():
        without, with_her2 = binary_given(frequency, ODDS_RATIOS[name] ** signal, PREVALENCE)
        uniform = rng(seed, *names, name).random(len(positive))
        columns[name] = (uniform < np.where(positive, with_her2, without)).astype(np.int64)
    frequency_pr = pr_given_er(signal)[columns["er"], positive.astype(np.int64)]
    columns["pr"] = (rng(seed, *names, "pr").random(len(positive)) < frequency_pr).astype(np.int64)
    standard = signal * KI67_SHIFT * positive + rng(seed, *names, "ki67").standard_normal(len(positive))
    columns["ki67"] = 100 * expit(ki67_mean(columns["er"], signal) + KI67_SD * standard)
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
    per_logit = signal * KI67_SHIFT / KI67_SD
    coefficients = unadjusted | {
        "er": unadjusted["er"] + float(absent[1] - absent[0]) + per_logit * KI67_ER,
        "pr": signal * float(np.log(PR_ODDS_RATIO)),
        "ki67": per_logit,
    }
    constants["pr"] = float(absent[0])
    constants["ki67"] = float(-per_logit * ki67_mean(0.0, signal) - (signal * KI67_SHIFT) ** 2 / 2)
    er = np.array(binary_given(FREQUENCIES["er"], ODDS_RATIOS["er"] ** signal, PREVALENCE))
    pr_alone = [(1 - er[her2]) * pr[0, her2] + er[her2] * pr[1, her2] for her2 in (0, 1)]
    unadjusted["pr"] = float(logit(pr_alone[1]) - logit(pr_alone[0]))
    intercepts: dict[Block, float] = {
        block: float(logit(PREVALENCE)) + sum(constants[name] for name in variables)
        for block, variables in BLOCKS.items()
    }

    positive = rng(0, "reachable", "her2").random(draws) < PREVALENCE
    variables = draw_clinical_variables(positive, signal, 0, "reachable").join(
        draw_image_variables(positive, signal, 0, "reachable")
    )
    reachable = {b: expected_auc(_probability(variables, b, coefficients, intercepts)) for b in BLOCKS}
    return Truth(
        signal=signal,
        prevalence=PREVALENCE,
        coefficients=MappingProxyType({name: coefficients[name] for name in BLOCKS["both"]}),
        unadjusted=MappingProxyType({name: unadjusted[name] for name in BLOCKS["both"] if name in unadjusted}),
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
        value = variables[name].to_numpy(dtype=float)
        linear += coefficients[name] * (logit(value / 100) if name == "ki67" else value)
    return expit(linear)


def expected_auc(probability: np.ndarray) -> float:
    """Each draw counted as positive with its probability and as negative with the rest, instead of its drawn label."""
    _, place = np.unique(np.round(probability, 12), return_inverse=True)
    positive = np.bincount(place, weights=probability)
    negative = np.bincount(place, weights=1 - probability)
    below = np.cumsum(negative) - negative
    return float(np.sum(positive * (below + negative / 2)) / (positive.sum() * negative.sum()))
