"""The one training loop of the house.

AdamW with separate rates for backbone and head, warm-up and cosine, mean of weights, early stopping on a validation
part of the training fold, mixed precision where the chip has it, channels-last, one or several devices (Lightning
Fabric), and a checkpoint an epoch: a killed run that is started again ends with the same bits on the same CPU.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.networks.averaging import MeanWeights
from dlr.networks.checkpoints import read_checkpoint, write_checkpoint
from dlr.networks.chip import device_of, precision_of
from dlr.networks.examples import Batch, Examples, Feeder, order_of
from dlr.networks.schedule import make_optimiser, rate_factor
from dlr.networks.settings import TrainingSettings
from dlr.randomness import seed_of

__all__ = ["CurvePoint", "Trained", "train"]


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    epoch: int  # from 1
    part: str  # train, validation
    measure: str
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
    loss: Callable[[Any, Tensor], Tensor],
    settings: TrainingSettings,
    seed: int,
    head: nn.Module,
    validation: Examples | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Trained:
    """Train a network in place on examples and give back the best of its mean weights.

    loss : of outputs and targets, a scalar.  head : the part of the network with the faster rate.
    validation : judges every epoch by its mean loss; without it all epochs run and the last counts.
    checkpoint : a file to go on from and to write to; `identity` says what it belongs to.
    Raises InputError where the loss is no number any more, or memory runs out.
    """
    fabric = _fabric(settings)
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            work = _Work(fabric, network, examples, validation, loss, settings, seed, head)
            return work.run(checkpoint, identity)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) and "alloc" not in str(error):
            raise
        raise InputError(
            where=f"training on {fabric.device}, {settings.batch_size} examples a batch",
            what=f"memory ran out ({str(error).partition(chr(10))[0]})",
            mend="lower training.batch_size or the size of the pictures, or use fewer --jobs; what is finished is kept",
        ) from error
    finally:
        torch.set_num_threads(threads)


def _fabric(settings: TrainingSettings) -> Fabric:
    """One device here, or the processes that torchrun started."""
    device = device_of(settings)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if settings.devices > 1 and world == 1:
        raise InputError(
            where=f"training.devices {settings.devices}",
            what="several devices need a process each",
            mend=f"start with: torchrun --nproc-per-node {settings.devices} ...",
        )
    several = settings.devices > 1
    fabric = Fabric(
        accelerator=device,
        devices=settings.devices,
        strategy="ddp" if several else "auto",
        precision=precision_of(settings, device),  # type: ignore[arg-type]
    )
    if several:
        fabric.launch()
    return fabric


class _Work:
    """One training under way: network, optimiser, mean weights, and where it stands."""

    def __init__(
        self,
        fabric: Fabric,
        network: nn.Module,
        examples: Examples,
        validation: Examples | None,
        loss: Callable[[Any, Tensor], Tensor],
        settings: TrainingSettings,
        seed: int,
        head: nn.Module,
    ) -> None:
        self.fabric, self.network, self.settings, self.seed = fabric, network, settings, seed
        self.loss = loss.to(fabric.device) if isinstance(loss, nn.Module) else loss
        pinned = fabric.device.type == "cuda"
        self.feeder = Feeder(examples, pinned)
        self.judge = None if validation is None or len(validation) == 0 else Feeder(validation, pinned)
        self.layout = _layout(examples)
        network.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.model, self.optimiser = fabric.setup(network, make_optimiser(network, head, settings))
        self.mean = MeanWeights(network, settings.ema)
        self.shown = copy.deepcopy(network)  # carries the mean weights when they are judged
        self.epoch, self.step, self.best_epoch, self.best = 0, 0, 0, math.inf
        self.best_state: dict[str, Tensor] = {}
        self.curves: list[CurvePoint] = []
        self.steps_an_epoch = len(self._plan(0))

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
            waiting=self.feeder.waited / seconds,
        )

    @property
    def _stopped(self) -> bool:
        """No better validation for as many epochs as patience allows."""
        patience = self.settings.patience
        return self.judge is not None and patience is not None and self.epoch - self.best_epoch >= patience

    def _plan(self, epoch: int) -> list[list[int]]:
        rank, world = self.fabric.global_rank, self.fabric.world_size
        return order_of(len(self.feeder.examples), self.settings.batch_size, self.seed, epoch, rank, world)

    def _one_epoch(self) -> int:
        """Every example once; the mean training loss goes into the curves."""
        torch.manual_seed(seed_of(self.seed, "epoch", self.epoch))  # dropout: the same whether resumed or not
        self.model.train()
        total = torch.zeros((), device=self.fabric.device)
        seen = 0
        for batch in self.feeder.batches(self._plan(self.epoch), self.epoch):
            for group in self.optimiser.param_groups:
                group["lr"] = group["base"] * rate_factor(self.step, self.steps_an_epoch, self.settings)
            inputs, targets = self._placed(batch)
            loss = self.loss(self.model(inputs), targets)
            self.optimiser.zero_grad()
            self.fabric.backward(loss)
            self.fabric.clip_gradients(
                self.model, self.optimiser, max_norm=self.settings.clip_norm, error_if_nonfinite=False
            )
            self.optimiser.step()
            self.mean.update()
            self.step += 1
            total += loss.detach() * len(targets)
            seen += len(targets)
        self._note("train", float(total) / seen)
        return seen

    @torch.no_grad()
    def _judge(self) -> None:
        """The mean weights' loss on the validation part; the best epoch's weights are kept."""
        if self.fabric.world_size > 1:  # BatchNorm's statistics are each rank's own: the first's count
            for value in self.mean.state.values():
                torch.distributed.broadcast(value, 0)
        if self.judge is not None:
            self.shown.load_state_dict(self.mean.state)
            self.shown.eval()
            n, size = len(self.judge.examples), self.settings.batch_size
            plan = [list(range(k, min(k + size, n))) for k in range(0, n, size)]
            total = 0.0
            for batch in self.judge.batches(plan, None):
                inputs, targets = self._placed(batch)
                with self._precision():
                    total += float(self.loss(self.shown(inputs), targets)) * len(targets)
            self._note("validation", total / n)
            if total / n >= self.best:
                return
            self.best = total / n
        self.best_epoch = self.epoch
        self.best_state = {name: value.clone() for name, value in self.mean.state.items()}

    def _precision(self) -> AbstractContextManager[Any]:
        return self.fabric.autocast()

    def _placed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        inputs = batch.inputs.to(self.fabric.device, non_blocking=True, memory_format=self.layout)
        return inputs, batch.targets.to(self.fabric.device, non_blocking=True)

    def _note(self, part: str, value: float) -> None:
        if not math.isfinite(value):
            raise InputError(
                where=f"training, epoch {self.epoch}, {part}",
                what=f"the loss is {value}",
                mend="lower training.backbone_rate and training.head_rate, set training.precision: float32, or look "
                "for pictures that are not numbers",
            )
        self.curves.append(CurvePoint(self.epoch, part, "loss", value))

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


def _layout(examples: Examples) -> torch.memory_format:
    """Channels-last for pictures and volumes: faster on every chip we know."""
    dimensions = examples.batch([0], None).inputs.ndim
    return {4: torch.channels_last, 5: torch.channels_last_3d}.get(dimensions, torch.contiguous_format)
