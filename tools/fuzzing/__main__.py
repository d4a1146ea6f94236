"""Broken input of every kind, for a given time: whatever is not an answer of dlr is kept and told.

    python -m tools.fuzzing --minutes 30 [--jobs 2] [--only picture dicom] [--seed 0] [--out .fuzz]

A worker process reads one mutated file after another; it may allocate 2 GiB beyond what it starts with, has 5 s for
each and may die: then it is started again. What went wrong lies under --out, a folder a fault, with the files that did
it and what was said; from there a fault goes to tests/broken_input/corpus, where a test reads it ever after.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dlr.errors import InputError
from tools.fuzzing.mutations import mutate
from tools.fuzzing.targets import TARGETS, Bundle

SECONDS, MEMORY = 5.0, 2 << 30
SEEDS: dict[str, list[Bundle]] = {}
FAULTS = ("uncaught", "hang", "memory", "crash", "warning")


@dataclass
class Found:
    """What a target's inputs ended as."""

    tried: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    distinct: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    slowest: float = 0.0


def make(name: str, seed: int, folder: Path) -> str:
    """Write the files of one seed into a folder; the name of the one that is read."""
    if name not in SEEDS:
        SEEDS[name] = TARGETS[name].seeds()
    draw = random.Random(f"{name} {seed}")
    bundle = draw.choice(SEEDS[name])
    first = next(iter(bundle))
    victim = first if draw.random() < 0.8 else draw.choice(list(bundle))
    for file, content in bundle.items():
        (folder / file).write_bytes(mutate(content, draw) if file == victim else content)
    return first


def told(read: Callable[[], object]) -> dict[str, Any]:
    """How reading ended: fine, refused with words, or a fault with where it was raised."""
    begin = time.perf_counter()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            read()
            end, what = "fine", ""
        except InputError as error:
            lacking = [p for p in error.problems if not (p.where.strip() and p.what.strip() and p.mend.strip())]
            end, what = ("uncaught", f"a problem without words: {lacking[0]}") if lacking else ("refused", "")
        except MemoryError:
            end, what = "memory", _place()
        except Exception as error:  # noqa: BLE001  every other exception is what is looked for
            end, what = "uncaught", f"{type(error).__name__} {_place()}"
    if end in ("fine", "refused") and said:
        end, what = "warning", f"{said[0].category.__name__} {str(said[0].message)[:80]}"
    return {"end": end, "what": what, "seconds": time.perf_counter() - begin}


def _place() -> str:
    """The last line of dlr that was running."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if "/dlr/" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def work(name: str, seed: int) -> None:
    """A worker: one seed after another until nobody listens; a line of JSON before each and one after."""
    SEEDS[name] = TARGETS[name].seeds()
    with tempfile.TemporaryDirectory() as place:
        for number, bundle in enumerate(SEEDS[name]):  # what is imported and compiled counts for nobody
            sound = Path(place, f"sound {number}")
            sound.mkdir()
            for file, content in bundle.items():
                (sound / file).write_bytes(content)
            with contextlib.suppress(InputError):
                TARGETS[name].read(sound, next(iter(bundle)))
        held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
        out = os.fdopen(os.dup(1), "w")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries' own lines
        while True:
            folder = Path(place, str(seed))
            folder.mkdir()
            out.write(json.dumps({"seed": seed}) + "\n")
            out.flush()
            out.write(json.dumps(told(partial(TARGETS[name].read, folder, make(name, seed, folder)))) + "\n")
            out.flush()
            shutil.rmtree(folder, ignore_errors=True)
            seed += 1


def slice_of(name: str, first: int, seconds: float, found: Found, out: Path) -> int:
    """Let a worker run for some seconds; the next seed. Its death costs one input."""
    until, seed = time.monotonic() + seconds, first
    while time.monotonic() < until:
        command = [sys.executable, "-m", "tools.fuzzing", "--work", name, "--first", str(seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
            seed = _listen(worker, name, seed, until, found, out)
            worker.kill()
    return seed


def _listen(worker: subprocess.Popen[bytes], name: str, seed: int, until: float, found: Found, out: Path) -> int:
    lines = _Lines(worker)
    started = lines.next(60.0)  # imports and seeds
    while started is not None and started != "":
        seed = json.loads(started)["seed"]
        answer = lines.next(SECONDS + 5.0)
        if answer:
            said = json.loads(answer)
            if said["seconds"] > SECONDS:
                said["end"] = "hang"
        else:
            said = {"end": "hang" if answer is None else "crash", "what": f"exit {worker.poll()}", "seconds": SECONDS}
        found.tried += 1
        found.ends[said["end"]] += 1
        found.slowest = max(found.slowest, said["seconds"])
        if said["end"] in FAULTS:
            _keep(name, seed, said, found, out)
        seed += 1
        if not answer or time.monotonic() > until:
            return seed
        started = lines.next(SECONDS)
    if started == "":
        raise SystemExit(f"the worker of {name} ended by itself: {worker.communicate()[1].decode()[-2000:]}")
    return seed


class _Lines:
    """Lines of a process, waited for: None where none came in time, "" where none will come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._at, self._held = process.stdout.fileno(), b""

    def next(self, seconds: float) -> str | None:
        until = time.monotonic() + seconds
        while b"\n" not in self._held:
            ready, _, _ = select.select([self._at], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            more = os.read(self._at, 1 << 16)
            if not more:
                return ""
            self._held += more
        line, _, self._held = self._held.partition(b"\n")
        return line.decode()


def _keep(name: str, seed: int, said: dict[str, Any], found: Found, out: Path) -> None:
    """The files of the first input of each distinct fault, and what was said."""
    kind = f"{said['end']}: {said['what']}"
    found.distinct[kind] += 1
    if found.distinct[kind] > 1:
        return
    folder = out / name / hashlib.sha256(kind.encode()).hexdigest()[:12]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    first = make(name, seed, folder)
    (folder / "said.json").write_text(json.dumps({"target": name, "first": first, "seed": seed, **said}, indent=1))


def main() -> int:
    """Parse, let the workers run by turns, print the figures by reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(".fuzz"))
    parser.add_argument("--work", choices=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.first)
    share = 60.0 * given.minutes * given.jobs / len(given.only)
    results = {name: Found() for name in given.only}
    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(lambda name: slice_of(name, given.seed, share, results[name], given.out), given.only))
    print(f"{'reader':10}{'tried':>9}{'fine':>8}{'refused':>9}{'slowest s':>11}  " + "  ".join(FAULTS))
    for name, found in results.items():
        faults = "  ".join(f"{found.ends[kind]:{len(kind)}}" for kind in FAULTS)
        print(f"{name:10}{found.tried:9}{found.ends['fine']:8}{found.ends['refused']:9}{found.slowest:11.2f}  {faults}")
        for kind, number in sorted(found.distinct.items(), key=lambda item: -item[1]):
            print(f"    {number} x {kind}")
    print(f"{sum(found.tried for found in results.values())} inputs")
    return int(any(found.distinct for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
