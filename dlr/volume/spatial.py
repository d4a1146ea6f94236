"""Spatial: attention at several scales, features pooled over the regions of a lesion and weighed for every target.

After the abstract of Zeng et al. 2026 (arXiv 2601.07001), which leaves the formulas open. Those here: attention as in
CBAM (Woo et al. 2018) from the mean and the largest of all channels, each scale's logits added to those of the next
coarser one; means of the gated maps over core, rim and peritumoral tissue; one softmax over the regions a target.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlr.volume.networks import (
    STAGES,
    Architecture,
    Encoder,
    MultiTask,
    ReceptorOutput,
    Receptors,
    SingleTask,
    convolution,
    resized,
)
from dlr.volume.regions import regions_in_use

__all__ = ["Spatial", "make_network"]

SCALES = (2, 3, 4)  # of an encoder's five maps: layers 2 to 4


def make_network(form: Architecture) -> SingleTask | MultiTask | Spatial:
    """The network of an architecture, its weights drawn from torch's generator."""
    if form.kind == "spatial":
        return Spatial(form)
    return SingleTask(form) if form.kind == "single" else MultiTask(form)


class Spatial(Receptors):
    """Encoder, gated maps of three scales, their means over the regions, a shared layer, one output a target."""

    def __init__(self, form: Architecture) -> None:
        super().__init__(form, Encoder(form) if form.extractor == "shared" else Encoders(form))
        self.regions = regions_in_use(form.regions)
        self.extractors = 1 if form.extractor == "shared" else len(form.targets)
        self.attention = Attention(form, self.encoder.sizes, self.extractors)
        channels = [self.encoder.channels[place] // self.extractors for place in SCALES]
        self.shared = nn.Linear(sum(channels), channels[-1])
        self.head = nn.Linear(channels[-1], len(form.targets))
        self.of_regions = nn.Parameter(torch.zeros(len(form.targets), len(self.regions)))  # before the softmax: equal

    def forward(self, given: Tensor) -> ReceptorOutput:
        """given : (B, 1 + R, D, H, W), grey as measured and the R regions in use, 0 or 1."""
        grey, regions = self.scaled(given[:, :1]), given[:, 1:]
        if self.form.regions.mask_input:
            grey = grey * regions.amax(dim=1, keepdim=True)
        maps = self.encoder(grey)[SCALES[0] :]  # -> (B, G C, d, h, w), G extractors
        gates = self.attention(maps)  # -> (B, G, d, h, w) or None, a scale
        with torch.autocast(given.device.type, enabled=False):
            pooled = [_pooled(x.float(), gate, regions) for x, gate in zip(maps, gates, strict=True)]
            means = torch.cat([x.unflatten(1, (self.extractors, -1)) for x in pooled], dim=2)  # -> (B, G, F, R)
            weights = _softmax(self.of_regions, regions.flatten(2).amax(dim=2) > 0)  # -> (B, K, R)
            of_target = (means * weights[:, :, None]).sum(dim=3)  # -> (B, K, F)
        hidden = functional.relu(self.shared(of_target))  # -> (B, K, H)
        scores = (hidden * self.head.weight).sum(dim=2) + self.head.bias  # -> (B, K)
        attention = tuple(gate.mean(dim=1, keepdim=True) for gate in gates if gate is not None)
        return ReceptorOutput(scores, None, (), hidden.flatten(1), self.log_variances, attention)

    def region_weights(self) -> Tensor:
        """(K, R): how much each region in use counts for each target, where all are present; rows sum to 1."""
        return torch.softmax(self.of_regions.detach(), dim=1)


class Attention(nn.Module):
    """Gates of 0 to 1 for every voxel of the maps that are attended to, by what their channels say there."""

    def __init__(self, form: Architecture, sizes: Sequence[tuple[int, int, int]], extractors: int) -> None:
        super().__init__()
        with_extent = [place for place in SCALES if max(sizes[place]) > 1] or [SCALES[0]]
        self.places = {"multi_scale": SCALES, "single_scale": with_extent[-1:], "none": ()}[form.attention]
        self.extractors = extractors
        for place in self.places:
            conv = convolution(2 * extractors, extractors, 3, flat=form.dimension == "2d", groups=extractors, bias=True)
            self.add_module(STAGES[place], conv)

    def forward(self, maps: list[Tensor]) -> list[Tensor | None]:
        """Maps (B, G C, d, h, w) of the scales, finest first -> gates (B, G, d, h, w), None where nothing attends."""
        gates: list[Tensor | None] = [None] * len(maps)
        logits = None
        for k in reversed(range(len(maps))):
            if SCALES[k] not in self.places:
                continue
            x = maps[k].unflatten(1, (self.extractors, -1))
            seen = torch.stack([x.mean(dim=2), x.amax(dim=2)], dim=2).flatten(1, 2)  # -> (B, 2 G, d, h, w)
            own = self.get_submodule(STAGES[SCALES[k]])(seen).float()
            logits = own if logits is None else own + resized(logits, own.shape[2:])
            gates[k] = torch.sigmoid(logits)
        return gates


class Encoders(Encoder):
    """An encoder a target, side by side: every layer has the channels of all of them, and none sees another's."""

    def __init__(self, form: Architecture) -> None:
        super().__init__(form)
        self.own = tuple(Encoder(form) for _ in form.targets)  # a tuple: their layers are registered below, once
        for name, layer in list(self.named_children()):
            if not list(layer.parameters()):
                continue  # of every channel by itself
            self.add_module(name, Apart([one.get_submodule(name) for one in self.own]))
        self.channels = tuple(len(self.own) * n for n in self.channels)

    @property
    def each(self) -> tuple[Encoder, ...]:
        return self.own

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 1, D, H, W) -> five maps (B, K C, d, h, w), finest first."""
        return super().forward(x.expand(-1, len(self.own), *x.shape[2:]))


class Apart(nn.Module):
    """Modules that each see their own share of the channels."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.each = nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        parts = x.chunk(len(self.each), dim=1)
        return torch.cat([module(part) for module, part in zip(self.each, parts, strict=True)], dim=1)


def _pooled(x: Tensor, gate: Tensor | None, regions: Tensor) -> Tensor:
    """Means (B, G C, R) of maps (B, G C, d, h, w), gated, over the regions (B, R, D, H, W); 0 over an empty one.

    A region weighs a coarser voxel by its share of it, so that a thin one never vanishes.
    """
    shares = functional.interpolate(regions.float(), x.shape[2:], mode="area").flatten(2)  # -> (B, R, n)
    shares = shares / shares.sum(dim=2, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    if gate is not None:
        x = (x.unflatten(1, (gate.shape[1], -1)) * gate[:, :, None]).flatten(1, 2)
    return x.flatten(2) @ shares.transpose(1, 2)


def _softmax(logits: Tensor, present: Tensor) -> Tensor:
    """(B, K, R) of logits (K, R) over the regions that are present, bool (B, R); over all where none is."""
    present = present | ~present.any(dim=1, keepdim=True)
    return torch.softmax(logits.masked_fill(~present[:, None], -torch.inf), dim=2)
