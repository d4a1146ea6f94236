"""Random forests and extra trees as one plain table of nodes: what is saved is what predicts."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Forest"]

COLUMNS = ("tree", "left", "right", "feature", "threshold", "probability")
LEAF = -1  # left and right of a node without children


@dataclass(frozen=True)
class Forest:
    """Every node of every tree, tree after tree, each tree's root first and its children behind it.

    A row goes left where its feature, as float32, is not above the threshold; the forest's probability is the
    mean over trees of the share of class 1 in the leaf reached (sklearn.ensemble.RandomForestClassifier).
    """

    tree: np.ndarray  # int32 (nodes,)
    left: np.ndarray  # int32, row of the left child, or LEAF
    right: np.ndarray
    feature: np.ndarray  # int32, column that the node asks for
    threshold: np.ndarray  # float64
    share: np.ndarray  # float64, share of class 1 among the training rows of the node

    @classmethod
    def from_estimator(cls, estimator: Any) -> Forest:
        """The nodes of a fitted forest of scikit-learn for classes 0 and 1."""
        trees = [member.tree_ for member in estimator.estimators_]
        counts = [tree.node_count for tree in trees]
        offset = np.repeat(np.cumsum([0, *counts[:-1]]), counts)
        left, right, feature, threshold, value = (
            np.concatenate([getattr(tree, name) for tree in trees])
            for name in ("children_left", "children_right", "feature", "threshold", "value")
        )
        leaf = left == LEAF
        return cls(
            np.repeat(np.arange(len(trees), dtype=np.int32), counts),
            np.where(leaf, LEAF, left + offset).astype(np.int32),
            np.where(leaf, LEAF, right + offset).astype(np.int32),
            np.where(leaf, 0, feature).astype(np.int32),
            np.where(leaf, 0.0, threshold),
            value[:, 0, 1] / value[:, 0].sum(axis=1),
        )

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Probabilities, float64 (n,), for float64 (n, p); ValueError where the forest asks for a column beyond p."""
        if self.feature.max(initial=0) >= values.shape[1]:
            raise ValueError(f"the forest asks for column {self.feature.max()}, there are {values.shape[1]}")
        single = values.astype(np.float32)
        rows = np.arange(len(single))
        at = np.repeat(np.flatnonzero(np.diff(self.tree, prepend=-1))[:, None], len(single), axis=1)
        while (inner := self.left[at] != LEAF).any():
            goes_left = single[rows, self.feature[at]] <= self.threshold[at]
            at = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)
        return self.share[at].mean(axis=0)

    def to_bytes(self) -> bytes:
        """A Parquet file of a row a node."""
        parts = (self.tree, self.left, self.right, self.feature, self.threshold, self.share)
        out = io.BytesIO()
        pd.DataFrame(dict(zip(COLUMNS, parts, strict=True))).to_parquet(out, index=False)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Forest:
        """Read what `to_bytes` wrote; ValueError for anything that is not a forest."""
        table = pd.read_parquet(io.BytesIO(data))
        if tuple(table.columns) != COLUMNS or not len(table) or table.isna().to_numpy().any():
            raise ValueError(f"not a table of {', '.join(COLUMNS)}")
        tree, left, right, feature = (table[name].to_numpy(dtype=np.int32) for name in COLUMNS[:4])
        threshold, share = (table[name].to_numpy(dtype=np.float64) for name in COLUMNS[4:])
        inner = np.flatnonzero(left != LEAF)
        if ((right != LEAF) != (left != LEAF)).any():
            raise ValueError("a node has one child")
        for child in (left[inner], right[inner]):
            if (child <= inner).any() or (child >= len(table)).any() or (tree[child] != tree[inner]).any():
                raise ValueError("a node's children are not behind it in its own tree")
        if (np.diff(tree, prepend=0) < 0).any() or (feature < 0).any() or (share < 0).any() or (share > 1).any():
            raise ValueError("trees, columns or shares are out of range")
        return cls(tree, left, right, feature, threshold, share)
