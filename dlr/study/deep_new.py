"""New patients' pictures, embeddings and DL signature, by the backbones and chains that a study kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.deep import Picture
from dlr.errors import InputError, require_extra
from dlr.study.application import Application
from dlr.study.cases import CaseRow, source_of
from dlr.study.deep_chains import BACKBONES, FINE_TUNED, DeepChain, network_values, read_chain
from dlr.study.frames import PatientFrame, patient_frame
from dlr.study.pictures import embedding_table, picture_one, picturing_of
from dlr.study.signatures import new_rows, saved_chains
from dlr.tables import EMBEDDINGS, PREDICTIONS
from dlr.words import Model

__all__ = ["apply_deep"]


@dataclass(frozen=True)
class Shown:
    """What the networks were shown of the new patients."""

    pictures: dict[str, Picture]  # by case
    patients: dict[str, str]  # by case
    tables: dict[str, pd.DataFrame]  # frozen features by case, by backbone
    frames: dict[str, PatientFrame]  # the same as learners take them


def apply_deep(given: Application) -> None:
    """The DL signature of new patients and their embeddings, by every saved chain."""
    policy = given.settings.cohort.per_patient
    rows = given.outlined(given.patients.tables.rows_for_networks(policy))
    if not rows:
        return
    require_extra("deep", "the DL and DLR models of this study")
    shown = _show(given, rows)
    targets = {target.name: target for target in given.patients.tables.targets}
    for saved in saved_chains(given.home) if shown.pictures else ():
        chain = read_chain(given.home, saved.target, saved.part.name)
        value, embeddings = _value_of(chain, given, shown)
        given.made.give(PREDICTIONS, new_rows(saved, value, targets[saved.target], Model.DL))
        named = {"target": saved.target, "protocol": saved.part.protocol, "part": saved.part.name}
        place = {"seed": saved.part.seed, "fold": saved.part.stored_fold}
        given.made.give(EMBEDDINGS, embeddings.assign(**named, **place, backbone=chain.backbone, role="new"))


def _show(given: Application, rows: list[CaseRow]) -> Shown:
    """Pictures and frozen features of the new cases by every backbone that the study kept."""
    pictures: dict[str, Picture] = {}
    patients = {row.case_id: row.patient_id for row in rows}
    source = source_of(given.settings, given.needs.superres, new=True)
    tables, frames = {}, {}
    files = sorted((given.home / BACKBONES).glob("*.safetensors"))
    features: dict[str, dict[str, np.ndarray]] = {file.stem: {} for file in files}
    for row in rows:  # by case, so that its image is enhanced once for all backbones
        for file in files:
            (asked,) = picturing_of(given.settings, source, [row], file.stem, file, "")
            try:
                pictures[row.case_id], features[file.stem][row.case_id] = picture_one(asked)
            except InputError as error:
                given.cannot(row, error.problems[0])
    policy = given.settings.cohort.per_patient
    for name, found in features.items():
        if found:
            tables[name] = embedding_table(found, patients)
            frames[name] = patient_frame(tables[name], given.patients.tables, policy)
    return Shown(pictures, patients, tables, frames)


def _value_of(chain: DeepChain, given: Application, shown: Shown) -> tuple[pd.Series, pd.DataFrame]:
    """A chain's probabilities by patient, and the embeddings of its network by case."""
    if chain.mode != FINE_TUNED:
        return chain.frozen_values(shown.frames[chain.backbone]), shown.tables[chain.backbone]
    flips, policy = given.settings.deep.flips, given.settings.cohort.per_patient
    value, features = network_values(chain.read_network(), shown.pictures, shown.patients, flips, policy)
    return value, embedding_table(features, shown.patients)
