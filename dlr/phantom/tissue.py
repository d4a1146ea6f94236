"""A slice of breast with a lesion: layers, echogenicity, interfaces and attenuation, ready for `echo.b_mode`.

From the transducer down: skin, subcutaneous fat with septa, glandular tissue, retromammary fat, fascia and pectoral
muscle. Depths and lengths in mm, echogenicity in dB below bright glandular tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.special import expit

from dlr.phantom.echo import Tissue
from dlr.phantom.outline import THETA, Lesion, Polar, radius_at

__all__ = ["Look", "breast_with_lesion"]

FAT_DB, GLAND_DB, MUSCLE_DB, SKIN_DB = -16.0, -2.0, -14.0, -6.0


@dataclass(frozen=True)
class Look:
    """The image variables of one still, standardised, and what varies without any meaning for HER2."""

    texture: float  # raises the correlation length and depth of echogenicity inside the lesion
    shadow: float  # raises the attenuation inside the lesion: enhancement below 0, shadow above
    calcified: bool
    lesion_db: float
    tgc_residual_db: tuple[float, float, float]  # at the top, half way, at the bottom


def smooth_field(shape: tuple[int, int], sd_pixels: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """A Gaussian random field of mean 0 and SD about 1, correlated over sd_pixels (rows, columns)."""
    # drawn on a grid as coarse as the correlation allows, then enlarged
    step = tuple(max(1, int(sd / 2)) for sd in sd_pixels)
    coarse = tuple(-(-n // s) + 1 for n, s in zip(shape, step, strict=True))
    sd = tuple(p / s for p, s in zip(sd_pixels, step, strict=True))
    field = gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), sd, mode="wrap")
    field *= np.float32(np.sqrt(4 * np.pi * sd[0] * sd[1]))
    for axis, (n, s) in enumerate(zip(shape, step, strict=True)):
        at = np.arange(n) / s
        low = at.astype(np.intp)
        part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        field = np.take(field, low, axis) * (1 - part) + np.take(field, low + 1, axis) * part
    return field


def breast_with_lesion(
    shape: tuple[int, int], spacing_mm: float, lesion: Lesion, polar: Polar, look: Look, rng: np.random.Generator
) -> Tissue:
    """Tissue on a grid of `shape`; `polar` is that grid seen from the lesion."""
    echogenicity, reflector = _layers(shape, spacing_mm, rng)
    outside = polar.distance - radius_at(lesion.contour, polar)  # mm, negative inside the lesion
    _add_lesion(echogenicity, reflector, outside, spacing_mm, lesion, polar, look, rng)
    attenuation = _attenuation(outside, spacing_mm, look, rng)
    return Tissue(spacing_mm, echogenicity, reflector, attenuation)


def _interface(columns: int, spacing_mm: float, depth: float, swing: float, rng: np.random.Generator) -> np.ndarray:
    """Depth of a wavy interface at every column, mm."""
    x = np.arange(columns) * spacing_mm
    waves = sum(
        swing * rng.standard_normal() / k * np.cos(2 * np.pi * k * x / 70 + rng.uniform(0, 2 * np.pi))
        for k in range(1, 6)
    )
    return depth + np.asarray(waves)


def _layers(shape: tuple[int, int], spacing_mm: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = shape
    z = (np.arange(rows) + 0.5)[:, None] * spacing_mm
    field = rows * spacing_mm
    skin = _interface(columns, spacing_mm, 1.6, 0.06, rng)
    fat = _interface(columns, spacing_mm, field * rng.uniform(0.17, 0.28), 1.1, rng)
    gland = _interface(columns, spacing_mm, field * rng.uniform(0.60, 0.70), 1.2, rng)
    fascia = _interface(columns, spacing_mm, field * rng.uniform(0.74, 0.80), 0.7, rng)
    per_mm = 1 / spacing_mm

    lobules = smooth_field(shape, (1.5 * per_mm, 3.2 * per_mm), rng)
    strands = _warped(smooth_field(shape, (0.30 * per_mm, 2.4 * per_mm), rng), 1.4 * per_mm, rng)
    septa = _warped(smooth_field(shape, (1.3 * per_mm, 6.0 * per_mm), rng), 1.6 * per_mm, rng)
    fibres = _warped(smooth_field(shape, (0.24 * per_mm, 5.0 * per_mm), rng), 1.0 * per_mm, rng)
    uneven = np.clip(0.6 + 0.6 * lobules, 0, 1.6)  # septa brighten and vanish along their way
    fat_tissue = FAT_DB + 1.5 * strands + 14.0 * uneven * _ridges(septa, 0.10)
    glandular = GLAND_DB + 3.2 * strands + 3.0 * lobules - 7.0 * _ridges(lobules + 0.4 * strands, 0.2)
    glandular += 6.0 * uneven * _ridges(septa, 0.12)
    muscle = MUSCLE_DB + 3.5 * fibres + 9.0 * _ridges(fibres, 0.2)

    def below(interface: np.ndarray, blend: float) -> np.ndarray:
        return expit(((z - interface[None, :]) / blend).astype(np.float32))

    echogenicity = SKIN_DB + 1.0 * strands
    for interface, tissue, blend in (
        (skin, fat_tissue, 0.10),
        (fat, glandular, 0.35),
        (gland, fat_tissue, 0.45),
        (fascia, muscle, 0.15),
    ):
        weight = below(interface, blend)
        echogenicity = echogenicity * (1 - weight) + tissue * weight
    reflector = np.zeros(shape, dtype=np.float32)
    for interface, strength in ((skin - 1.3, 1.6), (skin, 0.9), (fat, 0.5), (fascia, 1.1)):
        waver = gaussian_filter1d(rng.standard_normal(columns), 1.0 * per_mm) * np.sqrt(2 * np.sqrt(np.pi) * per_mm)
        row = np.clip((interface * per_mm).astype(np.intp), 0, rows - 1)
        reflector[row, np.arange(columns)] += strength * np.exp(0.8 * waver)
    return echogenicity, reflector


def _warped(field: np.ndarray, swing_pixels: float, rng: np.random.Generator) -> np.ndarray:
    """A field whose columns are moved up and down along a slow wave, as tissue planes undulate."""
    rows, columns = field.shape
    wave = _interface(columns, 70 / columns, 0.0, swing_pixels, rng)
    row = np.arange(rows)[:, None] + np.round(wave).astype(np.intp)[None, :]
    return np.take_along_axis(field, row % rows, axis=0)


def _ridges(field: np.ndarray, width: float) -> np.ndarray:
    """1 along the zero lines of a smooth field, falling to 0 within `width` of its SD: septa and fibres."""
    return np.exp(-((field / width) ** 2))


def _add_lesion(
    echogenicity: np.ndarray,
    reflector: np.ndarray,
    outside: np.ndarray,
    spacing_mm: float,
    lesion: Lesion,
    polar: Polar,
    look: Look,
    rng: np.random.Generator,
) -> None:
    """Replace the tissue inside the contour, lay an echogenic rim and the spicules' strands around it; in place."""
    length_mm = 0.36 * np.exp(0.42 * look.texture)
    depth_db = 3.2 * np.exp(0.20 * look.texture)
    pattern = smooth_field(outside.shape, (length_mm / spacing_mm, 1.15 * length_mm / spacing_mm), rng)
    inside = expit(-outside / 0.24)
    interior = look.lesion_db + depth_db * pattern
    rim = 3.5 * np.exp(-(((outside - 0.7) / 0.8) ** 2))
    echogenicity += rim * (1 - inside)
    # a thin dark strand from each spicule, which goes on beyond the contour and fades; the nearest one counts
    near = outside < 6.0
    angle, length = lesion.spicules[:, 0], lesion.spicules[:, 1]
    nearest = np.argmin(np.abs(_turn(THETA[:, None] - angle[None, :])), axis=1)
    which = nearest[polar.step[near]]
    away = np.abs(_turn(polar.angle[near] - angle[which])) * polar.distance[near]
    fading = np.maximum(outside[near], 0) / (0.15 + 0.8 * length[which])
    echogenicity[near] -= 9.0 * np.exp(-((away / 0.28) ** 2) - fading)
    echogenicity *= 1 - inside
    echogenicity += interior * inside
    if look.calcified:
        rows, columns = np.nonzero(outside < -1.0)
        if len(rows):
            chosen = rng.integers(0, len(rows), int(rng.integers(4, 10)))
            reflector[rows[chosen], columns[chosen]] += rng.uniform(4, 10, len(chosen))


def _turn(angle: np.ndarray) -> np.ndarray:
    """The same angle between -pi and pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _attenuation(outside: np.ndarray, spacing_mm: float, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Attenuation there and back in dB: what the lesion adds or spares along the beam, and the gain curve's error."""
    rows, columns = outside.shape
    per_mm = 0.15 + 0.42 * look.shadow
    # past a limit a shadow is black and an enhancement saturates
    path = np.cumsum((outside < 0) * spacing_mm, axis=0)
    lesion = 22.0 * np.tanh(per_mm * path / 22.0)
    lesion = gaussian_filter1d(lesion, 0.5 / spacing_mm, axis=1)
    residual = np.interp(np.arange(rows), [0, rows / 2, rows - 1], look.tgc_residual_db)[:, None]
    contact = gaussian_filter1d(rng.standard_normal(columns), 2.5 / spacing_mm, mode="reflect")
    contact *= 1.3 * np.sqrt(2 * np.sqrt(np.pi) * 2.5 / spacing_mm)
    return lesion + residual + contact[None, :]
