"""Stage deep: pictures, frozen features, fine-tuned networks: the DL signature under every protocol asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from dlr.deep import DeepSettings
from dlr.engine import Run, stage
from dlr.errors import missing_modules
from dlr.study.algorithms import write_algorithms
from dlr.study.cases import outlined_rows
from dlr.study.cohort import read_cohort
from dlr.study.deep_chains import CHOICE, FINE_TUNED, FROZEN
from dlr.study.deep_new import apply_deep
from dlr.study.frozen import DeepSignature, frozen_signatures, least_loss
from dlr.study.networks import fine_tuned_signatures
from dlr.study.parts import learnable_parts, study_parts
from dlr.study.pictured import picture_all
from dlr.study.signatures import chains_folder, held_out_rows
from dlr.tables import ALGORITHMS, CHOICES, CURVES, EMBEDDINGS, OUTLINES, PREDICTIONS
from dlr.words import CHOSEN, EVERY_PART, Model, Target

__all__ = ["deep"]


@stage(
    "deep",
    version=6,
    needs=["cohort"],
    optional=["superres"],
    sections=["deep", "cohort", "learn.protocols", "learn.recalibrate", "evaluate.bootstrap"],
    libraries=["numpy", "pillow", "scikit-learn", "torch", "torchvision", "timm", "vit-pytorch"],
    gives=[PREDICTIONS, CHOICES, ALGORITHMS, EMBEDDINGS, CURVES, OUTLINES],
    apply=apply_deep,
)
def deep(run: Run) -> None:
    """Networks are shown every lesion: frozen features with a logistic head, or fine-tuning: the DL signature."""
    missing = missing_modules("deep")
    if missing:
        run.leave_out(f'{", ".join(missing)} not installed: pip install "dlr[deep]"')
    tables = read_cohort(run.needs.cohort)
    rows = [] if run.inputs.features is not None else tables.rows_for_networks(run.settings.cohort.per_patient)
    rows = outlined_rows(rows, run.warn)
    if not rows:
        run.leave_out("the study has no outlined images to show to a network")
    if not tables.binary_targets:
        run.leave_out("its networks answer targets of two classes, and the study has none")
    settings: DeepSettings = run.settings.deep
    if tables.kind == "volume" and settings.mode == FINE_TUNED and settings.slices != "largest":
        run.log("fine-tuned networks see the slice of the largest ROI; their frozen baseline sees every slice of it")
    pictured = picture_all(run, tables, rows)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    predictions, choices, curves, embeddings = [], [], [], []
    if settings.mode == FROZEN:
        everywhere = {"target": EVERY_PART, "protocol": EVERY_PART, "part": EVERY_PART, "seed": 0, "fold": -1}
        for name, table in pictured.tables.items():
            embeddings.append(table.assign(**everywhere, backbone=name, role=FROZEN))
    for target in tables.binary_targets:
        labels = tables.labels(target)
        own = learnable_parts(parts, target, labels)
        made = frozen_signatures(run, pictured, target, labels, own)
        if settings.mode == FINE_TUNED:
            tuned = fine_tuned_signatures(run, pictured, target, labels, own)
            made = [*made, *tuned]
            embeddings += [one.embeddings for one in tuned if one.embeddings is not None]
            curves += [one.curves for one in tuned if one.curves is not None]
        chosen = choose(run, target, [one for one in made if one.mode == settings.mode])
        choices.append(choice_rows(target, made, chosen))
        predictions += prediction_tables(target, made, chosen, tables.sides)
    table = pd.concat(predictions, ignore_index=True)
    PREDICTIONS.write(run.folder, table)
    CHOICES.write(run.folder, pd.concat(choices, ignore_index=True))
    EMBEDDINGS.write(run.folder, pd.concat(embeddings, ignore_index=True))
    if curves:
        CURVES.write(run.folder, pd.concat(curves, ignore_index=True))
    write_algorithms(run, tables, table)


def choose(run: Run, target: Target, made: Sequence[DeepSignature]) -> dict[str, DeepSignature]:
    """By part, the backbone with the least loss inside the training part; the chain's folder says which."""
    chosen = least_loss(made)
    for name, one in chosen.items():
        choice = {"mode": one.mode, "backbone": one.backbone}
        (chains_folder(run.folder, target.name, "", name) / CHOICE).write_text(json.dumps(choice), encoding="utf-8")
    return chosen


def choice_rows(target: Target, made: Sequence[DeepSignature], chosen: dict[str, DeepSignature]) -> pd.DataFrame:
    """CHOICES: every backbone and mode of every part, by its loss inside the training part."""
    rows = [
        {
            "target": target.name, "model": Model.DL.value, "variant": "", "protocol": one.part.protocol,
            "part": one.part.name, "seed": one.part.seed, "fold": one.part.stored_fold, "algorithm": one.algorithm,
            "criterion": one.criterion, "value": one.inner, "chosen": chosen.get(one.part.name) is one,
            "parameters": json.dumps({"mode": one.mode, "backbone": one.backbone}),
        }
        for one in made
    ]  # fmt: skip
    return pd.DataFrame(rows)


def prediction_tables(
    target: Target, made: Sequence[DeepSignature], chosen: dict[str, DeepSignature], sides: pd.Series
) -> list[pd.DataFrame]:
    """PREDICTIONS: every way of every backbone, and the chosen one's rows again as the DL signature."""
    return [
        held_out_rows(one.part, one.value, target, Model.DL.value, "", algorithm, sides)
        for one in made
        for algorithm in (one.algorithm, *([CHOSEN] if chosen.get(one.part.name) is one else []))
    ]
