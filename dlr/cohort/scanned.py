"""Stills as scanners save them: which part of the screen was scanned, and whether it holds colour where it matters."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["Box", "box_around", "coloured", "full_scale", "grey", "scanned_box", "union"]

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, ends exclusive

_CHROMA = 24 / 255  # channels differ by more: colour; JPEG's own noise stays below
_DARK = 8 / 255  # up to here a screen's background
_WINDOW = 9  # pixels over which a neighbourhood counts as filled
_WHOLE = 0.9  # a region that covers more of the picture is the picture


def coloured(rgb: np.ndarray) -> np.ndarray:
    """Where the channels differ by more than a grey picture's would: bool, the shape of `rgb` (..., 3) less channels."""
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
    A pixel is filled where most of its 9 x 9 neighbourhood is neither dark nor coloured; text and rulers are too thin.
    A box that covers more than nine tenths of the picture is given as the whole picture.
    """
    height, width = picture.shape
    light = picture > _DARK * max(float(picture.max()), np.finfo(float).tiny)
    if colour is not None:
        light &= ~colour
    filled = ndimage.uniform_filter(light.astype(np.float32), _WINDOW, mode="constant") > 0.5
    filled |= mask
    parts, _ = ndimage.label(filled, structure=np.ones((3, 3)))
    x0, y0, x1, y1 = box_around(mask, 0)
    for part in np.unique(parts[mask]):
        px0, py0, px1, py1 = box_around(parts == part, 0)
        x0, y0, x1, y1 = min(x0, px0), min(y0, py0), max(x1, px1), max(y1, py1)
    if (x1 - x0) * (y1 - y0) > _WHOLE * width * height:
        return 0, 0, width, height
    return x0, y0, x1, y1


def union(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
