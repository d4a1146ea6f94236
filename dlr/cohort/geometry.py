"""Does a mask lie on its image: grids compared with a tolerance, amounts printed, mirrored outlines seen."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dlr.cohort.decoded import Grid
from dlr.cohort.scanned import box_around

__all__ = ["grid_differences", "axes_text", "better_turned", "place_mask", "resample_mask", "size_difference"]

_BAND = 8  # pixels inside and outside the outline that are compared
_BETTER = 0.3  # by how much a turned outline's contrast must be higher
_BETTER_REVERSED = 0.1  # the same where the mask's header says that an axis is reversed


def size_difference(image: tuple[int, ...], mask: tuple[int, ...]) -> str | None:
    """What distinguishes two grid sizes (z, y, x), in words, or None where they are equal."""
    if image == mask:
        return None
    text = f"mask grid {_size(mask)} differs from image grid {_size(image)} (width x height x slices)"
    if image[0] == mask[0] and image[1:] == mask[:0:-1]:
        return f"{text}; width and height are exchanged"
    factors = {m / i for i, m in zip(image[1:], mask[1:], strict=True)}
    if image[0] == mask[0] and max(factors) - min(factors) < 0.02:
        return f"{text}; the mask is {max(factors):.3g} times as large in each direction"
    return text


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in reversed(shape))


def grid_differences(image: Grid, mask: Grid, tolerance: float) -> list[str]:
    """By how much two grids of one size differ, where it is more than `tolerance` voxels at a corner of the field.

    Spacing and direction count by what they do to a voxel; origin in voxels.
    """
    found = []
    edge = np.array(image.spacing)
    spacing = np.abs(np.array(mask.spacing) - edge)
    if (spacing / edge).max() > tolerance:
        found.append(f"spacing {_mm(mask.spacing)} against {_mm(image.spacing)} mm")
    origin = np.abs(np.array(mask.origin) - np.array(image.origin))
    if (origin / edge).max() > tolerance:
        found.append(f"origin {_mm(mask.origin)} against {_mm(image.origin)} mm (off by {_mm(tuple(origin))})")
    turned = np.abs(np.array(mask.direction) - np.array(image.direction))
    if turned.max() > tolerance:
        found.append(f"direction {axes_text(mask.direction)} against {axes_text(image.direction)}")
    return found


def _mm(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.5g}" for v in values) + ")"


def axes_text(direction: tuple[float, ...]) -> str:
    matrix = np.array(direction).reshape(3, 3)
    return "[" + "; ".join(" ".join(f"{v:.3g}" for v in row) for row in matrix) + "]"


def place_mask(
    mask: np.ndarray, mask_grid: Grid, shape: tuple[int, ...], image_grid: Grid, tolerance: float
) -> np.ndarray | None:
    """A mask (z, y, x) that covers a part of its image, on the image's grid; 0 where it has nothing.

    None where the grids differ in more than the place of their first voxel by whole voxels (`tolerance` in voxels), or
    something outlined lies outside the image.
    """
    edge = np.array(image_grid.spacing)
    moved = Grid(mask_grid.spacing, image_grid.origin, mask_grid.direction)
    if grid_differences(image_grid, moved, tolerance):
        return None
    turned = np.array(image_grid.direction).reshape(3, 3)
    offset = np.linalg.solve(turned, np.subtract(mask_grid.origin, image_grid.origin)) / edge
    start = np.round(offset).astype(int)
    if np.abs(offset - start).max() > tolerance:
        return None
    out = np.zeros(shape, dtype=mask.dtype)
    first = [int(n) for n in start[::-1]]
    there = tuple(slice(max(0, a), max(0, a + n)) for a, n in zip(first, mask.shape, strict=True))
    kept = tuple(slice(max(0, -a), max(0, min(n, s - a))) for a, n, s in zip(first, mask.shape, shape, strict=True))
    out[there] = mask[kept]
    return out if np.count_nonzero(out) == np.count_nonzero(mask) else None


def resample_mask(mask: np.ndarray, mask_grid: Grid, shape: tuple[int, ...], image_grid: Grid) -> np.ndarray:
    """A mask of labels brought onto the image's grid by nearest neighbour; 0 outside."""
    import SimpleITK as sitk  # needed here alone

    moving = sitk.GetImageFromArray(np.asarray(mask, dtype=np.float64))
    moving.SetSpacing(mask_grid.spacing)
    moving.SetOrigin(mask_grid.origin)
    moving.SetDirection(mask_grid.direction)
    fixed = sitk.Image([int(n) for n in reversed(shape)], sitk.sitkUInt8)
    fixed.SetSpacing(image_grid.spacing)
    fixed.SetOrigin(image_grid.origin)
    fixed.SetDirection(image_grid.direction)
    moved = sitk.Resample(moving, fixed, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    return sitk.GetArrayFromImage(moved)


def better_turned(picture: np.ndarray, mask: np.ndarray, grid: Grid | None = None) -> str | None:
    """How an outline would have to be turned to lie on an edge that it misses now, or None.

    picture (y, x), mask bool (y, x), grid: what the mask's header says, None for a picture file.
    The contrast of an outline is the difference of the mean grey values in 8 pixels outside and inside of it, in
    units of their standard deviation. It is compared with that of the mirrored outlines and, where picture and grid
    are square and the mask came with a header, of those with exchanged axes; one of them must have 0.3 more, 0.1
    where the header itself says that an axis is reversed. It flags and never decides. On 210 public breast stills one
    right outline was flagged, and 69 % of outlines mirrored on purpose (four and 88 % at 0.1); lesions in the middle
    of a picture cannot be told.
    """
    x0, y0, x1, y1 = box_around(mask, _BAND + 1)
    part = mask[y0:y1, x0:x1]
    cross = ndimage.generate_binary_structure(2, 1)
    inner = part & ~ndimage.binary_erosion(part, cross, _BAND)
    outer = ndimage.binary_dilation(part, cross, _BAND) & ~part
    if not outer.any():
        return None
    height, width = mask.shape
    turned = {
        "": picture[y0:y1, x0:x1],
        "mirrored left to right": picture[y0:y1, width - x1 : width - x0][:, ::-1],
        "mirrored top to bottom": picture[height - y1 : height - y0, x0:x1][::-1],
        "mirrored both ways": picture[height - y1 : height - y0, width - x1 : width - x0][::-1, ::-1],
    }
    if grid is not None and height == width:
        turned["with its axes exchanged"] = picture.T[y0:y1, x0:x1]
    contrast = {name: _contrast(values, inner, outer) for name, values in turned.items()}
    as_is = contrast.pop("")
    best = max(contrast, key=lambda name: contrast[name])
    reversed_axis = grid is not None and min(grid.direction[0], grid.direction[4]) < 0
    return best if contrast[best] > as_is + (_BETTER_REVERSED if reversed_axis else _BETTER) else None


def _contrast(values: np.ndarray, inner: np.ndarray, outer: np.ndarray) -> float:
    inside, outside = values[inner], values[outer]
    spread = np.sqrt((inside.var() + outside.var()) / 2)
    return float(abs(outside.mean() - inside.mean()) / spread) if spread > 0 else 0.0
