"""Drawing the inner folds of one training part: stratified, patients kept whole, seeded."""

from __future__ import annotations

import numpy as np

from dlr.errors import InputError

__all__ = ["folds_by_pattern", "folds_by_thirds", "stratified_folds"]


def stratified_folds(
    positive: np.ndarray, groups: np.ndarray | None, folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold number 0..K-1 for every row; all rows of a group (patient) share one.

    positive : bool (n,).  groups : (n,) patient of every row, or None where every row is a patient.
    K = min(folds, groups of the rarer class), so that every fold holds both classes. A group is positive if one
    of its rows is. Raises InputError where a class has fewer than two groups.
    """
    positive = np.asarray(positive, dtype=bool)
    member = _member(groups, len(positive))
    label = np.zeros(member.max() + 1, dtype=bool)
    np.logical_or.at(label, member, positive)
    rarer = int(min(label.sum(), (~label).sum()))
    if rarer < 2:
        raise InputError(
            where="training part",
            what=f"{int(label.sum())} positive and {int((~label).sum())} negative patients; a fold needs two of each",
            mend="add patients, lower learn.folds, or check the target's values",
        )
    return _dealt(label, min(folds, rarer), generator)[member]


def folds_by_thirds(
    outcome: np.ndarray, groups: np.ndarray | None, folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold number 0..K-1 for every row of a numeric outcome; all rows of a group (patient) share one.

    outcome : float (n,).  groups : (n,) patient of every row, or None where every row is a patient.
    Groups are dealt by the third in which their mean outcome lies (equal values in one third). K = min(folds,
    groups / 3), two at least. Raises InputError where there are fewer than six groups.
    """
    values = np.asarray(outcome, dtype=float)
    member = _member(groups, len(values))
    patients = int(member.max(initial=-1)) + 1
    if patients < 6:
        raise InputError(
            where="training part",
            what=f"{patients} patients; folds of a per cent need six",
            mend="add patients, or lower learn.folds",
        )
    mean = np.bincount(member, values) / np.bincount(member)
    ends = np.sort(mean)[[-(-k * patients // 3) - 1 for k in (1, 2)]]  # whole numbers: no rounding decides
    return _dealt(np.searchsorted(ends, mean, side="left"), min(folds, patients // 3), generator)[member]


def folds_by_pattern(
    labels: np.ndarray, groups: np.ndarray | None, folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold number 0..K-1 for every row of several labels at once; all rows of a group (patient) share one.

    labels : float (n, K) of 0 and 1, NaN where unknown.  groups : (n,) patient of every row, or None where every row is
    a patient.  Groups are dealt by the pattern of their labels, "unknown" a level of its own; a group has a label if
    one of its rows has. K = min(folds, groups). Raises InputError where there are fewer than two groups.
    """
    table = np.asarray(labels, dtype=float)
    member = _member(groups, len(table))
    patients = int(member.max(initial=-1)) + 1
    if patients < 2:
        raise InputError(
            where="training part",
            what=f"{patients} patients; folds need two",
            mend="add patients, or lower learn.folds",
        )
    level = np.full((patients, table.shape[1]), -1)
    np.maximum.at(level, member, np.where(np.isfinite(table), table, -1).astype(int))
    _, pattern = np.unique(level, axis=0, return_inverse=True)
    return _dealt(pattern.ravel(), min(folds, patients), generator)[member]


def _member(groups: np.ndarray | None, rows: int) -> np.ndarray:
    """int (n,): the number of every row's group; without groups every row is one."""
    names = np.arange(rows) if groups is None else np.asarray(groups)
    return np.unique(names, return_inverse=True)[1]


def _dealt(level: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """A fold a group, dealt like cards level by level, going on where the last level ended: equal sizes."""
    fold = np.empty(len(level), dtype=np.int64)
    dealt = 0
    for value in np.unique(level)[::-1]:
        rows = generator.permutation(np.flatnonzero(level == value))
        fold[rows] = (dealt + np.arange(len(rows))) % count
        dealt += len(rows)
    return fold
