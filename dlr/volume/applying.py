"""What a network says of one volume: scores, features and maps, the same bits whatever else goes through it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dlr.errors import InputError
from dlr.volume.cut import Volume
from dlr.volume.networks import Architecture, ReceptorOutput, Receptors
from dlr.volume.regions import region_masks, regions_in_use
from dlr.words import REGIONS, Target, expit

__all__ = ["Looked", "input_of", "look", "network_input", "value_of"]

LEAST_SHARE = 0.01  # of a voxel that comes from what is seen, for it to be seen


@dataclass(frozen=True)
class Looked:
    """Means over a volume and, where asked for, its mirror image."""

    scores: np.ndarray  # float64 (K,), a logit or tens of per cent: `value_of`
    features: np.ndarray  # float64 (F,)
    map: np.ndarray | None  # float32 (D, H, W): probability of lesion; MultiTask
    attention: tuple[np.ndarray, ...] = ()  # float32 (d, h, w), a map a scale, finest first; Spatial


def input_of(volume: Volume, form: Architecture) -> np.ndarray:
    """(C, D, H, W) float32: grey, and of Spatial the regions in use as 0 and 1, from the inside out.

    Grey is as measured under `scale: part`, since the network's own limits scale it. Under `volume` this volume's own
    become 0 and 1: those of the voxels that the network sees, else how bright what is hidden is would show in the rest.
    What is hidden is as dark as the darkest that is seen, before anything is interpolated.
    """
    grey = np.array(volume.grey, dtype=np.float32)  # a copy: the file may be mapped
    layers, low, high = np.zeros((0, *grey.shape), dtype=bool), volume.low, volume.high
    if form.kind == "spatial":
        used, regions = (
            regions_in_use(form.regions),
            region_masks(np.asarray(volume.distance), volume.deepest, form.regions),
        )
        layers = np.stack([regions[name] for name in used])
        if form.regions.mask_input:
            if volume.sums is not None and volume.shares is not None:
                kept = [REGIONS.index(name) for name in used]
                share = volume.shares[kept].sum(axis=0)
                layers &= share > LEAST_SHARE
                grey = volume.sums[kept].sum(axis=0) / np.maximum(share, LEAST_SHARE)
            seen = layers.any(axis=0)
            low, high = _limits(grey[seen], form.clip) or (0.0, 1.0)
            grey[~seen] = low
    if form.scale == "volume":
        grey = (grey - np.float32(low)) / np.float32(high - low)
    return np.concatenate([grey[None], layers]).astype(np.float32)


def _limits(seen: np.ndarray, clip: tuple[float, float]) -> tuple[float, float] | None:
    """Percentiles of the grey that is seen; None where that is one value, or nothing."""
    if seen.size == 0 or seen.min() == seen.max():
        return None
    low, high = np.percentile(seen, clip)
    return (float(low), float(high)) if high > low else None


def network_input(volume: Volume, network: Receptors) -> Tensor:
    """(1, C, D, H, W): one volume as this network takes it; InputError where it needs an outline and there is none."""
    if network.form.kind == "spatial" and not volume.outlined:
        raise InputError("volume", "it has no outline, whose regions Spatial pools over", "outline the lesion")
    return torch.from_numpy(input_of(volume, network.form))[None]


@torch.inference_mode()
def look(network: Receptors, volume: Volume, flips: bool) -> Looked:
    """What a network in eval mode says of one volume, in float32 on the CPU; one at a time, so no batch changes a bit.

    flips : the mean of the volume and its mirror image left to right.
    """
    given = network_input(volume, network)
    turns = (False, True) if flips else (False,)
    said: list[ReceptorOutput] = [network(given.flip(-1) if mirrored else given) for mirrored in turns]

    def seen(maps: Iterable[Tensor]) -> np.ndarray:
        back = [(own.flip(-1) if mirrored else own).numpy() for own, mirrored in zip(maps, turns, strict=True)]
        return np.asarray(np.mean(back, axis=0, dtype=np.float32))

    lesions = [torch.sigmoid(one.segmentation[0, 0]) for one in said if one.segmentation is not None]
    scales = zip(*(one.attention for one in said), strict=True)
    return Looked(
        scores=np.mean([one.scores[0].double().numpy() for one in said], axis=0),
        features=np.mean([one.features[0].double().numpy() for one in said], axis=0),
        map=seen(lesions) if lesions else None,
        attention=tuple(seen(gates[0, 0] for gates in scale) for scale in scales),
    )


def value_of(score: np.ndarray, target: Target) -> np.ndarray:
    """The probability of logits, or the per cent (0 to 100) of tens of per cent; of the scores' shape."""
    return expit(score) if target.binary else np.clip(10 * np.asarray(score), 0.0, 100.0)
