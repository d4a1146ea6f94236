"""What the loop is fed: examples addressed by place, in batches that depend on place and epoch alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from dlr.randomness import rng

__all__ = ["Batch", "Examples", "Feeder", "order_of"]


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of some examples, on the CPU; each (B, ...)."""

    inputs: Tensor
    targets: Tensor


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


class Feeder:
    """Batches made ready by a second thread while the network works; counts the seconds it was waited for."""

    def __init__(self, examples: Examples, pinned: bool) -> None:
        self.examples, self.pinned = examples, pinned
        self.waited = 0.0

    def batches(self, plan: Sequence[Sequence[int]], epoch: int | None) -> Iterator[Batch]:
        """The planned batches in order, two ahead."""
        with ThreadPoolExecutor(max_workers=1) as thread:
            ahead = [thread.submit(self._make, places, epoch) for places in plan[:2]]
            for number in range(len(plan)):
                begin = time.perf_counter()
                batch = ahead.pop(0).result()
                self.waited += time.perf_counter() - begin
                if number + 2 < len(plan):
                    ahead.append(thread.submit(self._make, plan[number + 2], epoch))
                yield batch

    def _make(self, places: Sequence[int], epoch: int | None) -> Batch:
        batch = self.examples.batch(places, epoch)
        if self.pinned:
            return Batch(batch.inputs.pin_memory(), batch.targets.pin_memory())
        return batch
