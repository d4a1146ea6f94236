"""Stage embedding: the features of one chain of each network in three dimensions, for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.engine import Run, Task, TaskFailure, stage
from dlr.randomness import seed_of
from dlr.study.tasks import task_of
from dlr.tables import EMBEDDINGS, TSNE
from dlr.volume import EmbeddingSettings
from dlr.volume.embedding import FEWEST, perplexity_for, three_dimensions

__all__ = ["embedding"]

COORDINATES = "xyz.npy"
CHAIN = ["target", "backbone", "protocol", "part"]


@dataclass(frozen=True)
class Embedding:
    """The features of one chain, a row a case."""

    features: np.ndarray
    settings: EmbeddingSettings
    seed: int


@stage(
    "embedding",
    version=1,
    needs=["receptors"],
    sections=["embedding"],
    libraries=["numpy", "scipy", "scikit-learn"],
    gives=[TSNE],
)
def embedding(run: Run) -> None:
    """t-SNE of the networks' features to three dimensions, training and held-out patients of one chain each."""
    if not EMBEDDINGS.there(run.needs.receptors):
        run.leave_out("no network left its features")
    settings = run.settings.embedding
    chains, tasks = [], []
    for names, rows in EMBEDDINGS.read(run.needs.receptors).groupby(CHAIN, sort=True):
        target, model, protocol, part = map(str, names)
        if len(rows) < FEWEST:
            run.warn(f"{model}: {len(rows)} patients are too few to lay out")
            continue
        used = perplexity_for(len(rows), settings.perplexity)
        if used < settings.perplexity:
            run.warn(f"{model}: {len(rows)} patients bear a perplexity of {used:.3g}, not {settings.perplexity:g}")
        features = rows.filter(regex=r"^e\d{4}$").dropna(axis="columns", how="all")
        seed = seed_of(run.seed, "embedding", target, model, part)
        payload = Embedding(features.to_numpy(dtype=np.float32), settings, seed)
        about = {"model": model, "protocol": protocol, "part": part}
        chains.append(rows[["case_id", "patient_id", "target", "role"]].assign(**about))
        tasks.append(task_of(run, f"tsne-{target}-{model}-{part}", payload, may_fail=True))
    placed = []
    for rows, task, found in zip(chains, tasks, run.each_or_failure(lay_out, tasks, label="embeddings"), strict=True):
        if isinstance(found, TaskFailure):
            run.warn(f"{task.name}: {found.problem.what}")
        else:
            placed.append(rows.assign(**dict(zip("xyz", np.load(found / COORDINATES).T, strict=True))))
    if not placed:
        run.leave_out("the features of no network could be laid out")
    TSNE.write(run.folder, pd.concat(placed, ignore_index=True))


def lay_out(task: Task, folder: Path) -> None:
    """One chain's features in three dimensions; leave xyz.npy."""
    given: Embedding = task.payload
    xyz = three_dimensions(given.features, given.settings, given.seed)
    np.save(folder / COORDINATES, xyz.astype(np.float64))
