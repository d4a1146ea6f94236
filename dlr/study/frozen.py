"""Logistic heads on frozen features: the baseline of the deep branch, whatever else is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.deep import FrozenHead, fit_head
from dlr.engine import Run, Task
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.study.deep_chains import FROZEN, HEAD, head_values
from dlr.study.frames import PatientFrame
from dlr.study.pictured import Pictured
from dlr.study.signatures import chains_folder
from dlr.study.tasks import task_of
from dlr.words import Protocol, Target

__all__ = [
    "DeepSignature", "FitHead", "fit_frozen", "fit_heads", "fitted_head", "frozen_signature", "frozen_signatures",
    "head_payload", "least_loss",
]  # fmt: skip


@dataclass(frozen=True)
class DeepSignature:
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
        """How tables name it."""
        return f"{'frozen' if self.mode == FROZEN else 'fine-tuned'} {self.backbone}"


@dataclass(frozen=True)
class FitHead:
    """The training rows of one part."""

    values: pd.DataFrame
    patient_id: np.ndarray
    positive: np.ndarray
    seed: int
    recalibrate: bool


def frozen_signatures(
    run: Run, pictured: Pictured, target: Target, labels: pd.Series, parts: Sequence[Part]
) -> list[DeepSignature]:
    """A head a part and backbone, kept and applied to the part's patients."""
    made = fit_heads(run, pictured.frames, target, labels, parts)
    for one, file in made:
        kept = chains_folder(run.folder, target.name, "", one.part.name) / one.backbone
        kept.mkdir(parents=True)
        shutil.copyfile(file, kept / HEAD)
    return [one for one, _ in made]


def fit_heads(
    run: Run, frames: Mapping[str, PatientFrame], target: Target, labels: pd.Series, parts: Sequence[Part]
) -> list[tuple[DeepSignature, Path]]:
    """A head a part and backbone, applied to the part's patients, and the file that its task left.

    frames : frozen features, by backbone.
    """
    asked = [(name, part) for name in frames for part in parts]
    tasks = []
    for name, part in asked:
        payload = head_payload(frames[name], name, target, labels, part, run.settings.learn.recalibrate, run.seed)
        tasks.append(task_of(run, f"frozen-{target.name}-{name}-{part.name}", payload))
    out = []
    for (name, part), folder in zip(asked, run.each(fit_frozen, tasks, label="heads"), strict=True):
        head = FrozenHead.from_json((folder / HEAD).read_text(encoding="utf-8"))
        out.append((frozen_signature(head, frames[name], name, part), folder / HEAD))
    return out


def head_payload(
    frame: PatientFrame, backbone: str, target: Target, labels: pd.Series, part: Part, recalibrate: bool, seed: int
) -> FitHead:
    """What the head of one part depends on.  seed : of the study."""
    rows = frame.of([p for p in part.train if p in labels.index])
    return FitHead(
        values=rows.values,
        patient_id=rows.patient_id.to_numpy(),
        positive=labels.loc[rows.patient_id].to_numpy() == 1,
        seed=seed_of(seed, "deep", "frozen", target.name, backbone, part.name),
        recalibrate=recalibrate and part.protocol != Protocol.PAPER,
    )


def frozen_signature(head: FrozenHead, frame: PatientFrame, backbone: str, part: Part) -> DeepSignature:
    """What a head says of the part's patients."""
    value = head_values(head, frame.of(part.predict))
    return DeepSignature(FROZEN, backbone, part, value, "log loss of inner folds", head.inner_loss)


def least_loss(made: Iterable[DeepSignature]) -> dict[str, DeepSignature]:
    """By part, the one with the least loss inside the training part; of equals the first named."""
    chosen: dict[str, DeepSignature] = {}
    for one in made:
        best = chosen.get(one.part.name)
        if best is None or round(one.inner, 12) < round(best.inner, 12):
            chosen[one.part.name] = one
    return chosen


def fit_frozen(task: Task, folder: Path) -> None:
    """Fit the head of one part; leave head.json."""
    (folder / HEAD).write_text(fitted_head(task.payload).to_json(), encoding="utf-8")


def fitted_head(given: FitHead) -> FrozenHead:
    """The head of one part."""
    rows = given.values.to_numpy(), given.positive, given.patient_id
    return fit_head(*rows, given.seed, recalibrate=given.recalibrate)
