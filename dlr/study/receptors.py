"""3-D networks of a study: trained in every part, kept, and applied to the patients they did not see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dlr import stats
from dlr.csv_files import read_csv, write_csv
from dlr.engine import Run, Task
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.study.cohort import CohortTables
from dlr.study.pictures import embedding_table
from dlr.study.receptor_networks import MODELS, Asked, asked_networks, name_of, trained_by
from dlr.study.signatures import chains_folder
from dlr.study.tasks import out_of_key, task_of
from dlr.study.trainings import (
    CURVES_FILE,
    checkpoints,
    curves_of,
    identified,
    minutes_of,
    trained,
)
from dlr.study.volumes import VolumeSet
from dlr.volume import ReceptorSettings, VolumeSettings
from dlr.volume.cut import Volume, read_volume
from dlr.words import Model, Protocol, Side, Target

if TYPE_CHECKING:
    from dlr.volume.fitting import Kind

__all__ = [
    "NETWORK", "ApplyReceptors", "ReceptorChain", "TrainReceptors", "apply_network_to_volumes", "map_against_outline",
    "receptor_chains", "train_network",
]  # fmt: skip

NETWORK, SCORES_FILE, SEGMENTATION_FILE, FEATURES_FILE = "network", "scores.parquet", "maps.parquet", "features.parquet"
KEPT_APART = "the volumes' own keys stand beside them"


@dataclass(frozen=True)
class TrainReceptors:
    """One training: a part's volumes, outlines and labels; nobody else's enter."""

    kind: Kind
    targets: tuple[Target, ...]
    volumes: tuple[str, ...]  # keys of the volumes
    cases: tuple[str, ...]
    patients: tuple[str, ...]
    labels: np.ndarray  # float (n, K): 0 and 1, or per cent; NaN where unknown
    stops: np.ndarray | None  # bool (n,): patients of a drawn validation side, who stop the training; None: a share
    volume: VolumeSettings
    settings: ReceptorSettings
    weights_sha256: str
    precision: str  # as this machine resolves it
    seed: int
    folders: tuple[Path, ...] = field(metadata=out_of_key(KEPT_APART))
    identity: str = field(metadata=out_of_key("made of the fields above"))
    checkpoint: Path = field(metadata=out_of_key("where the training is kept until it has ended"))


@dataclass(frozen=True)
class ApplyReceptors:
    """One trained network and the volumes it is shown."""

    trained: str  # key of the training
    volumes: tuple[str, ...]  # keys of the volumes
    cases: tuple[str, ...]
    held_out: tuple[bool, ...]  # cases whose map is held against the outline
    flips: bool
    features: bool  # of every case, for the embedding
    network: Path = field(metadata=out_of_key("the training's own key stands beside it"))
    folders: tuple[Path, ...] = field(metadata=out_of_key(KEPT_APART))


@dataclass(frozen=True)
class ReceptorChain:
    """What one network of one part says."""

    model: Model
    row: str  # of the ablation; "" is the model itself
    targets: tuple[Target, ...]  # that its part can answer
    part: Part
    scores: pd.DataFrame  # by case_id, a column a target: a logit, or tens of per cent
    curves: pd.DataFrame
    maps: pd.DataFrame  # case_id, dice, hausdorff95
    embeddings: pd.DataFrame | None  # case_id, patient_id, role, e0000 ...
    origin: dict[str, object]  # what its weights started from


def receptor_chains(
    run: Run, volumes: VolumeSet, tables: CohortTables, targets: Sequence[Target], parts: Sequence[Part]
) -> list[ReceptorChain]:
    """Networks of every part asked for, each with the markers that its training patients can teach.

    The rows of an ablation stand in the same list, so that no process waits between them. What two rows ask for in the
    same words (a marker alone, a row that is what the model is already) is trained and applied once.
    """
    asked = asked_networks(run, volumes, tables, targets, parts)
    fits = [_training(run, volumes, tables, one) for one in asked]
    names = [fit.payload.identity for fit in fits]
    once = {name: (one, fit) for name, one, fit in reversed(list(zip(names, asked, fits, strict=True)))}
    first = [once[name] for name in dict.fromkeys(names)]
    _tell_equals(run, asked, names)
    folders = trained(run, train_network, [fit for _, fit in first], _foretell(run, first), label="3-D networks")
    whole = _shown_whole(asked)
    tasks = [
        _application(run, volumes, one, folder, whole[one.kind, one.group] == one.part.name and not one.row)
        for (one, _), folder in zip(first, folders, strict=True)
    ]
    results = run.each(apply_network_to_volumes, tasks, label="3-D networks applied")
    left = dict(zip(dict.fromkeys(names), zip(folders, results, strict=True), strict=True))
    out = []
    for one, name in zip(asked, names, strict=True):
        source, folder = left[name]
        if not one.row:
            home = chains_folder(run.folder, one.group, MODELS[one.kind], one.part.name)
            shutil.copytree(source / NETWORK, home / NETWORK)
        out.append(_chain(volumes, tables, one, source, folder))
    return out


def _tell_equals(run: Run, asked: Sequence[Asked], names: Sequence[str]) -> None:
    """Say which rows of the ablation are what the model is already."""
    trainings: dict[str, set[str]] = {}
    for one, name in zip(asked, names, strict=True):
        if one.kind == "spatial":
            trainings.setdefault(one.row, set()).add(name)
    for row in trainings:
        if row and trainings[row] == trainings.get(""):
            run.log(f"ablation: {row} is what {Model.SPATIAL} is already under these settings; not trained again")


def _training(run: Run, volumes: VolumeSet, tables: CohortTables, asked: Asked) -> Task:
    from dlr.networks.chip import device_of, precision_of

    settings, part, kind = asked.settings, asked.part, asked.kind
    labels = pd.DataFrame({t.name: tables.labels(t) for t in asked.targets}).astype(float)
    stopping = _stopping(tables, part)
    labelled = set(labels.index[labels.notna().any(axis=1)])
    known = volumes.of((set(part.train) | stopping) & labelled, outlined=kind == "spatial")
    more = volumes.of(set(part.train), outlined=True) if kind == "multi" else []  # they still teach the outline
    cases = sorted({*known, *more})
    patients = [volumes.patients[case] for case in cases]
    name = name_of(asked.targets)
    payload = TrainReceptors(
        kind=kind,
        targets=tuple(Target(target.name, target.kind) for target in asked.targets),
        volumes=volumes.names(cases),
        cases=tuple(cases),
        patients=tuple(patients),
        labels=labels.reindex(patients).to_numpy(dtype=float),
        stops=np.array([patient in stopping for patient in patients]) if stopping else None,
        volume=run.settings.volume,
        settings=trained_by(settings, kind, asked.targets),
        weights_sha256="" if settings.weights == "none" else run.digest(settings.weights),
        precision=precision_of(settings.training, device_of(settings.training), volumes=True),
        seed=seed_of(run.seed, "receptors", kind, name, part.name),
        folders=tuple(volumes.folders[case] for case in cases),
        identity="",
        checkpoint=checkpoints(run),
    )
    return task_of(run, f"train-{kind}-{name}-{part.name}", identified(run, payload))


def _stopping(tables: CohortTables, part: Part) -> set[str]:
    """The patients of a drawn validation side, who stop the paper's training, as published."""
    if part.protocol != Protocol.PAPER:
        return set()
    return set(tables.ids(Side.VALIDATION))


