"""Two processes under torchrun train MultiTask as one process would, also where a batch has no outline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dlr.networks import Trained  # noqa: E402
from dlr.volume import fit_network  # noqa: E402
from tests.networks.test_several_devices import by_two_processes  # noqa: E402
from tests.volume.small_volumes import TARGETS, VOLUME, cohort, settings  # noqa: E402

SCRIPT = """\
import os, sys, torch
from tests.volume.test_volumes_on_several_devices import multi_task
found = multi_task(devices=2, batch_size=4)
rank = int(os.environ["RANK"])
torch.save((found.network.state_dict(), [p.value for p in found.curves]), f"{sys.argv[1]}/rank{rank}.pt")
"""


def multi_task(**training: object) -> Trained:
    """Three of sixteen volumes have an outline, half of one marker's labels are missing; no BatchNorm."""
    volumes, labels, names = cohort(16)
    volumes = [
        one if k < 3 else replace(one, mask=np.zeros_like(one.mask), outlined=False) for k, one in enumerate(volumes)
    ]
    labels[8:, 1] = np.nan
    given = settings(norm="group", training={"epochs": 3, "patience": None, "ema": None, **training})
    return fit_network("multi", volumes, labels, TARGETS, names, names, VOLUME, given, seed=0).trained


@pytest.mark.slow
def test_two_processes_are_one_with_the_larger_batch(tmp_path: Path) -> None:
    (first, curves), (second, others) = by_two_processes(SCRIPT, tmp_path)
    assert all(torch.equal(first[name], second[name]) for name in first)
    alone = multi_task(batch_size=8)
    assert curves == others == pytest.approx([point.value for point in alone.curves], rel=1e-3)
