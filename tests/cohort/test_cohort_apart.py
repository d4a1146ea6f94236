"""Files are read in processes that may die."""

from __future__ import annotations

import os
import sys
import time

import pytest

from dlr.cohort import apart
from dlr.cohort.apart import Ended, each_apart


def test_answers_come_in_the_order_of_their_tasks():
    assert each_apart(divmod, [(7, 2), (9, 4), (5, 5)], jobs=2) == [(3, 1), (2, 1), (1, 0)]


def test_what_ends_a_process_takes_down_its_own_task_alone():
    asked = ((abs, (-1,)), (os.abort, ()), (abs, (-2,)))
    first, died, last = (each_apart(function, [task])[0] for function, task in asked)
    assert (first, last) == (1, 2)
    assert isinstance(died, Ended) and "ended the process" in died.why


def test_what_never_comes_back_is_ended(monkeypatch: pytest.MonkeyPatch):
    assert each_apart(abs, [(-1,)]) == [1]  # its start is not what is waited for
    monkeypatch.setattr(apart, "PATIENCE", 0.3)
    begin = time.monotonic()
    (late,) = each_apart(time.sleep, [(30,)])
    assert isinstance(late, Ended) and "took over" in late.why and time.monotonic() - begin < 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_memory_is_bounded_and_given_back():
    for worker in apart._IDLE:
        worker.close()  # a fresh one, whose limit is this one's
    assert [type(found) for found in each_apart(bytearray, [(1 << 31,), (10,)], memory=1 << 28)] == [Ended, bytearray]
    for worker in apart._IDLE:
        worker.close()


def test_exceptions_are_raised_where_they_were_asked_for():
    with pytest.raises(ValueError, match="invalid literal"):
        each_apart(int, [("1",), ("x",)])


def test_modules_of_the_folder_that_dlr_runs_in_are_not_taken(tmp_path, monkeypatch):
    for name in ("numpy", "pickle", "dlr"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path)
    for worker in apart._IDLE:
        worker.close()
    assert each_apart(abs, [(-3,)]) == [3]
