"""Lesion outlines: Fourier contours with spicules, and what readers draw of them.

A contour is a radius as a function of angle around the lesion's centre, in mm, on `ANGLES` equal steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, label

__all__ = ["ANGLES", "THETA", "Lesion", "Polar", "draw_lesion", "rasterise", "reader_contour"]

ANGLES = 360
THETA = np.arange(ANGLES) * (2 * np.pi / ANGLES)


@dataclass(frozen=True)
class Polar:
    """The image grid seen from a lesion's centre: distance in mm and place on the circle, (rows, columns)."""

    distance: np.ndarray
    angle: np.ndarray  # rad, between -pi and pi
    step: np.ndarray  # the last of THETA before the angle
    part: np.ndarray  # of the way to the next, 0 <= part < 1


@dataclass(frozen=True)
class Lesion:
    """A lesion in the image plane."""

    centre_mm: tuple[float, float]  # depth, lateral
    contour: np.ndarray  # (ANGLES,) radius in mm, spicules included
    spicules: np.ndarray  # (n, 2): angle in rad, length in mm beyond the body

    def polar(self, shape: tuple[int, int], spacing_mm: float) -> Polar:
        """Polar coordinates of every pixel centre around this lesion."""
        z = (np.arange(shape[0]) + 0.5) * spacing_mm - self.centre_mm[0]
        x = (np.arange(shape[1]) + 0.5) * spacing_mm - self.centre_mm[1]
        angle = np.arctan2(z[:, None], x[None, :])
        place = (angle + 2 * np.pi) * (ANGLES / (2 * np.pi))
        step = place.astype(np.intp)
        return Polar(np.sqrt(z[:, None] ** 2 + x[None, :] ** 2), angle, step % ANGLES, place - step)


def draw_lesion(
    spiculation: float, diameter_mm: float, centre_mm: tuple[float, float], rng: np.random.Generator
) -> Lesion:
    """An irregular lesion of this equivalent diameter.

    spiculation : the standardised image variable. It raises the number and length of spicules and, less, the
    lobulation of the body; its usual range is -2.5 to 3.5.
    """
    degree = 1 / (1 + np.exp(-0.9 * (spiculation - 0.5)))  # 0 smooth .. 1 star
    body = np.ones(ANGLES)
    flattening = rng.normal(0.18, 0.09)  # breast lesions lie wider than tall
    tilt = rng.normal(0, 0.35)
    body += flattening * np.cos(2 * (THETA - tilt))
    for k in range(3, 8):
        amplitude = (0.04 + 0.07 * degree) * rng.standard_normal() * (3 / k) ** 1.2
        body += amplitude * np.cos(k * (THETA - rng.uniform(0, 2 * np.pi)))
    body = np.clip(body, 0.5, None)
    body *= diameter_mm / 2 / np.sqrt(np.mean(body**2))

    number = 4 + int(np.round(14 * degree))
    angles = (np.arange(number) + rng.uniform(-0.8, 0.8, number)) * (2 * np.pi / number) + rng.uniform(0, 2 * np.pi)
    lengths = diameter_mm / 2 * 0.42 * degree**1.5 * rng.uniform(0.15, 1.0, number)
    widths = rng.uniform(0.05, 0.14, number)
    away = np.angle(np.exp(1j * (THETA[None, :] - angles[:, None])))
    peaks = lengths[:, None] * np.exp(-np.abs(away) / widths[:, None])
    contour = gaussian_filter1d(body + peaks.max(axis=0), 1.2, mode="wrap")
    return Lesion(centre_mm, contour, np.stack([angles, lengths], axis=1))


def reader_contour(
    lesion: Lesion, smoothing_degrees: float, error_mm: float, bias_mm: float, rng: np.random.Generator
) -> np.ndarray:
    """A reader's contour: spicules rounded off, an error that wanders along the border, and a habit in or outward."""
    drawn = gaussian_filter1d(lesion.contour, smoothing_degrees * ANGLES / 360, mode="wrap")
    wander = gaussian_filter1d(rng.standard_normal(ANGLES), 14, mode="wrap")
    wander *= error_mm / np.sqrt(np.mean(wander**2))
    return np.clip(drawn + wander + bias_mm, 0.3 * drawn, None)


def rasterise(contour: np.ndarray, polar: Polar) -> np.ndarray:
    """Mask, bool (rows, columns): pixels whose centre lies inside the contour; one connected part."""
    inside = polar.distance < radius_at(contour, polar)
    parts, number = label(inside)
    if number > 1:
        inside = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return inside


def radius_at(contour: np.ndarray, polar: Polar) -> np.ndarray:
    """The contour's radius in the direction of every pixel, in mm; linear between the angles."""
    rise = np.diff(contour, append=contour[:1])
    return contour[polar.step] + polar.part * rise[polar.step]
