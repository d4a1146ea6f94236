"""Headers of volumes before a library believes them: sizes, what they claim, and the files of voxels that they name.

MetaImage: `ElementDataFile` is a name, `LIST` with names below, or a pattern with its numbers. NRRD: `data file` alike
(teem's nrrd/format.html). NIfTI and ANALYZE pairs: the same name with .img. A library that is given a header with a
negative number of dimensions, or a pipe for its data, ends the process or never comes back.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from dlr.cohort.nifti import check_nifti, data_candidates
from dlr.errors import InputError

__all__ = ["check_header", "check_size", "named_data"]

_HEADER = 1 << 20  # bytes of a header at most
_MANY = 100_000  # files of one pattern at most
_DIMENSIONS = 5  # at most: three of space, one of time, one of components


def check_header(path: Path, held: str, largest: int) -> None:
    """InputError where a volume's header makes no sense, claims over `largest` samples, or names data elsewhere."""
    for data in named_data(path, held):
        _check_data(path, data)
    if held == "NIfTI":
        check_nifti(path, largest)
    elif held == "MetaImage":
        _check_metaimage(path, largest)
    elif held == "NRRD":
        _check_nrrd(path, largest)


def check_size(path: Path, sizes: Sequence[int], largest: int) -> None:
    """InputError where the product of sizes is more than `largest` samples."""
    samples = math.prod(sizes)
    if samples > largest:
        raise InputError(
            str(path),
            f"{' x '.join(map(str, sizes))} are {samples:,} samples, over {largest:,}",
            f"look whether the file is sound; if it is, set cohort.largest_image: {samples}",
        )


def named_data(path: Path, held: str) -> tuple[Path, ...]:
    """The files of voxels that a header names, whether they are there or not."""
    names = _NAMES[held](path) if held in _NAMES else ()
    return tuple(dict.fromkeys(path.parent / name for name in names if name))


def _check_data(path: Path, data: Path) -> None:
    """Data lie beside the header or below its folder, and are regular files."""
    mend = "keep a header and its data in one folder"
    try:
        found = data.resolve()
        inside = found.is_relative_to(path.parent.resolve())
        regular = not found.exists() or stat.S_ISREG(found.stat().st_mode)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(str(path), "its header names a data file that cannot be looked at", mend) from error
    if not inside:
        raise InputError(str(path), f"its header names data outside its folder ({data.name})", mend)
    if not regular:
        raise InputError(str(path), f"its header names data that are no file ({data.name})", mend)


def _check_metaimage(path: Path, largest: int) -> None:
    fields: dict[str, str] = {}
    for line in _lines(path):
        field, sign, value = line.partition("=")
        if sign:
            fields.setdefault(field.strip(), value.strip())
        if field.strip() == "ElementDataFile":
            break
    sizes = _sizes(path, fields.get("NDims", ""), fields.get("DimSize", ""), "NDims", "DimSize")
    channels = _whole(path, "ElementNumberOfChannels", fields.get("ElementNumberOfChannels", "1"))
    check_size(path, [*sizes, channels], largest)


def _check_nrrd(path: Path, largest: int) -> None:
    fields: dict[str, str] = {}
    ended = False
    for line in _lines(path):
        if not line.strip():
            ended = True
            break
        field, sign, value = line.partition(":")
        if sign:
            fields.setdefault(field.strip().lower(), value.strip())
    if not ended and not {"data file", "datafile"} & fields.keys():
        raise InputError(str(path), "its header has no end (no empty line before the voxels)", "export the file again")
    check_size(path, _sizes(path, fields.get("dimension", ""), fields.get("sizes", ""), "dimension", "sizes"), largest)


def _sizes(path: Path, dimensions: str, sizes: str, first: str, second: str) -> list[int]:
    number = _whole(path, first, dimensions)
    found = [_whole(path, second, size) for size in sizes.split()]
    if number > _DIMENSIONS or len(found) != number:
        what = f"its header gives {number} dimensions ({first}) and {len(found)} sizes ({second})"
        raise InputError(str(path), what, "export the file again, as a picture or a volume of three dimensions")
    return found


def _whole(path: Path, field: str, text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d{0,9}", text):
        what = f"its header has {field} {text[:40]!r} where a whole number from 1 stands"
        raise InputError(str(path), what, "export the file again")
    return int(text)


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
