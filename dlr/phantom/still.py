"""One synthetic case: a still, its outline and two readers' outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.phantom.echo import Probe, b_mode
from dlr.phantom.outline import draw_lesion, rasterise, reader_contour
from dlr.phantom.tissue import Look, breast_with_lesion

__all__ = ["SCANNERS", "Anatomy", "Scanner", "Still", "draw_anatomy", "draw_still"]


@dataclass(frozen=True)
class Scanner:
    """A transducer and how its stills are scaled."""

    probe: Probe
    field_mm: float  # height and width of the still


SCANNERS = (
    Scanner(Probe(frequency_mhz=7.5, focus_mm=17, dynamic_range_db=54), 36.0),
    Scanner(Probe(frequency_mhz=7.0, focus_mm=18, dynamic_range_db=57), 38.4),
    Scanner(Probe(frequency_mhz=8.0, focus_mm=16, dynamic_range_db=52, f_number=2.4), 35.0),
    Scanner(Probe(frequency_mhz=6.5, focus_mm=19, dynamic_range_db=55, f_number=2.0), 40.0),
)


@dataclass(frozen=True)
class Anatomy:
    """What the stills of one patient have in common."""

    spiculation: float
    texture: float
    shadow: float
    calcified: bool
    diameter_mm: float
    lesion_db: float
    scanner: Scanner


@dataclass(frozen=True)
class Still:
    """Image uint8 and masks bool, all (size, size)."""

    image: np.ndarray
    mask: np.ndarray
    mask_reader1: np.ndarray
    mask_reader2: np.ndarray
    spacing_mm: float


def draw_anatomy(
    spiculation: float, texture: float, shadow: float, calcified: bool, rng: np.random.Generator
) -> Anatomy:
    """Add to the image variables what has no part in HER2: size, echogenicity and scanner."""
    return Anatomy(
        spiculation,
        texture,
        shadow,
        calcified,
        diameter_mm=float(np.clip(14.5 * np.exp(0.27 * rng.standard_normal()), 7.5, 21.0)),
        lesion_db=float(rng.normal(-24.0, 2.2)),
        scanner=SCANNERS[int(rng.integers(len(SCANNERS)))],
    )


def draw_still(anatomy: Anatomy, size: int, rng: np.random.Generator) -> Still:
    """One view of the lesion; another view of the same patient is another call with a generator of its own."""
    spacing = anatomy.scanner.field_mm / size
    field = anatomy.scanner.field_mm
    # a view shows each variable a little differently
    spiculation, texture, shadow = np.array(
        [anatomy.spiculation, anatomy.texture, anatomy.shadow]
    ) + 0.15 * rng.standard_normal(3)
    diameter = float(np.clip(anatomy.diameter_mm * np.exp(0.06 * rng.standard_normal()), 7.0, 22.0))
    reach = diameter * 0.75
    top = max(0.43 * field, 3.0 + reach)
    centre = (float(min(top + rng.normal(0, 1.2), field - 2 - reach)), float(field * rng.uniform(0.40, 0.60)))
    lesion = draw_lesion(float(spiculation), diameter, centre, rng)
    polar = lesion.polar((size, size), spacing)
    look = Look(
        texture=float(texture),
        shadow=float(shadow),
        calcified=anatomy.calcified,
        lesion_db=anatomy.lesion_db,
        tgc_residual_db=(float(rng.normal(0, 1.5)), 0.0, float(rng.normal(7.0, 2.5))),
    )
    tissue = breast_with_lesion((size, size), spacing, lesion, polar, look, rng)
    image = b_mode(tissue, anatomy.scanner.probe, float(rng.normal(0, 2.0)), rng)

    # one outline in nine is hard to see, and the readers part
    hard = rng.random() < 0.11
    error = diameter * (0.11 if hard else 0.028)
    bias = diameter * (rng.normal(0, 0.11) if hard else rng.normal(0, 0.018))
    final = reader_contour(lesion, 1.5, 0.006 * diameter, 0.0, rng)
    reader1 = reader_contour(lesion, 3.0, 0.02 * diameter, 0.0, rng)
    reader2 = reader_contour(lesion, 6.0, error, bias, rng)
    return Still(image, rasterise(final, polar), rasterise(reader1, polar), rasterise(reader2, polar), spacing)
