"""Platt's scaling: a margin as a probability, by a logistic curve fitted on margins of rows that were held out.

Source: Platt 1999, with the bounded targets of Lin, Lin & Weng 2007 (Machine Learning 68:267).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.stats.likelihood import Likelihood, maximise

__all__ = ["Scaling", "platt"]


@dataclass(frozen=True)
class Scaling:
    """Probability = expit(intercept + slope * margin)."""

    slope: float
    intercept: float


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
