"""Networks whose maps can be worked out on paper."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


class ByHand(nn.Module):
    """Two channels: the input and its double; score 0 = 3 mean(first) - mean(second), score 1 = mean(second)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 2, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(2, 2, bias=False)
        self.body.weight.data = torch.tensor([[[[1.0]]], [[[2.0]]]])
        self.head.weight.data = torch.tensor([[3.0, -1.0], [0.0, 1.0]])

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.relu(self.body(x)).mean(dim=(2, 3)))


@dataclass(frozen=True)
class Outputs:
    """What a network with several heads returns."""

    logits: Tensor
    ki67: Tensor


class TwoOutputs(nn.Module):
    """A 3-D network with two heads, one of them classes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv3d(1, 3, 3, stride=2, padding=1), nn.ReLU(inplace=True))
        self.receptors, self.ki67 = nn.Linear(3, 3), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Outputs:
        pooled = self.body(x).mean(dim=(2, 3, 4))
        return Outputs(self.receptors(pooled), self.ki67(pooled))
