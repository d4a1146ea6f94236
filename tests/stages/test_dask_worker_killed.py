"""Radiomics on a Dask cluster of this machine, one of whose workers is killed in the middle: no case is lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest

from dlr.engine import Screen, resolve, run_pipeline
from dlr.engine.store import TASK_RECORD
from dlr.settings import StudySettings
from tests.stages.small_study import SMALL, WHOLE, bytes_of, still_study

pytestmark = pytest.mark.slow


def measured(manifest: Path, out: Path, **options: object) -> dict[str, bytes]:
    settings = resolve(StudySettings, {}, [*SMALL, f"radiomics.profile={manifest.parent / 'short.yaml'}"])
    result = run_pipeline(WHOLE, out, manifest, settings, only="radiomics", screen=Screen(quiet=True), **options)
    return bytes_of(result.folders["radiomics"])


def kill_one_worker(study: Path, seen: list[int]) -> None:
    """Once two cases are done, end the process that has computed most; how many were done goes into `seen`."""
    while len(seen) == 0:
        time.sleep(0.01)
        done = len(list(study.glob(f"stages/radiomics/tasks/*/*/{TASK_RECORD}")))
        if done >= 2:
            workers = psutil.Process().children(recursive=True)
            max(workers, key=lambda each: sum(each.cpu_times()[:2])).kill()
            seen.append(done)


def test_a_killed_worker_loses_no_case(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is an extra")
    manifest = still_study(tmp_path / "cohort", patients=60, size=96)
    undisturbed = measured(manifest, tmp_path / "undisturbed", jobs=2)
    seen: list[int] = []
    killer = threading.Thread(target=kill_one_worker, args=(tmp_path / "disturbed", seen), daemon=True)
    killer.start()
    disturbed = measured(manifest, tmp_path / "disturbed", jobs=2, dask="local")
    killer.join(timeout=5)
    assert seen and seen[0] < 60
    assert disturbed == undisturbed
