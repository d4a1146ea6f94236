"""One case's class activation map by its chain, and by the same network of random weights."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dlr.attention import AttentionNumbers, attention_in_numbers, null_of_other_masks
from dlr.deep import InputSettings
from dlr.engine import Task
from dlr.study.cases import OneCase
from dlr.study.deep_chains import DeepChain
from dlr.study.pictures import picture_of, unpacked
from dlr.study.tasks import out_of_key

__all__ = ["ABOUT_FILE", "MAP_FILE", "ActivationMap", "map_case"]

OTHER_MASKS, RANDOM_WEIGHTS = "outlines of other cases", "random weights"
ABOUT_FILE, MAP_FILE = "attention.json", "map.npz"


@dataclass(frozen=True)
class ActivationMap:
    """One case to map."""

    case: OneCase
    mode: str
    backbone: str
    fitted: Path  # the folder of what was fitted: head or network
    weights: Path | None  # the frozen backbone under a head
    others: tuple[np.ndarray, ...]  # packed outlines of other cases
    input: InputSettings
    method: str
    seed: int
    chain: DeepChain = field(metadata=out_of_key("what it is made of stands beside it"))


def map_case(task: Task, folder: Path) -> None:
    """One case's map by its chain and by the same network of random weights; leave attention.json and map.npz."""
    import torch

    from dlr.attention import GradCAM, GradCAMPlusPlus

    given: ActivationMap = task.payload
    picture = picture_of(given.case, given.input)
    inputs = torch.from_numpy(picture.grey)[None, None]
    network = _network(given.chain)
    chance = _chance(network.name, given.seed)
    maker = GradCAMPlusPlus if given.method == "gradcam++" else GradCAM
    heat, noise = (maker(net, net.attention_layer)(inputs, 0)[0].double().numpy() for net in (network, chance))
    own, random = attention_in_numbers(heat, picture.mask), attention_in_numbers(noise, picture.mask)
    size = picture.mask.shape
    others = null_of_other_masks(heat, [unpacked(outline, size) for outline in given.others])
    measures = [
        {"measure": name, "value": own.values()[name], "null": null, "null_value": by.values()[name]}
        for null, by in ((OTHER_MASKS, others), (RANDOM_WEIGHTS, random))
        for name in AttentionNumbers.names()
    ]
    about = {"layer": network.attention_layer, "measures": measures}
    (folder / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
    np.savez_compressed(
        folder / MAP_FILE,
        grey=picture.grey.astype(np.float16),
        mask=picture.mask,
        heat=(heat / heat.max() if heat.max() > 0 else heat).astype(np.float16),
    )


@lru_cache(maxsize=2)
def _network(chain: DeepChain) -> Any:
    """A chain's network, read once a process."""
    return chain.read_network()


@lru_cache(maxsize=2)
def _chance(name: str, seed: int) -> Any:
    """The same architecture of random weights, head included."""
    import torch

    from dlr.deep import Network, make_backbone

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(name, make_backbone(name, seed)).eval()
