"""Two processes under torchrun train one network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

SCRIPT = """\
import os, sys, torch
from tests.networks.tiny_training import Blobs, trained
found = trained(Blobs(16, 0), Blobs(8, 9), epochs=3, devices=2)
rank = int(os.environ["RANK"])
torch.save(found.network.state_dict(), f"{sys.argv[1]}/rank{rank}.pt")
"""


@pytest.mark.slow
def test_ranks_end_with_one_set_of_weights(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, str(script), str(tmp_path)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
