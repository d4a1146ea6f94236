"""Logistic recalibration: the outcome regressed on the logit of the probability it was given.

Source: Cox 1958 (Biometrika 45:562); Miller et al. 1993 (Medical Decision Making 13:49).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.stats.likelihood import Likelihood, maximise
from dlr.stats.separation import separating_terms

__all__ = ["EDGE", "LogisticCurve", "fit_logits", "recalibration"]

EDGE = 1e-12  # a probability of exactly 0 or 1 has no logit
SINGULAR = 1e-13  # of the largest eigenvalue of the information: below, its inverse is rounding noise
FLAT = 1e-9  # of the information a patient, columns scaled to root mean square 1; about 0.2 at best


@dataclass(frozen=True)
class LogisticCurve:
    """Coefficients (k,) and their covariance (k, k); NaN where the likelihood has no maximum that can be told."""

    beta: np.ndarray
    covariance: np.ndarray


def fit_logits(outcome: np.ndarray, x: np.ndarray, offset: np.ndarray | None = None) -> LogisticCurve:
    """Maximum likelihood of outcome bool (n,) on the columns of x (n, k), an intercept being one of them."""
    n, k = x.shape
    scale = np.sqrt((x**2).mean(axis=0))
    nowhere = LogisticCurve(np.full(k, np.nan), np.full((k, k), np.nan))
    if (scale == 0).any() or np.linalg.matrix_rank(x / scale) < k:
        return nowhere
    target = Likelihood(x / scale, outcome.astype(float), np.ones(n), np.zeros(n) if offset is None else offset)
    best = maximise(target, np.zeros(k))
    information = target.information(best.beta)
    least, *_, most = np.linalg.eigvalsh(information) if k > 1 else (information[0, 0],) * 2
    flat = least < FLAT * n  # either separated or nearly collinear columns
    if not best.converged or least < SINGULAR * most or (flat and separating_terms(x, outcome).any()):
        return nowhere
    return LogisticCurve(best.beta / scale, np.linalg.inv(information) / np.outer(scale, scale))


def recalibration(outcome: np.ndarray, x: np.ndarray) -> tuple[float, float, float]:
    """Calibration in the large, then joint intercept and slope, of the linear predictors x (n,)."""
    one = np.ones(len(x))
    large = fit_logits(outcome, one[:, None], offset=x).beta[0]
    intercept, slope = fit_logits(outcome, np.column_stack([one, x])).beta
    return float(large), float(intercept), float(slope)
