"""The store of a study: runs/STUDY/stages/NAME/KEY, written beside and renamed when whole.

    stages/NAME/KEY/          outputs of a stage and stage.json
    stages/NAME/tasks/KEY/    outputs of one task of a stage (a case, a fold) and task.json
    .beside/RUN/              what the run of that name is writing just now

A folder under its final name is whole: it was written under .beside, its record last, and renamed. What a killed run
leaves lies under .beside alone; the next run takes it away under the study's lock. A worker that outlives its run
cannot publish any more, because its run's folder, with the file `owner`, is gone. Against a power cut a record holds
the sizes of all files, which are compared whenever it is read, and a stage's record is synchronised to the disk; a
task's is not, as 100,000 of them would take longer than their work: at worst it is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlr.engine.keys import key_of, short

__all__ = [
    "STAGE_RECORD",
    "TASK_RECORD",
    "Store",
    "damaged",
    "new_record",
    "outputs_of",
    "publish",
    "read_record",
    "rename",
]

STAGE_RECORD, TASK_RECORD = "stage.json", "task.json"
OWNER = "owner"


class Store:
    """Where outputs lie and how they get there. `open_run` and `close_run` are called under the study's lock."""

    def __init__(self, study: Path) -> None:
        self.study = Path(os.path.abspath(study))
        self.stages = self.study / "stages"
        self._beside = self.study / ".beside"
        self._own: Path | None = None

    def stage_folder(self, name: str, key: str) -> Path:
        """The final folder of a stage's outputs."""
        return self.stages / name / short(key)

    def task_folder(self, name: str, key: str) -> Path:
        """The final folder of a task's outputs, two levels deep so that no folder holds 100,000 others."""
        return self.stages / name / "tasks" / key[:2] / short(key)

    def find(self, folder: Path, record: str, key: str) -> dict[str, Any] | None:
        """The record of a folder if it is there, whole, and of this key; None otherwise."""
        found = read_record(folder / record)
        if found is None or found["key"] != key or damaged(folder, found) is not None:
            return None
        return found

    def stage_records(self, name: str) -> list[dict[str, Any]]:
        """All records of a stage in the store, oldest first."""
        folder = self.stages / name
        paths = sorted(folder.glob(f"*/{STAGE_RECORD}")) if folder.is_dir() else []
        records = [record for path in paths if (record := read_record(path)) is not None]
        return sorted(records, key=lambda record: str(record.get("finished", "")))

    def open_run(self) -> Path:
        """Take away what killed runs left and make this run's own folder under .beside."""
        self._sweep()
        self._own = self._beside / secrets.token_hex(4)
        self._own.mkdir(parents=True)
        (self._own / OWNER).write_text(f"{os.getpid()}\n", encoding="utf-8")
        return self._own

    def close_run(self) -> None:
        """Take this run's folder away."""
        self._own = None
        self._sweep()

    def _sweep(self) -> None:
        if not self._beside.is_dir():
            return
        for left in self._beside.iterdir():
            # first out of reach of a worker that still writes there, then deleted at leisure
            (left / OWNER).unlink(missing_ok=True)
            trash = left if left.name.startswith("trash") else self._beside / f"trash-{secrets.token_hex(4)}"
            if trash != left:
                rename(left, trash)
            shutil.rmtree(trash, ignore_errors=True)

    @property
    def own(self) -> Path:
        """This run's folder under .beside."""
        if self._own is None:
            raise RuntimeError("the store is not open for writing")
        return self._own


def publish(beside: Path, final: Path, record_name: str, record: Mapping[str, Any]) -> None:
    """Make a folder under .beside/RUN whole and give it its final name; one that is there already is replaced.

    The record gets `files` and `contents`, the sizes and SHA-256 of all outputs, and is written last.
    Raises FileNotFoundError when the run that `beside` belongs to has ended.
    """
    run = beside.parent
    whole = {**record, **outputs_of(beside)}
    with (beside / record_name).open("w", encoding="utf-8", newline="\n") as stream:
        json.dump(whole, stream, ensure_ascii=False, indent=1)
        if record_name == STAGE_RECORD:
            stream.flush()
            os.fsync(stream.fileno())
    final.parent.mkdir(parents=True, exist_ok=True)
    if not (run / OWNER).is_file():
        raise FileNotFoundError(f"the run that {beside} belongs to has ended")
    if final.exists():
        rename(final, run / f"old-{secrets.token_hex(4)}")
    rename(beside, final)
    if record_name == STAGE_RECORD and sys.platform != "win32":
        _synchronise(final.parent)


def outputs_of(folder: Path) -> dict[str, dict[str, Any]]:
    """What a record says of the files of a folder: `files`, their sizes, and `contents`, their SHA-256."""
    files = {f.relative_to(folder).as_posix(): f for f in sorted(folder.rglob("*")) if f.is_file()}
    return {
        "files": {name: file.stat().st_size for name, file in files.items()},
        "contents": {name: _content(file) for name, file in files.items()},
    }


def new_record(key: str, parts: Mapping[str, Any], seconds: float, **more: Any) -> dict[str, Any]:
    """A record of outputs: their key, its parts, the time."""
    if key_of(parts) != key:
        raise RuntimeError("a record's key is not the key of its parts")
    finished = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"key": key, "parts": dict(parts), "finished": finished, "seconds": round(seconds, 3), **more}


def read_record(path: Path) -> dict[str, Any] | None:
    """A record as it was written, None where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    kinds = {"key": str, "parts": dict, "files": dict, "finished": str, "seconds": int | float}
    sound = isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in kinds.items())
    return record if sound and isinstance(record.get("contents", {}), dict) else None


def damaged(folder: Path, record: Mapping[str, Any]) -> str | None:
    """The first output that is not as its record says: gone, of another size, of other content; None: all are."""
    contents = record.get("contents", {})  # releases up to 0.1.0 wrote sizes alone
    for name, size in record["files"].items():
        try:
            if (folder / name).stat().st_size != size:
                return str(name)
            if name in contents and _content(folder / name) != contents[name]:
                return str(name)
        except (OSError, ValueError):
            return str(name)
    return None


def _content(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def rename(source: Path, target: Path) -> None:
    """os.rename, tried again for two seconds where Windows holds a file open for a virus scanner."""
    for _ in range(20):
        try:
            os.rename(source, target)
            return
        except PermissionError:
            if sys.platform != "win32":
                raise
            time.sleep(0.1)
    os.rename(source, target)


def _synchronise(folder: Path) -> None:
    """Have the operating system write a folder's names to the disk (POSIX)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
