"""What a network says of one volume: logits, features and map, the same bits whatever else goes through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dlr.volume.cut import Volume
from dlr.volume.networks import MultiTask, SingleTask

__all__ = ["Looked", "grey_of", "look", "network_input"]


@dataclass(frozen=True)
class Looked:
    """Means over a volume and, where asked for, its mirror image."""

    logits: np.ndarray  # float64 (K,)
    features: np.ndarray  # float64 (F,)
    map: np.ndarray | None  # float32 (D, H, W): probability of lesion; MultiTask


def grey_of(volume: Volume, scale: str) -> np.ndarray:
    """Grey (D, H, W) float32 as a network takes it.

    scale : "part", as measured, since the network's own limits scale it; "volume", by the volume's own limits, which
    become 0 and 1.
    """
    grey = np.array(volume.grey, dtype=np.float32)  # a copy: the file may be mapped
    return grey if scale == "part" else (grey - np.float32(volume.low)) / np.float32(volume.high - volume.low)


def network_input(volume: Volume, network: SingleTask | MultiTask) -> Tensor:
    """(1, 1, D, H, W): one volume as this network takes it."""
    return torch.from_numpy(grey_of(volume, network.form.scale))[None, None]


@torch.inference_mode()
def look(network: SingleTask | MultiTask, volume: Volume, flips: bool) -> Looked:
    """What a network in eval mode says of one volume, in float32 on the CPU; one at a time, so no batch changes a bit.

    flips : the mean of the volume and its mirror image left to right.
    """
    grey = network_input(volume, network)
    logits, features, maps = [], [], []
    for mirrored in (False, True) if flips else (False,):
        said = network(grey.flip(-1) if mirrored else grey)
        logits.append(said.logits[0].double().numpy())
        features.append(said.features[0].double().numpy())
        if said.segmentation is not None:
            probability = torch.sigmoid(said.segmentation[0, 0])
            maps.append((probability.flip(-1) if mirrored else probability).numpy())
    lesion = np.asarray(np.mean(maps, axis=0, dtype=np.float32)) if maps else None
    return Looked(np.mean(logits, axis=0), np.mean(features, axis=0), lesion)
