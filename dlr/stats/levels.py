"""What the level of a column, such as a hospital or a scanner, tells of the outcome by itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.stats.outcome import labels, two_classes
from dlr.stats.permutation import permutation_p

__all__ = ["LevelsArea", "auc_of_levels"]

WHERE = "auc_of_levels"
SHUFFLES = 9999


@dataclass(frozen=True)
class LevelsArea:
    """The AUC of guessing each patient's outcome by the share of positives at its level."""

    area: float
    null: float  # mean area of shuffled outcomes: above one half, as the shares are those of the same patients
    p: float  # share of shuffles that reach the area
    share: np.ndarray  # (n,) of positives at each patient's level


def auc_of_levels(
    positive: ArrayLike,
    level: ArrayLike,
    group: ArrayLike | None = None,
    *,
    generator: np.random.Generator,
    shuffles: int = SHUFFLES,
) -> LevelsArea:
    """AUC of a column's levels, pairs of one group (such as a side) alone, and its p by shuffles inside the groups.

    positive : bool (n,).  level, group : (n,) of any type that can be compared; one group for all by default.
    The order of the levels is learnt from the same patients, so that the area of a column that tells nothing lies above
    one half: each shuffle learns it anew, and p is exact. A group of one class has no pairs.
    Raises InputError unless two positive and two negative patients are there, and one group has both.
    """
    outcome = two_classes(positive, WHERE)
    n = len(outcome)
    _, levels = np.unique(labels(level, n, WHERE, "level").astype(str), return_inverse=True)
    _, groups = np.unique(
        np.zeros(n) if group is None else labels(group, n, WHERE, "group").astype(str), return_inverse=True
    )
    shape = (int(groups.max()) + 1, int(levels.max()) + 1)
    cell = groups * shape[1] + levels
    size, yes = (np.bincount(kept, minlength=shape[0] * shape[1]).reshape(shape) for kept in (cell, cell[outcome]))
    if not (yes.sum(axis=1) * (size - yes).sum(axis=1)).any():
        raise InputError(WHERE, "no group has both classes", "Use a group with more patients, or leave this out.")
    drawn = np.stack(
        [generator.multivariate_hypergeometric(s, y.sum(), size=shuffles) for s, y in zip(size, yes, strict=True)],
        axis=1,
    )
    observed = float(_areas(yes[None], size)[0])
    null = _areas(drawn, size)
    return LevelsArea(observed, float(null.mean()), permutation_p(observed, null), (yes.sum(0) / size.sum(0))[levels])


def _areas(yes: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Area of each (b,) from the positives (b, groups, levels) among `size` (groups, levels); ties count half."""
    no = size - yes
    share = yes.sum(axis=1) / size.sum(axis=0)
    ordered = np.sum(yes * no, axis=(1, 2)) / 2
    for i, j in combinations(range(size.shape[1]), 2):
        above = (1 + np.sign(share[:, i] - share[:, j])) / 2
        ordered += above * np.sum(yes[:, :, i] * no[:, :, j], axis=1)
        ordered += (1 - above) * np.sum(yes[:, :, j] * no[:, :, i], axis=1)
    return ordered / np.sum(yes.sum(axis=2) * no.sum(axis=2), axis=1)
