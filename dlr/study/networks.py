"""Fine-tuning networks on training parts and applying them: each training and each application durable by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.csv_files import read_csv, write_csv
from dlr.deep import DeepSettings
from dlr.engine import Run, Task
from dlr.networks import TrainingSettings
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.study.deep_chains import FINE_TUNED, NETWORK, backbone_file, network_values
from dlr.study.frozen import DeepSignature
from dlr.study.pictured import Pictured
from dlr.study.pictures import embedding_table, read_picture
from dlr.study.signatures import chains_folder
from dlr.study.tasks import out_of_key, task_of
from dlr.study.trainings import (
    CURVES_FILE,
    checkpoints,
    curves_of,
    identified,
    judged_loss,
    minutes_of,
    trained,
    wanted_parts,
)  # fmt: skip
from dlr.words import Model, Target

__all__ = ["ApplyNetwork", "FineTuning", "apply_network", "fine_tune_part", "fine_tuned_signatures"]

ABOUT, VALUES_FILE, EMBEDDINGS_FILE = "network.json", "values.parquet", "embeddings.parquet"
KEPT_APART = "the pictures' own keys stand beside them"


@dataclass(frozen=True)
class FineTuning:
    """One training: a part's pictures and labels; nobody else's enter."""

    pictures: tuple[str, ...]  # keys of the pictures
    cases: tuple[str, ...]
    patients: tuple[str, ...]
    positive: np.ndarray
    backbone: str
    weights_sha256: str
    weights_name: str  # imagenet, none, or where a state dict was
    training: TrainingSettings
    seed: int
    folders: tuple[Path, ...] = field(metadata=out_of_key(KEPT_APART))
    weights: Path = field(metadata=out_of_key("the digest of its content stands beside it"))
    identity: str = field(metadata=out_of_key("made of the fields above"))
    checkpoint: Path = field(metadata=out_of_key("where the training is kept until it has ended"))


@dataclass(frozen=True)
class ApplyNetwork:
    """One trained network and the patients it is shown."""

    trained: str  # key of the training
    pictures: dict[str, str]  # by case, keys of the pictures
    patients: dict[str, str]  # by case
    flips: bool
    policy: str
    network: Path = field(metadata=out_of_key("the training's own key stands beside it"))
    folders: tuple[Path, ...] = field(metadata=out_of_key(KEPT_APART))


def fine_tuned_signatures(
    run: Run, pictured: Pictured, target: Target, labels: pd.Series, parts: Sequence[Part]
) -> list[DeepSignature]:
    """Fine-tuned networks of the paper's part and of the first `deep.seeds` drawings, applied to their patients."""
    settings: DeepSettings = run.settings.deep
    asked = [(name, part) for name in settings.backbones for part in wanted_parts(parts, settings.seeds)]
    fits = [_training(run, pictured, target, labels, name, part) for name, part in asked]
    fitted = trained(run, fine_tune_part, fits, foretell(run, fits))
    shown = [_application(run, pictured, part, folder) for (_, part), folder in zip(asked, fitted, strict=True)]
    out = []
    for (name, part), source, folder in zip(
        asked, fitted, run.each(apply_network, shown, label="networks applied"), strict=True
    ):
        kept = chains_folder(run.folder, target.name, "", part.name) / name
        shutil.copytree(source / NETWORK, kept / NETWORK)
        about = json.loads((kept / NETWORK / ABOUT).read_text(encoding="utf-8"))
        named = {"target": target.name, "protocol": part.protocol, "seed": part.seed, "fold": part.stored_fold}
        table = pd.read_parquet(folder / EMBEDDINGS_FILE).assign(**named, part=part.name, backbone=name)
        table["role"] = np.where(table["patient_id"].isin(part.train), "train", "held-out")
        curves = read_csv(source / CURVES_FILE).assign(**named, model=f"{Model.DL} {name}")
        values = pd.read_parquet(folder / VALUES_FILE).set_index("patient_id")["value"]
        value = values[values.index.isin(part.predict)]
        criterion = f"loss of the validation part, epoch {about['best_epoch']} of {about['epochs']}"
        out.append(DeepSignature(FINE_TUNED, name, part, value, criterion, float(about["loss"]), table, curves))
    return out


