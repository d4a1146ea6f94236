"""Drawing the inner folds of one training part: stratified, patients kept whole, seeded."""

from __future__ import annotations

import numpy as np

from dlr.errors import InputError

__all__ = ["stratified_folds"]


def stratified_folds(
    positive: np.ndarray, groups: np.ndarray | None, folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold number 0..K-1 for every row; all rows of a group (patient) share one.

    positive : bool (n,).  groups : (n,) patient of every row, or None where every row is a patient.
    K = min(folds, groups of the rarer class), so that every fold holds both classes. A group is positive if one
    of its rows is. Raises InputError where a class has fewer than two groups.
    """
    positive = np.asarray(positive, dtype=bool)
    names = np.arange(len(positive)) if groups is None else np.asarray(groups)
    _, member = np.unique(names, return_inverse=True)
    label = np.zeros(member.max() + 1, dtype=bool)
    np.logical_or.at(label, member, positive)
    rarer = int(min(label.sum(), (~label).sum()))
    if rarer < 2:
        raise InputError(
            where="training part",
            what=f"{int(label.sum())} positive and {int((~label).sum())} negative patients; a fold needs two of each",
            mend="add patients, lower learn.folds, or check the target's values",
        )
    count = min(folds, rarer)
    fold = np.empty(len(label), dtype=np.int64)
    dealt = 0
    for value in (True, False):  # dealt like cards, going on where the first class ended: equal sizes
        rows = generator.permutation(np.flatnonzero(label == value))
        fold[rows] = (dealt + np.arange(len(rows))) % count
        dealt += len(rows)
    return fold[member]
