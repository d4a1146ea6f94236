"""The interface of a radiomics engine: image, mask and profile in; values, and reasons for missing ones, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dlr.radiomics.profile import Profile

__all__ = ["Engine", "Measured"]


@dataclass(frozen=True)
class Measured:
    """The features of one ROI. `values` and `missing` together hold every expected column exactly once."""

    values: dict[str, float]  # finite, in the order of the expected columns
    missing: dict[str, str]  # column -> reason
    notes: tuple[str, ...] = ()


class Engine(Protocol):
    """Whatever measures a ROI. Engines keep no state between calls and may be used from any thread or process."""

    name: str

    @property
    def version(self) -> str:
        """The release that a result depends on."""

    def measure(
        self, image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float], profile: Profile
    ) -> Measured:
        """Every feature of the profile for one ROI.

        image : float64 (z, y, x); a still has one slice.  mask : bool (z, y, x).
        spacing : voxel edges in mm (z, y, x).
        Raises InputError where this ROI cannot be measured at all.
        """
