"""Stage fusion_model: radiomics features and deep components through the same selection and classifiers: DLR."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.application import Application
from dlr.study.cohort import read_cohort
from dlr.study.components import COMPONENT, component_columns, joined
from dlr.study.frames import PatientFrame, patient_frame
from dlr.study.parts import study_parts
from dlr.study.selected import reproducible_features, write_selected
from dlr.study.signatures import SavedChains, SignatureData, SignatureTables, apply_to_new, fit_signature
from dlr.tables import (
    ALGORITHMS,
    CHOICES,
    COMPONENTS,
    FEATURES,
    PREDICTIONS,
    SELECTION,
    SELECTION_FREQUENCY,
    SHARES,
)  # fmt: skip
from dlr.words import Model

__all__ = ["fusion_model"]

STEPS = ("joined", "t_test", "correlation", "lasso")
SHOWN = {"joined": "joined", "t_test": "after the t-test", "correlation": "after |r|", "lasso": "kept by the LASSO"}


def apply_fusion_model(given: Application) -> None:
    """The DLR signature of new patients, by every saved chain."""
    features, components = given.made.of(FEATURES), given.made.of(COMPONENTS)
    if features.empty or components.empty:
        return
    rad = patient_frame(features, given.patients.tables, given.settings.cohort.per_patient)

    def frame_of(saved: SavedChains) -> PatientFrame:
        own = (components["target"] == saved.target) & (components["part"] == saved.part.name)
        return joined(rad, components[own].set_index("row"))

    apply_to_new(given, Model.DLR, frame_of)


@stage(
    "fusion_model",
    version=8,
    needs=["cohort", "radiomics", "deep", "fuse"],
    optional=["stability"],
    sections=["cohort.per_patient", "learn", "evaluate.bootstrap"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
    gives=[PREDICTIONS, SELECTION, SELECTION_FREQUENCY, CHOICES, ALGORITHMS, SHARES],
    apply=apply_fusion_model,
)
def fusion_model(run: Run) -> None:
    """Radiomics and deep features joined, selected and classified like radiomics alone: the DLR signature."""
    tables = read_cohort(run.needs.cohort)
    rad = patient_frame(FEATURES.read(run.needs.radiomics), tables, run.settings.cohort.per_patient)
    components = COMPONENTS.read(run.needs.fuse)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    allowed = reproducible_features(run)
    made: dict[str, SignatureTables] = {}
    shares = []
    for target in tables.binary_targets:
        own = {str(name): rows for name, rows in components[components["target"] == target.name].groupby("part")}
        frames = {name: joined(rad, rows.set_index("row")) for name, rows in own.items()}
        there = tuple(part for part in parts if part.name in frames)
        deep = {name: component_columns(frame.values) for name, frame in frames.items()}
        kept = None if allowed is None else {name: [*allowed.get(name, []), *deep[name]] for name in frames}
        asked = SignatureData(
            target, Model.DLR.value, rad, tables.labels(target), tables.sides, select=True, by_part=frames
        )
        made[target.name] = fit_signature(run, asked, there, kept)
        shares.append(block_shares(made[target.name].selection, frames).assign(target=target.name))
    write_selected(run, tables, made)
    SHARES.write(run.folder, pd.concat(shares, ignore_index=True))


def block_shares(selection: pd.DataFrame, frames: dict[str, PatientFrame]) -> pd.DataFrame:
    """step, block, count: columns of each block at every step, a mean over the parts."""
    fits = len(frames)
    deep = sum(len(component_columns(frame.values)) for frame in frames.values())
    everything = sum(frame.values.shape[1] for frame in frames.values())
    rows = [(SHOWN["joined"], "Rad", (everything - deep) / fits), (SHOWN["joined"], "DL", deep / fits)]
    chosen = (selection["step"] == STEPS[1]).any()  # else all columns entered (learn.select: false)
    for step in STEPS[1:] if chosen else ():
        kept = selection[(selection["step"] == step) & selection["kept"].astype(bool)]
        deep = int(kept["feature"].str.startswith(COMPONENT).sum())
        rows += [(SHOWN[step], "Rad", (len(kept) - deep) / fits), (SHOWN[step], "DL", deep / fits)]
    return pd.DataFrame(rows, columns=["step", "block", "count"])
