"""New patients' DL and DLR values: saved networks, components and chains, applied by the code of the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.deep import Picture
from dlr.errors import InputError, Problem, require_extra
from dlr.learn import load_pca
from dlr.settings import StudySettings
from dlr.stages.deep_chains import ALL, BACKBONES, FINE_TUNED, DeepChain, backbone_file, network_values, read_chain
from dlr.stages.fuse import block_folder, embedding_frame
from dlr.stages.fusion_model import joined
from dlr.stages.pictures import feature_table, look_at_row, rows_for_networks
from dlr.stages.signatures import PatientFrame, apply_chains, patient_frame
from dlr.stages.tables import CohortTables
from dlr.words import CHOSEN, Model

__all__ = ["DeepValues", "deep_values"]


@dataclass(frozen=True)
class DeepValues:
    """One chain's probabilities of new patients."""

    model: str
    target: str
    part: str
    value: pd.Series  # by patient_id


@dataclass(frozen=True)
class NewCases:
    """What the networks were given of the new patients."""

    pictures: dict[str, Picture]
    patients: dict[str, str]
    frozen: dict[str, PatientFrame]  # by backbone
    problems: dict[str, Problem]  # by case


def deep_values(
    folders: Mapping[str, Path | None], settings: StudySettings, tables: CohortTables, features: pd.DataFrame
) -> tuple[list[DeepValues], dict[str, Problem]]:
    """DL and DLR of every saved chain, and the cases that no network can be shown; nothing where there are no chains.

    folders : the study's outputs by stage.  features : the new cases' radiomics, as the study's stage measures them.
    """
    home = folders.get("deep")
    if home is None or tables.cases.empty:
        return [], {}
    require_extra("deep", "the DL and DLR models of this study")
    new = look_at_new(home, settings, rows_for_networks(tables, settings.cohort.per_patient), tables)
    if not new.pictures:
        return [], new.problems
    rad = patient_frame(features, tables, settings.cohort.per_patient)
    out = []
    for target, part in _parts(home):
        chain = read_chain(home, target, part)
        value, embeddings = _dl(chain, new, settings, tables)
        out.append(DeepValues(Model.DL.value, target, part, value))
        blocks, fusion = folders.get("fuse"), folders.get("fusion_model")
        if blocks is not None and fusion is not None and len(rad.values):
            scores = load_pca(block_folder(blocks, target, part)).transform(embeddings.values)
            frame = joined(rad, scores)
            if len(frame.values):
                both = apply_chains(fusion / "chains" / target / ALL / part, CHOSEN, frame)
                out.append(DeepValues(Model.DLR.value, target, part, both))
    return out, new.problems


def look_at_new(home: Path, settings: StudySettings, rows: Sequence[dict[str, Any]], tables: CohortTables) -> NewCases:
    """Pictures and frozen features of the new cases by every backbone that the study kept."""
    pictures: dict[str, Picture] = {}
    problems: dict[str, Problem] = {}
    patients = {row["case_id"]: row["patient_id"] for row in rows}
    frozen = {}
    for file in sorted((home / BACKBONES).glob("*.safetensors")):
        features: dict[str, np.ndarray] = {}
        for row in rows:
            case = row["case_id"]
            try:
                pictures[case], features[case] = look_at_row(
                    row, settings.cohort, settings.deep, file.stem, backbone_file(home, file.stem)
                )
            except InputError as error:
                problems[case] = error.problems[0]
        if features:
            table = feature_table(features, patients)
            frozen[file.stem] = patient_frame(table, tables, settings.cohort.per_patient)
    return NewCases(pictures, patients, frozen, problems)


def _dl(
    chain: DeepChain, new: NewCases, settings: StudySettings, tables: CohortTables
) -> tuple[pd.Series, PatientFrame]:
    """A chain's probabilities, and the embeddings of its network."""
    if chain.mode != FINE_TUNED:
        frame = new.frozen[chain.backbone]
        return chain.frozen_values(frame), frame
    policy = settings.cohort.per_patient
    value, features = network_values(chain.network(), new.pictures, new.patients, settings.deep.flips, policy)
    return value, embedding_frame(feature_table(features, new.patients), tables, policy)


def _parts(home: Path) -> Iterator[tuple[str, str]]:
    """target and part of every saved chain."""
    for target in sorted((home / "chains").iterdir()):
        for part in sorted((target / ALL).iterdir()):
            if (part / "choice.json").is_file():
                yield target.name, part.name
