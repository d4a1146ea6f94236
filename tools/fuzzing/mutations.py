"""Seeds made worse: random changes of bytes, text and archives, each from a seed of its own."""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import zipfile
import zlib

__all__ = ["mutate"]

NUMBERS = (
    b"0", b"-1", b"1e300", b"nan", b"inf", b"4294967296", b"9" * 30, b"1,5", b"-0.0", b"65535", b"2147483648",
    b"1e-300",
)  # fmt: skip
WORDS = (
    b"\x00", b"\x1b[2J", b'"', b"'", b"\r", b"\n\n", b"\xff\xfe", b"\xef\xbb\xbf", b"{{7*7}}", b"<script>", b"=1+1",
    b"&a [*a,*a]", b"!!int x", b"- {a: b", b"../" * 8, b"/dev/zero", b"LIST", b"LOCAL", b"%s%n", b"[" * 400,
    b"\xf0\x9f\x98\x80",
)  # fmt: skip
WHOLE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(content: bytes, draw: random.Random) -> bytes:
    """The content with one to eight changes; of an archive or a packed file mostly of what is inside."""
    if draw.random() < 0.8:
        if content[:2] == b"PK":
            return _archive(content, draw)
        if content[:2] == b"\x1f\x8b":
            return gzip.compress(_changed(gzip.decompress(content), draw), 1, mtime=0)
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            return _chunks(content, draw)
    return _changed(content, draw)


def _archive(content: bytes, draw: random.Random) -> bytes:
    """One member of a zip file changed, left out or doubled."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        names = before.namelist()
        chosen, way = draw.choice(names), draw.random()
        for name in names:
            inside = before.read(name)
            if name == chosen and way < 0.08:
                continue
            after.writestr(name, _changed(inside, draw) if name == chosen else inside)
    return out.getvalue()


def _chunks(content: bytes, draw: random.Random) -> bytes:
    """One chunk of a PNG changed, its checksum made right again."""
    chunks, at = [], 8
    while at + 8 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += length + 12
    chosen = draw.randrange(len(chunks))
    out = content[:8]
    for number, (kind, data) in enumerate(chunks):
        if number == chosen:
            data = _changed(data, draw)
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def _changed(content: bytes, draw: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
        data = draw.choice(CHANGES)(data, draw)
    return bytes(data)


def _place(data: bytearray, draw: random.Random) -> int:
    """Headers, at the beginning, are where readers go wrong."""
    return draw.randrange(min(len(data), 600) if draw.random() < 0.6 else len(data)) if data else 0


def _flip(data: bytearray, draw: random.Random) -> bytearray:
    if data:
        data[_place(data, draw)] ^= 1 << draw.randrange(8)
    return data


def _whole(data: bytearray, draw: random.Random) -> bytearray:
    """A number of two to eight bytes, either way round."""
    at, value, size = _place(data, draw), draw.choice(WHOLE), draw.choice((2, 4, 8))
    data[at : at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, draw.choice(("little", "big")))
    return data


def _float(data: bytearray, draw: random.Random) -> bytearray:
    value = draw.choice((float("nan"), float("inf"), -1.0, 0.0, 1e30))
    at = _place(data, draw)
    data[at : at + 4] = struct.pack(draw.choice(("<f", ">f")), value)
    return data


def _cut(data: bytearray, draw: random.Random) -> bytearray:
    return data[: _place(data, draw)]


def _leave_out(data: bytearray, draw: random.Random) -> bytearray:
    at = _place(data, draw)
    del data[at : at + draw.choice((1, 2, 8, 64, 512))]
    return data


def _twice(data: bytearray, draw: random.Random) -> bytearray:
    at = _place(data, draw)
    piece = data[at : at + draw.choice((1, 8, 64))] * draw.choice((1, 2, 50))
    data[at:at] = piece
    return data


def _word(data: bytearray, draw: random.Random) -> bytearray:
    at = _place(data, draw)
    data[at:at] = draw.choice(WORDS)
    return data


def _number(data: bytearray, draw: random.Random) -> bytearray:
    """Digits replaced by a number that nobody expects."""
    found = list(re.finditer(rb"\d+(\.\d+)?", data))
    if found:
        one = draw.choice(found)
        data[one.start() : one.end()] = draw.choice(NUMBERS)
    return data


def _noise(data: bytearray, draw: random.Random) -> bytearray:
    at, length = _place(data, draw), draw.choice((1, 4, 32))
    data[at : at + length] = draw.randbytes(length)
    return data


CHANGES = (_flip, _flip, _whole, _whole, _float, _cut, _leave_out, _twice, _word, _number, _number, _noise)
