"""The one training loop of the house.

AdamW or Adam with a rate for every named part of the network, warm-up and cosine, batches in pieces, mean of weights,
early stopping by a named loss or measure of a validation part of the training fold, mixed precision where the chip has
it, channels-last, one or several devices (Lightning Fabric), compiled on CUDA, and a checkpoint an epoch: a killed run
that is started again ends with the same bits on the same CPU.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.networks.averaging import MeanWeights
from dlr.networks.checkpoints import read_checkpoint, write_checkpoint
from dlr.networks.chip import compiles, exact_volumes, has_volumes, make_fabric, workers_of
from dlr.networks.examples import Batch, Examples, order_of, pieces_of
from dlr.networks.loading import Loader
from dlr.networks.memory import memory_ran_out
from dlr.networks.objective import TOTAL, Objective, RunningMeans, judged
from dlr.networks.placing import lay_out, placed
from dlr.networks.recomputing import recomputed
from dlr.networks.schedule import make_optimiser, rate_factor
from dlr.networks.settings import TrainingSettings
from dlr.networks.trees import Tree
from dlr.randomness import seed_of

__all__ = ["CurvePoint", "Trained", "train"]


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    epoch: int  # from 1
    part: str  # train, validation
    measure: str  # loss, the weighted sum; of several losses and of the measures, each by its name
    value: float


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
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        random = torch.random.fork_rng(devices=range(torch.cuda.device_count()))
        with random, exact_volumes(device.type, volumes):
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
                return work.run(checkpoint, identity)
    except (MemoryError, RuntimeError) as error:
        if not memory_ran_out(error):
            raise
        raise InputError(
            where=f"training on {device}, {settings.batch_size} examples a batch",
            what=f"memory ran out ({str(error).partition(chr(10))[0]})",
            mend="raise training.accumulate, lower training.batch_size or the size of the pictures, or use fewer "
            "training.workers or --jobs; what is finished is kept",
        ) from error
    finally:
        torch.set_num_threads(threads)


@dataclass
class _Work:
    """One training under way: what it works with, and where it stands."""

    fabric: Fabric
    network: nn.Module
    compiled: bool
    optimiser: Any
    objective: Objective
    settings: TrainingSettings
    seed: int
    sizes: Sequence[int]  # examples of the training part, and of the validation part where there is one
    loader: Loader
    placed: Callable[[Batch], Batch]  # a batch as the network sees it, on the device

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best: float = math.inf  # of the judging number, times its sign
    best_state: dict[str, Tensor] = field(default_factory=dict)
    curves: list[CurvePoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        for loss in self.objective.losses.values():
            if isinstance(loss.each, nn.Module):
                loss.each.to(self.fabric.device)
        stepped: Any = torch.compile(self.network) if self.compiled else self.network
        self.model, self.optimiser = self.fabric.setup(stepped, self.optimiser)
        self.mean = MeanWeights(self.network, self.settings.ema)
        self.shown = copy.deepcopy(self.network)  # carries the mean weights when they are judged
        self.steps_an_epoch = len(self._plan(self.epoch))

    def run(self, checkpoint: Path | None, identity: str) -> Trained:
        self._resume(read_checkpoint(checkpoint, identity))
        begin, seen = time.perf_counter(), 0
        while self.epoch < self.settings.epochs and not self._stopped:
            self.epoch += 1
            seen += self._one_epoch()
            self._judge()
            last = self.epoch == self.settings.epochs or self._stopped
            if checkpoint is not None and (last or self.epoch % self.settings.checkpoint_every == 0):
                if self.fabric.global_rank == 0:
                    write_checkpoint(checkpoint, identity, self._content())
                self.fabric.barrier()
        seconds = max(time.perf_counter() - begin, 1e-9)
        self.network.load_state_dict(self.best_state)
        self.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return Trained(
            network=self.network.cpu().eval(),
            curves=tuple(self.curves),
            best_epoch=self.best_epoch,
            epochs=self.epoch,
            precision=str(self.fabric._precision.precision),
            device=str(self.fabric.device),
            images_per_second=seen / seconds,
            waiting=self.loader.waited / seconds,
        )

    @property
    def _validated(self) -> bool:
        return len(self.sizes) > 1

    @property
    def _stopped(self) -> bool:
        """No better validation for as many epochs as patience allows."""
        patience = self.settings.patience
        return self._validated and patience is not None and self.epoch - self.best_epoch >= patience

    def _plan(self, epoch: int) -> list[list[list[int]]]:
        """The steps of an epoch, each in pieces."""
        rank, world = self.fabric.global_rank, self.fabric.world_size
        steps = order_of(self.sizes[0], self.settings.batch_size, self.seed, epoch, rank, world)
        return [pieces_of(places, self.settings.accumulate) for places in steps]

    def _one_epoch(self) -> int:
        """Every example once; the means of the losses go into the curves."""
        torch.manual_seed(seed_of(self.seed, "epoch", self.epoch))  # dropout: the same whether resumed or not
        self.model.train()
        means, seen, plan = RunningMeans(self.objective), 0, self._plan(self.epoch)
        batches = self.loader.batches(0, [piece for step in plan for piece in step], self.epoch)
        for step in plan:
            pieces = list(islice(batches, len(step)))
            means.add(*self._one_step(pieces))
            seen += sum(len(piece) for piece in pieces)
        means.sums, means.counts = self._over_all(means.sums), self._over_all(means.counts)
        self._note("train", means.values())
        return seen

    def _one_step(self, pieces: Sequence[Batch]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A step of the optimiser; by name, the losses' means over the known labels of all pieces, and their counts.

        Each process takes part with the sum over its own labels, divided by its equal share of everybody's: their
        gradients are averaged, so that a label weighs the same wherever it fell.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * rate_factor(self.step, self.steps_an_epoch, self.settings)
        losses, world, device = self.objective.losses, self.fabric.world_size, self.fabric.device
        own = {n: torch.stack([loss.count(p.targets) for p in pieces]).sum().to(device) for n, loss in losses.items()}
        counts = {name: known / world for name, known in self._over_all(own).items()}
        means = {name: torch.zeros((), device=device) for name in losses}
        self.optimiser.zero_grad()
        for number, piece in enumerate(pieces, start=1):
            batch = self.placed(piece)
            with self.fabric.no_backward_sync(self.model, enabled=number < len(pieces)):
                outputs = self.model(batch.inputs)
                parts = {
                    name: loss.total(outputs, batch.targets) / counts[name].clamp(min=1 / world)
                    for name, loss in losses.items()
                }
                self.fabric.backward(self.objective.weighted(parts))
            means = {name: means[name] + part.detach() for name, part in parts.items()}
        self.fabric.clip_gradients(
            self.model, self.optimiser, max_norm=self.settings.clip_norm, error_if_nonfinite=False
        )
        self.optimiser.step()
        self.mean.update()
        self.step += 1
        return means, counts

    def _over_all(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sums over all processes."""
        summed: Any = self.fabric.all_reduce(values, reduce_op="sum")
        return dict(summed)

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
            self._note("validation", found)
            value = self.objective.sign * found[self.objective.judged_by]
            if value >= self.best:
                return
            self.best = value
        self.best_epoch = self.epoch
        self.best_state = {name: value.clone() for name, value in self.mean.state.items()}

    def _said(self, inputs: Tree) -> Tree:
        with self.fabric.autocast():
            return self.shown(inputs)

    def _note(self, part: str, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if name in (TOTAL, self.objective.judged_by) and not math.isfinite(value):
                raise InputError(
                    where=f"training, epoch {self.epoch}, {part}",
                    what=f"the {name} is {value}",
                    mend="lower the learning rates of section training (its settings that end in rate), set "
                    "training.precision: float32, or look for pictures or labels that are not numbers",
                )
            self.curves.append(CurvePoint(self.epoch, part, name, value))

    def _content(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "step": self.step,
            "best_epoch": self.best_epoch,
            "best": self.best,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "mean": self.mean.state,
            "updates": self.mean.updates,
            "best_state": self.best_state,
            "curves": [[p.epoch, p.part, p.measure, p.value] for p in self.curves],
        }

    def _resume(self, content: dict[str, Any] | None) -> None:
        if content is None:
            return
        self.epoch, self.step = content["epoch"], content["step"]
        self.best_epoch, self.best = content["best_epoch"], content["best"]
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.mean.load(content["mean"], content["updates"])
        self.best_state = {name: value.to(self.fabric.device) for name, value in content["best_state"].items()}
        self.curves = [CurvePoint(*point) for point in content["curves"]]
