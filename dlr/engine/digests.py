"""Content digests of the user's files, remembered by path, size and times."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from dlr.errors import InputError

__all__ = ["Digests", "digest_folder"]

SETTLED_NS = 2_000_000_000  # a file younger than this may change again within one tick of its clock


class _Seen(NamedTuple):
    """What a file was when it was read."""

    size: int
    modified: int  # ns
    changed: int  # ns
    digest: str

    @classmethod
    def of(cls, found: os.stat_result, digest: str) -> _Seen:
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, digest)


class Digests:
    """SHA-256 of files' contents. A file whose path, size and times are as when it was last read is not read again.

    Both times count: that of the last writing, which a copying program may set back, and that of the last change of
    anything, which it cannot (on Windows, the time at which the file was made).

    The memory is a file of JSON lines, only ever appended to; a torn last line is skipped. It is no more than a
    memory: without it every file is read again and every digest is the same.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known: dict[str, _Seen] = {}
        self.read = 0  # files whose content was read by this object
        if memory is not None and memory.is_file():
            for line in memory.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    path, size, modified, changed, digest = json.loads(line)
                except (ValueError, TypeError):
                    continue  # torn, or of another release
                if isinstance(path, str) and isinstance(digest, str):
                    self._known[path] = _Seen(size, modified, changed, digest)

    def of(self, path: str | Path) -> str:
        """SHA-256 of a file's content (64 hexadecimal digits), of a folder's files by name and content.

        Raises InputError where there is no such file or it cannot be read.
        """
        path = Path(path)
        try:
            if path.is_dir():
                return digest_folder(path, self)
            return self._file(Path(os.path.abspath(path)))
        except OSError as error:
            raise InputError(
                where=str(path),
                what=f"the file cannot be read ({error.strerror or error})",
                mend="check the path and the rights to read it",
            ) from error

    def _file(self, path: Path) -> str:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # reading it would never end
            raise InputError(str(path), "this is a device or a pipe, not a file", "give the path of a file")
        known = self._known.get(str(path))
        if known is not None and known == _Seen.of(found, known.digest):
            return known.digest
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        self.read += 1
        seen = _Seen.of(found, digest)
        if seen == _Seen.of(path.stat(), digest) and time.time_ns() - found.st_mtime_ns > SETTLED_NS:
            self._remember(str(path), seen)
        return digest

    def _remember(self, path: str, seen: _Seen) -> None:
        self._known[path] = seen
        if self._memory is not None:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            line = json.dumps([path, *seen]) + "\n"
            with self._memory.open("a", encoding="utf-8") as stream:
                stream.write(line)


def digest_folder(folder: Path, digests: Digests | None = None, leave_out: Collection[str] = ()) -> str:
    """SHA-256 over the relative names and contents of all files below a folder, in the order of names."""
    digests = digests or Digests()
    total = hashlib.sha256()
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    for name in sorted(files.keys() - set(leave_out)):
        total.update(json.dumps([name, digests.of(files[name])]).encode())
    return total.hexdigest()
