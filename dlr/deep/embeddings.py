"""What a network says of one picture: penultimate features and logits, the same bits whatever else goes through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dlr.deep.input import Picture

__all__ = ["Embedded", "embed", "mean_features", "views"]


@dataclass(frozen=True)
class Embedded:
    """Features (width,) and logits (outputs,) of one picture, means over its views; float64."""

    features: np.ndarray
    logits: np.ndarray


def views(picture: Picture, flips: bool) -> Tensor:
    """(1 or 2, 1, S, S): the picture, and its mirror image left to right (depth keeps its direction)."""
    grey = np.asarray(picture.grey, dtype=np.float32)
    both = [grey, grey[:, ::-1]] if flips else [grey]
    return torch.from_numpy(np.ascontiguousarray(np.stack(both)))[:, None]


@torch.inference_mode()
def embed(backbone: nn.Module, head: nn.Module | None, picture: Picture, flips: bool) -> Embedded:
    """Features and logits of one picture. Pictures go through one at a time, so that no batch changes a bit."""
    given = views(picture, flips).to(next(backbone.parameters()).device)
    features = backbone(given.expand(-1, 3, -1, -1)).float()
    logits = head(features).float() if head is not None else features[:, :0]
    return Embedded(features.double().mean(dim=0).cpu().numpy(), logits.double().mean(dim=0).cpu().numpy())


def mean_features(backbone: nn.Module, pictures: Sequence[Picture], flips: bool) -> np.ndarray:
    """Penultimate features (width,) of a lesion, the mean over its pictures; of one picture that picture's own."""
    return np.mean([embed(backbone, None, picture, flips).features for picture in pictures], axis=0)
