"""From one grid to the other and back: block means, bicubic interpolation, nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, label

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING, AROUND = 0.6, 3  # SD of an outline's smoothing, and what it sees around the lesion, in given pixels
KEPT = 0.9  # of a part's area: where rounding leaves less, the part stays as nearest neighbours have it

__all__ = ["bicubic", "bicubic_tensor", "block_means", "enlarged", "enlarged_outline"]


def block_means(image: np.ndarray, scale: int) -> np.ndarray:
    """What a grid coarser by `scale` sees of an image: the mean of every block, (h·s, w·s) to (h, w), float64."""
    height, width = image.shape[0] // scale, image.shape[1] // scale
    blocks = np.asarray(image, dtype=np.float64)[: height * scale, : width * scale]
    return blocks.reshape(height, scale, width, scale).mean(axis=(1, 3))


def enlarged(mask: np.ndarray, scale: int) -> np.ndarray:
    """Every pixel as s x s, by nearest neighbour: (h, w) to (h·s, w·s)."""
    return np.repeat(np.repeat(mask, scale, axis=0), scale, axis=1)


def enlarged_outline(mask: np.ndarray, scale: int) -> np.ndarray:
    """An outline on the finer grid, bool (h, w) to (h·s, w·s): nearest neighbours, their steps rounded.

    Steps of s pixels make a lesion's border 7 to 15 % longer; where half of a Gaussian of SD 0.6 of the given pixels is
    lesion, it keeps its length (docs/decisions/019). A part (pixels that touch, also at a corner) too small or too thin
    for that, of which more than a tenth would be lost, stays as nearest neighbours have it.
    """
    out = enlarged(mask, scale)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return out
    first, last = (max(0, places[0] - AROUND) * scale for places in (rows, columns)), (rows[-1], columns[-1])
    box = tuple(slice(start, (stop + 1 + AROUND) * scale) for start, stop in zip(first, last, strict=True))
    rounded = gaussian_filter(out[box].astype(np.float64), ROUNDING * scale, mode="nearest") > 0.5
    parts, number = label(mask, np.ones((3, 3)))
    finer = enlarged(parts, scale)[box]
    left, whole = (np.bincount(each, minlength=number + 1) for each in (finer[rounded], finer.ravel()))
    thin = left < KEPT * whole
    thin[0] = False  # what is no lesion
    out[box] = rounded | thin[finer]
    return out


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
