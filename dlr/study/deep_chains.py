"""Saved chains of the deep branch: frozen heads and fine-tuned networks, applied alike to a study and new patients."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.deep import FrozenHead, Picture
from dlr.errors import InputError
from dlr.study.cohort import CohortTables
from dlr.study.frames import PatientFrame, patient_frame, value_by_patient
from dlr.study.pictures import frozen_backbone
from dlr.study.signatures import chains_folder

__all__ = [
    "BACKBONES", "CHOICE", "FINE_TUNED", "FROZEN", "HEAD", "NETWORK", "DeepChain", "backbone_file", "embedding_frame",
    "head_values", "network_values", "read_chain",
]  # fmt: skip

BACKBONES = "backbones"  # folder of the frozen backbones
CHOICE, HEAD, NETWORK = "choice.json", "head.json", "network"
FROZEN, FINE_TUNED = "frozen", "fine_tune"
DEEP_COLUMN = r"e\d{4}"


@dataclass(frozen=True)
class DeepChain:
    """One way from a picture to a probability, fitted on one training part."""

    home: Path  # outputs of the stage
    folder: Path  # of the chain
    mode: str  # frozen, fine_tune
    backbone: str

    @property
    def files(self) -> Path:
        """The folder of the head or network that was fitted."""
        return self.folder / self.backbone

    def read_head(self) -> FrozenHead:
        """The logistic head on frozen features."""
        return FrozenHead.from_json((self.files / HEAD).read_text(encoding="utf-8"))

    def read_network(self) -> Any:
        """The whole chain as one network of one logit; frozen: the backbone with the head as its last layer."""
        from dlr.deep import Network, load_network

        if self.mode == FINE_TUNED:
            return load_network(self.files / NETWORK)
        backbone = frozen_backbone(self.backbone, str(backbone_file(self.home, self.backbone)))
        return _with_head(Network(self.backbone, backbone), self.read_head())

    def frozen_values(self, frame: PatientFrame) -> pd.Series:
        """Probability of every patient from a frame of frozen features."""
        return head_values(self.read_head(), frame)


def head_values(head: FrozenHead, frame: PatientFrame) -> pd.Series:
    """Probability of every patient by a logistic head on frozen features."""
    return frame.mean_by_patient(head.probability(frame.values.to_numpy()))


def _with_head(network: Any, head: FrozenHead) -> Any:
    """The network with a fitted head as its last layer, in eval mode."""
    import torch

    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(head.coefficients[None]))
        network.head.bias.fill_(head.intercept)
    return network.eval()


def backbone_file(home: Path, name: str) -> Path:
    """The frozen backbone that a study keeps."""
    return home / BACKBONES / f"{name}.safetensors"


def read_chain(home: Path, target: str, part: str) -> DeepChain:
    """The chosen chain of a part; InputError where it is absent."""
    folder = chains_folder(home, target, "", part)
    try:
        choice = json.loads((folder / CHOICE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(folder), f"holds no chain ({error})", "run the study again") from error
    return DeepChain(home, folder, choice["mode"], choice["backbone"])


def network_values(
    network: Any, pictures: Mapping[str, Picture], patients: Mapping[str, str], flips: bool, policy: str
) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Probability by patient and penultimate features by case, of a fine-tuned network.

    policy : `cohort.per_patient`.
    """
    from dlr.deep import embed

    logit, features = {}, {}
    for case, picture in pictures.items():
        said = embed(network.backbone, network.head, picture, flips)
        logit[case], features[case] = float(said.logits[0]), said.features
    return value_by_patient(pd.Series(logit, dtype=float), patients, policy), features


def embedding_frame(table: pd.DataFrame, tables: CohortTables, policy: str) -> PatientFrame:
    """Rows for learning out of embeddings a case; columns beyond a backbone's width are left out."""
    deep = table[[name for name in table.columns if re.fullmatch(DEEP_COLUMN, name)]]
    width = deep.columns[deep.notna().any(axis=0)]
    return patient_frame(table[["case_id", "patient_id", *width]], tables, policy)
