"""Why a feature has no value: expected columns sorted into values and reasons, alike for every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

from dlr.radiomics.columns import split_column
from dlr.radiomics.interface import Measured

__all__ = ["UNDEFINED", "sort_measured"]

UNDEFINED = {
    "glcm": "no two voxels of the ROI are neighbours at the profile's distances",
    "shape": "undefined for a ROI of this shape",
    "shape2D": "undefined for a ROI of this shape",
}


def sort_measured(
    columns: tuple[str, ...],
    given: Mapping[str, float],
    refused: Mapping[str, str],
    size: tuple[int, ...],
    why: Callable[[str, str, str], str],
) -> Measured:
    """Every expected column as a finite value or with its reason; what neither explains is a fault of ours.

    given : what the engine computed, by column.  refused : reasons by family.  size : of the image, in voxels.
    why : image type, family, feature of a value that is not finite -> its reason.
    """
    values = {column: float(given[column]) for column in columns if column in given and isfinite(given[column])}
    missing: dict[str, str] = {}
    for column in columns if len(values) < len(columns) else ():
        if column in values:
            continue
        image_type, family, feature = split_column(column)
        if column in given:
            missing[column] = why(image_type, family, feature)
        elif family in refused:
            missing[column] = refused[family]
        else:
            assert image_type.startswith("log-sigma"), f"no {column} and no reason"
            missing[column] = f"the image of {' × '.join(map(str, size))} voxels is too small for this LoG"
    return Measured(values, missing)
