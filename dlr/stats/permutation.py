"""Permutation p-values: how often shuffled labels do as well as the true ones.

The labels are shuffled before anything is fitted, and the whole chain runs again on each shuffle; shuffling against
predictions that have seen the true labels tests nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.stats.outcome import labels, values

__all__ = ["permutation_p", "shuffled"]


def permutation_p(observed: float, shuffled_values: ArrayLike) -> float:
    """Share of values at least as large as the observed one, which itself counts as one of them; never 0.

    Source: Phipson & Smyth 2010 (Statistical Applications in Genetics and Molecular Biology 9:39).
    """
    null = np.asarray(shuffled_values, dtype=float)
    if null.ndim != 1 or len(null) == 0:
        raise InputError("permutation_p", "no shuffled values", "Run the chain on at least one shuffle.")
    null = values(null, len(null), "permutation_p", "shuffled values")
    return float((1 + (null >= observed).sum()) / (1 + len(null)))


def shuffled(outcome: ArrayLike, generator: np.random.Generator, within: ArrayLike | None = None) -> np.ndarray:
    """`outcome` (n,) in random order; within each stratum of `within` (n,), such as a cohort or side, if given."""
    mixed = np.asarray(outcome).copy()
    strata = np.zeros(len(mixed)) if within is None else labels(within, len(mixed), "shuffled", "within")
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        mixed[members] = mixed[generator.permutation(members)]
    return mixed
