"""Fields of pure speckle: uniform tissue without a lesion, in which every structure that the truth lacks is false."""

from __future__ import annotations

import numpy as np

from dlr.phantom.echo import Probe, Tissue, b_mode
from dlr.randomness import rng

__all__ = ["FIELDS", "speckle_fields"]

FIELDS = 32
SIZE = 208
FIELD_MM = 38.4
WIDE = 256  # pixels of the whole still of which a field is a part


def speckle_fields(seed: int, number: int = FIELDS, size: int = SIZE) -> list[np.ndarray]:
    """B-mode stills of uniform tissue, float32 (size, size) in units."""
    spacing, nothing = FIELD_MM / WIDE, np.zeros((size, size))
    tissue = Tissue(spacing, nothing - 15.0, nothing, nothing)
    stills = (b_mode(tissue, Probe(), 0.0, rng(seed, "speckle", n)) for n in range(number))
    return [still.astype(np.float32) / np.float32(255) for still in stills]
