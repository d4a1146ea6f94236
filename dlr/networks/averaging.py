"""The exponential mean of a network's weights, which predicts better than the last ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["MeanWeights"]


class MeanWeights:
    """Mean of the parameters; buffers (running statistics, counters) are copied. Without decay: the network itself."""

    def __init__(self, network: nn.Module, decay: float | None) -> None:
        self.network, self.decay, self.updates = network, decay, 0
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self._means = {name for name, _ in network.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the network's present weights in; the first updates weigh more, so that the start is forgotten."""
        self.updates += 1
        decay = 0.0 if self.decay is None else min(self.decay, self.updates / (self.updates + 9))
        for name, value in self.network.state_dict().items():
            mean = self.state[name]
            if decay and name in self._means and mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def load(self, state: dict[str, Tensor], updates: int) -> None:
        """Go on from a checkpoint."""
        self.updates = updates
        for name, value in state.items():
            self.state[name].copy_(value)
