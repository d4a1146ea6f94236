"""A training under way, whatever its steps are: its plan, where it stands, its curves and its checkpoints."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.networks.checkpoints import read_checkpoint, write_checkpoint
from dlr.networks.chip import exact_volumes
from dlr.networks.examples import Batch, order_of, pieces_of
from dlr.networks.loading import Loader
from dlr.networks.memory import memory_ran_out
from dlr.networks.objective import Objective
from dlr.networks.schedule import rate_factor
from dlr.networks.settings import TrainingSettings
from dlr.networks.trees import Tree
from dlr.randomness import seed_of

__all__ = ["CurvePoint", "Underway", "undisturbed"]


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    epoch: int  # from 1
    part: str  # train, validation
    measure: str  # loss, the weighted sum; of several losses and of the measures, each by its name
    value: float


@contextmanager
def undisturbed(settings: TrainingSettings, device: torch.device, volumes: bool) -> Iterator[None]:
    """Inside: the stated threads, and draws that no other generator notices; InputError where memory runs out.

    volumes : the network convolves in three dimensions.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())), exact_volumes(device.type, volumes):
            yield
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


@dataclass(kw_only=True)
class Underway(ABC):
    """One training under way: what it works with, and where it stands."""

    fabric: Fabric
    objective: Objective
    settings: TrainingSettings
    seed: int
    sizes: Sequence[int]  # examples of the training part, and of the validation part where there is one
    loader: Loader
    placed: Callable[[Batch], Batch]  # a batch as the network sees it, on the device

    epoch: int = 0
    step: int = 0
    seen: int = 0  # examples, since this process began
    curves: list[CurvePoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        for loss in self.objective.losses.values():
            if isinstance(loss.each, nn.Module):
                loss.each.to(self.fabric.device)
        self.steps_an_epoch = len(self.whole_plan(0))

    @abstractmethod
    def one_epoch(self) -> None:
        """Show the examples, note what came of it."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Of a checkpoint, beside where it stands."""

    @abstractmethod
    def resume(self, content: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether no epoch is left."""

    def run(self, checkpoint: Path | None, identity: str) -> float:
        """All epochs that are left, a checkpoint at the end of each that is due; the seconds it took."""
        content = read_checkpoint(checkpoint, identity)
        if content is not None:
            self.epoch, self.step = content["epoch"], content["step"]
            self.curves = [CurvePoint(*point) for point in content["curves"]]
            self.resume(content)
        begin = time.perf_counter()
        while not self.ended:
            self.epoch += 1
            torch.manual_seed(seed_of(self.seed, "epoch", self.epoch))  # dropout: the same whether resumed or not
            self.one_epoch()
            if checkpoint is not None and (self.ended or self.epoch % self.settings.checkpoint_every == 0):
                if self.fabric.global_rank == 0:
                    curves = [[p.epoch, p.part, p.measure, p.value] for p in self.curves]
                    stands = {"epoch": self.epoch, "step": self.step, "curves": curves}
                    write_checkpoint(checkpoint, identity, {**stands, **self.content()})
                self.fabric.barrier()
        return max(time.perf_counter() - begin, 1e-9)

    def whole_plan(self, epoch: int) -> list[list[list[int]]]:
        """The steps of an epoch that shows every example once, each in pieces."""
        rank, world = self.fabric.global_rank, self.fabric.world_size
        steps = order_of(self.sizes[0], self.settings.batch_size, self.seed, epoch, rank, world)
        return [pieces_of(places, self.settings.accumulate) for places in steps]

    def steps(self, plan: Sequence[Sequence[list[int]]]) -> Iterator[list[Batch]]:
        """The planned batches of the training part in their order, in pieces."""
        batches = self.loader.batches(0, [piece for step in plan for piece in step], self.epoch)
        for step in plan:
            pieces = list(islice(batches, len(step)))
            self.seen += sum(len(piece) for piece in pieces)
            yield pieces

    def set_rates(self, optimiser: Any, step: int) -> None:
        """As the schedule has them at a step."""
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * rate_factor(step, self.steps_an_epoch, self.settings)

    def counts(self, pieces: Sequence[Batch]) -> dict[str, Tensor]:
        """By loss, this process's equal share of everybody's known labels."""
        device, world = self.fabric.device, self.fabric.world_size
        own = {
            name: torch.stack([loss.count(piece.targets) for piece in pieces]).sum().to(device)
            for name, loss in self.objective.losses.items()
        }
        return {name: known / world for name, known in self.over_all(own).items()}

    def parts(self, outputs: Tree, targets: Tree, counts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What a piece adds to every loss.

        Each process takes part with the sum over its own labels, divided by its equal share of everybody's: their
        gradients are averaged, so that a label weighs the same wherever it fell.
        """
        least = 1 / self.fabric.world_size
        return {
            name: loss.total(outputs, targets) / counts[name].clamp(min=least)
            for name, loss in self.objective.losses.items()
        }

    def clip(self, model: Any, optimiser: Any) -> None:
        """Scale gradients down to the norm allowed."""
        self.fabric.clip_gradients(model, optimiser, max_norm=self.settings.clip_norm, error_if_nonfinite=False)

    def over_all(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sums over all processes."""
        summed: Any = self.fabric.all_reduce(values, reduce_op="sum")
        return dict(summed)

    def note(self, part: str, values: Mapping[str, float], finite: Sequence[str]) -> None:
        """Put numbers into the curves; InputError where one of those that must be finite is not."""
        for name, value in values.items():
            if name in finite and not math.isfinite(value):
                raise InputError(
                    where=f"training, epoch {self.epoch}, {part}",
                    what=f"the {name} is {value}",
                    mend="lower the learning rates of section training (its settings that end in rate), set "
                    "training.precision: float32, or look for pictures or labels that are not numbers",
                )
            self.curves.append(CurvePoint(self.epoch, part, name, value))
