"""Texture matrices of several images under one formula: small ones are padded to one shape and evaluated at once.

On small lesions most time would go into calling NumPy on tiny arrays, once a formula and image.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Protocol, Self

import numpy as np

from dlr.radiomics.native.family import Family

__all__ = ["FormulaBatch", "Matrix", "padded_together"]

_CELLS = 2**17  # of matrices evaluated at once: what a processor's cache holds


class Matrix(Protocol):
    """A texture matrix of one image or several."""

    @classmethod
    def joined(cls, matrices: Sequence[Self]) -> Self:
        """Those of several images as one; all have as many directions."""

    @property
    def extent(self) -> tuple[int, ...]:
        """Directions and cells of one image's matrix."""


class FormulaBatch:
    """Features of one family for many images. Matrices wait until they are `_CELLS` cells: memory is bounded."""

    def __init__(self, family: Family[Any], features: tuple[str, ...]) -> None:
        self.family, self.features = family, features
        self._waiting: dict[str, Matrix] = {}
        self._values: dict[str, float] = {}

    def add(self, image: str, matrix: Matrix) -> None:
        """Take in the matrix of one image."""
        extents = [each.extent for each in (*self._waiting.values(), matrix)]
        padded = len(extents) * prod(map(max, zip(*extents, strict=True)))
        if padded > _CELLS or extents[0][0] != extents[-1][0]:
            self._evaluate()
        self._waiting[image] = matrix
        if prod(matrix.extent) > _CELLS:
            self._evaluate()

    def values(self) -> dict[str, float]:
        """All features by image_family_feature."""
        self._evaluate()
        return self._values

    def _evaluate(self) -> None:
        matrices = list(self._waiting.values())
        if not matrices:
            return
        table = self.family.measure(type(matrices[0]).joined(matrices), self.features)
        for image, row in zip(self._waiting, np.transpose(table).tolist(), strict=True):
            names = (f"{image}_{self.family.name}_{feature}" for feature in self.features)
            self._values.update(zip(names, row, strict=True))
        self._waiting = {}


def padded_together(arrays: Sequence[np.ndarray], fill: float) -> np.ndarray:
    """Arrays (images, ...) one after the other along the first axis, each padded with `fill` to the largest shape."""
    if len(arrays) == 1:
        return arrays[0]
    largest = np.max([array.shape[1:] for array in arrays], axis=0)
    out = np.full((sum(len(array) for array in arrays), *largest), fill, dtype=arrays[0].dtype)
    start = 0
    for array in arrays:
        out[(slice(start, start + len(array)), *map(slice, array.shape[1:]))] = array
        start += len(array)
    return out
