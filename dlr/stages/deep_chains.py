"""Saved chains of the deep branch: frozen heads and fine-tuned networks, applied alike to a study and new patients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.deep import FrozenHead, Picture
from dlr.errors import InputError
from dlr.stages.pictures import frozen_backbone
from dlr.stages.signatures import PatientFrame
from dlr.words import expit

__all__ = ["ALL", "BACKBONES", "DeepChain", "backbone_file", "chain_folder", "network_values", "read_chain"]

ALL = "all"  # the folder of the variant that takes every column
BACKBONES = "backbones"  # folder of the frozen backbones
CHOICE, HEAD, NETWORK = "choice.json", "head.json", "network"
FROZEN, FINE_TUNED = "frozen", "fine_tune"


@dataclass(frozen=True)
class DeepChain:
    """The chosen way from a picture to a probability of one training part."""

    home: Path  # outputs of stage deep
    folder: Path  # of the chain
    mode: str  # frozen, fine_tune
    backbone: str

    @property
    def head(self) -> FrozenHead:
        """The logistic head on frozen features."""
        return FrozenHead.from_json((self.folder / self.backbone / HEAD).read_text(encoding="utf-8"))

    def network(self) -> Any:
        """The whole chain as one network of one logit; frozen: the backbone with the head as its last layer."""
        from dlr.deep import Network, load_network

        if self.mode == FINE_TUNED:
            return load_network(self.folder / self.backbone / NETWORK)
        backbone = frozen_backbone(self.backbone, str(backbone_file(self.home, self.backbone)))
        return with_head(Network(self.backbone, backbone), self.head)

    def frozen_values(self, frame: PatientFrame) -> pd.Series:
        """Probability of every patient from a frame of frozen features."""
        return frame.mean_by_patient(self.head.probability(frame.values.to_numpy()))


def with_head(network: Any, head: FrozenHead) -> Any:
    """The network with a fitted head as its last layer, in eval mode."""
    import torch

    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(head.coefficients[None]))
        network.head.bias.fill_(head.intercept)
    return network.eval()


def backbone_file(home: Path, name: str) -> Path:
    """The frozen backbone that a study keeps."""
    return home / BACKBONES / f"{name}.safetensors"


def chain_folder(home: Path, target: str, part: str) -> Path:
    """Where the chain of a part lies, as those of the other models do."""
    return home / "chains" / target / ALL / part


def read_chain(home: Path, target: str, part: str) -> DeepChain:
    """The chosen chain of a part; InputError where it is absent."""
    folder = chain_folder(home, target, part)
    try:
        choice = json.loads((folder / CHOICE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(folder), f"holds no chain ({error})", "run the study again") from error
    return DeepChain(home, folder, choice["mode"], choice["backbone"])


def network_values(
    network: Any, pictures: Mapping[str, Picture], patients: Mapping[str, str], flips: bool, policy: str
) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Probability by patient and penultimate features by case, of a fine-tuned network.

    policy : `cohort.per_patient`; mean_feature takes the mean logit of a patient's cases, mean_probability the mean
    probability.
    """
    from dlr.deep import embed

    logit, features = {}, {}
    for case, picture in pictures.items():
        said = embed(network.backbone, network.head, picture, flips)
        logit[case], features[case] = float(said.logits[0]), said.features
    values = pd.Series(logit, dtype=float)
    owner = np.array([patients[case] for case in values.index], dtype=object)
    if policy == "mean_probability":
        return pd.Series(expit(values), index=values.index).groupby(owner, sort=False).mean(), features
    means = values.groupby(owner, sort=False).mean()
    return pd.Series(expit(means.to_numpy()), index=means.index), features
