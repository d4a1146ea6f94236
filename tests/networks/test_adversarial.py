"""Training against a discriminator: who moves when, on what, and that a killed run ends as if it had not been."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from dlr.errors import InputError  # noqa: E402
from dlr.networks import (  # noqa: E402
    Adversary,
    Batch,
    Loss,
    Objective,
    TrainedAgainst,
    TrainingSettings,
    train_against,
)
from dlr.randomness import rng  # noqa: E402
from tests.networks.tiny_training import bits  # noqa: E402

L1 = Objective({"absolute error": Loss(lambda outputs, targets: (outputs - targets).abs())})


class Shift(nn.Module):
    """A generator of one weight: it adds it to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by


class Slope(nn.Module):
    """A discriminator of two weights: a logit of every value."""

    def __init__(self) -> None:
        super().__init__()
        self.slope, self.bias = nn.Parameter(torch.full((1,), 0.5)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x + self.bias


class Shifted:
    """Noise, and the same noise a unit higher, which no input tells."""

    def __init__(self, n: int = 16, stop_at: int | None = None, broken: int | None = None) -> None:
        self.n, self.stop_at, self.broken = n, stop_at, broken

    def __len__(self) -> int:
        return self.n

    def batch(self, places: list[int], epoch: int | None) -> Batch:
        if epoch == self.stop_at:
            raise KeyboardInterrupt
        rows = [rng(0, "shifted", p, epoch or 0).normal(0, 0.3, (1, 4, 4)) for p in places]
        given = torch.from_numpy(np.stack(rows)).float()
        return Batch(given * (math.nan if epoch == self.broken else 1), given + 1)


def duel(
    examples: Shifted | None = None, warm_up_steps: int = 6, weight: float = 1.0, **more: object
) -> TrainedAgainst:
    """Batches of 4 of 16 examples: 4 steps an epoch."""
    own = {name: more.pop(name) for name in ("checkpoint", "identity", "objective") if name in more}
    settings = {"epochs": 3, "batch_size": 4, "device": "cpu", "precision": "float32", "warm_up": 0, "weight_decay": 0}
    return train_against(
        Shift(),
        Adversary(Slope(), 1e-2, weight, warm_up_steps),
        examples or Shifted(),
        **{"objective": L1, **own},
        rates={"": 1e-2},
        settings=TrainingSettings(**{**settings, **more}),
        seed=1,
    )


def test_the_first_steps_are_those_of_the_formulas() -> None:
    """One warm-up step and one epoch of one step, without noise in the rates: what Adam's first step does is ± rate."""
    settings = {"epochs": 1, "batch_size": 16, "schedule": "constant", "ema": None, "clip_norm": 1e9}
    found = duel(warm_up_steps=1, **settings)
    given, true = (getattr(Shifted().batch(list(range(16)), 1), name) for name in ("inputs", "targets"))
    first = -(torch.sigmoid(0.5 * true).log().mean() + (1 - torch.sigmoid(0.5 * given)).log().mean()) / 2
    curves = {(point.epoch, point.measure): point.value for point in found.curves}
    assert set(curves) == {(1, "discriminator"), (2, "absolute error"), (2, "adversarial"), (2, "discriminator")}
    assert curves[1, "discriminator"] == pytest.approx(float(first), rel=1e-5)
    slope, bias = 0.51, -0.01  # true values lie higher; without a slope the mean of truth and output is above 0
    assert found.warmed.slope.item() == pytest.approx(slope, rel=1e-5)
    assert found.warmed.bias.item() == pytest.approx(bias, rel=1e-4)
    given = Shifted().batch(list(range(16)), 2).inputs
    wanted = -torch.sigmoid(slope * given + bias).log().mean()
    assert curves[2, "adversarial"] == pytest.approx(float(wanted), rel=1e-5)
    assert curves[2, "absolute error"] == pytest.approx(1, rel=1e-6)
    second = -(
        torch.sigmoid(slope * (given + 1) + bias).log().mean() + (1 - torch.sigmoid(slope * given + bias)).log().mean()
    )
    assert curves[2, "discriminator"] == pytest.approx(float(second) / 2, rel=1e-5)  # of what was made before it moved
    assert found.network.by.item() == pytest.approx(0.01, rel=1e-5)


def test_in_the_warm_up_only_the_discriminator_moves() -> None:
    found = duel(warm_up_steps=6)
    alone = [point for point in found.curves if point.epoch <= 2]
    assert [point.measure for point in alone] == ["discriminator"] * 2 and found.epochs == 2 + 3
    assert bits(found.warmed) != bits(Slope()) and bits(found.warmed) != bits(found.discriminator)
    without = duel(warm_up_steps=0)
    assert bits(without.warmed) == bits(Slope()) and without.epochs == 3
    assert [point.measure for point in without.curves][:3] == ["absolute error", "adversarial", "discriminator"]


def test_a_warm_up_has_as_many_steps_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self, *a: steps.append(len(self.param_groups[0]["params"])) or step(self, *a)
    )
    duel(warm_up_steps=6, epochs=1)
    assert steps == [2] * 6 + [1, 2] * 4  # the discriminator has two weights, the generator one


def test_the_discriminator_alone_teaches_what_the_losses_do_not() -> None:
    silent = Objective({"nothing": Loss(lambda outputs, targets: 0 * (outputs - targets))})
    moved = duel(objective=silent, epochs=30)
    assert moved.network.by.item() > 0.5  # towards the truth, a unit higher
    assert duel(objective=silent, epochs=3, weight=0.0).network.by.item() == 0


def test_the_generator_keeps_its_mean_weights() -> None:
    last, mean = duel(ema=None).network.by.item(), duel(ema=0.9).network.by.item()
    assert 0 < mean < last  # it moves one way


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_batch_in_pieces_gives_the_same(accumulate: int) -> None:
    whole, pieces = duel(), duel(accumulate=accumulate)
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(pieces.network.state_dict()[name], value, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(pieces.discriminator.slope, whole.discriminator.slope, rtol=1e-4, atol=1e-6)
    values = [[point.value for point in one.curves] for one in (whole, pieces)]
    assert values[0] == pytest.approx(values[1], rel=1e-4)


@pytest.mark.parametrize("stop_at", [2, 3, 4, 5])
def test_a_run_killed_in_any_epoch_goes_on_and_ends_equal(tmp_path: Path, stop_at: int) -> None:
    file, whole = tmp_path / "duel.pt", duel()
    with pytest.raises(KeyboardInterrupt):
        duel(Shifted(stop_at=stop_at), checkpoint=file, identity="x")
    assert torch.load(file, weights_only=True)["epoch"] == stop_at - 1
    resumed = duel(checkpoint=file, identity="x")
    for name in ("network", "warmed", "discriminator"):
        assert bits(getattr(resumed, name)) == bits(getattr(whole, name))
    assert resumed.curves == whole.curves
    again = duel(Shifted(stop_at=stop_at), checkpoint=file, identity="x")  # finished: nothing is left to do
    assert bits(again.network) == bits(whole.network) and again.curves == whole.curves


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_loss_that_is_no_number_stops_it(epoch: int) -> None:
    with pytest.raises(InputError, match=f"epoch {epoch}"):
        duel(Shifted(broken=epoch))


def test_the_discriminator_is_left_trainable_and_the_global_draws_as_they_were() -> None:
    before = torch.get_rng_state()
    found = duel()
    assert torch.equal(before, torch.get_rng_state())
    assert all(parameter.requires_grad for parameter in found.discriminator.parameters())
    assert not found.network.training and not found.discriminator.training
