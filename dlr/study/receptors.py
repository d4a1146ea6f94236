"""3-D networks of a study: trained in every part, kept, and applied to the patients they did not see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dlr import stats
from dlr.cohort import learnable
from dlr.engine import Run, Task
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.study.cohort import CohortTables
from dlr.study.pictures import embedding_table
from dlr.study.signatures import chains_folder
from dlr.study.tasks import out_of_key, task_of
from dlr.study.trainings import (
    CURVES_FILE,
    checkpoints,
    curves_of,
    identified,
    minutes_of,
    trained,
    wanted_parts,
)
from dlr.study.volumes import VolumeSet
from dlr.volume import ReceptorSettings, SegmentationSettings, VolumeSettings
from dlr.volume.cut import Volume, read_volume
from dlr.words import EVERY_PART, Model, Protocol, Side, Target

if TYPE_CHECKING:
    from dlr.volume.fitting import Kind

__all__ = [
    "NETWORK", "ApplyReceptors", "ReceptorChain", "TrainReceptors", "apply_network_to_volumes", "map_against_outline",
    "receptor_chains", "seconds_of_all", "train_network",
]  # fmt: skip

MODELS = {"single": Model.SINGLE_TASK, "multi": Model.MULTI_TASK}
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
    labels: np.ndarray  # float (n, K), NaN where unknown
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
    """Networks of every part asked for, each with the markers that its training patients can teach."""
    settings: ReceptorSettings = run.settings.receptors
    groups = [tuple(targets)] if settings.one_network else [(target,) for target in targets]
    asked: list[tuple[Kind, str, tuple[Target, ...], Part]] = []
    for kind in settings.models:
        for group in groups:
            for part in wanted_parts(parts, settings.seeds):
                answered = _answered(volumes, tables, group, part)
                if kind == "multi" and not volumes.of(set(part.train), outlined=True):
                    run.warn(f"{part.name}: no training volume has an outline, so that MultiTask is not trained there")
                elif answered:
                    asked.append((kind, _name(group), answered, part))
    fits = [_training(run, volumes, tables, *one) for one in asked]
    folders = trained(run, train_network, fits, _foretell(run, fits), label="3-D networks")
    whole = _shown_whole(asked)
    tasks = [
        _application(run, volumes, part, folder, whole[kind, name] == part.name)
        for (kind, name, _, part), folder in zip(asked, folders, strict=True)
    ]
    out = []
    results = run.each(apply_network_to_volumes, tasks, label="3-D networks applied")
    for (kind, name, answered, part), source, folder in zip(asked, folders, results, strict=True):
        model = MODELS[kind]
        shutil.copytree(source / NETWORK, chains_folder(run.folder, name, model, part.name) / NETWORK)
        out.append(_chain(volumes, tables, model, answered, part, source, folder))
    return out


def seconds_of_all(run: Run, targets: Sequence[Target], parts: Sequence[Part]) -> float:
    """How long all trainings take at most, told before there are volumes: by one measured step of each network."""
    from dlr.volume import seconds_a_volume

    settings: ReceptorSettings = run.settings.receptors
    shown = [len(part.train) for part in wanted_parts(parts, settings.seeds)]
    networks = 1 if settings.one_network else len(targets)
    rates = [seconds_a_volume(kind, run.settings.volume, settings) for kind in settings.models]
    return 60 * networks * minutes_of(run, sum(rates), shown, settings.training.epochs)


def _name(group: Sequence[Target]) -> str:
    """The folder of a network's chains: its marker's, or that of all."""
    return group[0].name if len(group) == 1 else EVERY_PART


def _answered(volumes: VolumeSet, tables: CohortTables, group: Sequence[Target], part: Part) -> tuple[Target, ...]:
    """The markers that the volumes of a part's training patients can teach."""
    seen = sorted(set(part.train) & set(volumes.patients.values()))
    return tuple(target for target in group if learnable(target, tables.labels(target).reindex(seen)))


