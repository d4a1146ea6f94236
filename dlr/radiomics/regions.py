"""Regions that are measured beside the lesion, by their distance from its outline; their names, masks and columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlr.words import REGIONS

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LESION", "OUTSIDE", "lesion_columns", "parse_region", "region_and_rest", "region_mask", "region_words"]

LESION = "lesion"
OUTSIDE = REGIONS[1:]  # these reach beyond the outline
_NAME = re.compile(rf"({'|'.join(REGIONS)})_(\d+(?:\.\d+)?)mm")
_PREFIX = re.compile(rf"({_NAME.pattern})_(.+)")


def parse_region(name: str) -> tuple[str, float] | None:
    """Core, rim or peritumoral, and the width in mm, of a region's name; None where it is none."""
    found = _NAME.fullmatch(name)
    return (found[1], float(found[2])) if found and float(found[2]) > 0 else None


def region_mask(name: str, distance: np.ndarray, millimetre: float = 1.0) -> np.ndarray:
    """The voxels of a region, bool of the distance's shape; of width X: core d <= -X, rim |d| <= X, peritumoral
    0 < d <= X.

    distance : signed distance d from the lesion's outline, negative inside (dlr.distance).
    millimetre : the length in the distance's unit that stands for one mm of the name.
    """
    parsed = parse_region(name)
    assert parsed is not None, f"{name} is no region"
    kind, width = parsed[0], parsed[1] * millimetre
    match kind:
        case "core":
            return distance <= -width
        case "rim":
            return abs(distance) <= width
        case _:
            return (distance > 0) & (distance <= width)


def region_and_rest(column: str) -> tuple[str, str]:
    """The region that a column is of, and its name without it; a column of the lesion has no prefix."""
    found = _PREFIX.fullmatch(column)
    return (found[1], found[4]) if found else (LESION, column)


def lesion_columns(columns: Sequence[str]) -> list[str]:
    """Those of the lesion alone, in their order."""
    return [column for column in columns if region_and_rest(column)[0] == LESION]


def region_words(name: str) -> str:
    """How a sentence calls a region."""
    parsed = parse_region(name)
    if parsed is None:
        return "the lesion"
    kind, width = parsed
    return {
        "core": f"its core deeper than {width:g} mm",
        "rim": f"a rim of {width:g} mm to either side of its outline",
        "peritumoral": f"the tissue up to {width:g} mm around it",
    }[kind]
