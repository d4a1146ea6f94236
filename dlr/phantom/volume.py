"""One synthetic ultrasound volume: a breast with a lesion and look-alikes, speckle, and the lesion's mask.

A lesion is an ellipsoid whose border wanders, hypoechoic, in tissue whose echogenicity changes slowly. Its variables
(standardised; usual range -2.5 to 4) are shown as brightness over many voxels, where a small network can find them:

- margin: an echogenic halo along the border, brighter with the variable;
- texture: the inner part, brighter with the variable;
- shadow: attenuation along the beam through the lower half, which darkens that and all that lies below.

Look-alikes ("decoys", as fat lobules are) show variables of their own in the same ways, and differ from the lesion in
being less dark: a network that does not know which body is the lesion mixes their variables with the lesion's.
Speckle: two Gaussian fields, scaled by the tissue's amplitude, through an anisotropic Gaussian point-spread function;
the envelope is their magnitude, then logarithmically compressed. Axes are (z, y, x): slices, depth along rows with the
transducer at the top, columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

__all__ = [
    "FIELD_MM",
    "VARIABLES",
    "Anatomy",
    "Body",
    "DrawnVolume",
    "draw_anatomy",
    "draw_volume",
    "grid",
    "outside_mm",
    "smooth_field",
]

VARIABLES = ("margin", "texture", "shadow")
FIELD_MM = 40.0  # every edge of the volume
SLICE_TO_PIXEL = 0.48 / 0.30  # as the published volumes: slices .48 mm apart, here of the same proportion

LESION_MM = (17.0, 12.0, 22.0)  # diameter: median, least, most
DECOY_MM = (9.0, 14.0)
LESION_DB, DECOY_DB = -22.0, -8.0  # mean against the tissue around
DECOY_LOOKS = (1.0, 2.0)  # mean and SD of their variables: a wider range than the lesions'
HALO_DB, HALO_MM = (3.0, 5.0), 1.0  # (at 0, a SD), and SD of its profile across the border
INNER_DB = 4.0  # a SD
SHADOW_DB_PER_MM = (0.2, 1.0)  # (at 0, a SD), of the way through the lower half of the body
DARKEST_DB = 30.0  # past it a shadow is black
LOOKS = 3  # speckle patterns that are averaged, as scanners do by steering their beam
SPECKLE_MM = (1.0, 0.6, 0.8)  # SD of the point-spread function (z, y, x)
TISSUE_DB, TISSUE_MM = 2.0, 5.0  # SD and correlation length of the tissue's echogenicity
DYNAMIC_RANGE_DB, HEADROOM_DB, NOISE_DB = 60.0, 16.0, -40.0


@dataclass(frozen=True)
class Body:
    """The lesion or a decoy."""

    centre_mm: np.ndarray  # (3,) z, y, x
    radii_mm: np.ndarray  # (3,)
    level_db: float
    margin: float
    texture: float
    shadow: float


@dataclass(frozen=True)
class Anatomy:
    """What a volume shows."""

    lesion: Body
    decoys: tuple[Body, ...]
    gain_db: float


@dataclass(frozen=True)
class DrawnVolume:
    """Image and the lesion's mask (bool), both (z, y, x); spacing in mm in the same order."""

    image: np.ndarray
    mask: np.ndarray
    spacing_mm: tuple[float, float, float]


def grid(size: int, slice_to_pixel: float = SLICE_TO_PIXEL) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Shape and spacing in mm (z, y, x) of a volume of `size` rows and columns: a cube in mm, slices further apart."""
    slices = round(size / slice_to_pixel)
    return (slices, size, size), (FIELD_MM / slices, FIELD_MM / size, FIELD_MM / size)


def draw_anatomy(
    margin: float, texture: float, shadow: float, decoys: int, gain_db: float, rng: np.random.Generator
) -> Anatomy:
    """Add to the lesion's variables what has no part in the labels: size, place, darkness, and the look-alikes."""
    diameter = float(np.clip(LESION_MM[0] * np.exp(0.22 * rng.standard_normal()), *LESION_MM[1:]))
    radii = diameter / 2 * np.exp(rng.normal(0, 0.10, 3))
    room = FIELD_MM - 2 * radii - 2
    centre = 1 + radii + room * rng.uniform((0.1, 0.05, 0.1), (0.9, 0.55, 0.9))
    lesion = Body(centre, radii, float(rng.normal(LESION_DB, 1.0)), margin, texture, shadow)
    bodies = [lesion]
    for _ in range(decoys):
        radii = float(rng.uniform(*DECOY_MM) / 2) * np.exp(rng.normal(0, 0.10, 3))
        places = 1 + radii + (FIELD_MM - 2 * radii - 2) * rng.uniform(size=(40, 3))
        gaps = np.array(
            [
                min(float(np.linalg.norm(p - b.centre_mm)) - radii.max() - b.radii_mm.max() for b in bodies)
                for p in places
            ]
        )
        centre = places[np.argmax(np.minimum(gaps, 2.0))]  # the first with 2 mm of room, else the one with most
        looks = rng.normal(*DECOY_LOOKS, 3)
        bodies.append(Body(centre, radii, float(rng.normal(DECOY_DB, 1.0)), *map(float, looks)))
    return Anatomy(lesion, tuple(bodies[1:]), gain_db)


