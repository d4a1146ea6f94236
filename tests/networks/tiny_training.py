"""A network of a few dozen weights and examples that it can learn."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from dlr.networks import Batch, Loss, Objective, Trained, TrainingSettings, binary_cross_entropy, train
from dlr.randomness import rng


class TinyNet(nn.Module):
    """Convolution, BatchNorm, dropout, a linear head: everything that could differ between two runs."""

    def __init__(self, space: int = 2) -> None:
        super().__init__()
        convolution, norm = (nn.Conv2d, nn.BatchNorm2d) if space == 2 else (nn.Conv3d, nn.BatchNorm3d)
        self.body = nn.Sequential(convolution(1, 4, 3, padding=1), norm(4), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        return self.head(x.mean(dim=tuple(range(2, x.ndim))))


class Blobs:
    """Pictures whose mean tells the class; noise is drawn by place and epoch."""

    def __init__(
        self, n: int, seed: int, space: int = 2, stop_at: int | None = None, broken: int | None = None
    ) -> None:
        self.n, self.seed, self.space, self.stop_at, self.broken = n, seed, space, stop_at, broken
        self.labels = (np.arange(n) % 2).astype(np.float32)

    def __len__(self) -> int:
        return self.n

    def batch(self, places: list[int], epoch: int | None) -> Batch:
        if epoch is not None and epoch == self.stop_at:
            raise KeyboardInterrupt
        shape = (1, *([6] * self.space))
        pictures = [
            self.labels[p] + rng(self.seed, "blob", p, 0 if epoch is None else epoch).normal(0, 0.5, shape)
            for p in places
        ]
        stacked = np.stack(pictures).astype(np.float32)
        if epoch is not None and epoch == self.broken:
            stacked[:] = np.nan
        return Batch(torch.from_numpy(stacked), torch.from_numpy(self.labels[list(places)])[:, None])


def tiny(space: int = 2) -> TinyNet:
    """The same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return TinyNet(space)


BINARY = Objective({"loss": Loss(binary_cross_entropy, torch.isfinite)})
OWN = ("checkpoint", "identity", "network", "objective", "rates", "prepare", "recompute", "channels_last")


def trained(examples: object, validation: object = None, space: int = 2, **more: object) -> Trained:
    """Train the tiny network, in float32 on any chip; keyword arguments go to `train` where it knows them, else to the
    settings."""
    own = {name: more.pop(name) for name in OWN if name in more}
    network = own.pop("network", None) or tiny(space)
    settings = TrainingSettings(**{"epochs": 8, "batch_size": 8, "device": "cpu", "precision": "float32", **more})
    given = {"objective": BINARY, "rates": {"": 1e-4, "head": 1e-3}, **own}
    return train(network, examples, settings=settings, seed=1, validation=validation, **given)


def bits(network: nn.Module) -> dict[str, bytes]:
    """Every tensor of a network, to the bit."""
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}
