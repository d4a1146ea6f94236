"""The parts of the loop, worked by hand: batches, rates, mean weights, loss."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from dlr.networks import Loss, TrainingSettings, binary_cross_entropy  # noqa: E402
from dlr.networks.averaging import MeanWeights  # noqa: E402
from dlr.networks.examples import order_of  # noqa: E402
from dlr.networks.schedule import make_optimiser, rate_factor  # noqa: E402
from tests.networks.tiny_training import tiny  # noqa: E402


@pytest.mark.parametrize(
    ("n", "size", "world"), [(33, 16, 1), (17, 16, 1), (2, 16, 1), (40, 4, 2), (41, 4, 2), (5, 2, 1)]
)
def test_an_epoch_shows_everybody_once_and_no_batch_of_one(n: int, size: int, world: int) -> None:
    plans = [order_of(n, size, 7, 3, rank, world) for rank in range(world)]
    assert sorted(place for plan in plans for batch in plan for place in batch) == list(range(n))
    assert len({len(plan) for plan in plans}) == 1
    if world == 1:
        assert min(len(batch) for batch in plans[0]) >= 2
    assert max(len(batch) for plan in plans for batch in plan) <= max(size, 3)


def test_the_order_differs_by_epoch_and_is_the_same_again() -> None:
    assert order_of(20, 5, 1, 1) == order_of(20, 5, 1, 1) != order_of(20, 5, 1, 2)


def test_rates_rise_and_fall_as_a_cosine() -> None:
    settings = TrainingSettings(epochs=6, warm_up=2)
    found = [rate_factor(step, 2, settings) for step in (0, 1, 3, 4, 8, 12)]
    assert found == pytest.approx([0.25, 0.5, 1.0, 1.0, 0.5, 0.0])


def test_head_and_backbone_have_their_own_rates_and_norms_do_not_decay() -> None:
    network = tiny()
    groups = make_optimiser(network, {"": 1e-4, "head": 1e-3}, TrainingSettings()).param_groups
    found = [(g["base"], g["weight_decay"], sum(p.numel() for p in g["params"])) for g in groups]
    assert found == [(1e-4, 1e-2, 36), (1e-4, 0.0, 12), (1e-3, 1e-2, 4), (1e-3, 0.0, 1)]


def test_decay_is_beside_the_gradient_in_adamw_and_in_it_in_adam() -> None:
    """First step from 2 with gradient 0 and rate .1: AdamW takes .1 × .5 × 2 off, Adam a whole rate."""
    for optimiser, decay in (("adamw", 0.5), ("adam", 0.25)):
        network = torch.nn.Linear(1, 1, bias=False)
        network.weight.data.fill_(2.0)
        network.weight.grad = torch.zeros(1, 1)
        make_optimiser(network, {"": 0.1}, TrainingSettings(optimiser=optimiser, weight_decay=decay)).step()
        assert float(network.weight.detach()) == pytest.approx(1.9)


def test_mean_weights_by_hand() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    mean = MeanWeights(network, 0.5)
    network.weight.data.fill_(10.0)
    mean.update()  # decay min(.5, 1/10) = .1
    assert float(mean.state["weight"]) == pytest.approx(9.0)
    network.weight.data.fill_(0.0)
    mean.update()  # decay min(.5, 2/11)
    assert float(mean.state["weight"]) == pytest.approx(9.0 * 2 / 11)


def test_without_decay_the_mean_is_the_network() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    mean = MeanWeights(network, None)
    network.weight.data.fill_(3.0)
    mean.update()
    assert float(mean.state["weight"]) == 3.0


def test_loss_by_hand_leaves_unknown_labels_out() -> None:
    logits = torch.tensor([[0.0, 5.0], [math.log(3), 5.0]], requires_grad=True)
    targets = torch.tensor([[1.0, float("nan")], [0.0, float("nan")]])
    loss = Loss(binary_cross_entropy, torch.isfinite)
    total = loss.total(logits, targets)
    assert int(loss.count(targets)) == 2 and total.item() == pytest.approx(math.log(2) + math.log(4), rel=1e-6)
    total.backward()
    assert logits.grad[:, 1].tolist() == [0.0, 0.0]


def test_smoothing_and_weights_by_hand() -> None:
    logits, positive = torch.tensor([[0.0]]), torch.tensor([[1.0]])
    weight = torch.tensor([3.0])
    assert float(binary_cross_entropy(logits, positive, positive_weight=weight)) == pytest.approx(3 * math.log(2))
    two = torch.tensor([[2.0]])
    plain, turned = (float(binary_cross_entropy(two, torch.tensor([[t]]))) for t in (1.0, 0.0))
    assert float(binary_cross_entropy(two, positive, smoothing=0.2)) == pytest.approx(0.9 * plain + 0.1 * turned)
