"""How long the choice of the LASSO's lambda takes by ten folds, beside glmnet where R has it: one run, processor time.

    OMP_NUM_THREADS=1 python benchmarks/bench_lasso.py [--r Rscript] [--sizes 200x357 400x357 640x357]

Columns share factors as radiomics features do and have no pair above r = .8, as the greedy deletion leaves them.
glmnet stops at its own default (thresh 1e-7). Prints a table; not a test.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.learn.lasso import cross_validate, fit_path
from dlr.protocols import stratified_folds
from dlr.randomness import rng

GLMNET = """
suppressMessages(library(glmnet))
x <- matrix(readBin("x", "double", {n} * {p}), {n}, {p})
y <- readBin("y", "double", {n}); fold <- readBin("fold", "double", {n})
took <- system.time(cv <- cv.glmnet(x, y, family = "{family}", foldid = fold))
kept <- which(as.vector(coef(cv, s = "lambda.min"))[-1] != 0)
cat(took[1] + took[2], which(cv$lambda == cv$lambda.min), which(cv$lambda == cv$lambda.1se), kept, sep = " ")
"""


def cohort(patients: int, features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of thirty factors, half of them skewed; an outcome, 0 or 1, of three factors and five columns; folds."""
    draw = rng(1, "bench", "lasso", patients, features)
    loads = draw.normal(size=(30, features)) * (draw.random((30, features)) < 0.25)
    factors = draw.normal(size=(patients, 30))
    common = factors @ loads / np.sqrt((loads**2).sum(axis=0) + 1e-12)
    share = draw.uniform(0.3, 0.8, features)
    x = np.sqrt(share) * common + np.sqrt(1 - share) * draw.normal(size=(patients, features))
    x += np.exp(0.3 * x) * (draw.random(features) < 0.5)
    linear = -1.5 + factors[:, :3] @ [0.7, 0.5, 0.4] + 0.15 * x[:, :5].sum(axis=1)
    positive = draw.random(patients) < 1 / (1 + np.exp(-linear))
    return x, positive.astype(float), stratified_folds(positive, None, 10, draw)


def ours(x: np.ndarray, y: np.ndarray, fold: np.ndarray, family: str) -> tuple[float, int, int, set[int]]:
    """Processor seconds, the places of lambda min and 1se on the path, the columns kept at lambda min."""
    start = time.process_time()
    path = fit_path(x, y, family)
    curve = cross_validate(x, y, path, fold)
    took = time.process_time() - start
    smallest, simpler = (int(np.flatnonzero(path.lambdas == at)[0]) for at in (curve.lambda_min, curve.lambda_1se))
    return took, smallest, simpler, set(np.flatnonzero(path.coefficients[smallest]).tolist())


def glmnet(
    command: str, x: np.ndarray, y: np.ndarray, fold: np.ndarray, family: str
) -> tuple[float, int, int, set[int]]:
    """The same of R's cv.glmnet with the same folds."""
    with tempfile.TemporaryDirectory() as folder:
        x.T.tofile(Path(folder) / "x")
        y.tofile(Path(folder) / "y")
        (fold + 1.0).tofile(Path(folder) / "fold")
        (Path(folder) / "run.R").write_text(GLMNET.format(n=x.shape[0], p=x.shape[1], family=family))
        said = subprocess.run([command, "run.R"], cwd=folder, capture_output=True, text=True, check=True).stdout
    took, smallest, simpler, *kept = np.loadtxt(io.StringIO(said))
    return float(took), int(smallest) - 1, int(simpler) - 1, {int(j) - 1 for j in kept}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--r", default="Rscript", help="a command that runs a file of R with glmnet")
    parser.add_argument("--sizes", nargs="+", default=["200x357", "400x357", "640x357"])
    given = parser.parse_args()
    fit_path(*cohort(30, 4)[:2], "binomial")  # compiled before the clock starts
    rows = []
    for size in given.sizes:
        patients, features = (int(number) for number in size.split("x"))
        for family in ("binomial", "gaussian"):
            problem = cohort(patients, features)
            took, *chosen = ours(*problem, family)
            row = {"patients x features": size, "family": family, "kept": len(chosen[-1]), "ours s": took}
            if shutil.which(given.r):
                theirs, *expected = glmnet(given.r, *problem, family)
                row |= {"glmnet s": theirs, "ours / glmnet": took / theirs, "same choice": chosen == expected}
            rows.append(row)
    print(pd.DataFrame(rows).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
