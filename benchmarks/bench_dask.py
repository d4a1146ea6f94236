"""Stage radiomics over a large cohort: one process against a Dask cluster of this machine, and a worker killed midway.

    python benchmarks/bench_dask.py [--cases 5000] [--workers 2]

Makes stills of 64 x 64 in a temporary folder and measures the 1,010 features of the profile for ultrasound. Prints
cases a second, memory of all processes early and late, and whether every byte is the same. Not a test.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from dlr.cli.start import load_pipeline
from dlr.engine import Screen, resolve, run_pipeline
from dlr.engine.store import TASK_RECORD
from dlr.randomness import rng

SIZE = 64
PROFILE = "ultrasound2d"


def make_cohort(folder: Path, cases: int) -> Path:
    """Speckle with an ellipse of its own size in each still; the manifest's path."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    y, x = np.indices((SIZE, SIZE)) - SIZE / 2
    lines = ["patient_id,image,mask,her2"]
    for i in range(cases):
        draw = rng(5, "bench", "dask", i)
        a, b = draw.uniform(8, 26, 2)
        speckle = np.clip(draw.rayleigh(60, (SIZE, SIZE)), 0, 255).astype(np.uint8)
        Image.fromarray(speckle).save(folder / "images" / f"{i}.png", compress_level=1)
        Image.fromarray(((x / a) ** 2 + (y / b) ** 2 <= 1).astype(np.uint8) * 255).save(
            folder / "masks" / f"{i}.png", compress_level=1
        )
        lines.append(f"P{i:05d},images/{i}.png,masks/{i}.png,{i % 2}")
    (folder / "data_manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "data_manifest.csv"


@dataclass
class Watched:
    """What a thread beside a run saw."""

    memory: list[tuple[int, float]] = field(default_factory=list)  # cases done, MiB of this process and its workers
    first_seconds: float = 0.0  # when the first case was done, and the last
    last_seconds: float = 0.0
    killed: int | None = None  # cases done when a worker was killed

    def at(self, share: float) -> float:
        """MiB when this share of the cases was done."""
        wanted = share * self.memory[-1][0]
        return next(mib for done, mib in self.memory if done >= wanted)


@contextmanager
def watching(study: Path, kill_after: int | None):
    """Count finished cases and memory; kill the busiest worker once `kill_after` cases are done."""
    seen, ended = Watched(), threading.Event()

    def watch() -> None:
        while not ended.wait(2):
            done = sum(1 for _ in study.glob(f"stages/radiomics/tasks/*/*/{TASK_RECORD}"))
            if done:
                seen.first_seconds = seen.first_seconds or time.perf_counter()
                if not seen.memory or done > seen.memory[-1][0]:
                    seen.last_seconds = time.perf_counter()
                seen.memory.append((done, resident()))
            if kill_after is not None and done >= kill_after and seen.killed is None:
                busiest_child().kill()
                seen.killed = done

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def resident() -> float:
    """MiB of this process and all below it."""
    return sum(_of(each, lambda p: p.memory_info().rss) for each in _processes()) / 2**20


def busiest_child() -> psutil.Process:
    """The worker that has computed most."""
    return max(_processes()[1:], key=lambda each: _of(each, lambda p: sum(p.cpu_times()[:2])))


def _processes() -> list[psutil.Process]:
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _of(process: psutil.Process, read: Callable[[psutil.Process], float]) -> float:
    try:
        return read(process)
    except psutil.NoSuchProcess:
        return 0.0


def run(manifest: Path, study: Path, workers: int, dask: str | None, kill_after: int | None = None) -> Watched:
    """The stage in a fresh study."""
    pipeline = load_pipeline("her2_ultrasound")
    settings = resolve(pipeline.settings, {}, [f"radiomics.profile={PROFILE}"])
    run_pipeline(pipeline, study, manifest, settings, only="cohort", screen=Screen(quiet=True))
    with watching(study, kill_after) as seen:
        run_pipeline(
            pipeline, study, manifest, settings, only="radiomics", jobs=workers, dask=dask, screen=Screen(quiet=True)
        )
    return seen


def digest(study: Path) -> str:
    """SHA-256 of the features of all cases."""
    return hashlib.sha256(next(study.glob("stages/radiomics/*/features.csv")).read_bytes()).hexdigest()


def main() -> None:
    """Print a line a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        manifest = make_cohort(Path(place) / "cohort", given.cases)
        runs = [
            ("one process", 1, None, None),
            (f"Dask, {given.workers} workers", given.workers, "local", None),
            (f"Dask, {given.workers} workers, one killed", given.workers, "local", given.cases // 3),
        ]
        print(f"{given.cases} stills of {SIZE} x {SIZE}")
        print(f"{'':<28}{'cases/s':>9}{'MiB at 20 %':>13}{'at the end':>12}{'killed at':>11}  features.csv")
        for name, workers, dask, kill_after in runs:
            study = Path(place) / name.replace(" ", "_").replace(",", "")
            seen = run(manifest, study, workers, dask, kill_after)
            (first, _), (last, _) = seen.memory[0], seen.memory[-1]
            rate = (last - first) / (seen.last_seconds - seen.first_seconds)
            print(
                f"{name:<28}{rate:>9.0f}{seen.at(0.2):>13.0f}{seen.memory[-1][1]:>12.0f}{seen.killed or '-':>11}"
                f"  {digest(study)[:12]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
