"""Compiles the LASSO's kernels into numba's cache: python -m dlr.learn (once after installation)."""

from __future__ import annotations

import time

import numpy as np

from dlr.learn.lasso import LassoSelector


def main() -> None:
    """A path of both families on forty rows."""
    start = time.perf_counter()
    values = np.random.default_rng(1).normal(size=(40, 6))
    for family in ("gaussian", "binomial"):
        LassoSelector(family, "min", 3, 1).fit(values, values[:, 0] > 0)
    print(f"the LASSO is compiled ({time.perf_counter() - start:.1f} s)")


if __name__ == "__main__":
    main()
