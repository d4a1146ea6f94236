"""Batches made ready while the network works: torch's DataLoader over a planned order, with or without processes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from dlr.errors import InputError
from dlr.networks.examples import Batch, Examples

__all__ = ["Loader"]

Place = tuple[int, Sequence[int], int | None]  # of a batch: whose examples, which of them, epoch


class Loader:
    """The batches of several sets of examples by the same worker processes, the same bytes for any number of them.

    workers : processes that make batches ready; 0 makes them here, when they are asked for.
    pinned : in memory that a GPU copies from.
    """

    def __init__(self, sets: Sequence[Examples], workers: int = 0, pinned: bool = False) -> None:
        self.waited = 0.0  # seconds
        self._plan: list[Place] = []
        self._loader = DataLoader(
            _Source(sets),
            batch_size=None,
            sampler=self._plan,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            generator=torch.Generator(),  # else it would draw from the global one, and dropout would change
        )

    def batches(self, which: int, plan: Sequence[Sequence[int]], epoch: int | None) -> Iterator[Batch]:
        """The planned batches of one set in their order. One walk at a time."""
        self._plan[:] = [(which, places, epoch) for places in plan]
        begin = time.perf_counter()
        for batch in self._loader:
            self.waited += time.perf_counter() - begin
            if isinstance(batch, InputError):
                raise batch
            yield batch
            begin = time.perf_counter()


class _Source(Dataset[Batch | InputError]):
    """What a worker asks; `Examples.batch` under the name that DataLoader knows."""

    def __init__(self, sets: Sequence[Examples]) -> None:
        self.sets = sets

    def __getitem__(self, place: Place) -> Batch | InputError:
        which, places, epoch = place
        try:
            return self.sets[which].batch(places, epoch)
        except InputError as error:
            return error  # raised, it would cross the processes as a text without where, what and mend


def _as_it_is(batch: Any) -> Any:
    return batch
