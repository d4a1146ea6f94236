"""On the device, and in the order of memory that its convolutions are fastest in."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dlr.networks.examples import Batch
from dlr.networks.trees import map_tree

__all__ = ["lay_out", "placed"]

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}  # by dimensions


def lay_out(network: nn.Module) -> None:
    """The weights of convolutions channels-last, in place."""
    for value in [*network.parameters(), *network.buffers()]:
        if value.ndim in LAYOUTS:
            value.data = value.data.to(memory_format=LAYOUTS[value.ndim])


def placed(batch: Batch, device: torch.device, channels_last: bool, prepare: Callable[[Batch], Batch] | None) -> Batch:
    """A batch on the device, as the network sees it.

    channels_last : of the inputs that are pictures or volumes.  prepare : what the device does to the batch at last.
    """

    def move(leaf: Tensor) -> Tensor:
        return leaf.to(device, non_blocking=True)

    def move_and_lay_out(leaf: Tensor) -> Tensor:
        layout = LAYOUTS.get(leaf.ndim, torch.contiguous_format) if channels_last else torch.contiguous_format
        return leaf.to(device, non_blocking=True, memory_format=layout)

    there = Batch(map_tree(move_and_lay_out, batch.inputs), map_tree(move, batch.targets))
    return there if prepare is None else prepare(there)
