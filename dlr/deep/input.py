"""From an image and its outline to the square picture a network sees (Hu et al. 2025, step 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from dlr.deep.settings import InputSettings
from dlr.errors import InputError

__all__ = ["Crop", "Picture", "augment", "cut_picture", "cut_pictures", "draw_crops"]

LEAST_AREA = 0.7  # of a picture that a random crop keeps


@dataclass(frozen=True)
class Picture:
    """The lesion and its surroundings, z-scored; what pads it to a square is 0, the mean."""

    grey: np.ndarray  # float32 (size, size)
    mask: np.ndarray  # bool (size, size): the ROI


def cut_picture(image: np.ndarray, mask: np.ndarray, settings: InputSettings) -> Picture:
    """The slice with the largest ROI: bounding box + margin, z-score, scaled without distortion, padded to a square.

    image : float (z, y, x).  mask : bool (z, y, x).
    Raises InputError where the mask is empty or the cut-out is one grey value.
    """
    return _cut(image, mask, _largest_first(mask)[0], settings)


def cut_pictures(image: np.ndarray, mask: np.ndarray, settings: InputSettings) -> list[Picture]:
    """Every slice that the ROI meets, each cut as by `cut_picture` around its own ROI; the largest ROI comes first.

    A slice whose cut-out is one grey value is left out.
    Raises InputError where the mask is empty or the cut-out of the largest ROI is one grey value.
    """
    first, *others = _largest_first(mask)
    pictures = [_cut(image, mask, first, settings)]
    for z in others:
        try:
            pictures.append(_cut(image, mask, z, settings))
        except InputError:  # nothing is seen there; the lesion is in the other slices
            continue
    return pictures


def _largest_first(mask: np.ndarray) -> list[int]:
    """The slices that the ROI meets: the one with most of it (of equal ones the first), then the others in order."""
    areas = mask.sum(axis=(1, 2))
    if not areas.any():
        raise InputError("picture for the network", "the mask is empty", "outline the lesion")
    largest = int(np.argmax(areas))
    return [largest, *(z for z in np.flatnonzero(areas).tolist() if z != largest)]


def _cut(image: np.ndarray, mask: np.ndarray, z: int, settings: InputSettings) -> Picture:
    """One slice around its ROI."""
    rows, columns = np.flatnonzero(mask[z].any(axis=1)), np.flatnonzero(mask[z].any(axis=0))
    margin, (height, width) = settings.margin_px, mask.shape[1:]
    box = (
        slice(max(0, rows[0] - margin), min(height, rows[-1] + 1 + margin)),
        slice(max(0, columns[0] - margin), min(width, columns[-1] + 1 + margin)),
    )
    cut, roi = np.asarray(image[z][box], dtype=np.float64), mask[z][box]
    deviation = cut.std()
    if not deviation > 1e-12 * max(1.0, float(np.abs(cut).max())):
        raise InputError("picture for the network", "ROI and margin are one grey value", "check image and mask")
    return _squared((cut - cut.mean()) / deviation, roi, settings.size)


def _squared(values: np.ndarray, roi: np.ndarray, size: int) -> Picture:
    """Longer edge to `size`, the rest padded with 0 on both sides."""
    height, width = values.shape
    scale = size / max(height, width)
    new = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = np.asarray(Image.fromarray(values.astype(np.float32)).resize(new, Image.Resampling.BILINEAR))
    scaled_roi = np.asarray(Image.fromarray(roi.astype(np.uint8)).resize(new, Image.Resampling.NEAREST)) > 0
    grey = np.zeros((size, size), dtype=np.float32)
    mask = np.zeros((size, size), dtype=bool)
    top, left = (size - new[1]) // 2, (size - new[0]) // 2
    grey[top : top + new[1], left : left + new[0]] = scaled
    mask[top : top + new[1], left : left + new[0]] = scaled_roi
    return Picture(grey, mask)


@dataclass(frozen=True)
class Crop:
    """One augmentation of a square picture, in units of its edge."""

    top: float
    left: float
    edge: float
    flip_x: bool
    flip_y: bool


def draw_crops(generator: np.random.Generator) -> Crop:
    """A square of at least 0.7 of the area, anywhere, and each flip with probability one half."""
    edge = float(np.sqrt(generator.uniform(LEAST_AREA, 1.0)))
    top, left = (float(generator.uniform(0, 1 - edge)) for _ in range(2))
    flip_x, flip_y = (bool(generator.random() < 0.5) for _ in range(2))
    return Crop(top, left, edge, flip_x, flip_y)


def augment(grey: np.ndarray, crop: Crop) -> np.ndarray:
    """float32 (size, size): the crop scaled back to the picture's size, flipped."""
    size = grey.shape[0]
    if crop.edge < 1:
        box = (crop.left * size, crop.top * size, (crop.left + crop.edge) * size, (crop.top + crop.edge) * size)
        grey = np.asarray(Image.fromarray(grey).resize((size, size), Image.Resampling.BILINEAR, box=box))
    if crop.flip_x:
        grey = grey[:, ::-1]
    if crop.flip_y:
        grey = grey[::-1]
    return np.ascontiguousarray(grey, dtype=np.float32)
