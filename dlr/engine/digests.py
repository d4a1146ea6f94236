"""Content digests of the user's files, remembered by path, size and modification time."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection
from pathlib import Path

from dlr.errors import InputError

__all__ = ["Digests", "digest_folder"]

SETTLED_NS = 2_000_000_000  # a file younger than this may change again within one tick of its clock


class Digests:
    """SHA-256 of files' contents. A file whose path, size and time are those of the last look is not read again.

    The memory is a file of JSON lines, only ever appended to; a torn last line is skipped. It is no more than a
    memory: without it every file is read again and every digest is the same.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known: dict[str, tuple[int, int, str]] = {}
        self.read = 0  # files whose content was read by this object
        if memory is not None and memory.is_file():
            for line in memory.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    path, size, modified, digest = json.loads(line)
                except ValueError:
                    continue
                self._known[path] = (size, modified, digest)

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
        known = self._known.get(str(path))
        if known is not None and known[:2] == (found.st_size, found.st_mtime_ns):
            return known[2]
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        self.read += 1
        after = path.stat()
        same = (after.st_size, after.st_mtime_ns) == (found.st_size, found.st_mtime_ns)
        if same and time.time_ns() - found.st_mtime_ns > SETTLED_NS:
            self._remember(str(path), found.st_size, found.st_mtime_ns, digest)
        return digest

    def _remember(self, path: str, size: int, modified: int, digest: str) -> None:
        self._known[path] = (size, modified, digest)
        if self._memory is not None:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            line = json.dumps([path, size, modified, digest]) + "\n"
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