def draw_volume(anatomy: Anatomy, size: int, rng: np.random.Generator) -> DrawnVolume:
    """The volume on the grid of `grid(size)`."""
    shape, spacing = grid(size)
    at = [(np.arange(n) + 0.5) * step for n, step in zip(shape, spacing, strict=True)]
    echogenicity = TISSUE_DB * smooth_field(at, TISSUE_MM, rng)
    attenuation = np.zeros(shape)
    mask = np.zeros(shape, dtype=bool)
    for body in (anatomy.lesion, *anatomy.decoys):
        outside = outside_mm(body.centre_mm, body.radii_mm, at, rng)
        inside = expit(-outside / 0.35)
        deep = expit(-(outside + 0.25 * body.radii_mm.mean()) / 0.7)
        inner = body.level_db + INNER_DB * body.texture * deep
        profile = np.exp(-(((outside - 0.5) / HALO_MM) ** 2) / 2)
        halo = (HALO_DB[0] + HALO_DB[1] * body.margin) * profile
        echogenicity = echogenicity * (1 - inside) + inner * inside + halo
        per_mm = SHADOW_DB_PER_MM[0] + SHADOW_DB_PER_MM[1] * body.shadow
        lower = expit((at[1] - body.centre_mm[1]) / 1.0)[None, :, None]
        path = np.cumsum(inside * lower, axis=1) * spacing[1]
        attenuation += DARKEST_DB * np.tanh(per_mm * path / DARKEST_DB)
        if body is anatomy.lesion:
            mask = outside < 0
    image = _b_mode(echogenicity - attenuation + anatomy.gain_db, spacing, rng)
    return DrawnVolume(image, mask, spacing)


def smooth_field(at: list[np.ndarray], length_mm: float, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian random field of mean 0 and SD 1 at these positions in mm (z, y, x), correlated over length_mm."""
    nodes = [np.arange(-length_mm, FIELD_MM + 2 * length_mm, length_mm) for _ in at]
    field = rng.standard_normal([len(node) for node in nodes])
    for axis, (position, node) in enumerate(zip(at, nodes, strict=True)):
        weight = np.exp(-(((position[:, None] - node[None, :]) / length_mm) ** 2))
        weight /= np.sqrt(np.sum(weight**2, axis=1, keepdims=True))
        field = np.moveaxis(np.tensordot(weight, field, (1, axis)), 0, axis)
    return field


def outside_mm(
    centre_mm: np.ndarray, radii_mm: np.ndarray, at: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Distance from the border in mm, negative inside: an ellipsoid's, near enough, whose border wanders."""
    z, y, x = (
        ((position - centre) / radius) ** 2 for position, centre, radius in zip(at, centre_mm, radii_mm, strict=True)
    )
    radius = np.sqrt(z[:, None, None] + y[None, :, None] + x[None, None, :])
    return (radius - 1) * radii_mm.mean() + 0.09 * radii_mm.mean() * smooth_field(at, 4.0, rng)


def _b_mode(decibel: np.ndarray, spacing: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    sd = [length / step for length, step in zip(SPECKLE_MM, spacing, strict=True)]
    amplitude = np.exp(decibel.astype(np.float32) * np.float32(np.log(10) / 20))
    power = np.zeros(decibel.shape, dtype=np.float32)
    for _ in range(2 * LOOKS):
        echo = gaussian_filter(
            amplitude * rng.standard_normal(decibel.shape, dtype=np.float32), sd, mode="reflect", truncate=3
        )
        power += echo**2
    power /= np.float32(2 * LOOKS * np.prod([_kept(s) for s in sd]))
    power += np.float32(10 ** (NOISE_DB / 10))
    grey = 255 * (1 + (10 * np.log10(power) - HEADROOM_DB) / DYNAMIC_RANGE_DB)
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def _kept(sd: float) -> float:
    """Share of white noise's power that a Gaussian of this SD in voxels keeps along one axis."""
    reach = np.arange(-int(3 * sd + 0.5), int(3 * sd + 0.5) + 1)
    weight = np.exp(-0.5 * (reach / sd) ** 2)
    return float(np.sum((weight / weight.sum()) ** 2))
