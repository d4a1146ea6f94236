"""From one grid to the other and back: block means, bicubic interpolation, nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["bicubic", "bicubic_tensor", "block_means", "enlarged"]


def block_means(image: np.ndarray, scale: int) -> np.ndarray:
    """What a grid coarser by `scale` sees of an image: the mean of every block, (h·s, w·s) to (h, w), float64."""
    height, width = image.shape[0] // scale, image.shape[1] // scale
    blocks = np.asarray(image, dtype=np.float64)[: height * scale, : width * scale]
    return blocks.reshape(height, scale, width, scale).mean(axis=(1, 3))


def enlarged(mask: np.ndarray, scale: int) -> np.ndarray:
    """An outline on the finer grid, by nearest neighbour: (h, w) to (h·s, w·s)."""
    return np.repeat(np.repeat(mask, scale, axis=0), scale, axis=1)


def bicubic(image: np.ndarray, scale: int) -> np.ndarray:
    """Bicubic enlargement, float32 (h, w) to (h·s, w·s)."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None, None]
    return bicubic_tensor(tensor, scale)[0, 0].numpy()


def bicubic_tensor(images: Tensor, scale: int) -> Tensor:
    """The same of (B, C, h, w), with Keys' kernel of a = -1/2 as image programs have it.

    torch has it under antialias=True, which smooths nothing on the way up; without, its kernel is of a = -3/4.
    Source: Keys 1981, IEEE TASSP 29:1153.
    """
    from torch.nn import functional

    return functional.interpolate(images, scale_factor=scale, mode="bicubic", antialias=True)
