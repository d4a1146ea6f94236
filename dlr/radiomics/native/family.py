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
    """Features by name. A formula gives a number; of matrices (images, directions), averaged over the latter."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.features: dict[str, Feature] = {}

    def feature(self, name: str, ibsi_code: str, formula: str) -> Callable[[Formula[Described]], Formula[Described]]:
        """Enter a formula into the family."""

        def enter(function: Formula[Described]) -> Formula[Described]:
            self.features[name] = Feature(name, ibsi_code, formula, function)
            return function

        return enter

    def measure(self, described: Described, names: Iterable[str]) -> np.ndarray:
        """The named features in that order, float64 (features,), or (features, images) of several images described.

        Over the directions of an image the mean of those that have a value; NaN where undefined.
        """
        table = np.array([self.features[name].function(described) for name in names])
        if table.ndim < 3:
            return table
        if not table.shape[2]:
            return np.full(table.shape[:2], np.nan)
        means = table.mean(axis=2)
        for at in zip(*np.nonzero(np.isnan(means)), strict=True):
            defined = table[at][~np.isnan(table[at])]
            means[at] = defined.mean() if defined.size else np.nan
        return means
