"""The whole radiomics stage on the shared ultrasound stills, reading included, by both engines in one run.

    python benchmarks/bench_stage.py [--jobs 2] [--data ../shared/data] [--profiles ultrasound2d hu1561]

Seconds of wall time from the stage's first look at a case to its written tables, its worker processes started in it.
pyradiomics takes minutes. Not a test.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from dlr.cli.start import load_pipeline
from dlr.engine import Screen, resolve, run_pipeline


def seconds(manifest: Path, study: Path, profile: str, engine: str, jobs: int) -> float:
    """Of the stage in a fresh study."""
    pipeline = load_pipeline("her2_ultrasound")
    chosen = ["cohort.target=malignant", f"radiomics.profile={profile}", f"radiomics.engine={engine}"]
    settings = resolve(pipeline.settings, {}, chosen)
    run_pipeline(pipeline, study, manifest, settings, only="cohort", screen=Screen(quiet=True))
    start = time.perf_counter()
    run_pipeline(pipeline, study, manifest, settings, only="radiomics", jobs=jobs, screen=Screen(quiet=True))
    return time.perf_counter() - start


def main() -> None:
    """Print a line a profile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--profiles", nargs="+", default=["ultrasound2d", "hu1561"])
    given = parser.parse_args()
    manifest = given.data / "busi_us" / "manifest.csv"
    print(f"{given.jobs} processes\n{'profile':<16}{'native s':>10}{'pyradiomics s':>15}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as place:
        for profile in given.profiles:
            ours, theirs = (
                seconds(manifest, Path(place) / f"{profile}-{engine}", profile, engine, given.jobs)
                for engine in ("native", "pyradiomics")
            )
            print(f"{profile:<16}{ours:>10.1f}{theirs:>15.1f}{theirs / ours:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
