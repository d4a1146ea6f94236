"""What a network is trained for: losses and measures by name. They count labels, so that unknown ones weigh nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from dlr.networks.examples import Batch
from dlr.networks.trees import Tree, leaves, map_tree

__all__ = ["TOTAL", "Loss", "Measure", "Objective", "RunningMeans", "binary_cross_entropy", "judged"]

TOTAL = "loss"  # the name of the weighted sum


@dataclass(frozen=True)
class Loss:
    """One part of what is minimised: the mean of the known labels' losses, times a weight.

    each : of outputs and targets, the loss of every label, finite also where the label is not known; any shape.
    known : of targets, bool in the shape of `each`. None: every example counts once, whatever the shape.
    Which labels are known depends on the targets alone; so a batch may be shown in pieces, or by several processes,
    and its loss still is the mean over all of its labels.
    """

    each: Callable[[Tree, Tree], Tensor]
    known: Callable[[Tree], Tensor] | None = None
    weight: float = 1.0

    def count(self, targets: Tree) -> Tensor:
        """How many labels are known, int64 ()."""
        if self.known is None:
            return torch.tensor(len(leaves(targets)[0]))
        return self.known(targets).sum()

    def total(self, outputs: Tree, targets: Tree) -> Tensor:
        """The sum over the known labels, (); without any it is 0, and so is its gradient."""
        each = self.each(outputs, targets)
        if self.known is None:
            return each.mean() * len(leaves(targets)[0])
        known = self.known(targets)
        if known.shape != each.shape:
            raise ValueError(f"known labels {tuple(known.shape)} for losses {tuple(each.shape)}")
        return torch.where(known, each, 0.0).sum()


@dataclass(frozen=True)
class Measure:
    """One number of the whole validation part, which need not be a mean over examples (an AUC is none).

    of_batch : of outputs and targets, what is kept of a batch, (B, ...).  of_all : of all rows kept, the number.
    """

    of_batch: Callable[[Tree, Tree], Tensor]
    of_all: Callable[[Tensor], float]
    higher_is_better: bool = False


@dataclass(frozen=True)
class Objective:
    """Losses whose weighted sum, named "loss", is minimised; measures beside it; and the one that judges an epoch."""

    losses: Mapping[str, Loss]
    measures: Mapping[str, Measure] = field(default_factory=dict)
    judged_by: str = TOTAL

    def __post_init__(self) -> None:
        names = [*self.losses, *self.measures, *([] if list(self.losses) == [TOTAL] else [TOTAL])]
        if len(set(names)) < len(names):
            raise ValueError(f"two things of one name: {names}")
        if self.judged_by not in names:
            raise ValueError(f"judged by {self.judged_by!r}, which is none of {names}")

    @property
    def sign(self) -> float:
        """What the judging number is multiplied by, so that less is better."""
        judge = self.measures.get(self.judged_by)
        return -1.0 if judge is not None and judge.higher_is_better else 1.0

    def weighted(self, means: Mapping[str, Tensor]) -> Tensor:
        """The sum that is minimised, ()."""
        return torch.stack([loss.weight * means[name] for name, loss in self.losses.items()]).sum()


class RunningMeans:
    """Means of an objective's losses over all labels added so far."""

    def __init__(self, objective: Objective) -> None:
        self.losses = objective.losses
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, Tensor] = {}

    def add(self, means: Mapping[str, Tensor], counts: Mapping[str, Tensor]) -> None:
        """Take in the means () of some labels and how many they are."""
        for name, mean in means.items():
            self.sums[name] = self.sums.get(name, 0.0) + mean * counts[name]
            self.counts[name] = self.counts.get(name, 0.0) + counts[name]

    def values(self) -> dict[str, float]:
        """The weighted sum, then each mean by its name; one of no label is NaN and has no part in the sum."""
        counts = {name: float(count) for name, count in self.counts.items()}
        means = {name: float(self.sums[name]) / n if n else math.nan for name, n in counts.items()}
        known = [self.losses[name].weight * mean for name, mean in means.items() if counts[name]]
        total = sum(known) if known else math.nan
        return {TOTAL: total, **({} if list(means) == [TOTAL] else means)}


@torch.no_grad()
def judged(network: Callable[[Tree], Tree], batches: Iterable[Batch], objective: Objective) -> dict[str, float]:
    """Losses and measures of a network on some batches, by name.

    network : called with the inputs of every batch; its outputs are judged as float32.
    """
    means = RunningMeans(objective)
    kept: dict[str, list[Tensor]] = {name: [] for name in objective.measures}
    for batch in batches:
        outputs = map_tree(_as_float, network(batch.inputs))
        counts = {name: loss.count(batch.targets).cpu() for name, loss in objective.losses.items()}
        totals = {name: loss.total(outputs, batch.targets).cpu() for name, loss in objective.losses.items()}
        means.add({name: (totals[name] / counts[name].clamp(min=1)).double() for name in totals}, counts)
        for name, measure in objective.measures.items():
            kept[name].append(measure.of_batch(outputs, batch.targets).cpu())
    rows = {name: torch.cat(some) for name, some in kept.items()}
    return {**means.values(), **{name: float(objective.measures[name].of_all(rows[name])) for name in rows}}


def _as_float(leaf: Tensor) -> Tensor:
    return leaf.float() if leaf.is_floating_point() else leaf


def binary_cross_entropy(
    logits: Tensor, targets: Tensor, smoothing: float = 0.0, positive_weight: Tensor | None = None
) -> Tensor:
    """Cross-entropy of every logit (B, K) against 0/1 targets (B, K); 0 where a target is NaN, not known.

    smoothing : labels move towards one half by this share.  positive_weight : (K,) weight of a positive, None = 1.
    """
    known = torch.isfinite(targets)
    wanted = torch.where(known, targets, 0.0) * (1 - smoothing) + 0.5 * smoothing
    heavier = None if positive_weight is None else positive_weight.to(logits.device)
    each = functional.binary_cross_entropy_with_logits(logits.float(), wanted, pos_weight=heavier, reduction="none")
    return torch.where(known, each, 0.0)
