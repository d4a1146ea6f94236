"""The one training loop of the house.

AdamW or Adam with a rate for every named part of the network, warm-up and cosine, batches in pieces, mean of weights,
early stopping by a named loss or measure of a validation part of the training fold, mixed precision where the chip has
it, channels-last, one or several devices (Lightning Fabric), compiled on CUDA, and a checkpoint an epoch: a killed run
that is started again ends with the same bits on the same CPU.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dlr.networks.averaging import MeanWeights
from dlr.networks.chip import compiles, has_volumes, make_fabric, workers_of
from dlr.networks.examples import Batch, Examples
from dlr.networks.loading import Loader
from dlr.networks.objective import TOTAL, Objective, RunningMeans, judged
from dlr.networks.placing import lay_out, placed
from dlr.networks.recomputing import recomputed
from dlr.networks.schedule import make_optimiser
from dlr.networks.settings import TrainingSettings
from dlr.networks.trees import Tree
from dlr.networks.underway import CurvePoint, Underway, undisturbed

__all__ = ["CurvePoint", "Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """A trained network and how it came about."""

    network: nn.Module  # in eval mode on the CPU, with the mean weights of the best epoch
    curves: tuple[CurvePoint, ...]
    best_epoch: int
    epochs: int  # that were run
    precision: str
    device: str
    images_per_second: float  # of this process, from its first epoch to its last
    waiting: float  # share of the time in which the network waited for data


def train(
    network: nn.Module,
    examples: Examples,
    *,
    objective: Objective,
    rates: Mapping[str, float],
    settings: TrainingSettings,
    seed: int,
    validation: Examples | None = None,
    prepare: Callable[[Batch], Batch] | None = None,
    recompute: Sequence[str] = (),
    channels_last: bool = True,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Trained:
    """Train a network in place on examples and give back the best of its mean weights.

    rates : the learning rate by the name of a part of the network, "" for all the rest.
    validation : every epoch is judged on it by `objective.judged_by`; without it all epochs run and the last counts.
    prepare : of a batch on the device, the batch that the network sees: for what the device does faster.
    recompute : names of parts that keep no activations but compute them again: less memory, the same bits.
    channels_last : faster for convolutions with BatchNorm on every chip we know, slower with GroupNorm in bfloat16.
    checkpoint : a file to go on from and to write to; `identity` says what it belongs to.
    Raises InputError where the loss is no number any more, or memory runs out.
    """
    volumes = has_volumes(network)
    fabric = make_fabric(settings, volumes)
    device = fabric.device
    compiled = compiles(settings, device.type, bool(recompute))
    sets = [examples] if validation is None or len(validation) == 0 else [examples, validation]
    with undisturbed(settings, device, volumes):
        if channels_last:
            lay_out(network)
        work = _Work(
            fabric=fabric,
            network=network,
            compiled=compiled,
            optimiser=make_optimiser(network, rates, settings),
            objective=objective,
            settings=settings,
            seed=seed,
            sizes=[len(one) for one in sets],
            loader=Loader(sets, workers_of(settings, device.type), pinned=device.type == "cuda"),
            placed=partial(placed, device=device, channels_last=channels_last, prepare=prepare),
        )
        with recomputed(network, recompute):
            seconds = work.run(checkpoint, identity)
        return work.trained(seconds)


@dataclass(kw_only=True)
class _Work(Underway):
    """One network, one optimiser."""

    network: nn.Module
    compiled: bool
    optimiser: Any

    best_epoch: int = 0
    best: float = math.inf  # of the judging number, times its sign
    best_state: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        stepped: Any = torch.compile(self.network) if self.compiled else self.network
        self.model, self.optimiser = self.fabric.setup(stepped, self.optimiser)
        self.mean = MeanWeights(self.network, self.settings.ema)
        self.shown = copy.deepcopy(self.network)  # carries the mean weights when they are judged

    def trained(self, seconds: float) -> Trained:
        """What is left of it after so many seconds."""
        self.network.load_state_dict(self.best_state)
        self.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return Trained(
            network=self.network.cpu().eval(),
            curves=tuple(self.curves),
            best_epoch=self.best_epoch,
            epochs=self.epoch,
            precision=str(self.fabric._precision.precision),
            device=str(self.fabric.device),
            images_per_second=self.seen / seconds,
            waiting=self.loader.waited / seconds,
        )

    @property
    def _validated(self) -> bool:
        return len(self.sizes) > 1

    @property
    def ended(self) -> bool:
        """All epochs run, or no better validation for as many as patience allows."""
        patience = self.settings.patience
        stopped = self._validated and patience is not None and self.epoch - self.best_epoch >= patience
        return stopped or self.epoch >= self.settings.epochs

    def one_epoch(self) -> None:
        """Every example once; the means of the losses go into the curves. Then the mean weights are judged."""
        self.model.train()
        means = RunningMeans(self.objective)
        for pieces in self.steps(self.whole_plan(self.epoch)):
            means.add(*self._one_step(pieces))
        means.sums, means.counts = self.over_all(means.sums), self.over_all(means.counts)
        self.note("train", means.values(), self._finite)
        self._judge()

    def _one_step(self, pieces: Sequence[Batch]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A step of the optimiser; by name, the losses' means over the known labels of all pieces, and their counts."""
        self.set_rates(self.optimiser, self.step)
        counts = self.counts(pieces)
        means = {name: torch.zeros((), device=self.fabric.device) for name in counts}
        self.optimiser.zero_grad()
        for number, piece in enumerate(pieces, start=1):
            batch = self.placed(piece)
            with self.fabric.no_backward_sync(self.model, enabled=number < len(pieces)):
                parts = self.parts(self.model(batch.inputs), batch.targets, counts)
                self.fabric.backward(self.objective.weighted(parts))
            means = {name: means[name] + part.detach() for name, part in parts.items()}
        self.clip(self.model, self.optimiser)
        self.optimiser.step()
        self.mean.update()
        self.step += 1
        return means, counts

    @torch.no_grad()
    def _judge(self) -> None:
        """Judge the mean weights on the validation part; the best epoch's weights are kept."""
        if self.fabric.world_size > 1:  # BatchNorm's statistics are each rank's own: the first's count
            for value in self.mean.state.values():
                torch.distributed.broadcast(value, 0)
        if self._validated:
            self.shown.load_state_dict(self.mean.state)
            self.shown.eval()
            n, size = self.sizes[1], -(-self.settings.batch_size // self.settings.accumulate)
            plan = [list(range(k, min(k + size, n))) for k in range(0, n, size)]
            found = judged(self._said, map(self.placed, self.loader.batches(1, plan, None)), self.objective)
            self.note("validation", found, self._finite)
            value = self.objective.sign * found[self.objective.judged_by]
            if value >= self.best:
                return
            self.best = value
        self.best_epoch = self.epoch
        self.best_state = {name: value.clone() for name, value in self.mean.state.items()}

    def _said(self, inputs: Tree) -> Tree:
        with self.fabric.autocast():
            return self.shown(inputs)

    @property
    def _finite(self) -> tuple[str, str]:
        return TOTAL, self.objective.judged_by

    def content(self) -> dict[str, Any]:
        """Networks, optimiser, the best weights so far."""
        return {
            "best_epoch": self.best_epoch,
            "best": self.best,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "mean": self.mean.state,
            "updates": self.mean.updates,
            "best_state": self.best_state,
        }

    def resume(self, content: Mapping[str, Any]) -> None:
        """Take all of it back."""
        self.best_epoch, self.best = content["best_epoch"], content["best"]
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.mean.load(content["mean"], content["updates"])
        self.best_state = {name: value.to(self.fabric.device) for name, value in content["best_state"].items()}
