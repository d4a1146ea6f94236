"""What saves memory changes nothing: batches in pieces, and activations that are computed twice."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.networks import Trained  # noqa: E402
from dlr.networks.examples import pieces_of  # noqa: E402
from dlr.networks.recomputing import recomputed  # noqa: E402
from tests.networks.tiny_training import Blobs, bits, tiny, trained  # noqa: E402
from tests.networks.two_heads import BOTH, RATES, TwoHeads, Women, two_heads  # noqa: E402


def women(**more: object) -> Trained:
    return trained(Women(26), Women(9, 1), network=two_heads(), objective=BOTH, rates=RATES, epochs=4, **more)


@pytest.mark.parametrize("pieces", [2, 3, 8])
def test_a_batch_in_pieces_is_the_whole_batch_also_where_labels_are_missing(pieces: int) -> None:
    whole, parts = women(batch_size=13), women(batch_size=13, accumulate=pieces)
    for (name, one), other in zip(whole.network.state_dict().items(), parts.network.state_dict().values(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6, msg=name)  # float32, sums in another order
    found, wanted = ([point.value for point in one.curves] for one in (parts, whole))
    assert found == pytest.approx(wanted, rel=1e-4) and parts.best_epoch == whole.best_epoch


def test_no_more_than_a_piece_is_shown_at_once() -> None:
    shown = []

    class Counting(TwoHeads):
        def forward(self, inputs):
            shown.append(len(inputs["age"]))
            return super().forward(inputs)

    given = {"objective": BOTH, "rates": RATES, "batch_size": 12, "accumulate": 4, "epochs": 1}
    trained(Women(24), Women(9, 1), network=Counting(), **given)
    assert shown == [3] * 8 + [3] * 3


def test_pieces_are_nearly_equal_in_order_and_none_is_one_example() -> None:
    assert pieces_of([5, 3, 1, 0, 2], 2) == [[5, 3, 1], [0, 2]]
    assert pieces_of([5, 3, 1], 8) == [[5, 3, 1]] and pieces_of([7, 5, 3, 1], 8) == [[7, 5], [3, 1]]
    assert pieces_of([5], 3) == [[5]]


def test_a_training_in_pieces_resumes_to_the_bit(tmp_path: Path) -> None:
    file, given = tmp_path / "one.pt", {"accumulate": 2, "epochs": 6}
    whole = trained(Blobs(16, 0), Blobs(8, 9), **given)
    with pytest.raises(KeyboardInterrupt):
        trained(Blobs(16, 0, stop_at=4), Blobs(8, 9), **given, checkpoint=file, identity="one")
    resumed = trained(Blobs(16, 0), Blobs(8, 9), **given, checkpoint=file, identity="one")
    assert bits(resumed.network) == bits(whole.network)


@pytest.mark.parametrize("names", [["body"], ["body.0", "body.1", "body.3"], [""]])
def test_recomputed_activations_give_the_same_bits_and_running_statistics(names: list[str]) -> None:
    plain, twice = trained(Blobs(16, 0), Blobs(8, 9)), trained(Blobs(16, 0), Blobs(8, 9), recompute=names)
    assert bits(twice.network) == bits(plain.network) and twice.curves == plain.curves


def test_recomputed_modules_are_shown_twice_and_left_as_they_were() -> None:
    network, calls = tiny(), []
    network.body[0].register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    with recomputed(network, ["body"]):
        network(torch.ones(2, 1, 6, 6)).sum().backward()
        assert len(calls) == 2 and "forward" in vars(network.body)
    assert "forward" not in vars(network.body)
    network(torch.ones(2, 1, 6, 6)).sum().backward()
    assert len(calls) == 3


def test_spectral_norm_iterates_once_a_step() -> None:
    def gradient(names: list[str]) -> tuple[list[float], list[float]]:
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 4)))
        with recomputed(network, names):
            network(torch.ones(2, 4)).square().sum().backward()
        weight = network[0].parametrizations.weight
        return weight.original.grad.flatten().tolist(), weight[0]._u.tolist()

    assert gradient(["0"]) == gradient([])


def test_memory_that_runs_out_names_the_ways_out() -> None:
    def full(batch: object) -> object:
        raise MemoryError("no more")

    with pytest.raises(InputError, match=r"raise training.accumulate, lower training.batch_size"):
        trained(Blobs(8, 0), prepare=full)