def _foretell(run: Run, fits: Sequence[tuple[Asked, Task]]) -> Callable[[], float]:
    """Say beforehand how long the trainings of each network can take; gives the seconds of the longest."""
    from dlr.volume import seconds_a_volume

    epochs, longest = run.settings.receptors.training.epochs, 0.0
    for named, own in groupby(fits, key=lambda fit: fit[0].named):
        trainings = list(own)
        shown = [len(fit.payload.cases) for _, fit in trainings]
        rate = seconds_a_volume(trainings[0][0].kind, run.settings.volume, trainings[0][0].settings)
        longest = max(longest, rate * max(shown) * epochs)
        run.log(
            f"{named}, {' x '.join(map(str, run.settings.volume.shape))} voxels: {len(shown)} trainings of at most "
            f"{epochs} epochs, {rate:.2g} s a volume: up to {minutes_of(run, rate, shown, epochs):,.0f} min with "
            f"{run.executor.workers} processes here"
        )
    return lambda: longest


def train_network(task: Task, folder: Path) -> None:
    """Train one network on one part; leave network/ and curves.csv."""
    from dlr.volume import fit_network, save_receptors

    given: TrainReceptors = task.payload
    fitted = fit_network(
        given.kind,
        [read_volume(place) for place in given.folders],
        given.labels,
        given.targets,
        given.patients,
        given.cases,
        given.volume,
        given.settings,
        seed=given.seed,
        validation=given.stops,
        checkpoint=given.checkpoint,
        identity=given.identity,
    )
    write_csv(folder / CURVES_FILE, curves_of(fitted.trained))
    save_receptors(fitted, folder / NETWORK)


