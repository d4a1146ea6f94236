"""Precision and recall: for rare positives, where the ROC curve flatters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from dlr.stats.bootstrap import REPLICATES, bootstrap_estimate
from dlr.stats.outcome import two_classes, values
from dlr.words import Estimate

__all__ = ["average_precision", "pr_curve"]


def pr_curve(positive: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """recall, precision, cutoff at every distinct value from the highest down: positive where probability >= cutoff."""
    outcome = two_classes(positive, "pr_curve")
    value = values(probability, len(outcome), "pr_curve")
    true, called, cutoff = _called(outcome, value, np.ones((1, len(value))))
    return pd.DataFrame({"recall": true[0] / outcome.sum(), "precision": true[0] / called[0], "cutoff": cutoff})


def average_precision(
    positive: ArrayLike,
    probability: ArrayLike,
    *,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> Estimate:
    """Sum of precision times the gain in recall over the distinct values (no interpolation), patient bootstrap.

    The value of chance is the share of positives. Source: as scikit-learn's average_precision_score.
    """
    outcome = two_classes(positive, "average_precision")
    value = values(probability, len(outcome), "average_precision")

    def average(weights: np.ndarray) -> np.ndarray:
        true, called, _ = _called(outcome, value, weights)
        gain = np.diff(true, axis=1, prepend=0)
        return (gain * true / np.where(called > 0, called, 1)).sum(axis=1) / outcome.sum()

    return bootstrap_estimate(average, outcome, "patient bootstrap, stratified", generator, replicates)


def _called(outcome: np.ndarray, value: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True positives and all called positive (B, distinct) at each distinct value from the highest down."""
    order = np.argsort(-value, kind="stable")
    ranked = value[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # the end of each run of equals
    drawn = weights[:, order]
    called = drawn.cumsum(axis=1)[:, last]
    true = (drawn * outcome[order]).cumsum(axis=1)[:, last]
    return true, called, ranked[last]
