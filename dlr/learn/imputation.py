"""Iterative imputation that can be saved as numbers: every gappy column a ridge regression on its nearest columns."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ChainedRegressions", "fit_chained_regressions"]

ROUNDS = 5
NEAREST = 20  # predictors a column: those with the largest |r|
RIDGE = 1.0  # penalty on standardised predictors, in patients


@dataclass(frozen=True)
class Regression:
    """target = intercept + sum(slope x predictors); columns by position."""

    target: int
    predictors: tuple[int, ...]
    intercept: float
    slope: tuple[float, ...]
    low: float  # a filled value stays within the training range
    high: float


@dataclass(frozen=True)
class ChainedRegressions:
    """Steps in the order they were fitted, round after round; new patients go through the same ones."""

    steps: tuple[Regression, ...]

    def fill(self, raw: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Fill NaN of `raw` (n, p), from `start` (medians in the gaps); columns without a step keep the start."""
        filled = start.copy()
        for step in self.steps:
            gap = np.isnan(raw[:, step.target])
            if gap.any():
                guess = step.intercept + filled[np.ix_(gap, np.array(step.predictors))] @ np.array(step.slope)
                filled[gap, step.target] = np.clip(guess, step.low, step.high)
        return filled

    def closure(self, names: Set[str], columns: tuple[str, ...]) -> set[str]:
        """`names` and every column that filling them reads, and so on."""
        reads: dict[str, set[str]] = {}
        for step in self.steps:
            reads.setdefault(columns[step.target], set()).update(columns[j] for j in step.predictors)
        needed, waiting = set(names), list(names)
        while waiting:
            new = reads.get(waiting.pop(), set()) - needed
            needed |= new
            waiting += new
        return needed

    def reduced(self, positions: np.ndarray) -> ChainedRegressions:
        """The steps of the columns at `positions` (closed under `closure`), numbered anew."""
        new = {int(old): place for place, old in enumerate(positions)}
        steps = (
            Regression(new[s.target], tuple(new[j] for j in s.predictors), s.intercept, s.slope, s.low, s.high)
            for s in self.steps
            if s.target in new
        )
        return ChainedRegressions(tuple(steps))

    def to_json(self) -> list[dict[str, Any]]:
        """A plain list, a dictionary a step."""
        return [dict(vars(step)) for step in self.steps]

    @classmethod
    def from_json(cls, plain: list[dict[str, Any]]) -> ChainedRegressions:
        steps = (Regression(**{**s, "predictors": tuple(s["predictors"]), "slope": tuple(s["slope"])}) for s in plain)
        return cls(tuple(steps))


def fit_chained_regressions(raw: np.ndarray, median: np.ndarray) -> ChainedRegressions:
    """Fit the steps on a training part (n, p) with NaN; gappy columns from the fewest gaps to the most.

    Predictors are the columns with the largest |r| after a median fill; the outcome is never among them.
    """
    gap = np.isnan(raw)
    filled = np.where(gap, median, raw)
    targets = [int(j) for j in np.argsort(gap.sum(axis=0), kind="stable") if gap[:, j].any()]
    scale = filled.std(axis=0)
    centred = (filled - filled.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    nearest = {}
    for j in targets:
        r = np.round(np.abs(centred.T @ centred[:, j]) / len(raw), 12)
        r[j] = -1.0
        nearest[j] = tuple(int(i) for i in np.argsort(-r, kind="stable")[: min(NEAREST, raw.shape[1] - 1)])
    steps = []
    for _ in range(ROUNDS):
        for j in targets:
            step = _ridge(filled, raw[:, j], ~gap[:, j], j, nearest[j])
            steps.append(step)
            rows = gap[:, j]
            guess = step.intercept + filled[np.ix_(rows, np.array(step.predictors))] @ np.array(step.slope)
            filled[rows, j] = np.clip(guess, step.low, step.high)
    return ChainedRegressions(tuple(steps))


def _ridge(filled: np.ndarray, y: np.ndarray, rows: np.ndarray, target: int, predictors: tuple[int, ...]) -> Regression:
    """Ridge regression of y on standardised predictors over the rows where y is known."""
    x, y = filled[np.ix_(rows, np.array(predictors))], y[rows]
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    deviation = np.where(deviation > 0, deviation, np.inf)  # a predictor constant on these rows gets no weight
    z = (x - mean) / deviation
    slope = np.linalg.solve(z.T @ z + RIDGE * np.eye(len(predictors)), z.T @ (y - y.mean())) / deviation
    return Regression(
        target, predictors, float(y.mean() - mean @ slope), tuple(slope.tolist()), float(y.min()), float(y.max())
    )
