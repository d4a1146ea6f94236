"""Fine-tuning networks on training parts and applying them: each training and each application durable by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.deep import DeepSettings
from dlr.engine import Run, Task
from dlr.engine.keys import key_of
from dlr.networks import TrainingSettings
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.study.deep_chains import FINE_TUNED, NETWORK, backbone_file, network_values
from dlr.study.frozen import DeepSignature
from dlr.study.pictured import Pictured
from dlr.study.pictures import embedding_table, read_picture
from dlr.study.signatures import chains_folder
from dlr.study.tasks import key_of_payload, out_of_key, task_of
from dlr.words import Model, Protocol, Target

__all__ = ["ApplyNetwork", "FineTuning", "apply_network", "fine_tune_part", "fine_tuned_signatures"]

ABOUT, CURVES_FILE, VALUES_FILE, EMBEDDINGS_FILE = "network.json", "curves.csv", "values.parquet", "embeddings.parquet"
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
    wanted = [p for p in parts if p.protocol == Protocol.PAPER or p.seed < settings.seeds]
    asked = [(name, part) for name in settings.backbones for part in wanted]
    fits = [_training(run, pictured, target, labels, name, part) for name, part in asked]
    foretell(run, fits)
    fitted = run.each(fine_tune_part, fits, label="networks")
    shutil.rmtree(checkpoints(run), ignore_errors=True)
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
        curves = pd.read_csv(source / CURVES_FILE).assign(**named, model=f"{Model.DL} {name}")
        values = pd.read_parquet(folder / VALUES_FILE).set_index("patient_id")["value"]
        value = values[values.index.isin(part.predict)]
        criterion = f"loss of the validation part, epoch {about['best_epoch']} of {about['epochs']}"
        out.append(DeepSignature(FINE_TUNED, name, part, value, criterion, float(about["loss"]), table, curves))
    return out


def foretell(run: Run, fits: Sequence[Task]) -> None:
    """Say beforehand how long the trainings of every backbone can take here."""
    from dlr.deep import seconds_an_image

    settings: DeepSettings = run.settings.deep
    epochs, workers = settings.training.epochs, run.executor.workers
    for name in settings.backbones:
        shown = [len(fit.payload.cases) for fit in fits if fit.payload.backbone == name]
        rate = seconds_an_image(name, settings)
        minutes = rate * sum(shown) * epochs / workers / 60
        run.log(
            f"{name} at {settings.input.size} px: {len(shown)} trainings of at most {epochs} epochs, {rate:.2g} s an "
            f"image: up to {minutes:,.0f} min with {workers} processes here"
        )


def checkpoints(run: Run) -> Path:
    """Where trainings under way are kept until they have ended."""
    return run.store.study / "checkpoints"


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
    identity = key_of(key_of_payload(payload, run.digest))
    payload = replace(payload, identity=identity, checkpoint=checkpoints(run) / f"{identity[:20]}.pt")
    return task_of(run, f"fine_tune-{target.name}-{name}-{part.name}", payload)


def fine_tune_part(task: Task, folder: Path) -> None:
    """Fine-tune one backbone on one training part; leave network/ and curves.csv."""
    from dlr.deep import fine_tune, save_network

    given: FineTuning = task.payload
    trained, origin = fine_tune(
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
    curves = pd.DataFrame([asdict(point) for point in trained.curves])
    curves.to_csv(folder / CURVES_FILE, index=False)
    judged = curves[curves["part"] == ("validation" if (curves["part"] == "validation").any() else "train")]
    loss = judged.set_index("epoch")["value"].loc[trained.best_epoch]
    save_network(
        trained.network, replace(origin, weights=given.weights_name), folder / NETWORK,  # type: ignore[arg-type]
        epochs=trained.epochs, best_epoch=trained.best_epoch, precision=trained.precision, loss=float(loss),
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
