"""Stills as scanners save them: which part of the screen was scanned, and whether it holds colour where it matters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

__all__ = ["Box", "box_around", "coloured", "full_scale", "grey", "scanned_box", "union"]

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, ends exclusive

_CHROMA = 24 / 255  # channels differ by more: colour; JPEG's own noise stays below
_DARK = 8 / 255  # up to here a screen's background
_FINE = 200  # pixels of the shorter edge from which a picture counts as large
_WHOLE = 0.9  # a region that covers more of the picture is the picture


def coloured(rgb: np.ndarray) -> np.ndarray:
    """Where the channels of `rgb` (..., 3) differ by more than a grey picture's would: bool (...)."""
    low = np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    high = np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    return (high - low) > _CHROMA * full_scale(rgb)


def grey(rgb: np.ndarray) -> np.ndarray:
    """One grey value a pixel, float64: the channel itself where all are equal, else luma (ITU-R BT.601)."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red.astype(np.float64)
    luma = 0.299 * red.astype(np.float64) + 0.587 * green + 0.114 * blue
    return np.where((red == green) & (red == blue), red, luma)


def full_scale(array: np.ndarray) -> float:
    """The highest value the samples' type can hold; of floats the highest there is."""
    if np.issubdtype(array.dtype, np.integer):
        return float(np.iinfo(array.dtype).max)
    return max(float(np.nanmax(array)), np.finfo(float).tiny)


def box_around(mask: np.ndarray, margin: int) -> Box:
    """Bounding box of a mask (y, x) and a margin, cut at the picture's edges; the mask is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(mask.shape[1], int(columns[-1]) + 1 + margin),
        min(mask.shape[0], int(rows[-1]) + 1 + margin),
    )


def scanned_box(picture: np.ndarray, colour: np.ndarray | None, mask: np.ndarray) -> Box:
    """The part of a screen that was scanned: the filled grey area that holds the ROI.

    picture : grey values (y, x).  colour : bool (y, x) or None.  mask : bool (y, x), not empty.
    A place is filled where most of its neighbourhood (9 x 9 pixels; 12 x 12 in blocks of 4 in a large picture) is
    neither dark nor coloured; text and rulers are too thin.
    The whole picture is given where the box covers nine tenths of it, and where cutting would change nothing: no
    colour, and nothing outside brighter than everything inside (filters are scaled by a picture's maximum).
    """
    height, width = picture.shape
    light = picture > _DARK * max(float(picture.max()), np.finfo(float).tiny)
    if colour is not None:
        light &= ~colour
    step = 4 if min(height, width) >= _FINE else 1
    share = _count_in_blocks(light, step).astype(np.float32) / step**2
    filled = ndimage.uniform_filter(share, 3 if step > 1 else 9, mode="constant") > 0.5
    roi = _count_in_blocks(mask, step) > 0
    parts, _ = ndimage.label(filled | roi, structure=np.ones((3, 3)))
    x0, y0, x1, y1 = box_around(mask, 0)
    for part in np.unique(parts[roi]):
        found = (step * edge for edge in box_around(parts == part, 0))
        x0, y0, x1, y1 = union((x0, y0, x1, y1), _four(found))
    x1, y1 = min(x1, width), min(y1, height)
    as_bright = picture[y0:y1, x0:x1].max() >= picture.max()
    if (x1 - x0) * (y1 - y0) > _WHOLE * width * height or (as_bright and (colour is None or not colour.any())):
        return 0, 0, width, height
    return x0, y0, x1, y1


def _count_in_blocks(flags: np.ndarray, step: int) -> np.ndarray:
    """How many of a block of step x step pixels are set; a rest at the right and bottom edge is left out."""
    rows, columns = (n - n % step for n in flags.shape)
    whole = flags[:rows, :columns].view(np.uint8)
    lines = sum((whole[k::step] for k in range(1, step)), whole[::step])
    return np.asarray(sum((lines[:, k::step] for k in range(1, step)), lines[:, ::step]))


def _four(edges: Iterable[int]) -> Box:
    x0, y0, x1, y1 = edges
    return x0, y0, x1, y1


def union(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
