"""BBC-CV: the value of the best of several models, corrected for having been chosen as the best.

The best of many out-of-fold values is too good, as it is partly the luckiest. The bootstrap repeats the choice:
choose on the patients drawn, score the chosen model on the patients not drawn.
Source: Tsamardinos, Greasidou & Borboudakis 2018 (Machine Learning 107:1895), algorithm 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats.bootstrap import resampled
from dlr.stats.outcome import two_classes, values
from dlr.stats.within_folds import AreaWithinFolds
from dlr.words import Estimate

__all__ = ["BestOfSeveral", "bbc_auc"]


@dataclass(frozen=True)
class BestOfSeveral:
    """The chosen configuration, its out-of-fold AUC, and that AUC corrected for the choice."""

    chosen: int  # column with the highest out-of-fold AUC; of equals the first
    apparent: float  # its AUC: too good
    corrected: Estimate  # mean and percentiles over replicates, choosing in bag, scoring out of bag
    tried: int
    areas: np.ndarray  # (C,) out-of-fold AUC of each configuration
    frequency: np.ndarray  # (C,) share of replicates that chose each


def bbc_auc(
    positive: ArrayLike,
    probability: ArrayLike,
    fold: ArrayLike | None = None,
    *,
    generator: np.random.Generator | None = None,
    replicates: int = 1000,
) -> BestOfSeveral:
    """Bootstrap bias corrected AUC of the best of C configurations.

    positive : bool (n,).  probability : float (n, C) out-of-fold, or (n, S, C) with S seeds.
    fold : (n,) or (n, S): pairs are compared within a fold and seed only, as in `auc_within_folds`; pooled without it.
    Raises InputError unless there are five patients a class, fewer leaving too few out of bag.
    """
    outcome = two_classes(positive, "bbc_auc", least=5)
    matrix, folds = _by_seed(np.asarray(probability, dtype=float), fold, len(outcome))
    _, seeds, tried = matrix.shape
    areas = [[AreaWithinFolds(outcome, matrix[:, s, c], folds[:, s]) for s in range(seeds)] for c in range(tried)]

    def each(weights: np.ndarray) -> np.ndarray:
        """AUC (B, C), mean over seeds."""
        return np.stack([np.mean([area(weights) for area in of_one], axis=0) for of_one in areas], axis=1)

    def in_and_out(weights: np.ndarray) -> np.ndarray:
        return np.stack([each(weights), each((weights == 0).astype(float))], axis=1)

    found = each(np.ones((1, len(outcome))))[0]
    drawn = resampled(in_and_out, outcome, generator or rng(0, "bootstrap", "bbc"), replicates)
    drawn = drawn[np.isfinite(drawn).all(axis=(1, 2))]  # out of bag, a fold may hold one class only
    if len(drawn) == 0:
        raise InputError("bbc_auc", "no replicate leaves both classes out of bag in a fold", "Use fewer folds.")
    winner = drawn[:, 0].argmax(axis=1)
    scores = drawn[np.arange(len(drawn)), 1, winner]
    lower, upper = np.quantile(scores, (0.025, 0.975))
    method = f"BBC-CV, {tried} tried, {len(drawn)} replicates"
    return BestOfSeveral(
        chosen=int(found.argmax()),
        apparent=float(found.max()),
        corrected=Estimate(float(scores.mean()), float(lower), float(upper), len(outcome), int(outcome.sum()), method),
        tried=tried,
        areas=found,
        frequency=np.bincount(winner, minlength=tried) / len(drawn),
    )


def _by_seed(matrix: np.ndarray, fold: ArrayLike | None, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (n, S, C) and folds (n, S)."""
    if matrix.ndim == 2:
        matrix = matrix[:, None, :]
    if matrix.ndim != 3 or len(matrix) != n or matrix.size == 0:
        raise InputError("bbc_auc", f"predictions of shape {matrix.shape}, {n} outcomes", "Give patients x models.")
    values(matrix.ravel(), matrix.size, "bbc_auc")
    folds = np.zeros(matrix.shape[:2]) if fold is None else np.asarray(fold).reshape(n, -1)
    if folds.shape != matrix.shape[:2]:
        raise InputError("bbc_auc", f"folds of shape {folds.shape}, predictions {matrix.shape}", "Give a fold a seed.")
    return matrix, folds
