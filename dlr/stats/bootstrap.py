"""The bootstrap by patient: for statistics that have no formula for their interval.

Patients are drawn with replacement within strata, usually the two classes: every replicate has as many positives as the
data.
A replicate is kept as a row of weights, how often each patient was drawn: statistics that are sums then need no loop.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlr.randomness import rng
from dlr.words import Estimate

__all__ = ["REPLICATES", "Weighted", "bootstrap_estimate", "draw_weights", "resampled"]

REPLICATES = 2000
BLOCK = 4_000_000  # weights held at once, 32 MB

Weighted = Callable[[np.ndarray], np.ndarray]  # weights (B, n) to a value each (B,) or values each (B, ...)


def bootstrap_estimate(
    statistic: Weighted,
    positive: np.ndarray,
    method: str,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
    *,
    strata: np.ndarray | None = None,
) -> Estimate:
    """The statistic of the data as they are, with the 2.5 and 97.5 percentiles of its replicates.

    statistic : takes weights (B, n), gives (B,); NaN where undefined: such replicates are left out.
    positive : bool (n,), the strata unless others are given.  generator : by default one seeded by `method`.
    """
    value = float(statistic(np.ones((1, len(positive))))[0])
    within = positive if strata is None else strata
    drawn = resampled(statistic, within, generator or rng(0, "bootstrap", method), replicates)
    defined = drawn[np.isfinite(drawn)]
    known = len(defined) > 0 and np.isfinite(value)
    lower, upper = np.quantile(defined, (0.025, 0.975)) if known else (np.nan, np.nan)
    return Estimate(value, float(lower), float(upper), len(positive), int(positive.sum()), method)


def resampled(statistic: Weighted, strata: np.ndarray, generator: np.random.Generator, replicates: int) -> np.ndarray:
    """The statistic of every replicate (replicates, ...), a block of weights at a time."""
    block = max(1, BLOCK // len(strata))
    sizes = [min(block, replicates - start) for start in range(0, replicates, block)]
    return np.concatenate([statistic(draw_weights(strata, size, generator)) for size in sizes])


def draw_weights(strata: np.ndarray, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """How often each patient is drawn, float (replicates, n); each stratum (n,) keeps its size, the last is first."""
    weights = np.empty((replicates, len(strata)))
    for stratum in np.unique(strata)[::-1]:
        members = strata == stratum
        size = int(members.sum())
        drawn = generator.integers(size, size=(replicates, size)) + size * np.arange(replicates)[:, None]
        weights[:, members] = np.bincount(drawn.ravel(), minlength=replicates * size).reshape(replicates, size)
    return weights
