"""Stage deep: pictures, frozen features, fine-tuned networks: the DL signature under every protocol asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.deep import DeepSettings, fit_head
from dlr.engine import Run, Task, stage
from dlr.errors import missing_modules
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.stages.algorithms import write_algorithms
from dlr.stages.deep_chains import (
    BACKBONES,
    CHOICE,
    FINE_TUNED,
    FROZEN,
    HEAD,
    NETWORK,
    DeepChain,
    backbone_file,
    chain_folder,
    network_values,
)
from dlr.stages.parts import fold_of, side_under, study_parts
from dlr.stages.pictures import (
    feature_table,
    look_at_case,
    picture_tasks,
    read_picture,
    read_seen,
    rows_for_networks,
    write_outlines,
)
from dlr.stages.signatures import PatientFrame, patient_frame
from dlr.stages.tables import CohortTables, read_cohort, write_table
from dlr.words import CHOSEN, PREDICTION_COLUMNS, Kind, Model, Protocol

__all__ = ["FROZEN_ROWS", "deep"]

FROZEN_ROWS = "all"  # target, protocol and part of frozen embeddings, which depend on none of them
CURVE_COLUMNS = ["target", "protocol", "model", "seed", "fold", "epoch", "part", "measure", "value"]


@dataclass(frozen=True)
class Looked:
    """What every backbone saw of the cases."""

    frames: dict[str, PatientFrame]  # frozen features, by backbone
    tables: dict[str, pd.DataFrame]  # the same by case, by backbone
    pictures: dict[str, Path]  # folder of every case's picture
    patients: dict[str, str]  # of every case


@stage(
    "deep",
    version=1,
    needs=["cohort"],
    sections=["deep", "cohort", "learn.protocols", "evaluate.bootstrap"],
    libraries=["numpy", "pillow", "scikit-learn", "torch", "torchvision", "timm", "vit-pytorch"],
)
def deep(run: Run) -> None:
    """Networks look at every lesion: frozen features with a logistic head, or fine-tuning: the DL signature."""
    missing = missing_modules("deep")
    if missing:
        run.leave_out(f'{", ".join(missing)} not installed: pip install "dlr[deep]"')
    tables = read_cohort(run.needs.cohort)
    rows = [] if run.inputs.features is not None else rows_for_networks(tables, run.settings.cohort.per_patient)
    if not rows:
        run.leave_out("the study has no images for a network to look at")
    settings: DeepSettings = run.settings.deep
    looked = look_at_all(run, tables, rows)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    predictions, choices, curves, embeddings = [], [], [], []
    if settings.mode == FROZEN:
        embeddings += [
            table.assign(
                target=FROZEN_ROWS, protocol=FROZEN_ROWS, part=FROZEN_ROWS, backbone=name, seed=0, fold=-1, role=FROZEN
            )
            for name, table in looked.tables.items()
        ]
    for target in tables.targets:
        labels = tables.labels(target)
        made = frozen_signatures(run, looked, target, labels, parts)
        if settings.mode == FINE_TUNED:
            tuned = fine_tuned_signatures(run, looked, target, labels, parts)
            made = [*made, *tuned]
            embeddings += [one.embeddings.assign(target=target) for one in tuned if one.embeddings is not None]
            curves += [one.curves.assign(target=target) for one in tuned if one.curves is not None]
        chosen = choose(run, target, [one for one in made if one.mode == settings.mode])
        choices.append(choice_rows(target, made, chosen))
        predictions.append(prediction_rows(target, made, chosen, tables.sides))
    table = pd.concat(predictions, ignore_index=True)
    write_table(table, run.folder, "predictions")
    pd.concat(choices, ignore_index=True).to_csv(run.folder / "choices.csv", index=False)
    if curves:
        pd.concat(curves, ignore_index=True)[CURVE_COLUMNS].to_csv(run.folder / "curves.csv", index=False)
    write_embeddings(run.folder, embeddings)
    write_algorithms(run, tables, table)


def look_at_all(run: Run, tables: CohortTables, rows: Sequence[dict[str, Any]]) -> Looked:
    """Every case's picture and its frozen features by every backbone; the backbones are kept for new patients."""
    from dlr.deep import load_weights
    from dlr.deep.weights import weights_file
    from dlr.networks import save_weights

    settings: DeepSettings = run.settings.deep
    if settings.weights != "none":
        for name in settings.backbones:
            weights_file(name, settings.weights)  # all are asked for before the long work
    origins: dict[str, Any] = {}
    frames: dict[str, PatientFrame] = {}
    by_case: dict[str, pd.DataFrame] = {}
    pictures: dict[str, Path] = {}
    patients = {row["case_id"]: row["patient_id"] for row in rows}
    (run.folder / BACKBONES).mkdir()
    for name in settings.backbones:
        backbone, origin = load_weights(name, settings.weights, run.seed)
        file = backbone_file(run.folder, name)
        save_weights(backbone, file)
        digest = sha256(file.read_bytes()).hexdigest()
        tasks = picture_tasks(run, rows, name, {"sha256": digest, "file": file})
        pictures, features = read_seen(run, tasks, run.each(look_at_case, tasks, label=f"cases by {name}"))
        by_case[name] = feature_table(features, patients)
        frames[name] = patient_frame(by_case[name], tables, run.settings.cohort.per_patient)
        origins[name] = asdict(origin)
    write_outlines(run.folder, pictures)
    about = {"mode": settings.mode, "flips": settings.flips, "backbones": origins}
    (run.folder / "deep.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    return Looked(frames, by_case, pictures, patients)


@dataclass(frozen=True)
class Signature:
    """What one way of using one backbone gave in one part."""

    mode: str
    backbone: str
    part: Part
    value: pd.Series  # probability of the part's patients
    criterion: str
    inner: float  # loss inside the training part, by which backbones are chosen
    embeddings: pd.DataFrame | None = None
    curves: pd.DataFrame | None = None

    @property
    def algorithm(self) -> str:
        return f"{'frozen' if self.mode == FROZEN else 'fine-tuned'} {self.backbone}"


def frozen_signatures(
    run: Run, looked: Looked, target: str, labels: pd.Series, parts: tuple[Part, ...]
) -> list[Signature]:
    """Logistic heads on frozen features, a part and backbone each: the baseline, whatever else is asked for."""
    asked = [(name, part) for name in looked.frames for part in parts]
    tasks = []
    for name, part in asked:
        rows = looked.frames[name].of([p for p in part.train if p in labels.index])
        positive = labels.loc[rows.patient_id].to_numpy() == 1
        seed = seed_of(run.seed, "deep", "frozen", target, name, part.name)
        tasks.append(
            Task(
                name=f"frozen-{target}-{name}-{part.name}",
                key={"rows": digest_of(rows, positive), "seed": seed},
                payload={"rows": rows, "positive": positive, "seed": seed},
            )
        )
    out = []
    for (name, part), folder in zip(asked, run.each(fit_frozen, tasks, label="heads"), strict=True):
        assert isinstance(folder, Path)
        kept = chain_folder(run.folder, target, part.name) / name
        kept.mkdir(parents=True)
        shutil.copyfile(folder / HEAD, kept / HEAD)
        chain = DeepChain(run.folder, kept.parent, FROZEN, name)
        value = chain.frozen_values(looked.frames[name].of(part.predict))
        out.append(Signature(FROZEN, name, part, value, "log loss of inner folds", chain.head.inner_loss))
    return out


def fit_frozen(task: Task, folder: Path) -> None:
    """Fit the head of one part; leave head.json."""
    given = task.payload
    rows: PatientFrame = given["rows"]
    head = fit_head(rows.values.to_numpy(), given["positive"], rows.patient_id.to_numpy(), given["seed"])
    (folder / HEAD).write_text(head.to_json(), encoding="utf-8")


def fine_tuned_signatures(
    run: Run, looked: Looked, target: str, labels: pd.Series, parts: tuple[Part, ...]
) -> list[Signature]:
    """Fine-tuned networks of the paper's part and of the first `deep.seeds` drawings, applied to their patients."""
    settings: DeepSettings = run.settings.deep
    wanted = [p for p in parts if p.protocol == Protocol.PAPER or p.seed < settings.seeds]
    asked = [(name, part) for name in settings.backbones for part in wanted]
    fits = [_fit_task(run, looked, target, labels, name, part) for name, part in asked]
    foretell(run, fits)
    fitted = [f for f in run.each(fine_tune_part, fits, label="networks") if isinstance(f, Path)]
    shutil.rmtree(checkpoints(run), ignore_errors=True)
    looks = [_apply_task(run, looked, part, folder) for (_, part), folder in zip(asked, fitted, strict=True)]
    applied = [f for f in run.each(apply_network, looks, label="networks applied") if isinstance(f, Path)]
    out = []
    for (name, part), source, folder in zip(asked, fitted, applied, strict=True):
        kept = chain_folder(run.folder, target, part.name) / name
        shutil.copytree(source / NETWORK, kept / NETWORK)
        about = json.loads((kept / NETWORK / "network.json").read_text(encoding="utf-8"))
        named = {"protocol": part.protocol, "seed": part.seed, "fold": fold_of(part)}
        table = pd.read_parquet(folder / "embeddings.parquet").assign(**named, part=part.name, backbone=name)
        table["role"] = np.where(table["patient_id"].isin(part.train), "train", "held-out")
        curves = pd.read_csv(source / "curves.csv").assign(**named, model=f"{Model.DL} {name}")
        values = pd.read_parquet(folder / "values.parquet").set_index("patient_id")["value"]
        value = values[values.index.isin(part.predict)]
        criterion = f"loss of the validation part, epoch {about['best_epoch']} of {about['epochs']}"
        out.append(Signature(FINE_TUNED, name, part, value, criterion, float(about["loss"]), table, curves))
    return out


def foretell(run: Run, fits: list[Task]) -> None:
    """Say beforehand how long the trainings of every backbone can take here."""
    from dlr.deep import seconds_an_image

    settings: DeepSettings = run.settings.deep
    epochs, workers = settings.training.epochs, run.executor.workers
    for name in settings.backbones:
        shown = [len(fit.payload["cases"]) for fit in fits if fit.payload["backbone"] == name]
        rate = seconds_an_image(name, settings)
        minutes = rate * sum(shown) * epochs / workers / 60
        run.log(
            f"{name} at {settings.input.size} px: {len(shown)} trainings of at most {epochs} epochs, {rate:.2g} s an "
            f"image: up to {minutes:,.0f} min with {workers} processes here"
        )


def checkpoints(run: Run) -> Path:
    """Where trainings under way are kept until they have ended."""
    return run.store.study / "checkpoints"


def _fit_task(run: Run, looked: Looked, target: str, labels: pd.Series, name: str, part: Part) -> Task:
    """One fine-tuning: its key is the training part's pictures and labels; nobody else's enter."""
    settings: DeepSettings = run.settings.deep
    training = set(part.train) & set(labels.index)
    cases = [case for case in sorted(looked.pictures) if looked.patients[case] in training]
    patients = [looked.patients[case] for case in cases]
    positive = labels.loc[patients].to_numpy() == 1
    seed = seed_of(run.seed, "deep", "fine_tune", target, name, part.name)
    own = backbone_file(run.folder, name)
    in_key = settings.training.model_dump(exclude={"device", "devices", "threads", "workers", "checkpoint_every"})
    key = {
        "pictures": [looked.pictures[case].name for case in cases],
        "patients": patients,
        "positive": positive.tolist(),
        "backbone": name,
        "weights": sha256(own.read_bytes()).hexdigest(),
        "training": in_key,
        "seed": seed,
    }
    identity = sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    payload = {
        "folders": [looked.pictures[case] for case in cases],
        "cases": cases,
        "patients": patients,
        "positive": positive,
        "backbone": name,
        "settings": settings.model_copy(update={"weights": str(own)}),
        "label": settings.weights,
        "seed": seed,
        "identity": identity,
        "checkpoint": checkpoints(run) / f"{identity[:20]}.pt",
    }
    return Task(f"fine_tune-{target}-{name}-{part.name}", key, payload)


def fine_tune_part(task: Task, folder: Path) -> None:
    """Fine-tune one backbone on one training part; leave network/ and curves.csv."""
    from dlr.deep import fine_tune, save_network

    given = task.payload
    trained, origin = fine_tune(
        given["backbone"],
        [read_picture(place).grey for place in given["folders"]],
        given["positive"],
        given["patients"],
        given["cases"],
        given["settings"],
        seed=given["seed"],
        checkpoint=given["checkpoint"],
        identity=given["identity"],
    )
    curves = pd.DataFrame([asdict(point) for point in trained.curves])
    curves.to_csv(folder / "curves.csv", index=False)
    judged = curves[curves["part"] == ("validation" if (curves["part"] == "validation").any() else "train")]
    loss = judged.set_index("epoch")["value"].loc[trained.best_epoch]
    save_network(
        trained.network, replace(origin, weights=given["label"]), folder / NETWORK,  # type: ignore[arg-type]
        epochs=trained.epochs, best_epoch=trained.best_epoch, precision=trained.precision, loss=float(loss),
    )  # fmt: skip


def _apply_task(run: Run, looked: Looked, part: Part, fitted: Path) -> Task:
    members = set(part.train) | set(part.predict)
    cases = [case for case in sorted(looked.pictures) if looked.patients[case] in members]
    policy, flips = run.settings.cohort.per_patient, run.settings.deep.flips
    key = {
        "network": fitted.name,
        "pictures": {case: looked.pictures[case].name for case in cases},
        "flips": flips,
        "policy": policy,
    }
    payload = {
        "network": fitted / NETWORK,
        "folders": {case: looked.pictures[case] for case in cases},
        "patients": {case: looked.patients[case] for case in cases},
        "flips": flips,
        "policy": policy,
    }
    return Task(f"apply-{fitted.name}", key, payload)


def apply_network(task: Task, folder: Path) -> None:
    """Apply one network to its patients; leave values.parquet and embeddings.parquet."""
    from dlr.deep import load_network

    given = task.payload
    pictures = {case: read_picture(place) for case, place in given["folders"].items()}
    values, features = network_values(
        load_network(given["network"]), pictures, given["patients"], given["flips"], given["policy"]
    )
    values.rename("value").rename_axis("patient_id").reset_index().to_parquet(folder / "values.parquet", index=False)
    feature_table(features, given["patients"]).to_parquet(folder / "embeddings.parquet", index=False)


def choose(run: Run, target: str, made: list[Signature]) -> dict[str, Signature]:
    """By part, the backbone with the least loss inside the training part; of equals the first named."""
    chosen: dict[str, Signature] = {}
    for one in made:
        best = chosen.get(one.part.name)
        if best is None or round(one.inner, 12) < round(best.inner, 12):
            chosen[one.part.name] = one
    for name, one in chosen.items():
        choice = {"mode": one.mode, "backbone": one.backbone}
        (chain_folder(run.folder, target, name) / CHOICE).write_text(json.dumps(choice), encoding="utf-8")
    return chosen


def choice_rows(target: str, made: list[Signature], chosen: dict[str, Signature]) -> pd.DataFrame:
    """choices.csv: every backbone and mode of every part, by its loss inside the training part."""
    rows = [
        {
            "target": target, "model": Model.DL.value, "protocol": one.part.protocol, "seed": one.part.seed,
            "fold": fold_of(one.part), "part": one.part.name, "algorithm": one.algorithm, "backbone": one.backbone,
            "criterion": one.criterion, "value": one.inner, "chosen": chosen.get(one.part.name) is one,
        }
        for one in made
    ]  # fmt: skip
    return pd.DataFrame(rows)


def prediction_rows(target: str, made: list[Signature], chosen: dict[str, Signature], sides: pd.Series) -> pd.DataFrame:
    """predictions.parquet: every way of every backbone, and the chosen one's rows again as the DL signature."""
    tables = []
    for one in made:
        names = [one.algorithm, *([CHOSEN] if chosen.get(one.part.name) is one else [])]
        tables += [
            pd.DataFrame({"patient_id": one.value.index, "value": one.value.to_numpy()}).assign(
                target=target, protocol=one.part.protocol, model=Model.DL.value, variant="", algorithm=name,
                seed=one.part.seed, fold=fold_of(one.part), kind=Kind.PROBABILITY.value,
            )
            for name in names
        ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    side = table["patient_id"].map(sides)
    table["side"] = [side_under(protocol, own) for protocol, own in zip(table["protocol"], side, strict=True)]
    return table[list(PREDICTION_COLUMNS)]


def write_embeddings(folder: Path, tables: list[pd.DataFrame]) -> None:
    """embeddings.parquet: what names a row, then e0000 ... (float32; NaN beyond a narrower backbone's width)."""
    first = ["case_id", "patient_id", "target", "protocol", "part", "backbone", "seed", "fold", "role"]
    table = pd.concat(tables, ignore_index=True)
    columns = sorted(column for column in table.columns if column not in first)
    table = table[[*first, *columns]].astype(dict.fromkeys(columns, np.float32))
    table.to_parquet(folder / "embeddings.parquet", index=False)


def digest_of(rows: PatientFrame, positive: np.ndarray) -> str:
    """SHA-256 of training rows: ids, values, labels; held-out rows never enter."""
    digest = sha256("\x1f".join(map(str, [*rows.values.index, *rows.patient_id])).encode())
    digest.update(np.ascontiguousarray(rows.values.to_numpy(dtype=np.float64)).tobytes())
    digest.update(np.ascontiguousarray(positive, dtype=np.int64).tobytes())
    return digest.hexdigest()
