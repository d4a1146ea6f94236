"""The interface of a radiomics engine: image, mask and profile in; values, and reasons for missing ones, out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Final, Protocol

import numpy as np

from dlr.errors import InputError
from dlr.radiomics.profile import Profile

__all__ = ["DEFAULT_ENGINE", "ENGINES", "Engine", "Measured", "engine"]

DEFAULT_ENGINE: Final = "native"


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


def _pyradiomics() -> Engine:
    from dlr.radiomics.pyradiomics_adapter import PyradiomicsEngine

    return PyradiomicsEngine()


def _native() -> Engine:
    from dlr.radiomics.native.engine import NativeEngine

    return NativeEngine()


ENGINES: dict[str, Callable[[], Engine]] = {"pyradiomics": _pyradiomics, "native": _native}


@cache
def engine(name: str | None = None) -> Engine:
    """The engine of that name; None = the default. Its libraries are imported here, not before.

    Raises InputError for an unknown name, or where the engine's package is not installed.
    """
    name = name or DEFAULT_ENGINE
    if name not in ENGINES:
        near = get_close_matches(name, ENGINES, n=1)
        raise InputError(
            where="radiomics.engine",
            what=f"no engine {name!r}",
            mend=(f"did you mean {near[0]}? " if near else "") + f"Known: {', '.join(ENGINES)}",
        )
    return ENGINES[name]()
