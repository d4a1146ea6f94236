"""The head of frozen mode: a ridge-penalised logistic model of standardised features, its strength chosen inside.

The mandatory baseline of fine-tuning. The penalty is chosen by the mean log loss of inner folds, a proper score, so
that the signature stays calibrated; of equal ones the stronger. A head whose probabilities hardly differ, or differ too
much, is recalibrated on the held-out logits of the same folds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlr.errors import InputError
from dlr.protocols import stratified_folds
from dlr.randomness import rng
from dlr.stats.ridge_path import ridge_path
from dlr.stats.scaling import Expected, Scaling, recalibration
from dlr.words import expit

__all__ = ["STRENGTHS", "FrozenHead", "fit_head"]

STRENGTHS = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # scikit-learn's C, the strongest penalty first
INNER_FOLDS = 5
EXPECTED = Expected(spread=0.55, doubt=0.6, power=1.0)  # of features that were learnt on other pictures


@dataclass(frozen=True)
class FrozenHead:
    """logit = intercept + raw features @ coefficients; standardisation is folded in."""

    intercept: float
    coefficients: np.ndarray  # float64 (p,)
    strength: float  # the chosen C
    inner_loss: float  # mean log loss of the inner folds at it
    n: int
    n_positive: int

    def logit(self, features: np.ndarray) -> np.ndarray:
        """float64 (n,) for features (n, p)."""
        return self.intercept + (np.asarray(features, dtype=float) * self.coefficients).sum(axis=1)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """float64 (n,) for features (n, p)."""
        return expit(self.logit(features))

    def to_json(self) -> str:
        """Every bit of every number."""
        return json.dumps({**self.__dict__, "coefficients": self.coefficients.tolist()})

    @classmethod
    def from_json(cls, text: str) -> FrozenHead:
        plain = json.loads(text)
        return cls(**{**plain, "coefficients": np.array(plain["coefficients"], dtype=float)})


def fit_head(
    features: np.ndarray,
    positive: np.ndarray,
    groups: Sequence[str] | np.ndarray,
    seed: int,
    strengths: Sequence[float] = STRENGTHS,
    *,
    recalibrate: bool = True,
) -> FrozenHead:
    """Choose the penalty on inner folds of these rows, then fit on all of them.

    recalibrate : the head serves logits that are recalibrated on the inner folds' held-out rows.
    features : float (n, p).  positive : bool (n,).  groups : patient of every row, kept whole in the inner folds.
    Raises InputError where a class has fewer than two patients or a feature is not a number.
    """
    values, truth = np.asarray(features, dtype=float), np.asarray(positive, dtype=bool)
    if not np.isfinite(values).all():
        raise InputError("frozen features", "some are not numbers", "look at the pictures and the weights file")
    fold = stratified_folds(truth, np.asarray(groups), INNER_FOLDS, rng(seed, "inner folds"))
    held_out = np.zeros((len(strengths), len(truth)))
    for number in np.unique(fold):
        inside, out = fold != number, fold == number
        for k, (intercept, weights) in enumerate(_fits(values[inside], truth[inside], strengths)):
            held_out[k, out] = intercept + (values[out] * weights).sum(axis=1)
    losses = [_log_loss(truth, logit) for logit in held_out]
    best = int(np.argmin(np.round(losses, 12)))
    scaling = recalibration(truth, held_out[best], fold, EXPECTED) if recalibrate else Scaling(1.0, 0.0)
    ((intercept, weights),) = _fits(values, truth, strengths[best : best + 1])
    return FrozenHead(
        intercept=scaling.intercept + scaling.slope * float(intercept),
        coefficients=scaling.slope * weights,
        strength=float(strengths[best]),
        inner_loss=losses[best],
        n=len(truth),
        n_positive=int(truth.sum()),
    )


def _fits(values: np.ndarray, truth: np.ndarray, strengths: Sequence[float]) -> list[tuple[float, np.ndarray]]:
    """Intercept and coefficients of the raw features at each strength."""
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    differs = deviation > 1e-12 * np.abs(values).max(axis=0)
    if not differs.any():
        raise InputError("frozen features", "all are the same for everybody", "look at the pictures and the weights")
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=differs)
    path = ridge_path((values - mean) * scale, truth, strengths)
    return [(intercept - float(mean @ (slopes * scale)), slopes * scale) for intercept, slopes in path]


def _log_loss(truth: np.ndarray, logit: np.ndarray) -> float:
    """Mean over rows of log(1 + exp(-z)) for positives and log(1 + exp(z)) for negatives."""
    return float(np.logaddexp(0, np.where(truth, -logit, logit)).mean())
