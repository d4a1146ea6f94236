"""Logistic heads on frozen features: the baseline of the deep branch, whatever else is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.deep import fit_head
from dlr.engine import Run, Task
from dlr.protocols import Part
from dlr.randomness import seed_of
from dlr.study.deep_chains import FROZEN, HEAD, DeepChain
from dlr.study.pictured import Pictured
from dlr.study.signatures import chains_folder
from dlr.study.tasks import task_of
from dlr.words import Target

__all__ = ["DeepSignature", "FitHead", "fit_frozen", "frozen_signatures"]


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


def frozen_signatures(
    run: Run, pictured: Pictured, target: Target, labels: pd.Series, parts: Sequence[Part]
) -> list[DeepSignature]:
    """A head a part and backbone, kept and applied to the part's patients."""
    asked = [(name, part) for name in pictured.frames for part in parts]
    tasks = []
    for name, part in asked:
        rows = pictured.frames[name].of([p for p in part.train if p in labels.index])
        payload = FitHead(
            values=rows.values,
            patient_id=rows.patient_id.to_numpy(),
            positive=labels.loc[rows.patient_id].to_numpy() == 1,
            seed=seed_of(run.seed, "deep", "frozen", target.name, name, part.name),
        )
        tasks.append(task_of(run, f"frozen-{target.name}-{name}-{part.name}", payload))
    out = []
    for (name, part), folder in zip(asked, run.each(fit_frozen, tasks, label="heads"), strict=True):
        chain = DeepChain(run.folder, chains_folder(run.folder, target.name, "", part.name), FROZEN, name)
        chain.files.mkdir(parents=True)
        shutil.copyfile(folder / HEAD, chain.files / HEAD)
        value = chain.frozen_values(pictured.frames[name].of(part.predict))
        inner = chain.read_head().inner_loss
        out.append(DeepSignature(FROZEN, name, part, value, "log loss of inner folds", inner))
    return out


def fit_frozen(task: Task, folder: Path) -> None:
    """Fit the head of one part; leave head.json."""
    given: FitHead = task.payload
    head = fit_head(given.values.to_numpy(), given.positive, given.patient_id, given.seed)
    (folder / HEAD).write_text(head.to_json(), encoding="utf-8")
