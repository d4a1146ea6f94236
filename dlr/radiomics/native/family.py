"""A feature family: named formulas over one description of the ROI (its values, outline or texture matrix)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

import numpy as np

__all__ = ["EPSILON", "Family", "Feature"]

EPSILON = float(np.spacing(1.0))  # keeps log2 finite; part of pyradiomics' definitions

Described = TypeVar("Described")
Number = float | np.ndarray
Formula = Callable[[Described], Number]


class Feature(NamedTuple):
    """One feature: its name, IBSI code (empty where IBSI has none), formula in words of its family, function."""

    name: str
    ibsi_code: str
    formula: str
    function: Callable[..., Number]


class Family(Generic[Described]):
    """Features by name. A formula gives a number, or one a direction, which are then averaged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.features: dict[str, Feature] = {}

    def feature(self, name: str, ibsi_code: str, formula: str) -> Callable[[Formula[Described]], Formula[Described]]:
        """Enter a formula into the family."""

        def enter(function: Formula[Described]) -> Formula[Described]:
            self.features[name] = Feature(name, ibsi_code, formula, function)
            return function

        return enter

    def measure(self, described: Described, names: Iterable[str]) -> list[float]:
        """The named features, in that order; NaN where undefined."""
        rows = [self.features[name].function(described) for name in names]
        if not rows or not isinstance(rows[0], np.ndarray):
            return [float(row) for row in rows]
        table = np.array(rows)
        if not table.size:
            return [np.nan] * len(rows)
        means = table.mean(axis=1)
        for row in np.flatnonzero(np.isnan(means)):  # a direction without a value does not count
            finite = table[row][~np.isnan(table[row])]
            means[row] = finite.mean() if finite.size else np.nan
        return means.tolist()
