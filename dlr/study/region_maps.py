"""What a network of regions has learnt of them and where in them it looks: every kept chain on who it did not see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dlr.attention import shares_by_region
from dlr.engine import Run, Task
from dlr.study.cohort import CohortTables
from dlr.study.parts import study_parts
from dlr.study.receptors import NETWORK
from dlr.study.signatures import SavedChains, saved_chains
from dlr.study.tasks import out_of_key, task_of
from dlr.study.volume_maps import in_planes, middle_of
from dlr.study.volumes import VolumeSet
from dlr.tables import EXAMPLES_IN_PLANES
from dlr.volume import RegionSettings
from dlr.volume.cut import Volume, read_volume
from dlr.volume.regions import region_masks
from dlr.words import EVERY_PART, Model, Protocol, stopped_on

if TYPE_CHECKING:
    from dlr.volume import Spatial

__all__ = [
    "LookAtRegions", "RegionChain", "examples_of", "look_at_regions", "look_of", "pictures_file",
    "region_chains", "regions_of", "shares_of", "weights_of",
]  # fmt: skip

WEIGHTS_FILE, SHARES_FILE = "weights.json", "shares.parquet"
MAPPED_BY = (Protocol.CROSSFIT, Protocol.PAPER)  # whose chains stage attention maps: the first that there is


@dataclass(frozen=True)
class RegionChain:
    """One kept chain of Spatial, and the outlined cases that it did not see."""

    saved: SavedChains
    cases: tuple[str, ...]

    @property
    def place(self) -> dict[str, object]:
        """Which chain it is, as tables name it."""
        part = self.saved.part
        return {"model": Model.SPATIAL.value, "protocol": part.protocol, "seed": part.seed, "fold": part.stored_fold}


@dataclass(frozen=True)
class LookAtRegions:
    """One chain and the volumes it is shown."""

    network: Path
    volumes: tuple[str, ...]  # keys of the volumes
    cases: tuple[str, ...]
    pictured: tuple[bool, ...]  # whose three planes are kept
    regions: RegionSettings
    flips: bool
    folders: tuple[Path, ...] = field(metadata=out_of_key("the volumes' own keys stand beside them"))


def region_chains(run: Run, tables: CohortTables, volumes: VolumeSet) -> list[RegionChain]:
    """Every chain of Spatial that stage receptors kept, in the order of its folders."""
    parts = {part.name: part for part in study_parts(tables.folds, run.settings.learn.protocols, tables.sides)}
    found = []
    for saved in saved_chains(run.needs.receptors):
        if saved.variant != Model.SPATIAL:
            continue
        part = parts[saved.part.name]
        unseen = set(part.predict) - set(part.train)
        unseen -= {patient for patient in unseen if stopped_on(Model.SPATIAL, part.protocol, tables.sides[patient])}
        found.append(RegionChain(replace(saved, part=part), tuple(volumes.of(unseen, outlined=True))))
    return found


def examples_of(run: Run, chains: Sequence[RegionChain]) -> list[tuple[int, dict[str, Any]]]:
    """Examples of Spatial's first target as stage attention chose them, each with the number of its chain."""
    if not EXAMPLES_IN_PLANES.there(run.needs.attention):
        return []
    table = EXAMPLES_IN_PLANES.read(run.needs.attention)
    table = table[table["model"] == Model.SPATIAL]
    table = table[table["target"] == table["target"].iloc[0]] if len(table) else table
    there = {chain.saved.part.protocol for chain in chains}
    protocol = next((one for one in MAPPED_BY if one in there), None)
    out = []
    for row in table.drop(columns="file").to_dict("records"):
        for number, chain in enumerate(chains):
            part, own = chain.saved.part, chain.saved.target in (EVERY_PART, row["target"])
            if own and (part.protocol, part.seed, part.fold) == (protocol, 0, row["fold"]):
                out.append((number, {str(name): value for name, value in row.items()}))
    return out


