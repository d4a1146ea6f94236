"""Generators, which enlarge an image, and discriminators, which tell their work from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dlr.superres.grid import bicubic_tensor

__all__ = ["Form", "Generator", "form_of", "make_network"]


@dataclass(frozen=True)
class Form:
    """Which generator, of which size: enough to build it again."""

    network: str  # small, or full: ESRGAN's residual dense blocks
    scale: int
    channels: int
    blocks: int


FORMS = {"small": (32, 8), "full": (64, 23)}  # channels, blocks


def form_of(network: str, scale: int) -> Form:
    """The form that a name in the settings stands for."""
    channels, blocks = FORMS[network]
    return Form(network, scale, channels, blocks)


def make_network(form: Form) -> nn.Module:
    """A generator with random weights: (B, 1, h, w) in units to (B, 1, h·s, w·s). It remembers its `form`."""
    network: nn.Module = Generator(form.scale, form.channels, form.blocks)
    network.form = form  # type: ignore[assignment]
    return network


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight path, without BatchNorm, as EDSR has them (Lim et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


class Generator(nn.Module):
    """Bicubic interpolation and what a residual network adds to it; it begins as bicubic, its last layer being 0."""

    def __init__(self, scale: int, channels: int = 32, blocks: int = 8) -> None:
        super().__init__()
        self.scale = scale
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.after = nn.Conv2d(channels, channels, 3, padding=1)
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.detail = nn.Conv2d(channels, scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        nn.init.zeros_(self.detail.weight)
        nn.init.zeros_(self.detail.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x - 0.5)  # (B, 1, h, w) -> (B, C, h, w)
        body = stem + self.after(self.body(stem))
        detail = self.shuffle(self.detail(torch.relu(self.tail(body))))  # -> (B, s², h, w) -> (B, 1, s·h, s·w)
        return bicubic_tensor(x.float(), self.scale) + detail.float()
