"""How the time of each stage grows with patients: a study from a table of 1,010 weakly correlated features, one seed.

    python benchmarks/bench_patients.py --out FOLDER [--patients 400 800 1600 3200] [--jobs 2] [--set KEY=VALUE ...]

Each feature is one of fifty factors and noise (r of two of a factor .25), each patient has two clinical columns, and .3
are positive by two factors and one of these. Runs `dlr run her2_ultrasound --features` with its defaults and
`learn.seeds=1`, a stage at a time; prints the processor seconds of each. Not a test.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.randomness import rng

FEATURES = 1010
STAGES = ("cohort", "radiomics", "clinical", "radiomics_model", "combine", "evaluate", "nomogram", "report")


def write_cohort(patients: int, folder: Path) -> None:
    """manifest.csv and features.csv."""
    draw = rng(1, "bench", "patients", patients)
    factors = draw.normal(size=(patients, 50))
    values = 0.5 * factors[:, np.arange(FEATURES) % 50] + np.sqrt(0.75) * draw.normal(size=(patients, FEATURES))
    er = draw.integers(0, 2, patients)
    linear = -1.4 + factors[:, :2] @ [0.6, 0.6] + 0.8 * er
    ids = [f"P{i:04d}" for i in range(patients)]
    manifest = pd.DataFrame({"patient_id": ids, "er": er, "age": draw.integers(30, 80, patients)})
    manifest["her2"] = (draw.random(patients) < 1 / (1 + np.exp(-linear))).astype(int)
    folder.mkdir(parents=True, exist_ok=True)
    manifest.to_csv(folder / "manifest.csv", index=False)
    names = [f"original_firstorder_f{j:04d}" for j in range(FEATURES)]
    table = pd.DataFrame(np.round(values, 6), columns=names)
    table.insert(0, "patient_id", ids)
    table.to_csv(folder / "features.csv", index=False)


def run(folder: Path, given: argparse.Namespace) -> dict[str, float]:
    """Processor seconds of each stage, its processes' start included, and of all; wall seconds of all."""
    settings = [word for setting in ("learn.seeds=1", *given.set) for word in ("--set", setting)]
    command = [
        sys.executable, "-m", "dlr", "run", "her2_ultrasound", "--manifest", str(folder / "manifest.csv"), "--features",
        str(folder / "features.csv"), "--out", str(folder / "study"), "--jobs", str(given.jobs), *settings,
    ]  # fmt: skip
    start, took = time.perf_counter(), {}
    for stage in STAGES:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "--until", stage], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took[stage] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took | {"all": sum(took.values()), "all, wall": time.perf_counter() - start}


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patients", type=int, nargs="+", default=[400, 800, 1600, 3200])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    columns = {}
    for patients in given.patients:
        folder = given.out / str(patients)
        write_cohort(patients, folder)
        columns[patients] = run(folder, given)
        print(pd.DataFrame(columns).round(1).to_string(), flush=True)


if __name__ == "__main__":
    main()
