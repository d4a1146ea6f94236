"""Two processes under torchrun train one network, as one process would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from dlr.networks import Trained  # noqa: E402
from tests.networks.test_adversarial import Shifted, duel  # noqa: E402
from tests.networks.tiny_training import trained  # noqa: E402
from tests.networks.two_heads import BOTH, RATES, Women, two_heads  # noqa: E402

BLOBS = """\
import os, sys, torch
from tests.networks.tiny_training import Blobs, trained
found = trained(Blobs(16, 0), Blobs(8, 9), epochs=3, devices=2)
rank = int(os.environ["RANK"])
torch.save(found.network.state_dict(), f"{sys.argv[1]}/rank{rank}.pt")
"""
WOMEN = """\
import os, sys, torch
from tests.networks.test_several_devices import women
found = women(devices=2, batch_size=4, accumulate=2)
rank = int(os.environ["RANK"])
torch.save((found.network.state_dict(), [p.value for p in found.curves]), f"{sys.argv[1]}/rank{rank}.pt")
"""
DUEL = """\
import os, sys, torch
from tests.networks.test_adversarial import Shifted, duel
found = duel(Shifted(27), devices=2, batch_size=4)
rank = int(os.environ["RANK"])
states = [one.state_dict() for one in (found.network, found.warmed, found.discriminator)]
torch.save((states, [p.value for p in found.curves]), f"{sys.argv[1]}/rank{rank}.pt")
"""


def women(**settings: object) -> Trained:
    """Batches that two processes cannot halve, labels that are missing, no BatchNorm."""
    given = {"network": two_heads(), "objective": BOTH, "rates": RATES, "epochs": 4}
    return trained(Women(27), Women(9, 1), **given, **settings)


def by_two_processes(text: str, folder: Path) -> list[Any]:
    """What each process of a script has left."""
    script = folder / "run.py"
    script.write_text(text)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, str(script), str(folder)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.slow
def test_ranks_end_with_one_set_of_weights(tmp_path: Path) -> None:
    first, second = by_two_processes(BLOBS, tmp_path)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_two_processes_are_one_with_the_larger_batch_also_where_labels_are_missing(tmp_path: Path) -> None:
    (first, curves), (second, others) = by_two_processes(WOMEN, tmp_path)
    alone = women(batch_size=8)
    for name, value in alone.network.state_dict().items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-6)  # float32, sums in another order
    assert curves == others == pytest.approx([point.value for point in alone.curves], rel=1e-4)


@pytest.mark.slow
def test_two_processes_train_against_a_discriminator_as_one_with_the_larger_batch(tmp_path: Path) -> None:
    (first, curves), (second, others) = by_two_processes(DUEL, tmp_path)
    alone = duel(Shifted(27), batch_size=8)
    for found, again, network in zip(first, second, (alone.network, alone.warmed, alone.discriminator), strict=True):
        for name, value in network.state_dict().items():
            assert torch.equal(found[name], again[name])
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)  # float32, sums in another order
    assert curves == others == pytest.approx([point.value for point in alone.curves], rel=1e-4)
