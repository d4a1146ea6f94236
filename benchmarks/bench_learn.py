"""How long the radiomics model takes: K x S cross-fitting and paper, all five classifiers, saving included.

    python benchmarks/bench_learn.py [--jobs 2] [--patients 140] [--features 1561] [--seeds 3]

Features are blocks of correlated noise with a planted signal, as radiomics features are. Prints a table; not a test.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import lightgbm
import numpy as np
import pandas as pd
import sklearn
import xgboost
from joblib import Parallel, delayed

from dlr.learn import ALGORITHMS, LearnSettings, fit_chains, load_chain, save_chains
from dlr.learn.correlation import absolute_correlation, greedy_deletion
from dlr.learn.lasso import LassoSelector
from dlr.learn.univariable import two_class_tests
from dlr.protocols import Part, plan, stratified_folds
from dlr.randomness import rng


def cohort(patients: int, features: int) -> tuple[pd.DataFrame, pd.Series]:
    """Correlated columns (one factor in each block of 12) and an outcome with 29 % positives."""
    draw = rng(1, "bench", "learn")
    factors = draw.normal(size=(patients, features // 12 + 1))
    values = factors[:, np.arange(features) // 12] + 0.6 * draw.normal(size=(patients, features))
    linear = -1.1 + 0.9 * factors[:, 0] + 0.7 * factors[:, 1]
    positive = draw.random(patients) < 1 / (1 + np.exp(-linear))
    ids = [f"P{i:04d}" for i in range(patients)]
    frame = pd.DataFrame(values, index=ids, columns=[f"feature_{j:04d}" for j in range(features)])
    return frame, pd.Series(positive, index=ids)


def parts_of(positive: pd.Series, folds: int, seeds: int) -> tuple[Part, ...]:
    """The parts of crossfit and paper on a training side only."""
    drawn = pd.concat(
        pd.DataFrame(
            {
                "protocol": "crossfit",
                "patient_id": positive.index,
                "seed": seed,
                "outer": -1,
                "fold": stratified_folds(positive.to_numpy(), None, folds, rng(seed, "folds")),
            }
        )
        for seed in range(seeds)
    )
    sides = pd.Series("train", index=positive.index)
    return (*plan(drawn, "paper", sides), *plan(drawn, "crossfit", sides))


def work(part: Part, frame: pd.DataFrame, positive: pd.Series, settings: LearnSettings, folder: Path) -> list[float]:
    """CPU seconds to fit, to save, to load and apply every algorithm; wall seconds of all; features kept."""
    rows = frame.loc[list(part.train)]
    wall, start = time.perf_counter(), time.process_time()
    fitted = fit_chains(rows, positive.loc[rows.index], None, settings, protocol=part.protocol, seed=part.seed)
    fit = time.process_time()
    save_chains(fitted, folder / part.name)
    saved = time.process_time()
    for algorithm in ALGORITHMS:
        load_chain(folder / part.name, algorithm).predict(frame.loc[list(part.predict)])
    done = time.process_time()
    return [fit - start, saved - fit, done - saved, time.perf_counter() - wall, len(fitted.best.features)]


def steps(frame: pd.DataFrame, positive: pd.Series) -> pd.DataFrame:
    """Milliseconds of each selection step on the whole table, median of five."""
    values, truth = frame.to_numpy(), positive.to_numpy()
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    kept = two_class_tests(values, truth, "welch")[1] < 0.05
    few = values[:, kept]
    few = few[:, greedy_deletion(absolute_correlation(few), 0.8)[0]]
    timed = {
        f"t-test, {values.shape[1]} columns": lambda: two_class_tests(values, truth, "welch"),
        f"Mann-Whitney, {values.shape[1]} columns": lambda: two_class_tests(values, truth, "mannwhitney"),
        f"greedy deletion, {values.shape[1]} columns": lambda: greedy_deletion(absolute_correlation(values), 0.8),
        f"LASSO binomial, {few.shape[1]} columns": lambda: LassoSelector("binomial").fit(few, truth),
        f"LASSO gaussian, {few.shape[1]} columns": lambda: LassoSelector("gaussian").fit(few, truth),
    }
    rows = []
    for name, call in timed.items():
        call()
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        rows.append((name, 1000 * np.median(seconds), 1000 * (max(seconds) - min(seconds))))
    return pd.DataFrame(rows, columns=["step", "median ms", "spread ms"]).round(1)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--patients", type=int, default=140)
    parser.add_argument("--features", type=int, default=1561)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scikit-learn {sklearn.__version__}, "
        f"lightgbm {lightgbm.__version__}, xgboost {xgboost.__version__}, {os.cpu_count()} cores, "
        f"commit {commit.stdout.strip() or 'unknown'}"
    )
    frame, positive = cohort(given.patients, given.features)
    print(steps(frame, positive).to_string(index=False))
    settings = LearnSettings(seeds=given.seeds)
    parts = parts_of(positive, settings.folds, given.seeds)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        rows = Parallel(n_jobs=given.jobs)(
            delayed(work)(part, frame, positive, settings, Path(folder)) for part in parts
        )
        wall = time.perf_counter() - start
    table = pd.DataFrame(rows, columns=["fit", "save", "load and apply", "wall", "features"])
    table.insert(0, "part", [part.name for part in parts])
    print(table.round(2).to_string(index=False))
    print(f"{len(parts)} parts of {given.features} features, {given.patients} patients, {given.jobs} processes:")
    print(f"{wall:.0f} s wall, {table[['fit', 'save', 'load and apply']].to_numpy().sum():.0f} s of CPU")


if __name__ == "__main__":
    sys.exit(main())
