"""Class activation maps of volumes: what the 3-D networks of a study attend to, on the same patients for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from dlr.engine import Run, Task
from dlr.errors import InputError
from dlr.study.activation_maps import Mappable, Seen, others_of
from dlr.study.mapped_patients import Chosen
from dlr.study.receptors import NETWORK
from dlr.study.signatures import chains_folder
from dlr.study.tasks import out_of_key, task_of
from dlr.study.volumes import read_volume_set
from dlr.tables import PREDICTIONS
from dlr.volume.cut import read_volume
from dlr.words import CHOSEN, EVERY_PART, Model, Target

__all__ = ["PLANES", "VolumeMap", "in_planes", "maps_of_volumes", "middle_of", "three_planes"]

PLANES = ("axial", "coronal", "sagittal")
NETWORKS = (Model.SINGLE_TASK, Model.MULTI_TASK, Model.SPATIAL)


@dataclass(frozen=True)
class VolumeMap:
    """One volume to map for one marker."""

    volume: str  # key of the volume
    others: tuple[str, ...]  # keys of other cases' volumes, whose outlines it is held against
    network: Path  # the folder of the chain's network
    target: str
    method: str
    seed: int
    folder: Path = field(metadata=out_of_key("the volume's own key stands beside it"))
    other_folders: tuple[Path, ...] = field(metadata=out_of_key("the volumes' own keys stand beside them"))

    def seen(self) -> Seen:
        from dlr.volume import network_input

        volume, network = read_volume(self.folder), _network(str(self.network))
        inputs = network_input(volume, network)
        score = partial(_logit, place=network.targets.index(self.target))
        chance = _chance(str(self.network), self.seed)
        return Seen(network, chance, network.attention_layer, inputs, np.array(volume.mask), score)

    def other_masks(self, size: tuple[int, ...]) -> list[np.ndarray]:
        return [np.array(read_volume(folder).mask) for folder in self.other_folders]

    def pictures(self, seen: Seen, heat: np.ndarray) -> dict[str, np.ndarray]:
        """Three planes through the middle of the lesion, whole volumes being large."""
        grey, spacing = seen.inputs[0, 0].numpy(), np.array(read_volume(self.folder).spacing)
        middle = middle_of(seen.mask)
        layers = {"grey": grey, "mask": seen.mask, "heat": heat.astype(np.float16)}
        return {**in_planes(layers, middle), "spacing": spacing, "middle": middle}


def middle_of(mask: np.ndarray) -> np.ndarray:
    """The voxel in the middle of a mask, int (3,)."""
    return np.argwhere(mask).mean(axis=0).round().astype(int)


def in_planes(layers: Mapping[str, np.ndarray], at: np.ndarray) -> dict[str, np.ndarray]:
    """Three planes of every layer (z, y, x), named such as grey_axial."""
    return {
        f"{name}_{plane}": cut
        for name, layer in layers.items()
        for plane, cut in zip(PLANES, three_planes(layer, at), strict=True)
    }


def three_planes(values: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axial (y, x), coronal (z, x) and sagittal (z, y) through a voxel of values (z, y, x)."""
    z, y, x = at
    return values[z], values[:, y], values[:, :, x]


def maps_of_volumes(run: Run) -> list[Mappable]:
    """The 3-D networks of stage receptors that were fitted, in the house's order; of Spatial the whole one."""
    volumes = read_volume_set(run.needs.volumes)
    predictions = PREDICTIONS.read(run.needs.receptors)
    predictions = predictions[(predictions["algorithm"] == CHOSEN) & (predictions["variant"] == "")]
    outlined = volumes.of(set(volumes.patients.values()), outlined=True)

    def task(model: str, cases: dict[str, str], target: Target, one: Chosen) -> Task:
        case = cases[one.patient_id]
        others = others_of(run, target, case, outlined)
        payload = VolumeMap(
            volume=volumes.folders[case].name,
            others=volumes.names(others),
            network=network_folder(run.needs.receptors, target, model, one.part),
            target=target.name,
            method=run.settings.attention.method,
            seed=run.seed,
            folder=volumes.folders[case],
            other_folders=tuple(volumes.folders[other] for other in others),
        )
        return task_of(run, f"map-{target.name}-{model}-{case}", payload, may_fail=True)

    cases = {volumes.patients[case]: case for case in outlined}
    found = [model.value for model in NETWORKS if (predictions["model"] == model).any()]
    tasks: dict[str, Callable[[Target, Chosen], Task]] = {model: partial(task, model, cases) for model in found}
    return [
        Mappable(model, predictions[predictions["model"] == model], cases, tasks[model], in_planes=True)
        for model in found
    ]


def network_folder(home: Path, target: Target, model: str, part: str) -> Path:
    """Where a part's network that answers for a marker is kept: that of all markers, or its own."""
    for name in (EVERY_PART, target.name):
        folder = chains_folder(home, name, model, part) / NETWORK
        if folder.is_dir():
            return folder
    raise InputError(str(home), f"holds no network of {model} for {target.name} in {part}", "run the study again")


def _logit(output: Any, place: int) -> Any:
    """A marker's score before the sigmoid."""
    return output.scores[:, place]


@lru_cache(maxsize=2)
def _network(folder: str) -> Any:
    """A chain's network, read once a process."""
    from dlr.volume import load_receptors

    return load_receptors(Path(folder))


@lru_cache(maxsize=2)
def _chance(folder: str, seed: int) -> Any:
    """The same architecture of random weights; it scales grey as the trained one does."""
    import torch

    from dlr.volume import make_network

    trained = _network(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make_network(trained.form)
    network.limits.copy_(trained.limits)
    return network.eval()
