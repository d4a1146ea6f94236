"""Class activation maps of one case, by its chain and by the same network of random weights, whatever the network."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from dlr import stats
from dlr.attention import AttentionNumbers, attention_in_numbers, null_of_other_masks
from dlr.deep import InputSettings
from dlr.engine import Run, Task
from dlr.randomness import rng
from dlr.study.cases import OneCase, source_of
from dlr.study.cohort import CohortTables
from dlr.study.deep_chains import FINE_TUNED, DeepChain, backbone_file, read_chain
from dlr.study.mapped_patients import Chosen
from dlr.study.pictures import picture_of, read_outlines, unpacked
from dlr.study.tasks import out_of_key, task_of
from dlr.tables import ATTENTION_COMPARED, PREDICTIONS
from dlr.words import CHOSEN, Model, Target

__all__ = [
    "ABOUT_FILE", "MAP_FILE", "ActivationMap", "Mapped", "Mappable", "Seen", "compared_attention", "map_case",
    "maps_of_pictures", "others_of",
]  # fmt: skip

OTHER_MASKS, RANDOM_WEIGHTS = "outlines of other cases", "random weights"
ABOUT_FILE, MAP_FILE = "attention.json", "map.npz"
PAIRED = ("energy", "iou")  # measures of two models that are compared; pointing is yes or no


@dataclass(frozen=True)
class Seen:
    """What a network is shown, and what is asked of it."""

    network: Any
    chance: Any  # the same architecture of random weights
    layer: str
    inputs: Any  # tensor (1, C, *space)
    mask: np.ndarray  # bool (*space)
    score: int | Callable[[Any], Any]  # the column of the network's outputs, or a function of what it returns


class Mapped(Protocol):
    """One case to map: what a task is sent."""

    @property
    def method(self) -> str: ...
    def seen(self) -> Seen:
        """The network, its input and the outline."""

    def other_masks(self, size: tuple[int, ...]) -> list[np.ndarray]:
        """Outlines of other cases, bool of the input's size."""

    def pictures(self, seen: Seen, heat: np.ndarray) -> dict[str, np.ndarray]:
        """What is kept for the report; heat: 0 to 1, of the input's size."""


@dataclass(frozen=True)
class Mappable:
    """A model whose chains can be looked into."""

    model: str
    predictions: pd.DataFrame  # PREDICTIONS of its chosen chains
    cases: dict[str, str]  # the case that is mapped of each patient
    task: Callable[[Target, Chosen], Task]
    in_planes: bool  # examples are three planes of a volume; or a picture


def map_case(task: Task, folder: Path) -> None:
    """One case's map by its chain and by the same network of random weights; leave attention.json and map.npz."""
    from dlr.attention import GradCAM, GradCAMPlusPlus

    given: Mapped = task.payload
    seen = given.seen()
    maker = GradCAMPlusPlus if given.method == "gradcam++" else GradCAM
    heat, noise = (
        maker(net, seen.layer)(seen.inputs, seen.score)[0].double().numpy() for net in (seen.network, seen.chance)
    )
    own, random = attention_in_numbers(heat, seen.mask), attention_in_numbers(noise, seen.mask)
    others = null_of_other_masks(heat, given.other_masks(seen.mask.shape))
    measures = [
        {"measure": name, "value": own.values()[name], "null": null, "null_value": by.values()[name]}
        for null, by in ((OTHER_MASKS, others), (RANDOM_WEIGHTS, random))
        for name in AttentionNumbers.names()
    ]
    about = {"layer": seen.layer, "measures": measures}
    (folder / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
    scaled = heat / heat.max() if heat.max() > 0 else heat
    np.savez_compressed(folder / MAP_FILE, **given.pictures(seen, scaled))  # type: ignore[arg-type]


def others_of(run: Run, target: Target, case_id: str, cases: Sequence[str]) -> list[str]:
    """Cases whose outlines a case's map is held against, drawn at random."""
    places = rng(run.seed, "attention", "other outlines", target.name, case_id).permutation(len(cases))
    return [cases[k] for k in places if cases[k] != case_id][: run.settings.attention.other_masks]


def compared_attention(attention: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """ATTENTION_COMPARED: measures of two models on the patients that both were mapped of, paired.

    attention : ATTENTION.  models : two, the second less the first.
    """
    rows = []
    one_null = attention.drop_duplicates(["case_id", "target", "model", "region", "measure"])
    for (target, region, measure), own in one_null.groupby(["target", "region", "measure"], sort=False):
        if measure not in PAIRED:
            continue
        pairs = own.pivot(index="case_id", columns="model", values="value").reindex(columns=list(models)).dropna()
        if len(pairs) < 2:
            continue
        first, second = (pairs[model].to_numpy() for model in models)
        test = stats.wilcoxon_signed_rank(second, first)
        medians = (float(np.median(second)), float(np.median(first)), float(np.median(second - first)))
        named = (target, region, measure, models[1], models[0], len(pairs))
        rows.append((*named, *medians, test.statistic, test.p, test.method))
    return pd.DataFrame(rows, columns=list(ATTENTION_COMPARED.names))


# of pictures ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ActivationMap:
    """One case to map by a network of pictures; of a volume the slice of its largest ROI."""

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

    def seen(self) -> Seen:
        import torch

        picture = picture_of(self.case, self.input)
        network = _network(self.chain)
        inputs = torch.from_numpy(picture.grey)[None, None]
        return Seen(network, _chance(network.name, self.seed), network.attention_layer, inputs, picture.mask, 0)

    def other_masks(self, size: tuple[int, ...]) -> list[np.ndarray]:
        return [unpacked(outline, size) for outline in self.others]

    def pictures(self, seen: Seen, heat: np.ndarray) -> dict[str, np.ndarray]:
        grey = seen.inputs[0, 0].numpy()
        return {"grey": grey.astype(np.float16), "mask": seen.mask, "heat": heat.astype(np.float16)}


def maps_of_pictures(run: Run, tables: CohortTables) -> Mappable:
    """The DL signature's chains."""
    home = run.needs.deep
    rows = {row.patient_id: row for row in tables.rows_for_networks(run.settings.cohort.per_patient)}
    predictions = PREDICTIONS.read(home)
    outlines = read_outlines(home)
    source = source_of(run.settings, run.needs.superres)

    def task(target: Target, one: Chosen) -> Task:
        settings, row = run.settings.attention, rows[one.patient_id]
        chain = read_chain(home, target.name, one.part)
        payload = ActivationMap(
            case=OneCase(source, row),
            mode=chain.mode,
            backbone=chain.backbone,
            fitted=chain.files,
            weights=None if chain.mode == FINE_TUNED else backbone_file(chain.home, chain.backbone),
            others=tuple(outlines[other] for other in others_of(run, target, row.case_id, sorted(outlines))),
            input=run.settings.deep.input,
            method=settings.method,
            seed=run.seed,
            chain=chain,
        )
        return task_of(run, f"map-{target.name}-{row.case_id}", payload, may_fail=True)

    chosen = predictions[predictions["algorithm"] == CHOSEN]
    cases = {patient: row.case_id for patient, row in rows.items()}
    return Mappable(Model.DL.value, chosen, cases, task, in_planes=False)


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
