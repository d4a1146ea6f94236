"""What generators are trained on: crops of images, made low resolution anew every time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from dlr.networks.examples import Batch
from dlr.randomness import rng
from dlr.superres.degradation import degraded, draw
from dlr.superres.settings import DegradationSettings

__all__ = ["Crops"]


class Crops:
    """So many crops an epoch; which, and how they are degraded, depends on seed, epoch and place alone.

    images : float32 (h, w) in units; memory maps do.  edge : of a crop, pixels of the truth; whole multiples of the
    scale are cut. An image smaller than a crop is continued by its mirror image.
    """

    def __init__(
        self, images: Sequence[np.ndarray], edge: int, scale: int, n: int, settings: DegradationSettings, seed: int
    ) -> None:
        self.images, self.edge, self.scale = images, edge // scale * scale, scale
        self.n, self.settings, self.seed = n, settings, seed

    def __len__(self) -> int:
        return self.n

    def batch(self, places: Sequence[int], epoch: int | None) -> Batch:
        """Low resolution (B, 1, edge/s, edge/s) and truth (B, 1, edge, edge)."""
        low, truth = zip(*(self.pair(place, epoch or 0) for place in places), strict=True)
        return Batch(torch.from_numpy(np.stack(low)[:, None]), torch.from_numpy(np.stack(truth)[:, None]))

    def pair(self, place: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Low resolution and truth of one example."""
        generator = rng(self.seed, "crop", epoch, place)
        truth = self._crop(self.images[int(generator.integers(len(self.images)))], generator)
        drawn = draw(generator, self.settings)
        return degraded(truth, self.scale, drawn, self.settings, generator).low, truth

    def _crop(self, image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """A square of it, half of them flipped left to right; depth keeps its direction."""
        top, left = (int(generator.integers(max(size - self.edge, 0) + 1)) for size in image.shape)
        cut = np.asarray(image[top : top + self.edge, left : left + self.edge], dtype=np.float32)
        cut = np.pad(cut, [(0, self.edge - size) for size in cut.shape], mode="symmetric")
        return np.ascontiguousarray(cut[:, ::-1] if generator.integers(2) else cut)
