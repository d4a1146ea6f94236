"""What the loop is fed: examples addressed by place, in batches that depend on place and epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from dlr.networks.trees import Tree, leaves, map_tree
from dlr.randomness import rng

__all__ = ["Batch", "Examples", "order_of", "pieces_of"]


@dataclass(frozen=True)
class Batch:
    """Some examples, on the CPU: two trees of tensors (B, ...). What is not known of an example is NaN, or has a mask.

    The network is called with `inputs`; `targets` are what the losses and measures compare its outputs with.
    """

    inputs: Tree
    targets: Tree

    def __len__(self) -> int:
        return len(leaves(self.inputs)[0])

    def pin_memory(self) -> Batch:
        """In memory that a GPU can copy from while it works."""
        return map_tree(Tensor.pin_memory, self)


class Examples(Protocol):
    """Anything that can be trained on."""

    def __len__(self) -> int: ...

    def batch(self, places: Sequence[int], epoch: int | None) -> Batch:
        """The examples at these places, augmented as of `epoch`, or as they are for None.

        A pure function of its arguments: any process may compute any batch, in any order.
        """


def order_of(n: int, batch_size: int, seed: int, epoch: int, rank: int = 0, world: int = 1) -> list[list[int]]:
    """The batches of one epoch for one of `world` processes: shuffled, of nearly equal size.

    No batch is a leftover of one: BatchNorm could make no variance of it. All ranks get as many batches.
    """
    places = rng(seed, "order", epoch).permutation(n)
    count = max(1, -(-n // (batch_size * world)))
    while count > 1 and n // (count * world) < 2:
        count -= 1
    pieces = np.array_split(places, count)
    return [[int(place) for place in np.array_split(piece, world)[rank]] for piece in pieces]


def pieces_of(places: Sequence[int], count: int) -> list[list[int]]:
    """A batch in at most so many pieces, in order, of nearly equal size and none of one."""
    some = np.array_split(np.asarray(places, dtype=int), max(1, min(count, len(places) // 2)))
    return [piece.tolist() for piece in some]
