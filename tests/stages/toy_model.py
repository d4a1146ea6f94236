"""A model of a user's own, as one file: a settings class, a stage that fits and keeps it, and how it is applied."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from dlr.engine import Run, stage
from dlr.study.application import Application
from dlr.study.cohort import read_cohort
from dlr.study.parts import study_parts
from dlr.study.signatures import chains_folder, held_out_rows, new_rows, saved_chains
from dlr.tables import FEATURES, PREDICTIONS
from dlr.words import CHOSEN, ModelSpec, expit

TOY = ModelSpec("Toy", "the patient's brightness", of_images=True)


class ToySettings(BaseModel):
    """The one thing that can be set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steepness: float = Field(1.0, gt=0)


def brightness(features: pd.DataFrame) -> pd.Series:
    """The first feature of every patient."""
    return features.groupby("patient_id", sort=False)[features.columns[2]].mean()


def fit(values: pd.Series, labels: pd.Series, steepness: float) -> dict[str, float]:
    """The midpoint between both classes' means, and which side of it is positive."""
    means = values.groupby(labels.loc[values.index]).mean()
    return {"middle": float(means.mean()), "slope": steepness * float((means[1] - means[0]) / values.std() ** 2)}


def predict(folder: Path, values: pd.Series) -> pd.Series:
    """A kept chain's probability of some patients: the same code for held-out and new ones."""
    chain = json.loads((folder / "toy.json").read_text(encoding="utf-8"))
    return pd.Series(expit((values - chain["middle"]) * chain["slope"]), values.index)


def apply_toy(given: Application) -> None:
    """Every kept chain says something of the new patients."""
    values = brightness(given.made.of(FEATURES))
    targets = {target.name: target for target in given.patients.tables.targets}
    for saved in saved_chains(given.home):
        given.made.give(PREDICTIONS, new_rows(saved, predict(saved.folder, values), targets[saved.target], TOY.name))


@stage(
    "toy", version=1, needs=["cohort", "radiomics"], sections=["toy", "learn.protocols"], gives=[PREDICTIONS],
    apply=apply_toy, models=[TOY],
)  # fmt: skip
def toy(run: Run) -> None:
    """How bright the lesion is."""
    tables = read_cohort(run.needs.cohort)
    values = brightness(FEATURES.read(run.needs.radiomics))
    rows = []
    for target in tables.binary_targets:
        labels = tables.labels(target)
        for part in study_parts(tables.folds, run.settings.learn.protocols, tables.sides):
            folder = chains_folder(run.folder, target.name, "", part.name)
            folder.mkdir(parents=True)
            known = values[values.index.isin(part.train) & values.index.isin(labels.index)]
            (folder / "toy.json").write_text(json.dumps(fit(known, labels, run.settings.toy.steepness)))
            value = predict(folder, values[values.index.isin(part.predict)])
            rows.append(held_out_rows(part, value, target, TOY.name, "", CHOSEN, tables.sides))
    PREDICTIONS.write(run.folder, pd.concat(rows, ignore_index=True))
