"""How far two images are apart in what a network trained on photographs sees in them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["PerceptualDistance", "perceptual_of"]

STAGES = 3  # of the backbone: maps of 1/2, 1/4 and 1/8 of the edges, where texture is still in its place


def perceptual_of(backbone: nn.Module) -> nn.Module:
    """The first feature maps of timm's EfficientNet-Lite0: (B, 1, h, w) in units to a tuple of (B, C, h/k, w/k).

    Its weights are frozen; gradients flow to the images only.
    """
    return _Features(backbone)


class _Features(nn.Module):
    """Stem and first stages, each with its map before the next activation, as ESRGAN has it of VGG19."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        stages = cast(nn.Sequential, backbone.get_submodule("blocks"))
        self.stem = nn.Sequential(backbone.get_submodule("conv_stem"), backbone.get_submodule("bn1"))
        self.stages = nn.ModuleList(list(stages)[:STAGES])
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> _Features:
        """Always as it was trained: its running statistics are not to move."""
        return super().train(False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(2 * x.expand(-1, 3, -1, -1) - 1)  # Lite0 was trained on -1 to 1
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


class PerceptualDistance(nn.Module):
    """The mean absolute difference of feature maps: two batches of images to one number a map, (K,)."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.features(targets)
        pairs = zip(self.features(outputs), wanted, strict=True)
        return torch.stack([(said - true).abs().float().mean() for said, true in pairs])
