"""Images in several files: the header that a manifest names, and the files of voxels that the header names.

MetaImage: `ElementDataFile` is a name, `LIST` with names below, or a pattern with its numbers. NRRD: `data file` alike
(teem's nrrd/format.html). NIfTI and ANALYZE pairs: the same name with .img.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dlr.cohort.formats import recognise
from dlr.cohort.nifti import data_candidates
from dlr.errors import InputError

__all__ = ["files_of_image"]

_HEADER = 1 << 20  # bytes of a header at most
_MANY = 100_000  # files of one pattern at most


def files_of_image(path: Path | str) -> tuple[Path, ...]:
    """An image or mask file and the files of voxels that its header names, as far as they are there.

    Their contents together are all that reading the image depends on. A file that is no image of ours is given alone.
    """
    path = Path(path)
    try:
        held, _ = recognise(path)
        names = _NAMES[held](path) if held in _NAMES else ()
        found = dict.fromkeys(path.parent / name for name in names if name)
        return (path, *(data for data in found if data != path and data.is_file()))
    except (InputError, OSError, ValueError):
        return (path,)


def _lines(path: Path) -> list[str]:
    with open(path, "rb") as stream:
        return stream.read(_HEADER).decode("utf-8", errors="surrogateescape").splitlines()


def _of_metaimage(path: Path) -> Iterator[str]:
    lines = iter(_lines(path))
    for line in lines:
        field, _, value = line.partition("=")
        if field.strip() == "ElementDataFile":
            if value.strip().upper() != "LOCAL":
                yield from _named(value.strip(), lines)
            return


def _of_nrrd(path: Path) -> Iterator[str]:
    lines = iter(_lines(path))
    for line in lines:
        if not line.strip():
            return  # the voxels follow
        field, _, value = line.partition(":")
        if field.strip().lower() in ("data file", "datafile"):
            yield from _named(value.strip(), lines)
            return


def _named(value: str, below: Iterator[str]) -> Iterator[str]:
    """The names that a header's value stands for."""
    if re.match(r"LIST\b", value):
        yield from (line.strip() for line in below)
    elif "%" in value and (numbers := re.search(r"((\s+-?\d+){3,4})\s*$", value)):
        pattern = value[: numbers.start()].strip()
        first, last, step = (int(n) for n in numbers[0].split()[:3])
        every = range(first, last + (1 if step > 0 else -1), step) if step else range(0)
        yield from (pattern % n for n in every[:_MANY] if re.fullmatch(r"[^%]*%\d*d[^%]*", pattern))
    else:
        yield value


def _of_pair(path: Path) -> Iterator[str]:
    return (data.name for data in data_candidates(path))


_NAMES = {"MetaImage": _of_metaimage, "NRRD": _of_nrrd, "NIfTI": _of_pair}
