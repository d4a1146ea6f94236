"""The bootstrap by patient: for statistics that have no formula for their interval.

Patients are drawn with replacement within strata. Within the two classes every replicate has as many positives as the
data, which is right where a statistic compares the classes (AUC) and too narrow where the prevalence is part of it
(Brier): there everybody is one stratum.
A replicate is kept as a row of weights, how often each patient was drawn: statistics that are sums then need no loop.
A generator says which patients are drawn and is not used up: whoever asks with one in the same state sees the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from dlr.randomness import rng
from dlr.words import Estimate

__all__ = ["REPLICATES", "Weighted", "bootstrap_estimate", "draw_weights", "resampled"]

REPLICATES = 2000
BLOCK = 2_000  # replicates weighed at once
KEPT = 64_000_000  # weights, a byte each, that are kept for the next statistic of the same patients

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
    number = np.unique(strata, return_inverse=True)[1].astype(np.int32)
    state = json.dumps(generator.bit_generator.state)
    if number.size * replicates > KEPT:
        return np.concatenate([statistic(weights) for weights in _blocks(number, replicates, _again(state))])
    weights = _kept(number.tobytes(), replicates, state)
    starts = range(0, replicates, BLOCK)
    return np.concatenate([statistic(weights[:, k : k + BLOCK].astype(np.float32).T) for k in starts])


def draw_weights(strata: np.ndarray, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """How often each patient is drawn, float (replicates, n); each stratum (n,) keeps its size, the last is first."""
    weights = np.empty((replicates, len(strata)), dtype=np.float32)
    for stratum in np.unique(strata)[::-1]:
        members = strata == stratum
        size = int(members.sum())
        drawn = generator.integers(size, size=(replicates, size)) + size * np.arange(replicates)[:, None]
        weights[:, members] = np.bincount(drawn.ravel(), minlength=replicates * size).reshape(replicates, size)
    return weights


@lru_cache(maxsize=8)
def _kept(strata: bytes, replicates: int, state: str) -> np.ndarray:
    """The weights of a generator in this state, a row a patient: (n, replicates)."""
    blocks = _blocks(np.frombuffer(strata, dtype=np.int32), replicates, _again(state))
    weights = np.concatenate([block.astype(np.uint16) for block in blocks])
    return np.ascontiguousarray(weights.T.astype(np.uint8 if weights.max() < 256 else np.uint16))


def _again(state: str) -> np.random.Generator:
    """A generator in this state; the one that it was read from is not used up."""
    generator = np.random.default_rng()
    generator.bit_generator.state = json.loads(state)
    return generator


def _blocks(strata: np.ndarray, replicates: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """The weights of all replicates, some of them at a time: (BLOCK or fewer, n)."""
    for start in range(0, replicates, BLOCK):
        yield draw_weights(strata, min(BLOCK, replicates - start), generator)
