"""Shuffled labels through a whole chain: the only null of an out-of-fold figure that holds.

Labels are shuffled between patients before anything is fitted, and everything is fitted again on each shuffle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlr.randomness import rng

__all__ = ["Permuted", "permute_through", "shuffle_patients"]


@dataclass(frozen=True)
class Permuted:
    """A chain's figure on the true labels, and on each shuffle; dlr.stats.permutation_p makes a p of them."""

    observed: float
    shuffled: np.ndarray


def permute_through(
    chain: Callable[[np.ndarray], float],
    positive: np.ndarray,
    groups: np.ndarray | None,
    permutations: int,
    seed: int,
) -> Permuted:
    """Run `chain`, which fits and scores everything from labels (n,), once as it is and on every shuffle."""
    truth = np.asarray(positive, dtype=bool)
    values = [chain(shuffle_patients(truth, groups, rng(seed, "permutation", k))) for k in range(permutations)]
    return Permuted(chain(truth), np.array(values, dtype=float))


def shuffle_patients(positive: np.ndarray, groups: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
    """bool (n,): labels handed to other patients of as many rows, so that a patient's rows stay together."""
    truth = np.asarray(positive, dtype=bool)
    names = np.arange(len(truth)) if groups is None else np.asarray(groups)
    _, member = np.unique(names, return_inverse=True)
    rows = [np.flatnonzero(member == k) for k in range(member.max() + 1)]
    shuffled = truth.copy()
    for size in sorted({len(r) for r in rows}):
        alike = [r for r in rows if len(r) == size]
        for target, source in zip(alike, generator.permutation(len(alike)), strict=True):
            shuffled[target] = truth[alike[source]]
    return shuffled
