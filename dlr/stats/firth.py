"""Firth's penalised likelihood for logistic regression: log-likelihood + ½ log |XᵀWX|.

Source: Firth 1993 (Biometrika 80:27); Heinze & Schemper 2002 (Stat Med 21:2409).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.stats.likelihood import Likelihood, maximise
from dlr.stats.logistic_fit import LogisticFit
from dlr.stats.regression import Regression, separated_terms, starting_point, summarise

__all__ = ["JeffreysLikelihood", "firth"]


@dataclass(frozen=True)
class JeffreysLikelihood(Likelihood):
    """Binomial likelihood times Jeffreys' prior. Finite at every separation, largest at Firth's estimates."""

    @classmethod
    def of(cls, plain: Likelihood) -> JeffreysLikelihood:
        """The same patients and columns, with the penalty."""
        return cls(plain.x, plain.y, plain.weights, plain.offset)

    @property
    def concave(self) -> bool:
        """Not where a coefficient is held far from its estimate."""
        return False

    def value(self, beta: np.ndarray) -> float:
        """Log-likelihood + ½ log |I(β)|; −∞ where the information is singular."""
        with np.errstate(divide="ignore"):  # singular far out: sign 0
            sign, log_determinant = np.linalg.slogdet(self.information(beta))
        return self.log_likelihood(beta) + 0.5 * log_determinant if sign > 0 else -np.inf

    def value_unscaled(self, beta: np.ndarray, scale: np.ndarray) -> float:
        """The determinant grows by the square of every unit."""
        return self.value(beta) + float(np.log(scale).sum())

    def score(self, beta: np.ndarray) -> np.ndarray:
        """Xᵀ [w (y − p) + h (½ − p)], h the diagonal of the weighted hat matrix of all columns."""
        p = self.probability(beta)
        hat = (self._hat_root(beta) ** 2).sum(axis=1)
        return self.x.T @ (self.weights * (self.y - p) + hat * (0.5 - p))

    def curvature(self, beta: np.ndarray) -> np.ndarray:
        """Minus the second derivative; far from the maximum it may be indefinite.

        That of the penalty is: ½ Xᵀ diag{h [(1 − 2p)² − 2p(1 − p)]} X − ½ Xᵀ D (H ∘ H) D X, D = diag(1 − 2p).
        """
        p, root = self.probability(beta), self._hat_root(beta)
        tilt, hat = 1 - 2 * p, (root**2).sum(axis=1)
        own = (self.x.T * (hat * (tilt**2 - 2 * p * (1 - p)))) @ self.x
        third = (self.x.T * tilt) @ (root[:, :, None] * root[:, None, :]).reshape(len(p), -1)  # (k, k²)
        shared = third @ third.T
        return self.information(beta) - 0.5 * (own - shared)

    def _hat_root(self, beta: np.ndarray) -> np.ndarray:
        """Z (n, k) with hat matrix H = Z Zᵀ: an orthonormal base of the columns of √w x."""
        return np.linalg.qr(np.sqrt(self._working_weights(beta))[:, None] * self.x)[0]


def firth(
    frame: pd.DataFrame,
    outcome: pd.Series | np.ndarray,
    *,
    references: Mapping[str, str] | None = None,
    logits: Sequence[str] = (),
    splines: Sequence[str] = (),
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
    profile: bool = True,
) -> LogisticFit:
    """Firth's penalised likelihood (Jeffreys prior): finite under separation, less biased in small cohorts.

    Standard errors from the unpenalised information at the estimates; `profile_*` and `lr_*` from the penalised
    likelihood, the penalty taken from the full information matrix with the coefficient held (logistf's convention).
    Arguments as in `logistic`. Source: Firth 1993; Heinze & Schemper 2002.
    """
    regression = Regression.of(
        frame, outcome, references=references, logits=logits, splines=splines, weights=weights, offset=offset
    )
    best = maximise(regression.likelihood, starting_point(regression.likelihood))
    return summarise(
        regression, JeffreysLikelihood.of(regression.likelihood), "Firth", separated_terms(regression, best), profile
    )
