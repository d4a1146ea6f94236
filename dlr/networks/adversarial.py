"""The training loop with an adversary: a generator learns from its losses and from a discriminator that learns too.

The same plan, pieces, mean weights, schedule, precision, devices and checkpoints as of `train`; two optimisers. First
the discriminator alone learns for some steps (its warm-up), so that the generator has something to learn from; the
generator's epochs come after. Then every step moves the generator, and the discriminator on what it made.
Source: Goodfellow et al. 2014 (arXiv 1406.2661), the generator's loss in its non-saturating form.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dlr.networks.averaging import MeanWeights
from dlr.networks.chip import compiles, has_volumes, make_fabric, workers_of
from dlr.networks.examples import Batch, Examples
from dlr.networks.loading import Loader
from dlr.networks.objective import Objective
from dlr.networks.placing import lay_out, placed
from dlr.networks.schedule import make_optimiser
from dlr.networks.settings import TrainingSettings
from dlr.networks.underway import CurvePoint, Underway, undisturbed

__all__ = ["Adversary", "TrainedAgainst", "train_against"]

ADVERSARIAL, DISCRIMINATOR = "adversarial", "discriminator"  # measures of the curves
BETAS = (0.9, 0.99)  # of Adam, as Real-ESRGAN has them


@dataclass(frozen=True)
class Adversary:
    """What the generator is trained against."""

    network: nn.Module  # of targets or outputs (B, ...) logits (B, ...), positive where it believes; no BatchNorm
    rate: float
    weight: float  # of the generator's loss by it
    warm_up_steps: int  # it learns alone, before the first epoch of the generator


@dataclass(frozen=True)
class TrainedAgainst:
    """Both networks and how they came about; in eval mode on the CPU."""

    network: nn.Module  # the generator's mean weights after the last epoch
    warmed: nn.Module  # the discriminator at the end of its warm-up
    discriminator: nn.Module  # the same at the end
    curves: tuple[CurvePoint, ...]  # the losses of the objective, adversarial, discriminator (chance: ln 2 = .693)
    epochs: int  # that were run, those of the warm-up first
    precision: str
    device: str
    images_per_second: float
    waiting: float  # share of the time in which the networks waited for data


def train_against(
    network: nn.Module,
    adversary: Adversary,
    examples: Examples,
    *,
    objective: Objective,
    rates: Mapping[str, float],
    settings: TrainingSettings,
    seed: int,
    prepare: Callable[[Batch], Batch] | None = None,
    channels_last: bool = True,
    checkpoint: Path | None = None,
    identity: str = "",
) -> TrainedAgainst:
    """Train a generator, which should have learnt what `objective` teaches before, against a discriminator.

    Its outputs and its targets are tensors of one shape. What it minimises: the objective's losses, and the adversary's
    weight times the cross-entropy of its outputs being taken for targets.
    Arguments and errors are those of `train`; `settings.epochs` are the generator's, the warm-up's come on top.
    """
    volumes = has_volumes(network)
    fabric = make_fabric(settings, volumes)
    device = fabric.device
    with undisturbed(settings, device, volumes):
        if channels_last:
            lay_out(network)
            lay_out(adversary.network)
        work = _Duel(
            fabric=fabric,
            network=network,
            compiled=compiles(settings, device.type, recomputed=False),
            adversary=adversary,
            optimiser=make_optimiser(network, rates, settings, BETAS),
            opponent=make_optimiser(adversary.network, {"": adversary.rate}, settings, BETAS),
            objective=objective,
            settings=settings,
            seed=seed,
            sizes=[len(examples)],
            loader=Loader([examples], workers_of(settings, device.type), pinned=device.type == "cuda"),
            placed=partial(placed, device=device, channels_last=channels_last, prepare=prepare),
        )
        seconds = work.run(checkpoint, identity)
        return work.trained(seconds)


@dataclass(kw_only=True)
class _Duel(Underway):
    """Two networks, two optimisers."""

    network: nn.Module
    compiled: bool
    adversary: Adversary
    optimiser: Any  # the generator's
    opponent: Any  # the discriminator's

    warmed_state: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.discriminator = self.adversary.network
        stepped: Any = torch.compile(self.network) if self.compiled else self.network
        self.model, self.optimiser = self.fabric.setup(stepped, self.optimiser)
        self.judge, self.opponent = self.fabric.setup(self.discriminator, self.opponent)
        self.mean = MeanWeights(self.network, self.settings.ema)
        self.warm_up_epochs = -(-self.adversary.warm_up_steps // self.steps_an_epoch)
        self._keep_warmed()

    def trained(self, seconds: float) -> TrainedAgainst:
        """What is left of it after so many seconds."""
        self.network.load_state_dict(self.mean.state)
        warmed = copy.deepcopy(self.discriminator)
        warmed.load_state_dict(self.warmed_state)
        for one in (self.network, self.discriminator, warmed):
            one.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
            one.cpu().eval()
        return TrainedAgainst(
            network=self.network,
            warmed=warmed,
            discriminator=self.discriminator,
            curves=tuple(self.curves),
            epochs=self.epoch,
            precision=str(self.fabric._precision.precision),
            device=str(self.fabric.device),
            images_per_second=self.seen / seconds,
            waiting=self.loader.waited / seconds,
        )

    @property
    def ended(self) -> bool:
        """All epochs run."""
        return self.epoch >= self.warm_up_epochs + self.settings.epochs

    def one_epoch(self) -> None:
        """Every example once, or what is left of the warm-up; the means of all losses go into the curves."""
        self.model.train()
        self.judge.train()
        plan = self.whole_plan(self.epoch)
        if self.epoch <= self.warm_up_epochs:
            plan = plan[: self.adversary.warm_up_steps - self.step]
        steps = [self._one_step(pieces) for pieces in self.steps(plan)]
        sums = self.over_all({name: torch.stack([step[name] for step in steps]).sum() for name in steps[0]})
        over = len(steps) * self.fabric.world_size
        means = {name: float(value) / over for name, value in sums.items()}
        self.note("train", means, finite=list(means))
        if self.epoch == self.warm_up_epochs:
            self._keep_warmed()

    def _one_step(self, pieces: Sequence[Batch]) -> dict[str, Tensor]:
        """A step of the generator, unless this is the warm-up, and one of the discriminator; this process's losses."""
        moved = self.step - self.adversary.warm_up_steps  # steps of the generator before this one
        batches = [self.placed(piece) for piece in pieces]
        shares = self._shares(batches)
        losses: dict[str, Tensor] = {}
        if moved < 0:
            with torch.no_grad():
                made = [self.model(batch.inputs) for batch in batches]
        else:
            self.set_rates(self.optimiser, moved)
            self.set_rates(self.opponent, moved)
            made, losses = self._step_of_the_generator(batches, shares, self.counts(pieces))
        losses[DISCRIMINATOR] = self._step_of_the_discriminator(batches, shares, made)
        self.step += 1
        return losses

    def _step_of_the_generator(
        self, batches: Sequence[Batch], shares: Sequence[Tensor], counts: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """What it made before it moved, and its losses."""
        made = []
        sums = {name: torch.zeros((), device=self.fabric.device) for name in (*counts, ADVERSARIAL)}
        self.optimiser.zero_grad()
        self.discriminator.requires_grad_(False)  # only what it says of the outputs is wanted
        for number, (batch, share) in enumerate(zip(batches, shares, strict=True), start=1):
            with self.fabric.no_backward_sync(self.model, enabled=number < len(batches)):
                said = self.model(batch.inputs)
                parts = self.parts(said, batch.targets, counts)
                with self.fabric.autocast():
                    logits = self.discriminator(said)
                doubted = softplus(-logits.float()).mean() * share
                self.fabric.backward(self.objective.weighted(parts) + self.adversary.weight * doubted)
            made.append(said.detach())
            sums = {name: sums[name] + part.detach() for name, part in {**parts, ADVERSARIAL: doubted}.items()}
        self.discriminator.requires_grad_(True)
        self.clip(self.model, self.optimiser)
        self.optimiser.step()
        self.mean.update()
        return made, sums

    def _step_of_the_discriminator(
        self, batches: Sequence[Batch], shares: Sequence[Tensor], made: Sequence[Tensor]
    ) -> Tensor:
        """Its cross-entropy, the mean of targets and outputs."""
        total = torch.zeros((), device=self.fabric.device)
        self.opponent.zero_grad()
        for number, (batch, said, share) in enumerate(zip(batches, made, shares, strict=True), start=1):
            with self.fabric.no_backward_sync(self.judge, enabled=number < len(batches)):
                of_targets, of_outputs = self.judge(torch.cat((batch.targets, said))).float().chunk(2)
                loss = (softplus(-of_targets).mean() + softplus(of_outputs).mean()) / 2 * share
                self.fabric.backward(loss)
            total = total + loss.detach()
        self.clip(self.judge, self.opponent)
        self.opponent.step()
        return total

    def _shares(self, batches: Sequence[Batch]) -> list[Tensor]:
        """What each piece is of this process's equal share of a step's examples."""
        sizes = torch.tensor([float(len(batch)) for batch in batches], device=self.fabric.device)
        return list(sizes / self.over_all({"examples": sizes.sum()})["examples"] * self.fabric.world_size)

    def _keep_warmed(self) -> None:
        self.warmed_state = {name: value.clone() for name, value in self.discriminator.state_dict().items()}

    def content(self) -> dict[str, Any]:
        """Both networks, both optimisers, the discriminator after its warm-up."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "mean": self.mean.state,
            "updates": self.mean.updates,
            "discriminator": self.discriminator.state_dict(),
            "opponent": self.opponent.state_dict(),
            "warmed": self.warmed_state,
        }

    def resume(self, content: Mapping[str, Any]) -> None:
        """Take all of it back."""
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.mean.load(content["mean"], content["updates"])
        self.discriminator.load_state_dict(content["discriminator"])
        self.opponent.load_state_dict(content["opponent"])
        self.warmed_state = {name: value.to(self.fabric.device) for name, value in content["warmed"].items()}
