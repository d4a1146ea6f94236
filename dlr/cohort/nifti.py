"""A NIfTI file's own header against its data, before anything is read: the library fills what is missing with zeros.

Headers: NIfTI-1.1 (Cox et al. 2004, nifti1.h) and NIfTI-2 (2011, nifti2.h); ANALYZE 7.5 has the same places.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from dlr.errors import InputError

__all__ = ["check_nifti", "data_candidates"]

_BYTES = {2: 1, 4: 2, 8: 4, 16: 4, 32: 8, 64: 8, 128: 3, 256: 1, 512: 2, 768: 4, 1024: 8, 1280: 8, 1536: 16,
          1792: 16, 2048: 32, 2304: 4}  # fmt: skip  # a voxel's, by code of its type
_FLOATS = {16: "f4", 64: "f8"}
_CHUNK = 1 << 20
_SURPLUS = 64 << 20  # bytes behind the voxels that some writers leave; more is another file's size


@dataclass(frozen=True)
class _Header:
    order: str  # "<" or ">"
    code: int  # of the voxels' type
    voxels: int
    offset: float  # of the first voxel in its file
    alone: bool  # header and voxels in one file


def check_nifti(path: Path, largest: int) -> None:
    """Raise InputError where a file's voxels are truncated or damaged, lie nowhere, or are NaN or infinite.

    largest : voxels from which on the header's claim is not believed.

    A compressed file is read to its end, so that its own checksum is seen. What the header itself says wrongly
    (dimensions, type) is left to the reader.
    """
    mend = "copy or export the file again"
    try:
        header = _header(path)
        if header is None:
            return
        if header.voxels > largest:
            what = f"its header claims {header.voxels:,} voxels, over {largest:,}"
            raise InputError(
                str(path), what, f"look whether it is sound; if it is, set cohort.largest_image: {header.voxels}"
            )
        if not (math.isfinite(header.offset) and 0 <= header.offset < 2**40):
            raise InputError(str(path), f"its header puts the voxels at byte {header.offset:g} (vox_offset)", mend)
        data = path if header.alone else next((p for p in data_candidates(path) if p.is_file()), None)
        if data is None:
            raise InputError(str(path), "the file of its voxels (.img) is not beside it", "copy both files")
        start = max(int(header.offset), 348 if header.alone else 0)  # as the library reads a header without an offset
        wanted = header.voxels * _BYTES[header.code]
        held, bad = _walk(data, start, wanted, header)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(str(path), f"damaged or truncated ({error})", mend) from error
    if held < wanted:
        raise InputError(str(path), f"truncated: {held} of {wanted} bytes of voxels", mend)
    if held > wanted + _SURPLUS:
        raise InputError(str(path), f"more than {held} bytes of voxels, but its header says {wanted}", mend)
    if bad:
        raise InputError(
            str(path),
            f"{bad} of {header.voxels} voxels are NaN or infinite",
            "write a number there (0 for background)",
        )


def data_candidates(path: Path) -> tuple[Path, ...]:
    """Where the voxels of a .hdr may lie, in the order in which the library looks; none for a file that holds its own.

    The header's name may itself end in .gz.
    """
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    if not name.lower().endswith(".hdr"):
        return ()
    endings: tuple[str, ...] = (".img", ".img.gz", ".nii", ".nii.gz")
    if name.endswith(".HDR"):
        endings = tuple(ending.upper() for ending in endings)
    return tuple(path.with_name(name[:-4] + ending) for ending in endings)


def _header(path: Path) -> _Header | None:
    """None where the header makes no sense: the reader says so."""
    with _opened(path) as stream:
        head = stream.read(540)
    if len(head) < 348:
        raise EOFError(f"{len(head)} bytes of header")
    second = head[4:7] in (b"n+2", b"ni2")
    length, at = ("q", 16) if second else ("h", 40)
    order = "<" if 1 <= struct.unpack_from(f"<{length}", head, at)[0] <= 7 else ">"  # as the library tells it
    dims = struct.unpack_from(f"{order}8{length}", head, at)
    code = struct.unpack_from(f"{order}h", head, 12 if second else 70)[0]
    offset = struct.unpack_from(f"{order}q" if second else f"{order}f", head, 168 if second else 108)[0]
    magic = head[4:7] if second else head[344:347]
    lengths = dims[1 : dims[0] + 1]
    if not 1 <= dims[0] <= 7 or min(lengths) < 1 or code not in _BYTES:
        return None
    return _Header(order, code, math.prod(lengths), float(offset), magic in (b"n+1", b"n+2"))


def _walk(path: Path, start: int, wanted: int, header: _Header) -> tuple[int, int]:
    """Bytes behind `start`, counted to the end of the file, and how many of the voxels are NaN or infinite."""
    position, bad, rest = 0, 0, b""
    kind = np.dtype(header.order + _FLOATS[header.code]) if header.code in _FLOATS else None
    for chunk in _chunks(path):
        if kind is not None:
            own = rest + chunk[max(0, start - position) : max(0, start + wanted - position)]
            whole = len(own) - len(own) % kind.itemsize
            values, rest = np.frombuffer(own[:whole], kind), own[whole:]
            bad += int(np.count_nonzero(~np.isfinite(values)))
        position += len(chunk)
        if position - start > wanted + _SURPLUS:
            break
    return max(0, position - start), bad


def _chunks(path: Path) -> Iterator[bytes]:
    with _opened(path) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file's content, unpacked where it is compressed, whatever its name says."""
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if packed else stream
