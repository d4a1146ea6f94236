"""Random forests and extra trees as one plain table of nodes: what is saved is what predicts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Forest", "grow"]

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
    def of(cls, trees: Sequence[Any]) -> Forest:
        """The nodes of trees that scikit-learn grew (sklearn.tree._tree.Tree) for classes 0 and 1."""
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
        with np.errstate(over="ignore"):  # beyond all thresholds either way
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


def grow(
    values: np.ndarray, positive: np.ndarray, trees: int, seed: int, *, extra: bool, min_samples_leaf: int
) -> Forest:
    """RandomForestClassifier of scikit-learn, or with `extra` its ExtraTreesClassifier, as they are by default.

    values : float64 (n, p).  positive : bool (n,).
    The same draws are given to the same cores that the estimators use: their trees to the last bit (a test), without
    the estimators' checks, which take ten times as long as a tree of a hundred rows.
    """
    from sklearn.tree._criterion import Gini
    from sklearn.tree._splitter import BestSplitter, RandomSplitter
    from sklearn.tree._tree import DepthFirstTreeBuilder, Tree

    single, outcome = values.astype(np.float32), positive.astype(float)[:, None]
    n, p = single.shape
    classes, deepest = np.array([2], dtype=np.intp), np.iinfo(np.int32).max
    kind, most = RandomSplitter if extra else BestSplitter, max(1, int(np.sqrt(p)))
    own, grown = np.random.RandomState(0), []
    for tree_seed in np.random.RandomState(seed).randint(deepest, size=trees):
        weight = None
        if not extra:
            own.seed(tree_seed)
            weight = np.bincount(own.randint(0, n, n), minlength=n).astype(float)
        own.seed(tree_seed)
        splitter = kind(Gini(1, classes), most, min_samples_leaf, 0.0, own, None)
        tree = Tree(p, classes, 1)
        builder = DepthFirstTreeBuilder(splitter, max(2, 2 * min_samples_leaf), min_samples_leaf, 0.0, deepest, 0.0)
        builder.build(tree, single, outcome, weight, None)
        grown.append(tree)
    return Forest.of(grown)
