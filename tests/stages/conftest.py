"""One whole study of stills, made once a test session and worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlr.engine import Result
from tests.stages.small_study import run_stills, still_study


@pytest.fixture(scope="session")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The manifest and the result of a small study from stills to report."""
    folder = tmp_path_factory.mktemp("a study")
    manifest = still_study(folder)
    return manifest, run_stills(manifest, folder / "runs" / "small")
