"""Ridge penalty for logistic regression, and the choice of its strength by corrected AIC.

Source: le Cessie & van Houwelingen 1992; Gray 1992; Harrell, Regression Modeling Strategies §9.10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.stats.likelihood import Likelihood, maximise
from dlr.stats.logistic_fit import LogisticFit
from dlr.stats.regression import Regression, separated_terms, starting_point, summarise

__all__ = ["RidgeLikelihood", "best_penalty", "ridge"]

PENALTIES = np.concatenate([[0.0], np.logspace(-2, 4, 121)])


def ridge(
    frame: pd.DataFrame,
    outcome: pd.Series | np.ndarray,
    penalty: float | None = None,
    *,
    references: Mapping[str, str] | None = None,
    logits: Sequence[str] = (),
    splines: Sequence[str] = (),
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> LogisticFit:
    """Log-likelihood less ½ penalty Σ (sd β)²: slopes shrunk on the standardised scale, intercept free.

    rms::lrm scales by the SD with divisor n - 1: its penalty λ is n / (n - 1) λ here.
    penalty : None takes the one with the largest likelihood-ratio χ² − 2 effective df (Harrell's corrected AIC).
    Standard errors from Gray's sandwich (I + P)⁻¹ I (I + P)⁻¹; as estimates are shrunk on purpose, they and the Wald
    limits describe spread, not coverage, and profile limits are NaN. Other arguments as in `logistic`.
    """
    regression = Regression.of(
        frame, outcome, references=references, logits=logits, splines=splines, weights=weights, offset=offset
    )
    plain = regression.likelihood
    best = maximise(plain, starting_point(plain))
    if penalty is None:
        penalty = best_penalty(plain, starting_point(plain))
    target = RidgeLikelihood.of(plain, penalty)
    return summarise(regression, target, "ridge", separated_terms(regression, best), profile=False, penalty=penalty)


@dataclass(frozen=True)
class RidgeLikelihood(Likelihood):
    """Log-likelihood less ½ Σ ridge β²."""

    ridge: np.ndarray  # (k,) on the scale of the columns, 0 for the intercept

    @classmethod
    def of(cls, plain: Likelihood, penalty: float) -> RidgeLikelihood:
        """The same penalty on every standardised slope (SD with divisor n)."""
        return cls(plain.x, plain.y, plain.weights, plain.offset, penalty * plain.x.var(axis=0))

    def value(self, beta: np.ndarray) -> float:
        """The penalised log-likelihood."""
        return self.log_likelihood(beta) - 0.5 * float(self.ridge @ beta**2)

    def score(self, beta: np.ndarray) -> np.ndarray:
        """Gradient of `value`."""
        return super().score(beta) - self.ridge * beta

    def curvature(self, beta: np.ndarray) -> np.ndarray:
        """Information + diagonal of the penalty."""
        return self.information(beta) + np.diag(self.ridge)

    def covariance(self, beta: np.ndarray) -> np.ndarray:
        """Gray's sandwich (I + P)⁻¹ I (I + P)⁻¹."""
        bread = np.linalg.inv(self.curvature(beta))
        return bread @ self.information(beta) @ bread

    def effective_df(self, beta: np.ndarray) -> float:
        """Trace of (I + P)⁻¹ I less one for the intercept: the number of slopes where nothing is penalised."""
        return float(np.trace(np.linalg.solve(self.curvature(beta), self.information(beta)))) - 1


def best_penalty(plain: Likelihood, start: np.ndarray) -> float:
    """The penalty of PENALTIES whose fit has the largest 2 log-likelihood − 2 effective df; of equals the larger."""
    best, chosen, beta = -np.inf, 0.0, start
    for penalty in PENALTIES[::-1]:  # strong to weak, each fit starting from the one before
        target = RidgeLikelihood.of(plain, float(penalty))
        found = maximise(target, beta)
        if not found.converged:
            break  # separated without a penalty
        beta = found.beta
        criterion = 2 * plain.log_likelihood(beta) - 2 * target.effective_df(beta)
        if criterion > best:
            best, chosen = criterion, float(penalty)
    return chosen
