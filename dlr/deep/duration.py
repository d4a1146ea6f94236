"""How long fine-tuning takes on this machine, from one step measured beforehand."""

from __future__ import annotations

import torch

from dlr.deep.backbones import Network, make_backbone
from dlr.deep.settings import DeepSettings
from dlr.networks import seconds_an_example

__all__ = ["seconds_an_image"]

BATCH = 4  # enough for a rate, short enough for the largest backbone


def seconds_an_image(name: str, settings: DeepSettings) -> float:
    """Seconds to show one picture to a backbone in training: forward, backward, on the device that will train."""
    size = settings.input.size
    return seconds_an_example(
        Network(name, make_backbone(name, 0)), torch.zeros(BATCH, 1, size, size), settings.training
    )
