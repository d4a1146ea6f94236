"""The optimiser and its rates: AdamW with one rate for the backbone and one for the head, warm-up, then a cosine."""

from __future__ import annotations

import math

import torch
from torch import nn

from dlr.networks.settings import TrainingSettings

__all__ = ["make_optimiser", "rate_factor"]


def make_optimiser(network: nn.Module, head: nn.Module, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW; weights of one dimension (biases, norms) do not decay, as usual."""
    own = {id(p) for p in head.parameters()}
    groups = []
    for is_head, rate in ((False, settings.backbone_rate), (True, settings.head_rate)):
        chosen = [p for p in network.parameters() if (id(p) in own) == is_head]
        for decays in (True, False):
            some = [p for p in chosen if (p.ndim > 1) == decays and p.requires_grad]
            if some:
                decay = settings.weight_decay if decays else 0.0
                groups.append({"params": some, "lr": rate, "base": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups)


def rate_factor(step: int, steps_an_epoch: int, settings: TrainingSettings) -> float:
    """What the rates are multiplied by at a step: linear from near 0 to 1, then half a cosine down to 0."""
    warm = settings.warm_up * steps_an_epoch
    whole = max(settings.epochs * steps_an_epoch, warm + 1)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (whole - warm)))
