"""Tasks whose key is made of their payload: a field that is sent to a worker is in the key, unless it says why not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from dlr.engine import Run, Task
from dlr.engine.keys import UNLESS_DEFAULT, identity_of_settings
from dlr.engine.tasks import Known

__all__ = ["key_of_payload", "out_of_key", "task_of"]

OUT = "out of key"
Digest = Callable[[str | Path], str]


def out_of_key(why: str) -> dict[str, str]:
    """The metadata of a payload's field that the result does not depend on; `why` says so."""
    return {OUT: why}


def task_of(
    run: Run, name: str, payload: Any, *, may_fail: bool = False, libraries: Sequence[str] | None = None
) -> Task:
    """The task that sends a frozen dataclass to a worker; its key is the canonical form of the payload's fields.

    Arrays and tables count by their content, settings by the fields that are part of a key, paths by the content of
    the file or folder, cases by what their source says. TypeError for what has no canonical form.
    libraries : those of the stage's that the task uses; None: all.
    """
    used = None if libraries is None else tuple(libraries)
    files: dict[str, Known] = {}

    def digest(path: str | Path) -> str:
        if not os.path.isfile(path):
            return run.digest(path)
        known = files[str(path)] = Known.of(path, run.digest)
        return known.digest

    key = key_of_payload(payload, digest)
    return Task(name, key, payload, may_fail, used, tuple(files.values()))


def key_of_payload(payload: Any, digest: Digest) -> dict[str, Any]:
    """The key parts of a frozen dataclass; a field that says UNLESS_DEFAULT and has its default is none."""
    return {
        each.name: _part(getattr(payload, each.name), digest, each.name)
        for each in fields(payload)
        if OUT not in each.metadata and (each.metadata != UNLESS_DEFAULT or getattr(payload, each.name) != each.default)
    }


def _part(value: Any, digest: Digest, name: str) -> Any:
    if hasattr(value, "key") and callable(value.key):
        return value.key(digest)
    if isinstance(value, BaseModel):
        return identity_of_settings(value)
    if is_dataclass(value) and not isinstance(value, type):
        return key_of_payload(value, digest)
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, pd.DataFrame | pd.Series):
        return _table(value if isinstance(value, pd.DataFrame) else value.to_frame("value"))
    if isinstance(value, Path):
        return _path(value, digest)
    if isinstance(value, Mapping):
        return {str(key): _part(item, digest, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_part(item, digest, name) for item in value)
    if isinstance(value, list | tuple):
        return [_part(item, digest, f"{name}[{k}]") for k, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str | Enum):
        return value
    raise TypeError(f"{name}: a {type(value).__name__} has no form in a key; mark the field out_of_key, or give it one")


def _array(values: np.ndarray) -> str:
    if values.dtype == object:
        return _words(values.ravel().tolist())
    head = f"{values.dtype.str}{values.shape}".encode()
    return sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    """Index, names and content; columns of one type go through the digest as one array."""
    whole = frame.to_numpy()
    content = _array(whole) if whole.dtype != object else [_array(frame[name].to_numpy()) for name in frame.columns]
    return {"index": _words(frame.index.tolist()), "columns": _words(frame.columns.tolist()), "content": content}


def _words(values: list[Any]) -> str:
    digest = sha256()
    for value in values:
        word = f"{type(value).__name__}:{value}".encode("utf-8", "surrogatepass")
        digest.update(f"{len(word)}:".encode() + word)
    return digest.hexdigest()


def _path(path: Path, digest: Digest) -> Any:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): digest(file) for file in files}
    return digest(path)
