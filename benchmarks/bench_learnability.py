"""Whether the built-in volumes can be learnt: mask-fed radiomics, SingleTask and MultiTask against the reachable AUC.

    python benchmarks/bench_learnability.py [--seeds 1 2 3 4] [--patients 160] [--decoys 2] [--jobs 2]
                                            [--models radiomics single multi] [--set receptors.training.epochs=40]

Cross-fitted once on each phantom seed with the settings of the demo. A phantom is fit for claims about networks where,
without decoys, radiomics within the true outline come at least half of the way from .5 to the bound and SingleTask
reaches .65 in macro AUC. Prints a table; not a test.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import SimpleITK as sitk
from joblib import Parallel, delayed

from dlr.deep.head import fit_head
from dlr.engine import read_yaml, resolve
from dlr.phantom import MARKERS, VolumePhantomSettings, make_volume_cohort, volume_truth
from dlr.protocols import folds_by_pattern
from dlr.radiomics import extract
from dlr.randomness import rng, seed_of
from dlr.settings import ReceptorStudySettings
from dlr.stats.multilabel import LabelRows, macro_auc, macro_auc_difference
from dlr.volume.applying import look
from dlr.volume.cut import cut_volume
from dlr.volume.fitting import fit_network
from dlr.words import Estimate, Target

DEMO = "receptors_ultrasound3d_demo.yaml"


@dataclass(frozen=True)
class Cohort:
    """A phantom as arrays."""

    seed: int
    bound: float
    labels: np.ndarray  # (n, 3), NaN where unknown
    fold: np.ndarray
    images: list[np.ndarray]
    masks: list[np.ndarray]
    spacing: tuple[float, float, float]

    @property
    def names(self) -> list[str]:
        return [f"P{k:04d}" for k in range(len(self.labels))]


def cohort(settings: VolumePhantomSettings, folds: int) -> Cohort:
    """Made as the demo makes it, and read again."""
    with tempfile.TemporaryDirectory() as folder:
        table = pd.read_csv(make_volume_cohort(Path(folder), settings))
        images, masks = (
            [sitk.ReadImage(str(Path(folder) / name)) for name in table[column]] for column in ("image", "mask")
        )
    labels = table[list(MARKERS)].to_numpy(dtype=float)
    x, y, z = images[0].GetSpacing()
    return Cohort(
        seed=settings.seed,
        bound=volume_truth(settings).reachable_auc()["macro"],
        labels=labels,
        fold=folds_by_pattern(labels, None, folds, rng(settings.seed, "folds")),
        images=[sitk.GetArrayFromImage(image) for image in images],
        masks=[sitk.GetArrayFromImage(mask) > 0 for mask in masks],
        spacing=(z, y, x),
    )


def of_radiomics(made: Cohort) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold logits (n, 3) of 105 features within the true outline, logarithms, ridge; no Dice."""
    rows = [
        extract((image, made.spacing), mask, "volume3d_original")
        for image, mask in zip(made.images, made.masks, strict=True)
    ]
    values = pd.DataFrame(rows).dropna(axis=1).to_numpy()
    values = np.sign(values) * np.log1p(np.abs(values))
    logits, names = np.empty(made.labels.shape), np.array(made.names)
    for number in np.unique(made.fold):
        out = made.fold == number
        for k, truth in enumerate(made.labels.T):
            taught = ~out & np.isfinite(truth)
            head = fit_head(values[taught], truth[taught] == 1, names[taught], seed_of(made.seed, "head", int(number)))
            logits[out, k] = head.logit(values[out])
    return logits, np.full(len(logits), np.nan)


def of_network(made: Cohort, kind: str, number: int, settings: ReceptorStudySettings) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 3) and Dice (n,) of one fold's volumes by a network trained on the others; NaN elsewhere."""
    volumes = [
        cut_volume(image, mask, made.spacing, settings.volume)
        for image, mask in zip(made.images, made.masks, strict=True)
    ]
    taught, out = np.flatnonzero(made.fold != number), np.flatnonzero(made.fold == number)
    names = [made.names[k] for k in taught]
    fitted = fit_network(
        kind, [volumes[k] for k in taught], made.labels[taught], [Target(name) for name in MARKERS], names, names,
        settings.volume, settings.receptors, seed=seed_of(made.seed, kind, number),
    )  # fmt: skip
    logits, dice = np.full(made.labels.shape, np.nan), np.full(len(made.labels), np.nan)
    for k in out:
        said = look(fitted.network, volumes[k], settings.receptors.flips)
        logits[k] = said.scores
        if said.map is not None:
            seen, mask = said.map > 0.5, volumes[k].mask
            dice[k] = 2 * np.sum(seen & mask) / (np.sum(seen) + np.sum(mask))
    return logits, dice


def judged(made: Cohort, logits: np.ndarray) -> list[LabelRows]:
    """A row a patient and target, pairs compared within folds."""
    known = np.isfinite(made.labels)
    return [
        LabelRows(marker, made.labels[rows, k] == 1, logits[rows, k], np.array(made.names)[rows], made.fold[rows])
        for k, (marker, rows) in enumerate(zip(MARKERS, known.T, strict=True))
    ]


def measured(made: Cohort, model: str, settings: ReceptorStudySettings, jobs: int) -> tuple[list[LabelRows], list[Any]]:
    """What a model says of a cohort, and its row of the table."""
    start = time.perf_counter()
    if model == "radiomics":
        logits, dice = of_radiomics(made)
    else:
        numbers = [int(k) for k in np.unique(made.fold)]
        parts = Parallel(n_jobs=jobs)(delayed(of_network)(made, model, k, settings) for k in numbers)
        logits, dice = (np.nansum(given, axis=0) for given in zip(*parts, strict=True))
        dice = dice if model == "multi" else np.full(len(dice), np.nan)
    rows = judged(made, logits)
    macro = macro_auc(rows)
    each = [macro_auc([row]).value for row in rows]
    way = (macro.value - 0.5) / (made.bound - 0.5)
    seconds = time.perf_counter() - start
    return rows, [made.seed, model, *each, written(macro), made.bound, way, float(np.mean(dice)), seconds]


def written(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.lower:.3f} to {estimate.upper:.3f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4], help="of the phantom")
    parser.add_argument("--patients", type=int, default=160)
    parser.add_argument("--decoys", type=int, default=2)
    parser.add_argument("--models", nargs="+", default=["radiomics", "single", "multi"])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    given = parser.parse_args(arguments)
    text = (resources.files("dlr.params") / DEMO).read_text(encoding="utf-8")
    settings = resolve(ReceptorStudySettings, read_yaml(text, DEMO), given.sets, source=DEMO, folders=[])
    head = ["seed", "model", *MARKERS, "macro AUC (95 %)", "bound", "of the way", "Dice", "seconds"]
    for seed in given.seeds:
        made = cohort(
            VolumePhantomSettings(patients=given.patients, seed=seed, decoys=given.decoys), settings.learn.folds
        )
        said, table = {}, []
        for model in given.models:
            said[model], row = measured(made, model, settings, given.jobs)
            table.append(row)
        print(pd.DataFrame(table, columns=head).round(3).to_string(index=False))
        if {"single", "multi"} <= said.keys():
            print(f"multi - single: {written(macro_auc_difference(said['multi'], said['single']))}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
