"""Trees of tensors: what a network takes, says and is asked for, when one tensor is not enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor

__all__ = ["Tree", "leaves", "map_tree"]

# a tensor, or a mapping, tuple (named or not), list or dataclass of trees; anything else in it is left as it is
Tree = Any


def map_tree(function: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same tree with the function's answer in place of every tensor."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        return {name: map_tree(function, branch) for name, branch in tree.items()}
    if isinstance(tree, tuple | list):
        branches = [map_tree(function, branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    if is_dataclass(tree) and not isinstance(tree, type):
        own = [field.name for field in fields(tree)]
        return replace(tree, **{name: map_tree(function, getattr(tree, name)) for name in own})
    return tree


def leaves(tree: Tree) -> list[Tensor]:
    """The tensors of a tree, in order."""
    out: list[Tensor] = []

    def keep(leaf: Tensor) -> Tensor:
        out.append(leaf)
        return leaf

    map_tree(keep, tree)
    return out
