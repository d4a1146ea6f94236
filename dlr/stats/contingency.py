"""Tables of counts: χ², and Fisher's exact test of any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import gammaln

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.words import Test

__all__ = ["chi_square", "fisher_exact", "smallest_expected"]

MOST_TABLES = 2_000_000  # held at once by the exact enumeration; beyond it p is simulated and says so
SIMULATED = 100_000
EQUAL = 1e-7  # relative: probabilities closer than this count as equal, as in fisher.test


def chi_square(table: ArrayLike, *, yates: bool = False) -> Test:
    """Pearson's χ² of an r × c table of counts; Yates's correction on request, for 2 × 2 only.

    Empty rows and columns are left out; a table with one row or column left has nothing to test: NaN.
    """
    counts = _counts(table)
    if min(counts.shape) < 2:
        return Test(float("nan"), float("nan"), 0, "chi-squared test")
    corrected = yates and counts.shape == (2, 2)
    found = stats.chi2_contingency(counts, correction=corrected)
    name = "chi-squared test (Yates)" if corrected else "chi-squared test"
    return Test(float(found.statistic), float(found.pvalue), int(found.dof), name)


def smallest_expected(table: ArrayLike) -> float:
    """The smallest count expected under independence; under 5, Fisher's test is the one to report."""
    counts = _counts(table)
    return float(np.outer(counts.sum(axis=1), counts.sum(axis=0)).min() / counts.sum())


def fisher_exact(table: ArrayLike) -> Test:
    """Fisher's exact test of an r × c table: the share of tables with these margins that are no likelier than it.

    The statistic is the sample odds ratio of a 2 × 2 table, else NaN. A table too large to enumerate gets a p from
    100,000 tables drawn with a fixed seed, and the method says so.
    """
    counts = _counts(table)
    if min(counts.shape) < 2:
        return Test(float("nan"), float("nan"), float("nan"), "Fisher's exact test")
    if counts.shape == (2, 2):
        found = stats.fisher_exact(counts)
        return Test(float(found[0]), float(found[1]), float("nan"), "Fisher's exact test")
    p = _enumerated_p(counts)
    if p is not None:
        return Test(float("nan"), p, float("nan"), "Fisher's exact test")
    return Test(float("nan"), _simulated_p(counts), float("nan"), "Fisher's exact test (simulated)")


def _counts(table: ArrayLike) -> np.ndarray:
    """Whole counts of the rows and columns that are not empty."""
    counts = np.asarray(table)
    if counts.ndim != 2 or (counts < 0).any() or (counts != np.round(counts)).any() or counts.sum() == 0:
        raise InputError("table of counts", "not a table of whole counts", "give how many patients each cell has")
    counts = counts.astype(int)
    return counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]


def _enumerated_p(counts: np.ndarray) -> float | None:
    """Walk through all tables row by row; None where too many would have to be held at once.

    A state is what is left of the column sums, with −Σ log(cell!) so far; states alike in both are one, with a weight.
    """
    counts = counts if counts.shape[0] >= counts.shape[1] else counts.T
    rows = counts[np.argsort(counts.sum(axis=1), kind="stable")]  # the largest row last: what is left decides it
    left, value, weight = counts.sum(axis=0)[None, :], np.zeros(1), np.ones(1)
    for row in rows[:-1]:
        fillings = _fillings(int(row.sum()), counts.sum(axis=0))
        if fillings is None or len(left) * len(fillings) > MOST_TABLES:
            return None
        after = left[:, None, :] - fillings[None, :, :]
        fits = (after >= 0).all(axis=2)
        new_value = (value[:, None] - gammaln(fillings + 1).sum(axis=1)[None, :])[fits]
        left, value, weight = _merged(after[fits], new_value, np.broadcast_to(weight[:, None], fits.shape)[fits])
    value = value - gammaln(left + 1).sum(axis=1)
    observed = -gammaln(counts + 1).sum()
    whole = (
        gammaln(counts.sum(axis=1) + 1).sum() + gammaln(counts.sum(axis=0) + 1).sum() - gammaln(int(counts.sum()) + 1)
    )
    extreme = value <= observed + EQUAL
    return min(1.0, float((weight[extreme] * np.exp(whole + value[extreme])).sum()))


def _fillings(total: int, most: np.ndarray) -> np.ndarray | None:
    """All ways (k, c) to spread `total` over columns that hold at most `most`; None where there are too many."""
    ways = np.zeros((1, 0), dtype=int)
    for j, limit in enumerate(most):
        spent = ways.sum(axis=1)
        if len(ways) * (min(total, int(limit)) + 1) > MOST_TABLES:
            return None
        cells = np.arange(min(total, int(limit)) + 1)
        spread = np.concatenate([np.repeat(ways, len(cells), axis=0), np.tile(cells, len(ways))[:, None]], axis=1)
        room = int(most[j + 1 :].sum())
        rest = total - np.repeat(spent, len(cells)) - spread[:, -1]
        ways = spread[(rest >= 0) & (rest <= room)]
    return ways


def _merged(left: np.ndarray, value: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    key = np.column_stack([left, np.round(value * 1e9).astype(np.int64)])
    _, first, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return left[first], value[first], np.bincount(back.ravel(), weights=weight)


def _simulated_p(counts: np.ndarray) -> float:
    """(1 + draws no likelier than the table) / (1 + draws), as fisher.test(simulate.p.value = TRUE)."""
    drawn = stats.random_table(counts.sum(axis=1), counts.sum(axis=0)).rvs(
        SIMULATED, random_state=rng(0, "fisher", *counts.ravel().tolist())
    )
    values = -gammaln(drawn + 1).sum(axis=(1, 2))
    extreme = int((values <= -gammaln(counts + 1).sum() + EQUAL).sum())
    return (1 + extreme) / (1 + SIMULATED)
