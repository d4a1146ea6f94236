"""Functions on files of unknown health, in processes that may die: what ends one takes down its own task alone.

A library may end its process on a damaged file, never come back, or take all memory. A worker is a Python process of
its own that is kept for the next call; it is started again where it died. Its screen is nobody's.
"""

from __future__ import annotations

import atexit
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, BinaryIO

__all__ = ["Ended", "each_apart"]

PATIENCE = 120.0  # s for one task
_IDLE: list[_Worker] = []
_LOCK = threading.Lock()


class Ended:
    """A task that has no result: its process died, took too long, or ran out of memory."""

    def __init__(self, why: str) -> None:
        self.why = why


def each_apart(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], jobs: int = 1, memory: int | None = None
) -> list[Any]:
    """function(*task) of every task, in their order; an `Ended` where the process did not survive it.

    function : of a module, with arguments and results that can be pickled.  jobs : processes at a time.
    memory : bytes that a worker may allocate beyond what it starts with, where the system can limit that.
    Raises what the function raises.
    """
    with ThreadPoolExecutor(max(1, min(jobs, len(tasks)))) as pool:
        found = list(pool.map(lambda task: _one(function, task, memory), tasks))
    for result in found:
        if isinstance(result, Exception):
            raise result
    return found


def _one(function: Callable[..., Any], task: tuple[Any, ...], memory: int | None) -> Any:
    with _borrowed() as worker:
        return worker.ask((function, task, memory))


@contextmanager
def _borrowed() -> Iterator[_Worker]:
    with _LOCK:
        worker = _IDLE.pop() if _IDLE else None
    worker = worker or _Worker()
    try:
        yield worker
    finally:
        with _LOCK:
            _IDLE.append(worker)


class _Worker:
    """A process that answers one question after another; started when first asked, and again where it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: Any) -> Any:
        """The answer, an exception that was raised, or an `Ended`."""
        process = self._alive()
        assert process.stdin is not None and process.stdout is not None
        late = threading.Timer(PATIENCE, process.kill)
        late.start()
        try:
            _send(process.stdin, question)
            answer = _receive(process.stdout)
        except OSError:
            answer = None
        finally:
            overdue = not late.is_alive()
            late.cancel()
        if answer is not None:
            return pickle.loads(answer)  # of a process of our own
        self.close()
        code = process.returncode
        return Ended(f"it took over {PATIENCE:.0f} s" if overdue else f"it ended the process that read it ({code})")

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dlr.cohort.apart"],  # -P: nothing of the folder that dlr runs in
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


@atexit.register
def _close_all() -> None:
    for worker in _IDLE:
        worker.close()


def _send(stream: BinaryIO | Any, content: Any) -> None:
    packed = pickle.dumps(content)
    stream.write(struct.pack("<q", len(packed)) + packed)
    stream.flush()


def _receive(stream: BinaryIO | Any) -> bytes | None:
    """The next message, None where there is none any more."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<q", head)
    content: bytes = stream.read(length)
    return content if len(content) == length else None


def _serve() -> None:
    """Of the worker: answer until nobody asks. What libraries print goes nowhere."""
    inward, outward = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    while (question := _receive(inward)) is not None:
        function, task, memory = pickle.loads(question)  # of a process of our own
        _limit(memory)
        try:
            answer = function(*task)
        except MemoryError:
            answer = Ended("it takes more memory than it may")
        except Exception as error:  # noqa: BLE001  it is raised where it was asked for
            answer = error
        _send(outward, answer)


def _limit(memory: int | None) -> None:
    """Bound what this process may allocate beyond what it holds, once; only where the system can."""
    if memory is None or not sys.platform.startswith("linux"):
        return
    import resource

    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        with open("/proc/self/statm", encoding="ascii") as file:
            held = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, resource.RLIM_INFINITY))


if __name__ == "__main__":
    from dlr.cohort import apart

    apart._serve()