def foretell(run: Run, fits: Sequence[Task]) -> Callable[[], float]:
    """Say beforehand how long the trainings of every backbone can take here; gives the seconds of the longest."""
    from dlr.deep import seconds_an_image

    settings: DeepSettings = run.settings.deep
    epochs, longest = settings.training.epochs, 0.0
    for name in settings.backbones:
        shown = [len(fit.payload.cases) for fit in fits if fit.payload.backbone == name]
        rate = seconds_an_image(name, settings)
        longest = max(longest, rate * max(shown, default=0) * epochs)
        run.log(
            f"{name} at {settings.input.size} px: {len(shown)} trainings of at most {epochs} epochs, {rate:.2g} s an "
            f"image: up to {minutes_of(run, rate, shown, epochs):,.0f} min with {run.executor.workers} processes here"
        )
    return lambda: longest


def _training(run: Run, pictured: Pictured, target: Target, labels: pd.Series, name: str, part: Part) -> Task:
    settings: DeepSettings = run.settings.deep
    training = set(part.train) & set(labels.index)
    cases = tuple(case for case in sorted(pictured.pictures) if pictured.patients[case] in training)
    patients = tuple(pictured.patients[case] for case in cases)
    payload = FineTuning(
        pictures=tuple(pictured.pictures[case].name for case in cases),
        cases=cases,
        patients=patients,
        positive=labels.loc[list(patients)].to_numpy() == 1,
        backbone=name,
        weights_sha256=pictured.weights_sha256[name],
        weights_name=settings.weights,
        training=settings.training,
        seed=seed_of(run.seed, "deep", "fine_tune", target.name, name, part.name),
        folders=tuple(pictured.pictures[case] for case in cases),
        weights=backbone_file(run.folder, name),
        identity="",
        checkpoint=checkpoints(run),
    )
    return task_of(run, f"fine_tune-{target.name}-{name}-{part.name}", identified(run, payload))


def fine_tune_part(task: Task, folder: Path) -> None:
    """Fine-tune one backbone on one training part; leave network/ and curves.csv."""
    from dlr.deep import fine_tune, save_network

    given: FineTuning = task.payload
    tuned, origin = fine_tune(
        given.backbone,
        [read_picture(place).grey for place in given.folders],
        given.positive,
        given.patients,
        given.cases,
        DeepSettings(weights=str(given.weights), training=given.training),
        seed=given.seed,
        checkpoint=given.checkpoint,
        identity=given.identity,
    )
    write_csv(folder / CURVES_FILE, curves_of(tuned))
    save_network(
        tuned.network, replace(origin, weights=given.weights_name), folder / NETWORK,  # type: ignore[arg-type]
        epochs=tuned.epochs, best_epoch=tuned.best_epoch, precision=tuned.precision, loss=judged_loss(tuned),
    )  # fmt: skip


def _application(run: Run, pictured: Pictured, part: Part, fitted: Path) -> Task:
    members = set(part.train) | set(part.predict)
    cases = [case for case in sorted(pictured.pictures) if pictured.patients[case] in members]
    payload = ApplyNetwork(
        trained=fitted.name,
        pictures={case: pictured.pictures[case].name for case in cases},
        patients={case: pictured.patients[case] for case in cases},
        flips=run.settings.deep.flips,
        policy=run.settings.cohort.per_patient,
        network=fitted / NETWORK,
        folders=tuple(pictured.pictures[case] for case in cases),
    )
    return task_of(run, f"apply-{fitted.name}", payload)


def apply_network(task: Task, folder: Path) -> None:
    """Apply one network to its patients; leave values.parquet and embeddings.parquet."""
    from dlr.deep import load_network

    given: ApplyNetwork = task.payload
    pictures = {case: read_picture(place) for case, place in zip(given.pictures, given.folders, strict=True)}
    values, features = network_values(load_network(given.network), pictures, given.patients, given.flips, given.policy)
    values.rename("value").rename_axis("patient_id").reset_index().to_parquet(folder / VALUES_FILE, index=False)
    embedding_table(features, given.patients).to_parquet(folder / EMBEDDINGS_FILE, index=False)
