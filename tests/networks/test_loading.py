"""The loader: the same bytes for any number of workers, and errors that keep their words."""

from __future__ import annotations

import os
import signal

import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import get_worker_info  # noqa: E402

from dlr.errors import InputError  # noqa: E402
from dlr.networks import Batch, TrainingSettings  # noqa: E402
from dlr.networks.chip import workers_of  # noqa: E402
from dlr.networks.loading import Loader  # noqa: E402
from tests.networks.tiny_training import Blobs, bits, trained  # noqa: E402
from tests.networks.two_heads import Women  # noqa: E402


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_in_the_planned_order_whoever_makes_them(workers: int) -> None:
    sets = (Blobs(10, 0), Blobs(4, 9))
    loader = Loader(sets, workers)
    for which, epoch, plan in ((0, 1, [[0, 2], [1, 3], [4, 5], [6]]), (1, None, [[3, 2], [0]]), (0, 2, [[9, 8], [7]])):
        found = list(loader.batches(which, plan, epoch))
        wanted = [sets[which].batch(places, epoch) for places in plan]
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets)
    assert loader.waited > 0


def test_a_network_ends_with_the_same_bits_for_any_number_of_workers() -> None:
    none, one, two = (trained(Blobs(16, 0), Blobs(8, 9), epochs=3, workers=workers) for workers in (0, 1, 2))
    assert bits(none.network) == bits(one.network) == bits(two.network)
    assert none.curves == one.curves == two.curves


def test_walking_the_loader_draws_nothing() -> None:
    before = torch.get_rng_state()
    list(Loader([Blobs(4, 0)]).batches(0, [[0, 1]], None))
    assert torch.equal(before, torch.get_rng_state())


def test_trees_cross_the_processes() -> None:
    (batch,) = Loader([Women(6)], 1).batches(0, [[4, 5]], None)
    assert batch.inputs["picture"].shape == (2, 1, 6, 6) and batch.targets["ki67"].shape == (2,) and len(batch) == 2


class Torn(Blobs):
    """One picture that cannot be read."""

    def batch(self, places: list[int], epoch: int | None) -> Batch:
        if 3 in places:
            raise InputError("case p3", "its picture is torn", "scan it again")
        return super().batch(places, epoch)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_data_keeps_where_what_and_mend(workers: int) -> None:
    with pytest.raises(InputError) as found:
        trained(Torn(8, 0), workers=workers)
    assert found.value.problems[0].mend == "scan it again"


class Killed(Blobs):
    """The system ends the process that makes a batch, as it does where memory is short."""

    def batch(self, places: list[int], epoch: int | None) -> Batch:
        if get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(places, epoch)


def test_a_killed_worker_is_named_as_memory_that_ran_out() -> None:
    with pytest.raises(InputError, match=r"memory ran out .DataLoader worker .*training.workers"):
        trained(Killed(8, 0), workers=1)


def test_a_gpu_gets_workers_and_a_cpu_none() -> None:
    assert workers_of(TrainingSettings(), "cpu") == 0 and 1 <= workers_of(TrainingSettings(), "cuda") <= 8
    assert workers_of(TrainingSettings(workers=3), "cpu") == 3