def look_of(run: Run, volumes: VolumeSet, chain: RegionChain, pictured: set[str]) -> Task:
    """The task that shows a chain its cases.  pictured : cases whose planes are kept."""
    cases = chain.cases
    payload = LookAtRegions(
        network=chain.saved.folder / NETWORK,
        volumes=volumes.names(cases),
        cases=cases,
        pictured=tuple(case in pictured for case in cases),
        regions=run.settings.receptors.regions,
        flips=run.settings.receptors.flips,
        folders=tuple(volumes.folders[case] for case in cases),
    )
    return task_of(run, f"regions-{chain.saved.target}-{chain.saved.part.name}", payload)


def look_at_regions(task: Task, folder: Path) -> None:
    """Show one chain its volumes; leave weights.json, shares.parquet and the planes of the examples."""
    from dlr.volume import Spatial, load_receptors, look

    given: LookAtRegions = task.payload
    network = load_receptors(given.network)
    assert isinstance(network, Spatial)
    (folder / WEIGHTS_FILE).write_text(json.dumps(_weights(network)), encoding="utf-8")
    rows = []
    for number, (case, place) in enumerate(zip(given.cases, given.folders, strict=True)):
        volume = read_volume(place)
        regions = regions_of(volume, given.regions)
        said = look(network, volume, given.flips).attention
        maps = {name: _resized(one, volume.grey.shape) for name, one in zip(_scales(network), said, strict=True)}
        for scale, heat in maps.items():
            rows += [(case, scale, name, *both) for name, both in shares_by_region(heat, regions).items()]
        if given.pictured[number]:
            layers = _pictures(volume, regions, maps)
            np.savez_compressed(folder / pictures_file(case, given.cases), **layers)  # type: ignore[arg-type]
    table = pd.DataFrame(rows, columns=["case_id", "scale", "region", "share", "volume_share"])
    table.to_parquet(folder / SHARES_FILE, index=False)


def regions_of(volume: Volume, settings: RegionSettings) -> dict[str, np.ndarray]:
    """The regions of a cut volume, bool (D, H, W) by name; those that are not in use as well."""
    return region_masks(np.asarray(volume.distance), volume.deepest, settings)


def weights_of(chain: RegionChain, left: Path) -> pd.DataFrame:
    """REGION_WEIGHTS of one chain."""
    table = pd.DataFrame(json.loads((left / WEIGHTS_FILE).read_text(encoding="utf-8")))
    return table.assign(**chain.place, variant="")


def shares_of(chain: RegionChain, left: Path, volumes: VolumeSet) -> pd.DataFrame:
    """ATTENTION_SHARES of one chain; no rows where it has no spatial attention."""
    table = pd.read_parquet(left / SHARES_FILE).assign(**chain.place, target=chain.saved.target)
    return table.assign(patient_id=table["case_id"].map(volumes.patients))


def pictures_file(case: str, cases: Sequence[str]) -> str:
    """What a case's planes are called in the folder of its task: any text may be a case."""
    return f"planes_{list(cases).index(case)}.npz"


def _weights(network: Spatial) -> list[dict[str, object]]:
    """A row a target and region."""
    weights = network.region_weights().double().numpy()
    return [
        {"target": target, "region": name, "weight": float(weight)}
        for target, own in zip(network.targets, weights, strict=True)
        for name, weight in zip(network.regions, own, strict=True)
    ]


def _scales(network: Spatial) -> tuple[str, ...]:
    """Where its spatial attention looks: layers of the encoder, finest first; none without attention."""
    from dlr.volume.networks import STAGES

    return tuple(STAGES[place] for place in network.attention.places)


def _resized(attention: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A map (d, h, w) on the grid of the volume, linear between the middles of its voxels."""
    import torch
    from torch.nn import functional

    coarse = torch.from_numpy(np.ascontiguousarray(attention, dtype=np.float32))[None, None]
    return functional.interpolate(coarse, size=tuple(size), mode="trilinear", align_corners=False)[0, 0].numpy()


def _pictures(volume: Volume, regions: dict[str, np.ndarray], maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Three planes through the middle of the lesion: grey, mask, every region, and every scale's map (0 to 1)."""
    middle = middle_of(np.asarray(volume.mask))
    layers = {"grey": np.asarray(volume.grey), "mask": np.asarray(volume.mask), **regions}
    layers |= {scale: heat.astype(np.float16) for scale, heat in maps.items()}
    return {**in_planes(layers, middle), "spacing": np.array(volume.spacing), "middle": middle}
