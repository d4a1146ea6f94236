"""One process, two processes, Dask: the same function, the same bytes; one thread everywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from toy_pipeline import PIPELINE, Settings, make_study, outputs

from dlr.engine import Pipeline, Run, Screen, Task, run_pipeline, stage
from dlr.engine.threads import VARIABLES, one_thread
from dlr.errors import InputError

NUMBERS = {f"n{i}.txt": str(i) for i in range(9)}


@stage("products", version=1, needs=["listing"])
def products(run: Run) -> None:
    """Matrix products, whose last bits depend on the number of threads, and what the threads were."""
    folders = run.each(multiply, [Task(f"m{i}", {"i": i}, i) for i in range(4)])
    (run.folder / "all").write_bytes(b"".join((folder / "product").read_bytes() for folder in folders))


def multiply(task: Task, folder: Path) -> None:
    from threadpoolctl import threadpool_info

    matrix = np.random.default_rng(task.payload).normal(size=(300, 300))
    (folder / "product").write_bytes((matrix @ matrix.T).tobytes())
    threads = {info["num_threads"] for info in threadpool_info()}
    named = [name for name in VARIABLES if name != "NUMBA_NUM_THREADS"]  # stays as it is once numba has started
    (folder / "threads").write_text(f"{sorted(threads)} {[os.environ.get(name) for name in named]}")


BOTH = Pipeline("both", [*PIPELINE.stages, products], Settings)


def quietly(pipeline, study, manifest, **options):
    return run_pipeline(pipeline, study, manifest, screen=Screen(quiet=True), **options)


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The same pipeline on three executors."""
    folder = tmp_path_factory.mktemp("executors")
    manifest = make_study(folder / "data", NUMBERS)
    out = {}
    for name, options in {"one": {"jobs": 1}, "two": {"jobs": 2}, "dask": {"jobs": 2, "dask": "local"}}.items():
        if name == "dask":
            pytest.importorskip("distributed", reason="Dask is an extra")
        quietly(BOTH, folder / name, manifest, **options)
        out[name] = outputs(folder / name)
    return out


@pytest.mark.parametrize("name", ["two", "dask"])
def test_executors_give_the_same_bytes(studies, name):
    assert studies[name] == studies["one"]


def test_tasks_have_one_thread(studies):
    threads = [content for path, content in studies["one"].items() if path.endswith("threads")]
    assert len(threads) == 4
    assert all(content.startswith(b"[1]") for content in threads)


def test_one_thread_gives_back_what_was_before():
    from threadpoolctl import threadpool_info

    before = [info["num_threads"] for info in threadpool_info()]
    with one_thread():
        assert {info["num_threads"] for info in threadpool_info()} <= {1}
    assert [info["num_threads"] for info in threadpool_info()] == before


def test_a_bad_number_of_jobs_is_the_users_to_mend(tmp_path):
    manifest = make_study(tmp_path / "data", NUMBERS)
    with pytest.raises(InputError, match="--jobs"):
        quietly(PIPELINE, tmp_path / "study", manifest, jobs=0)


def test_missing_dask_names_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    manifest = make_study(tmp_path / "data", NUMBERS)
    with pytest.raises(InputError, match=r'pip install "dlr\[dask\]"'):
        quietly(PIPELINE, tmp_path / "study", manifest, dask="local")


def test_an_address_where_nobody_answers_is_the_users_to_mend(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is an extra")
    monkeypatch.setattr("dlr.engine.executors.DASK_TIMEOUT", 1)
    manifest = make_study(tmp_path / "data", NUMBERS)
    with pytest.raises(InputError, match="no scheduler answers"):
        quietly(PIPELINE, tmp_path / "study", manifest, dask="tcp://127.0.0.1:9")
