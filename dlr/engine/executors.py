"""Where tasks run: in this process, in a pool of processes, on Dask. The same function, the same bytes."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol

from dlr.engine.tasks import Assignment, Done, work
from dlr.engine.threads import set_environment, stay_on_one_thread
from dlr.errors import InputError, Problem

__all__ = ["Executor", "executor_for"]


DASK_TIMEOUT = 20  # seconds


class Executor(Protocol):
    """Does assignments of work, in any order."""

    workers: int

    def run(self, assignments: Sequence[Assignment]) -> Iterator[tuple[int, Done]]:
        """Each assignment's place in the sequence and what came of it, as they end."""

    def close(self) -> None:
        """End the workers, whatever they do."""


def executor_for(jobs: int, dask: str | None) -> Executor:
    """The executor that the user asked for: `dask` is "local" or a scheduler's address."""
    if jobs < 1:
        raise InputError("--jobs", f"{jobs} processes cannot work", "give a whole number from 1 on")
    if dask is not None:
        return OnDask(dask, jobs)
    return InProcess() if jobs == 1 else Pool(jobs)


class InProcess:
    """One task after the other, here."""

    workers = 1

    def run(self, assignments: Sequence[Assignment]) -> Iterator[tuple[int, Done]]:
        """In order."""
        for i, assignment in enumerate(assignments):
            yield i, work(assignment)

    def close(self) -> None:
        """Nothing to end."""


class Pool:
    """Processes on this machine (loky), started with the first task and kept for all stages of a run.

    A worker that is killed takes its pool with it. The tasks that were under way are then done again, one at a
    time in a pool of one: whichever kills that too is the culprit, and the others are none the worse.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: Any = None

    def run(self, assignments: Sequence[Assignment]) -> Iterator[tuple[int, Done]]:
        """As they end; never more under way than twice the workers, so that a kill costs little."""
        from concurrent.futures import FIRST_COMPLETED, Future, wait
        from concurrent.futures.process import BrokenProcessPool

        if len(assignments) == 1:
            yield 0, work(assignments[0])
            return
        waiting, suspects = iter(range(len(assignments))), list[int]()
        running: dict[Future[Done], int] = {}
        try:
            while True:
                while len(running) < 2 * self.workers and (i := next(waiting, None)) is not None:
                    running[self._started(self.workers).submit(work, assignments[i])] = i
                if not running:
                    break
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                broken = False
                for future in sorted(ended, key=running.__getitem__):
                    if isinstance(future.exception(), BrokenProcessPool):
                        broken = True
                        continue
                    yield running.pop(future), future.result()
                if broken:
                    suspects += self._salvage(running)
        finally:
            for future in running:
                future.cancel()
        for i in sorted(suspects):
            yield i, self._alone(assignments[i])

    def _salvage(self, running: dict[Any, int]) -> list[int]:
        """End a broken pool; the places of the tasks it took along."""
        self.close()
        lost = sorted(running.values())
        running.clear()
        return lost

    def _alone(self, assignment: Assignment) -> Done:
        from concurrent.futures.process import BrokenProcessPool

        self.close()
        try:
            return self._started(1).submit(work, assignment).result()
        except BrokenProcessPool:
            return _died(assignment)
        finally:
            self.close()

    def _started(self, workers: int) -> Any:
        if self._pool is None:
            # loky, unlike the standard library's pool, needs no guarded main module and ends with its parent
            from joblib.externals.loky import ProcessPoolExecutor

            set_environment()
            # loky replaces a worker whose memory grows, between two tasks, and warns each time; nothing is lost by it
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
            self._pool = ProcessPoolExecutor(max_workers=workers, initializer=_begin_worker, initargs=(os.getpid(),))
        return self._pool

    def close(self) -> None:
        """Kill the workers: what they had finished is in the store, what they had not is not."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.shutdown(wait=True, kill_workers=True)


def _begin_worker(parent: int) -> None:
    """A worker leaves Ctrl-C to its parent, uses one thread, and ends when its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stay_on_one_thread()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    import time

    import psutil

    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(0.2)
    os._exit(1)


class OnDask:
    """Workers of a Dask cluster: one of this machine's own ("local"), or any scheduler's."""

    def __init__(self, address: str, workers: int) -> None:
        self.workers = workers
        self._address = address
        self._client: Any = None
        self._cluster: Any = None

    def _connected(self) -> Any:
        if self._client is not None:
            return self._client
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise InputError(
                where=f"--dask {self._address}",
                what=f"Dask is not installed ({error})",
                mend='pip install "dlr[dask]", or use --jobs',
            ) from error
        import logging

        set_environment()
        if self._address == "local":
            with _ctrl_c_ignored():  # as its processes then do, too: Ctrl-C is for this one
                self._cluster = LocalCluster(
                    n_workers=self.workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    host="127.0.0.1",
                    silence_logs=logging.ERROR,
                )
        try:
            self._client = Client(self._cluster or self._address, timeout=DASK_TIMEOUT)
        except (OSError, ValueError) as error:
            raise InputError(
                where=f"--dask {self._address}",
                what=f"no scheduler answers there ({error})",
                mend='give an address such as tcp://host:8786, or "local"',
            ) from error
        self.workers = max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        return self._client

    def run(self, assignments: Sequence[Assignment]) -> Iterator[tuple[int, Done]]:
        """As they end; twice as many under way as there are workers."""
        client = self._connected()
        from distributed import KilledWorker, as_completed

        waiting = iter(enumerate(assignments))
        places: dict[str, int] = {}

        def submit(i: int, assignment: Assignment) -> Any:
            future = client.submit(_work_on_dask, assignment, pure=False)
            places[future.key] = i
            return future

        ended = as_completed([submit(*each) for each in islice(waiting, 2 * self.workers)])
        try:
            for future in ended:
                i = places.pop(future.key)
                following = next(waiting, None)
                if following is not None:
                    ended.add(submit(*following))
                try:
                    done = future.result()
                except KilledWorker:
                    done = _died(assignments[i])
                yield i, done
        finally:
            ended.clear()

    def close(self) -> None:
        """Leave the scheduler; end a cluster of one's own."""
        if self._client is not None:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        self._client = self._cluster = None


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work_on_dask(assignment: Assignment) -> Done:
    stay_on_one_thread()  # a worker of somebody's cluster may have several
    return work(assignment)


def _died(assignment: Assignment) -> Done:
    problem = Problem(
        where=assignment.task.name,
        what="its worker process was killed or crashed, and again when tried alone (most often memory ran out)",
        mend="run again with fewer --jobs or more memory; what is finished is kept",
    )
    return Done(0.0, (problem,), transient=True)
