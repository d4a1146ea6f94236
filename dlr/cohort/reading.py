"""A case: one image with its ROI, as every measurement and network of a study sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort.decoded import Decoded
from dlr.cohort.formats import decode
from dlr.cohort.images import Image, finish_image, one_frame, one_still
from dlr.cohort.outlines import Outline, frame_outlined, outline_of
from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError, Problem

__all__ = ["Assembled", "Case", "assemble_case", "at_case", "read_case"]


@dataclass(frozen=True)
class Case:
    """One image with its ROI."""

    case_id: str
    patient_id: str
    image: Image
    mask: np.ndarray  # bool (z, y, x); all False where the case has no outline (cohort.mask: optional)
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Assembled:
    """A case and what it was made of."""

    case: Case
    decoded: Decoded
    outline: Outline | None  # None: the case has none


def read_case(row: Mapping[str, Any], settings: CohortSettings, outline: str = "mask") -> Case:
    """Image and ROI of one row of the cohort's table, checked against each other.

    outline : "mask" (the final one), "mask_reader1" or "mask_reader2". All outlines of a case lie on one grid: the
    scanned region is found with the final one. A case without a final one takes mask_reader1 as final; under
    `cohort.mask: optional` one without any has an empty ROI.
    Raises InputError with the case's id in `where`.
    """
    try:
        return assemble_case(row, settings, outline).case
    except InputError as error:
        raise at_case(error, str(row["case_id"])) from error


def at_case(error: InputError, case_id: str) -> InputError:
    """The same problems, with the case named."""
    return InputError.of([Problem(f"case {case_id}, {p.where}", p.what, p.mend) for p in error.problems])


def assemble_case(row: Mapping[str, Any], settings: CohortSettings, name: str = "mask") -> Assembled:
    """Read a case with outline `name`; problems do not yet name the case."""
    path = Path(row["image"])
    decoded = one_still(decode(path, largest=settings.largest_image))
    if isinstance(settings.frame, int):
        decoded = one_frame(path, decoded, settings.frame)
    final = "mask" if row["mask"] else "mask_reader1"
    if settings.mask == "optional" and name == "mask" and not row.get(final):
        image = finish_image(path, decoded, settings, None, _given_spacing(row))
        nothing = np.zeros(image.array.shape, dtype=bool)
        return Assembled(Case(str(row["case_id"]), str(row["patient_id"]), image, nothing, image.notes), decoded, None)
    if settings.frame == "outlined" and len(decoded.array) > 1:
        decoded = one_frame(path, decoded, frame_outlined(row, final, decoded, settings))
    outline = outline_of(row, final, decoded, settings)
    image = finish_image(path, decoded, settings, outline.roi, _given_spacing(row))
    if name != "mask" and name != final:
        outline = outline_of(row, name, decoded, settings, outline.roi)
    roi = image.kept(outline.roi)
    if np.count_nonzero(roi) < np.count_nonzero(outline.roi):
        raise InputError(
            str(row[name]), "the ROI reaches beyond the scanned region", "set cohort.scanned_region: whole"
        )
    case = Case(str(row["case_id"]), str(row["patient_id"]), image, roi, (*image.notes, *outline.notes))
    return Assembled(case, decoded, outline)


def _given_spacing(row: Mapping[str, Any]) -> float | None:
    value = row.get("pixel_spacing_mm")
    return None if value is None or value == "" or value != value else float(value)
