"""One synthetic DCE-MRI, the phase after contrast: a breast in air, an enhancing lesion, vessels around it, its mask.

Three variables (standardised; usual range -2.5 to 5) are shown as brightness over many voxels, where a small network
can find them, each in a region of its own by the signed distance from the lesion's surface:

- core: how bright the lesion is inside (dark: necrosis);
- rim: how bright the shell around its border is;
- peritumoral: how many vessels, and how bright, lie in the tissue around.

Between the regions stand gaps in which no variable shows, so that none leaks into another's region when the volume is
resampled. What has no part in the labels: size, place and border of the lesion, parenchyma, the skin's place, noise.
Noise is Rician, as of magnitude images. Axes are (z, y, x): slices, rows with the skin at the top, columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from dlr.distance import signed_distance
from dlr.phantom.volume import FIELD_MM, DrawnVolume, grid, outside_mm, smooth_field
from dlr.words import REGIONS

__all__ = ["SCANNERS", "VARIABLES", "Scanner", "draw_dce"]

VARIABLES = REGIONS

LESION_MM = (15.0, 13.0, 17.0)  # diameter: median, least, most; with 10 mm around it fits into the field
MARGIN_MM = 11.5  # as its border wanders
SKIN_MM = (5.0, 1.5)  # depth of the skin above the middle of the field: mean, SD
PARENCHYMA, PARENCHYMA_MM = (100.0, 10.0), 5.0  # grey: mean, SD; correlation length
LESION, LESION_MM_TEXTURE = (180.0, 10.0), 2.0
CORE, CORE_MM = (-10.0, 25.0), 4.0  # grey (at 0, a SD) of what lies deeper than this
RIM, RIM_MM = (30.0, 22.0), 0.9  # grey (at 0, a SD), and SD of its profile across the border
VESSELS, VESSELS_MM, BAND_MM = (40.0, 12.0), 1.8, (5.0, 9.5)  # grey (at 0, a SD), width, and where they are
RARITY = (1.0, -0.25)  # a vessel is where a random field of SD 1 exceeds this (at 0, a SD)
BLUR = 0.5  # SD of the point-spread function in voxels


@dataclass(frozen=True)
class Scanner:
    """Where a patient was seen."""

    gain: float
    noise: float  # SD in each of two channels, in grey of gain 1
    slice_to_pixel: float  # slices are so many pixels apart


SCANNERS = {
    "scanner_a": Scanner(0.9, 6.0, 1.25),
    "scanner_b": Scanner(1.0, 4.0, 1.6),
    "scanner_c": Scanner(1.1, 8.0, 2.0),
}
GAIN = 0.03  # SD of the logarithm within a scanner


def draw_dce(looks: Mapping[str, float], scanner: Scanner, size: int, rng: np.random.Generator) -> DrawnVolume:
    """A volume, int16, of so many rows and columns.

    looks : VARIABLES by name.
    """
    shape, spacing = grid(size, scanner.slice_to_pixel)
    at = [(np.arange(n) + 0.5) * step for n, step in zip(shape, spacing, strict=True)]
    mask = _lesion(at, rng)
    distance = signed_distance(mask, spacing, np.float64)
    tissue = PARENCHYMA[0] + PARENCHYMA[1] * smooth_field(at, PARENCHYMA_MM, rng)
    lesion = LESION[0] + LESION[1] * smooth_field(at, LESION_MM_TEXTURE, rng)
    grey = np.where(mask, lesion, tissue)
    grey += (CORE[0] + CORE[1] * looks["core"]) * (distance < -CORE_MM)
    grey += (RIM[0] + RIM[1] * looks["rim"]) * np.exp(-((distance / RIM_MM) ** 2) / 2) * (abs(distance) < 3)
    field = smooth_field(at, VESSELS_MM, rng)
    vessels = expit((field - RARITY[0] - RARITY[1] * looks["peritumoral"]) / 0.15)
    vessels *= (distance > BAND_MM[0]) & (distance < BAND_MM[1])
    grey += np.maximum(VESSELS[0] + VESSELS[1] * looks["peritumoral"], 5.0) * vessels
    breast = _breast(at, rng) | (distance < 2)
    grey = gaussian_filter(np.where(breast, np.maximum(grey, 20.0), 0.0), BLUR)
    gain = scanner.gain * np.exp(GAIN * rng.standard_normal())
    real, imaginary = scanner.noise * rng.standard_normal((2, *shape))
    measured = gain * np.sqrt((grey + real) ** 2 + imaginary**2)
    return DrawnVolume(np.round(measured).astype(np.int16), mask, spacing)


def _lesion(at: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    diameter = float(np.clip(LESION_MM[0] * np.exp(0.12 * rng.standard_normal()), *LESION_MM[1:]))
    radii = diameter / 2 * np.exp(rng.normal(0, 0.06, 3))
    room = np.maximum(FIELD_MM / 2 - radii - MARGIN_MM, 0)
    centre = FIELD_MM / 2 + room * rng.uniform(-1, 1, 3)
    return np.asarray(outside_mm(centre, radii, at, rng) < 0)


def _breast(at: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Where tissue is, bool: half an ellipsoid that reaches beyond the field below and at the sides."""
    middle, skin = FIELD_MM / 2, rng.normal(*SKIN_MM)
    centre, radii = (middle, FIELD_MM + 6, middle), (30.0, FIELD_MM + 6 - skin, 30.0)
    z, y, x = (((position - c) / r) ** 2 for position, c, r in zip(at, centre, radii, strict=True))
    return np.asarray(z[:, None, None] + y[None, :, None] + x[None, None, :] < 1)
