"""One thread a task, whatever the executor, so that sums are added in the same order everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["one_thread", "set_environment", "stay_on_one_thread"]

VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)  # fmt: skip


def set_environment() -> None:
    """Tell libraries that are not loaded yet, here and in child processes, to use one thread."""
    for name in VARIABLES:
        if name == "NUMBA_NUM_THREADS" and "numba" in sys.modules:
            continue  # numba refuses another value once its threads have started
        os.environ[name] = "1"


@cache  # looking through the loaded libraries takes milliseconds, and later ones heed the environment
def stay_on_one_thread() -> None:
    """One thread from now on, for a process that does nothing but tasks."""
    from threadpoolctl import threadpool_limits

    set_environment()
    threadpool_limits(limits=1)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within: BLAS, OpenMP and torch use one thread, loaded already or loaded within; afterwards as before."""
    from threadpoolctl import threadpool_limits

    set_environment()
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    if torch is not None:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)