def _training(
    run: Run, volumes: VolumeSet, tables: CohortTables, kind: Kind, name: str, targets: tuple[Target, ...], part: Part
) -> Task:
    from dlr.networks.chip import device_of, precision_of

    settings: ReceptorSettings = run.settings.receptors
    labels = pd.DataFrame({t.name: tables.labels(t) for t in targets}).astype(float)
    stopping = _stopping(tables, part)
    labelled = set(labels.index[labels.notna().any(axis=1)])
    known = volumes.of((set(part.train) | stopping) & labelled)
    more = volumes.of(set(part.train), outlined=True) if kind == "multi" else []  # they still teach the outline
    cases = sorted({*known, *more})
    patients = [volumes.patients[case] for case in cases]
    payload = TrainReceptors(
        kind=kind,
        targets=targets,
        volumes=volumes.names(cases),
        cases=tuple(cases),
        patients=tuple(patients),
        labels=labels.reindex(patients).to_numpy(dtype=float),
        stops=np.array([patient in stopping for patient in patients]) if stopping else None,
        volume=run.settings.volume,
        settings=_trained_by(settings, kind),
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


def _trained_by(settings: ReceptorSettings, kind: str) -> ReceptorSettings:
    """The settings that a training depends on: what only the other model or the application heeds stays out."""
    own = ReceptorSettings.model_fields
    neutral = {name: own[name].default for name in ("models", "one_network", "flips", "seeds")}
    if kind == "single":
        neutral |= {"segmentation": SegmentationSettings(), "passes": own["passes"].default}
    return settings.model_copy(update=neutral)


def _foretell(run: Run, fits: Sequence[Task]) -> Callable[[], float]:
    """Say beforehand how long the trainings of each model can take; gives the seconds of the longest."""
    from dlr.volume import seconds_a_volume

    settings: ReceptorSettings = run.settings.receptors
    epochs, longest = settings.training.epochs, 0.0
    for kind in settings.models:
        shown = [len(fit.payload.cases) for fit in fits if fit.payload.kind == kind]
        rate = seconds_a_volume(kind, run.settings.volume, settings)
        longest = max(longest, rate * max(shown, default=0) * epochs)
        run.log(
            f"{MODELS[kind]}, {' x '.join(map(str, run.settings.volume.shape))} voxels: {len(shown)} trainings of at "
            f"most {epochs} epochs, {rate:.2g} s a volume: up to {minutes_of(run, rate, shown, epochs):,.0f} min with "
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
    curves_of(fitted.trained).to_csv(folder / CURVES_FILE, index=False)
    save_receptors(fitted, folder / NETWORK)


def _shown_whole(asked: Sequence[tuple[Kind, str, tuple[Target, ...], Part]]) -> dict[tuple[str, str], str]:
    """By model and group of markers, the part whose network shows all its patients: the paper's, else the first."""
    found: dict[tuple[str, str], str] = {}
    for kind, name, _, part in asked:
        if part.protocol == Protocol.PAPER or (kind, name) not in found:
            found[kind, name] = part.name
    return found


def _application(run: Run, volumes: VolumeSet, part: Part, fitted: Path, whole: bool) -> Task:
    cases = volumes.of(set(part.predict) | (set(part.train) if whole else set()))
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


def _chain(
    volumes: VolumeSet, tables: CohortTables, model: Model, targets: tuple[Target, ...], part: Part, source: Path,
    folder: Path,
) -> ReceptorChain:  # fmt: skip
    embeddings = None
    if (folder / FEATURES_FILE).exists():
        embeddings = pd.read_parquet(folder / FEATURES_FILE)
        owner = embeddings["case_id"].map(volumes.patients)
        roles = [owner.isin(part.train), owner.isin(_stopping(tables, part))]
        embeddings = embeddings.assign(patient_id=owner, role=np.select(roles, ["train", "stopped on"], "held-out"))
    return ReceptorChain(
        model=model,
        targets=targets,
        part=part,
        scores=pd.read_parquet(folder / SCORES_FILE).set_index("case_id"),
        curves=pd.read_csv(source / CURVES_FILE),
        maps=pd.read_parquet(folder / SEGMENTATION_FILE),
        embeddings=embeddings,
        origin=json.loads((source / NETWORK / "network.json").read_text(encoding="utf-8"))["origin"],
    )
