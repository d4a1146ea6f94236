"""Looks at the test side: one line each time test predictions were evaluated under a new key."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Look", "look", "looks_at"]

FILE = "looks.jsonl"


@dataclass(frozen=True)
class Look:
    """When the test side was looked at, the key of the evaluation, and on how many patients."""

    time: str
    key: str
    patients: int


def looks_at(study: Path) -> tuple[Look, ...]:
    """Every look of a study, in order; a line torn by a kill is skipped."""
    path = study / FILE
    if not path.is_file():
        return ()
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found = json.loads(line)
            out.append(Look(str(found["time"]), str(found["key"]), int(found["patients"])))
        except (ValueError, KeyError, TypeError):
            continue
    return tuple(out)


def look(study: Path, key: str, patients: int) -> tuple[Look, ...]:
    """Write a look down, unless this key has one already, and return all."""
    before = looks_at(study)
    if any(each.key == key for each in before):
        return before
    new = Look(time.strftime("%Y-%m-%d %H:%M:%S"), key, patients)
    path = study / FILE
    torn = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(("\n" if torn else "") + json.dumps(asdict(new)) + "\n")
    return (*before, new)