def _shown_whole(asked: Sequence[Asked]) -> dict[tuple[str, str], str]:
    """By model and group of markers, the part whose network shows all its patients: the paper's, else the first."""
    found: dict[tuple[str, str], str] = {}
    for one in asked:
        if one.part.protocol == Protocol.PAPER or (one.kind, one.group) not in found:
            found[one.kind, one.group] = one.part.name
    return found


def _application(run: Run, volumes: VolumeSet, asked: Asked, fitted: Path, whole: bool) -> Task:
    part = asked.part
    shown = set(part.predict) | (set(part.train) if whole else set())
    cases = volumes.of(shown, outlined=asked.kind == "spatial")
    unseen = set(part.predict) - set(part.train)
    payload = ApplyReceptors(
        trained=fitted.name,
        volumes=volumes.names(cases),
        cases=tuple(cases),
        held_out=tuple(volumes.patients[case] in unseen and volumes.outlined[case] for case in cases),
        flips=run.settings.receptors.flips,
        features=whole,
        network=fitted / NETWORK,
        folders=tuple(volumes.folders[case] for case in cases),
    )
    return task_of(run, f"apply-{fitted.name}", payload)


def apply_network_to_volumes(task: Task, folder: Path) -> None:
    """Show one network its volumes; leave scores.parquet, maps.parquet and, where asked for, features.parquet."""
    from dlr.volume import load_receptors, look

    given: ApplyReceptors = task.payload
    network = load_receptors(given.network)
    scores, features, maps = {}, {}, []
    for case, place, measured in zip(given.cases, given.folders, given.held_out, strict=True):
        volume = read_volume(place)
        seen = look(network, volume, given.flips)
        scores[case], features[case] = seen.scores, seen.features
        if measured and seen.map is not None:
            maps.append((case, *map_against_outline(seen.map, volume)))
    table = pd.DataFrame.from_dict(scores, orient="index", columns=list(network.targets))
    table.rename_axis("case_id").reset_index().to_parquet(folder / SCORES_FILE, index=False)
    pd.DataFrame(maps, columns=["case_id", "dice", "hausdorff95"]).to_parquet(folder / SEGMENTATION_FILE, index=False)
    if given.features:
        embedding_table(features, dict.fromkeys(features, "")).to_parquet(folder / FEATURES_FILE, index=False)


def map_against_outline(probability: np.ndarray, volume: Volume) -> tuple[float, float]:
    """Dice and 95 % Hausdorff distance in mm of a map (from one half on) against the outline, on what was fed.

    A map without a voxel has Dice 0 and no distance (NaN).
    """
    found, mask = probability >= 0.5, np.asarray(volume.mask)
    if not found.any():
        return 0.0, float("nan")
    return stats.dice(found, mask), stats.hausdorff95(found, mask, volume.spacing)


def _chain(volumes: VolumeSet, tables: CohortTables, asked: Asked, source: Path, folder: Path) -> ReceptorChain:
    embeddings, part = None, asked.part
    if not asked.row and (folder / FEATURES_FILE).exists():
        embeddings = pd.read_parquet(folder / FEATURES_FILE)
        owner = embeddings["case_id"].map(volumes.patients)
        roles = [owner.isin(part.train), owner.isin(_stopping(tables, part))]
        embeddings = embeddings.assign(patient_id=owner, role=np.select(roles, ["train", "stopped on"], "held-out"))
    return ReceptorChain(
        model=MODELS[asked.kind],
        row=asked.row,
        targets=asked.targets,
        part=part,
        scores=pd.read_parquet(folder / SCORES_FILE).set_index("case_id"),
        curves=read_csv(source / CURVES_FILE),
        maps=pd.read_parquet(folder / SEGMENTATION_FILE),
        embeddings=embeddings,
        origin=json.loads((source / NETWORK / "network.json").read_text(encoding="utf-8"))["origin"],
    )
