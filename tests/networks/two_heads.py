"""A network of two inputs and two outputs without BatchNorm, and examples whose labels are in part unknown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dlr.networks import Batch, Loss, Measure, Objective, binary_cross_entropy
from dlr.randomness import rng


class Said(NamedTuple):
    """Logits of two receptors (B, 2), Ki-67 as a share (B,)."""

    receptors: Tensor
    ki67: Tensor


class TwoHeads(nn.Module):
    """A picture and an age in, two receptors and Ki-67 out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.encoder = nn.Sequential(nn.GroupNorm(2, 4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.receptors = nn.Linear(5, 2)
        self.ki67 = nn.Linear(5, 1)

    def forward(self, inputs: dict[str, Tensor]) -> Said:
        pooled = self.encoder(self.stem(inputs["picture"])).mean(dim=(2, 3))
        joint = torch.cat([pooled, inputs["age"]], dim=1)
        return Said(self.receptors(joint), self.ki67(joint)[:, 0])


def two_heads() -> TwoHeads:
    """The same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return TwoHeads()


class Women:
    """The first receptor and Ki-67 follow the picture's mean; a third lacks the one, two fifths lack the other."""

    def __init__(self, n: int, seed: int = 0) -> None:
        number = np.arange(n)
        self.receptors = np.stack([number % 2, number // 2 % 2], axis=1).astype(np.float32)
        self.ki67 = (0.2 + 0.4 * (number % 2)).astype(np.float32)
        self.pictures = np.stack(
            [rng(seed, "picture", int(k)).normal(k % 2, 0.5, (1, 6, 6)).astype(np.float32) for k in number]
        )
        self.receptors[number % 3 == 0, 0] = np.nan
        self.ki67[number % 5 < 2] = np.nan

    def __len__(self) -> int:
        return len(self.ki67)

    def batch(self, places: list[int], epoch: int | None) -> Batch:
        chosen = list(places)
        return Batch(
            {"picture": torch.from_numpy(self.pictures[chosen]), "age": torch.zeros(len(chosen), 1)},
            {"receptors": torch.from_numpy(self.receptors[chosen]), "ki67": torch.from_numpy(self.ki67[chosen])},
        )


def _squares(said: Said, targets: dict[str, Tensor]) -> Tensor:
    return (said.ki67 - torch.nan_to_num(targets["ki67"])).square()


LOSSES = {
    "receptors": Loss(
        lambda said, targets: binary_cross_entropy(said.receptors, targets["receptors"]),
        lambda targets: torch.isfinite(targets["receptors"]),
    ),
    "ki67": Loss(_squares, lambda targets: torch.isfinite(targets["ki67"]), weight=5.0),
}
ERROR = Measure(
    lambda said, targets: (said.ki67 - targets["ki67"]).abs(), lambda rows: float(torch.nanmean(rows)), False
)
BOTH = Objective(LOSSES, {"error": ERROR}, judged_by="error")
RATES = {"": 1e-2, "receptors": 2e-2, "ki67": 3e-2}
