"""An installation without its extras runs the whole study and says what it leaves out and how to get it."""

import subprocess
import sys
from pathlib import Path

import pytest
from small_study import SMALL, still_study

from dlr.errors import EXTRAS

HIDDEN = (*EXTRAS["deep"], "radiomics", "distributed")
LAUNCH = f"""
import importlib.machinery
finder, find = importlib.machinery.PathFinder, importlib.machinery.PathFinder.find_spec
finder.find_spec = lambda name, *more: None if name.partition(".")[0] in {HIDDEN} else find(name, *more)
from dlr.cli import main
main()
"""


@pytest.mark.slow
def test_whole_study_without_networks_pyradiomics_and_dask(tmp_path: Path) -> None:
    manifest = still_study(tmp_path, patients=30)
    settings = [f"--set={each}" for each in (*SMALL, f"radiomics.profile={tmp_path / 'short.yaml'}")]
    ended = subprocess.run(
        [sys.executable, "-c", LAUNCH, "run", "--manifest", str(manifest), "--jobs", "1", *settings],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert 'pip install "dlr[deep]"' in " ".join(said.split())
    assert (tmp_path / "runs" / "her2_ultrasound" / "report.html").is_file()
