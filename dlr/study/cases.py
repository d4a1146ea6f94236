"""The one road from a row of the cohort to an image with its mask, and what a case's key is made of.

Whatever reads an image (radiomics, stability, networks, attention, report, prediction) asks a CaseSource. Today there
is one, the cohort's own files; enhanced images and resampled volumes become others, and no stage changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from dlr.cohort import Case, CohortSettings, files_of_image, read_case

__all__ = ["CaseRow", "CaseSource", "CohortFiles", "OneCase", "outlined_rows", "rows_of", "source_of"]

# settings that change how a case's files are read; the others of section `cohort` say which cases there are
READING = (
    "kind", "lesion_policy", "mask_label", "mask_blur_limit", "roi_min_voxels", "pixel_spacing_mm", "spacing", "colour",
    "colour_margin", "scanned_region", "geometry_tolerance", "geometry",
)  # fmt: skip
Digest = Callable[[str | Path], str]


@dataclass(frozen=True)
class CaseRow:
    """One row of cohort.parquet as far as its images go."""

    case_id: str
    patient_id: str
    image: str
    mask: str = ""
    mask_label: str = ""
    mask_reader1: str = ""
    mask_reader2: str = ""
    lesion_part: str = ""  # of a mask whose lesions are a case each
    pixel_spacing_mm: float | None = None

    @property
    def outlined(self) -> bool:
        """Whether it has an outline (under `cohort.mask: optional` it may have none)."""
        return bool(self.mask or self.mask_reader1)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> CaseRow:
        """Of a row as a mapping; columns that a cohort need not have may be absent."""
        spacing: Any = row.get("pixel_spacing_mm")
        known = spacing is not None and spacing != "" and not math.isnan(float(spacing))
        words = ("case_id", "patient_id", "image", "mask", "mask_label", "mask_reader1", "mask_reader2", "lesion_part")
        return cls(
            **{name: str(row.get(name) or "") for name in words}, pixel_spacing_mm=float(spacing) if known else None
        )


class CaseSource(Protocol):
    """Where a case's image and mask come from."""

    def read(self, row: CaseRow, outline: str = "mask") -> Case:
        """Image and ROI of a case; InputError, with the case named, where they cannot be read."""

    def key(self, row: CaseRow, outline: str, digest: Digest) -> dict[str, Any]:
        """All that `read` depends on: contents of files and settings, nothing else."""


@dataclass(frozen=True)
class CohortFiles:
    """The files that the manifest names, read as section `cohort` of the settings says."""

    settings: CohortSettings

    def read(self, row: CaseRow, outline: str = "mask") -> Case:
        return read_case(asdict(row), self.settings, outline)

    def key(self, row: CaseRow, outline: str, digest: Digest) -> dict[str, Any]:
        # the scanned region is found with the final mask, whichever outline is asked for
        final = "mask" if row.mask else "mask_reader1"
        files = {name: getattr(row, name) for name in dict.fromkeys(("image", final, outline))}
        return {
            "reading": {name: _plain(getattr(self.settings, name)) for name in READING},
            "outline": outline,
            "files": {name: [digest(file) for file in files_of_image(path)] for name, path in files.items() if path},
            "label": row.mask_label,
            "part": row.lesion_part,
            "spacing": row.pixel_spacing_mm,
        }


@dataclass(frozen=True)
class OneCase:
    """One outline of one case and where it is read: what a task that looks at an image is sent."""

    source: CaseSource
    row: CaseRow
    outline: str = "mask"

    def read(self) -> Case:
        """Image and ROI."""
        return self.source.read(self.row, self.outline)

    def key(self, digest: Digest) -> dict[str, Any]:
        """What is in the key of a task that reads this case."""
        return self.source.key(self.row, self.outline, digest)


def source_of(settings: Any) -> CaseSource:
    """The source of the images that a study's stages look at, by its settings."""
    return CohortFiles(settings.cohort)


def rows_of(table: Any) -> list[CaseRow]:
    """The rows of a cohort's table (or a part of it), in order."""
    records: Iterable[Mapping[str, Any]] = table.to_dict("records")
    return [CaseRow.of(row) for row in records]


def outlined_rows(rows: Sequence[CaseRow], say: Callable[[str], None]) -> list[CaseRow]:
    """The rows of cases with an outline; how many have none is said, once."""
    kept = [row for row in rows if row.outlined]
    if len(kept) < len(rows):
        say(f"{len(rows) - len(kept)} of {len(rows)} cases have no outline and are left out here")
    return kept


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
