"""The one road from a row of the cohort to an image with its mask, and what a case's key is made of.

Whatever reads an image (radiomics, stability, networks, attention, report, prediction) asks a CaseSource: the cohort's
own files, or the images that stage superres made of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlr.cohort import Case, CohortSettings, files_of_image, read_case
from dlr.cohort.reading import at_case
from dlr.errors import InputError

__all__ = [
    "ENHANCEMENT", "GENERATOR", "CaseRow", "CaseSource", "CohortFiles", "EnhancedFiles", "OneCase", "enhanced_case",
    "enhanced_array", "enhanced_file", "outlined_rows", "read_generator", "rows_of", "source_of",
]  # fmt: skip

ENHANCEMENT, GENERATOR = "superres.json", "generator"  # among the outputs of stage superres

# settings that change how a case's files are read; the others of section `cohort` say which cases there are
READING = (
    "kind", "frame", "lesion_policy", "contour", "mask_label", "mask_segment", "mask_blur_limit", "roi_min_voxels",
    "pixel_spacing_mm", "spacing", "colour", "colour_margin", "scanned_region", "geometry_tolerance", "geometry",
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
class EnhancedFiles:
    """The same cases with the images that stage superres made of them."""

    files: CohortFiles
    home: Path  # its outputs
    scale: int
    native: bool  # back on the image's own grid, after restoring
    new: bool = False  # of patients whom the stage did not have: enhanced as they are read, by its generator

    def read(self, row: CaseRow, outline: str = "mask") -> Case:
        case = self.files.read(row, outline)
        return enhanced_case(case, self._array(row, case), self.scale, self.native)

    def key(self, row: CaseRow, outline: str, digest: Digest) -> dict[str, Any]:
        file = enhanced_file(self.home, row.case_id)
        enhanced = digest(file) if file.is_file() else None
        return {
            **self.files.key(row, outline, digest),
            "enhanced": enhanced, "scale": self.scale, "native grid": self.native,
        }  # fmt: skip

    def _array(self, row: CaseRow, case: Case) -> np.ndarray:
        if self.new:
            return enhanced_array(case, self.home / GENERATOR)
        file = enhanced_file(self.home, row.case_id)
        if not file.is_file():
            what = "its image could not be enhanced"
            raise InputError(f"case {row.case_id}", what, "see the warnings of stage superres in dlr.log")
        return np.asarray(np.load(file))


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


def source_of(settings: Any, enhanced: Path | None = None, new: bool = False) -> CaseSource:
    """The source of the images that a study's stages look at, by its settings.

    enhanced : outputs of stage superres; None where it left itself out or is no part of the pipeline.
    new : the cases are not the study's own.
    """
    files = CohortFiles(settings.cohort)
    if enhanced is None:
        return files
    about = json.loads((enhanced / ENHANCEMENT).read_text(encoding="utf-8"))
    return EnhancedFiles(files, enhanced, int(about["scale"]), about["measure_on"] == "native", new)


def enhanced_file(home: Path, case_id: str) -> Path:
    """Where stage superres keeps a case's enhanced image (y, x); any case_id makes a file's name."""
    return home / "enhanced" / f"{sha256(case_id.encode()).hexdigest()[:20]}.npy"


def enhanced_array(case: Case, generator: Path) -> np.ndarray:
    """What a saved generator makes of a still: (h s, w s) of its own sample type.

    Raises InputError, with the case named, where the image cannot be enhanced.
    """
    grey = np.ascontiguousarray(case.image.array[0])
    try:
        return _enhanced(generator, grey.tobytes(), grey.dtype.str, grey.shape, case.image.dtype)
    except InputError as error:
        raise at_case(error, case.case_id) from error


@lru_cache(maxsize=1)
def _enhanced(generator: Path, content: bytes, stored: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Remembered for the next reader of the same image: a new patient's is read once a backbone."""
    array = np.asarray(read_generator(generator).apply(np.frombuffer(content, stored).reshape(shape), dtype))
    array.setflags(write=False)
    return array


def enhanced_case(case: Case, array: np.ndarray, scale: int, native: bool = False) -> Case:
    """A case with another image of the same field: its outline on the finer grid, the edges of its pixels divided.

    array : (h s, w s) of a still of (h, w).  native : means of blocks of s x s, so that the case keeps its own grid.
    A spacing that is not known stays in the file's pixels: 1 becomes 1/s.
    """
    from dlr.superres.grid import block_means, enlarged_outline

    image, (z, y, x) = case.image, case.image.spacing
    if native:
        return replace(case, image=replace(image, array=block_means(array, scale)[None]))
    finer = replace(
        image,
        array=np.asarray(array, dtype=np.float64)[None],
        spacing=(z / scale, y / scale, x / scale),
        scale=scale,
    )
    return replace(case, image=finer, mask=enlarged_outline(case.mask[0], scale)[None])


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


@lru_cache(maxsize=2)
def read_generator(folder: Path) -> Any:
    """A saved generator, read once a process."""
    from dlr.superres import Enhancer

    return Enhancer.load(folder)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
