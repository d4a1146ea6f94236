"""One run at a time in a study: the second waits with a clear line, or refuses after a time."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dlr.errors import InputError

__all__ = ["study_lock"]


@contextmanager
def study_lock(study: Path, say: Callable[[str], None], wait: float | None = None) -> Iterator[None]:
    """Hold the study's lock. The operating system lets it go when the process ends, however it ends.

    wait : seconds to wait for another run; None = as long as it takes, 0 = not at all.
    Raises InputError when the time is over.
    """
    study.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(study / ".lock"), study / ".lock.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = _holder(holder)
        if wait == 0:
            raise _refused(study, who, wait) from None
        limit = "" if wait is None else f", at most {wait:g} s"
        say(f"{study} is in use by {who}: waiting{limit} (Ctrl-C stops waiting)")
        try:
            lock.acquire(timeout=-1 if wait is None else wait, poll_interval=0.2)
        except Timeout:
            raise _refused(study, who, wait) from None
    try:
        about = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        holder.write_text(json.dumps({**about, "command": " ".join(sys.argv)}), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(path: Path) -> str:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return f"another run (process {about['pid']} on {about['host']}, since {about['since']})"
    except (OSError, ValueError, KeyError):
        return "another run"


def _refused(study: Path, who: str, wait: float | None) -> InputError:
    after = "" if not wait else f" after waiting {wait:g} s"
    return InputError(
        where=str(study),
        what=f"the study is still in use by {who}{after}",
        mend="wait for it to end, or give this run a folder of its own with --out",
    )
