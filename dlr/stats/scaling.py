"""Margins and logits of rows that were held out, made probabilities by a logistic curve: intercept and slope.

Platt's scaling (Platt 1999, with the bounded targets of Lin, Lin & Weng 2007, Machine Learning 68:267) of a margin,
whose unit means nothing. Logistic recalibration (Cox 1958) of a logit, whose spread between patients is held near
what is to be expected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.stats.likelihood import Likelihood, maximise
from dlr.words import expit

__all__ = ["Expected", "Scaling", "platt", "recalibration"]

ENOUGH = 100  # rows, from which on the expected spread grows no further
SPREADS = np.arange(-4.0, 2.01, 0.25)  # logarithms looked at first
FINER = 3  # times the grid is made finer around the best, to 1e-2 of the spread
MOST_STEPS = 100  # of an intercept; about 8 are needed


@dataclass(frozen=True)
class Scaling:
    """Probability = expit(intercept + slope * margin)."""

    slope: float
    intercept: float

    def probability(self, margin: np.ndarray) -> np.ndarray:
        """Of every row, float64 (n,)."""
        return expit(self.intercept + self.slope * margin)


@dataclass(frozen=True)
class Expected:
    """What logits are expected to spread between patients before any row was held out: lognormal."""

    spread: float  # their SD, learnt from `ENOUGH` rows or more; one of t belongs to an AUC of Φ(t / √2): .6 to .66
    doubt: float  # SD of the logarithm of the spread
    power: float = 0.5  # of the number of rows, with which the spread falls where there are fewer

    def of(self, rows: int) -> float:
        """The spread where that many rows were held out."""
        return self.spread * (min(rows, ENOUGH) / ENOUGH) ** self.power


def platt(positive: np.ndarray, margin: np.ndarray) -> Scaling:
    """The scaling of greatest likelihood.

    positive : bool (n,), both classes.  margin : float (n,), higher = likelier, of rows outside the machine's fit.
    The outcomes are (n1 + 1) / (n1 + 2) and 1 / (n0 + 2) in place of 1 and 0: classes told apart without an error keep
    a finite slope. A slope below zero would turn the machine's order round; it is then 0, the same for everybody, as
    where all margins are equal.
    """
    n1, n0 = int(positive.sum()), int((~positive).sum())
    outcome = np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    flat = Scaling(0.0, float(np.log(outcome.mean() / (1 - outcome.mean()))))
    middle, spread = float(margin.mean()), float(margin.std())
    if spread == 0:
        return flat
    design = np.column_stack([np.ones(len(margin)), (margin - middle) / spread])
    curve = maximise(Likelihood(design, outcome, np.ones(len(margin)), np.zeros(len(margin))), np.zeros(2))
    assert curve.converged, "bounded outcomes have a maximum"
    if curve.beta[1] <= 0:
        return flat
    slope = float(curve.beta[1]) / spread
    return Scaling(slope, float(curve.beta[0]) - slope * middle)


def recalibration(positive: np.ndarray, logit: np.ndarray, fold: np.ndarray, expected: Expected) -> Scaling:
    """Intercept and slope of a model's own logits.

    positive : bool (n,), both classes.  logit : float (n,), of rows that the model did not see.  fold : of every row,
    each predicted by a model of its own.  expected : how much the recalibrated logits spread between patients.
    A penalty chosen on few rows leaves logits of any scale, their order being the same, so the prior is on what they
    are worth: the SD of the recalibrated logits is lognormal around the expected one. The slope is
    positive whatever the rows say: logits that order nobody are flattened, never turned round, and those that separate
    the classes are not blown up without end. Logits are compared within folds, as the models' own intercepts follow
    the outcomes that they saw; folds that say the same of everybody tell nothing, and where all do the slope is 1.
    Maximum a posteriori, the intercept profiled out, on a grid made finer around the best.
    """
    middle, centred, differs = float(logit.mean()), logit.astype(float), np.zeros(len(logit), dtype=bool)
    for number in np.unique(fold):
        rows = fold == number
        centred[rows] -= logit[rows].mean()
        differs[rows] = np.ptp(logit[rows]) > 1e-9
    if not differs.any() or positive[differs].all() or not positive[differs].any():
        return Scaling(1.0, float(np.log(positive.mean() / (1 - positive.mean()))) - middle)
    deviation = float(centred[differs].std())
    unit, outcome = centred[differs] / deviation, positive[differs].astype(float)
    middle_of_prior = np.log(expected.of(len(logit)))
    logarithm, step = SPREADS, float(SPREADS[1] - SPREADS[0])
    for _ in range(FINER + 1):
        intercept, lack = _profile(outcome, np.exp(logarithm)[:, None] * unit)
        best = int(np.argmin(lack + (logarithm - middle_of_prior) ** 2 / (2 * expected.doubt**2)))
        slope, level = float(np.exp(logarithm[best])) / deviation, float(intercept[best])
        logarithm = logarithm[best] + np.linspace(-step, step, 9)
        step /= 4
    return Scaling(slope, level - slope * middle)


def _profile(outcome: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best intercept of every row of logits (k, n) by Newton's method, and the summed log loss there, both (k,)."""
    prevalence = outcome.mean()
    intercept = np.full(len(logits), np.log(prevalence / (1 - prevalence)))
    for _ in range(MOST_STEPS):
        p = expit(intercept[:, None] + logits)
        step = np.clip((outcome - p).sum(axis=1) / np.maximum((p * (1 - p)).sum(axis=1), 1e-12), -1, 1)
        intercept = intercept + step
        if np.abs(step).max() < 1e-9:
            break
    said = intercept[:, None] + logits
    return intercept, np.logaddexp(0, np.where(outcome > 0, -said, said)).sum(axis=1)
