"""The optimiser and its rates: AdamW or Adam, a rate for every named part of the network, warm-up, then a cosine."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from dlr.networks.settings import TrainingSettings

__all__ = ["make_optimiser", "rate_factor"]


def make_optimiser(
    network: nn.Module,
    rates: Mapping[str, float],
    settings: TrainingSettings,
    betas: tuple[float, float] = (0.9, 0.999),
) -> torch.optim.Optimizer:
    """AdamW, or Adam, whose decay joins the gradient; weights of one dimension (biases, norms) do not decay, as usual.

    rates : learning rate by the name of a module ("head", "encoder.0"), "" for all that no longer name covers.
    betas : decays of the means of gradients and of their squares.
    """
    own: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    for name, parameter in network.named_parameters():
        covers = [part for part in rates if part == "" or f"{name}.".startswith(f"{part}.")]
        if not covers:
            raise ValueError(f"no rate covers the parameter {name}")
        own[max(covers, key=len)].append(parameter)
    groups = []
    for part, chosen in own.items():
        if not chosen:
            raise ValueError(f"the network has no parameters of its own under {part!r}")
        for decays in (True, False):
            some = [p for p in chosen if (p.ndim > 1) == decays and p.requires_grad]
            if some:
                decay = settings.weight_decay if decays else 0.0
                groups.append({"params": some, "lr": rates[part], "base": rates[part], "weight_decay": decay})
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(groups, betas=betas)


def rate_factor(step: int, steps_an_epoch: int, settings: TrainingSettings) -> float:
    """What the rates are multiplied by at a step: linear from near 0 to 1, then half a cosine down to 0, or 1."""
    warm = settings.warm_up * steps_an_epoch
    whole = max(settings.epochs * steps_an_epoch, warm + 1)
    if step < warm:
        return (step + 1) / warm
    if settings.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (whole - warm)))
