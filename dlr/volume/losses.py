"""What the 3-D networks are trained for: the targets, which alone judge an epoch, and the outline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from dlr.networks import Loss, Measure, Objective, binary_cross_entropy
from dlr.volume.networks import ReceptorOutput
from dlr.volume.settings import ReceptorSettings
from dlr.words import Target

__all__ = [
    "HEADS", "Wanted", "focal_loss", "make_objective", "per_cent_loss", "soft_dice_loss", "voxel_cross_entropy",
]  # fmt: skip

HEADS = "heads"  # the markers' loss
FOCUS = 2.0  # of the focal loss (Lin et al. 2017)
PER_CENT_WEIGHT = math.log(2) / 4  # the mean of labels of SD 20 per cent then costs what a probability of one half does


@dataclass(frozen=True)
class Wanted:
    """What is known of B volumes."""

    labels: Tensor  # (B, K) of 0 and 1, or per cents; NaN where unknown
    mask: Tensor | None = None  # (B, 1, D, H, W) of 0 and 1; MultiTask
    outlined: Tensor | None = None  # bool (B,): whose mask is an outline


def make_objective(kind: str, targets: Sequence[Target], settings: ReceptorSettings) -> Objective:
    """The targets' mean loss over all known labels, judged by alone; of `multi` Dice and voxels over the outlined too.

    Where the network has log variances s (`task_weights: uncertainty`), a label's loss l counts as exp(-s) l + s / 2
    (Kendall et al. 2018, eq. 10). The loss of a target, loss_<target>, is measured beside it, as it is.
    """
    of_label = focal_loss if settings.loss == "focal" else binary_cross_entropy
    per_cent = torch.tensor([not target.binary for target in targets])

    def each(said: ReceptorOutput, wanted: Wanted) -> Tensor:
        own, columns = said.scores, per_cent.to(said.scores.device)
        of_shares = of_label(own, torch.where(columns, torch.nan, wanted.labels))
        of_per_cents = per_cent_loss(own, torch.where(columns, wanted.labels, torch.nan), settings.per_cent_loss)
        return of_shares + of_per_cents

    def heads(said: ReceptorOutput, wanted: Wanted) -> Tensor:
        if said.log_variances is None:
            return each(said, wanted)
        return torch.exp(-said.log_variances) * each(said, wanted) + said.log_variances / 2

    losses = {HEADS: Loss(heads, lambda wanted: torch.isfinite(wanted.labels))}
    if kind == "multi":
        for name, of_map in (("dice", soft_dice_loss), ("voxels", voxel_cross_entropy)):
            over_maps = partial(_over_maps, of_map)
            losses[name] = Loss(over_maps, lambda wanted: wanted.outlined, settings.segmentation.weight)
    measures = {f"loss_{target.name}": _of_one(each, column) for column, target in enumerate(targets)}
    return Objective(losses, measures, judged_by=HEADS)


def _of_one(each: Callable[[ReceptorOutput, Wanted], Tensor], column: int) -> Measure:
    """The mean loss of one target over the examples that have its label; NaN where none has."""

    def rows(said: ReceptorOutput, wanted: Wanted) -> Tensor:
        known = torch.isfinite(wanted.labels[:, column])
        return torch.where(known, each(said, wanted)[:, column], torch.nan)

    return Measure(rows, lambda losses: float(torch.nanmean(losses)))


def focal_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (B, K) times (1 - p)², p the probability of what is true; 0 where a label is NaN."""
    known = torch.isfinite(labels)
    true = torch.where(known, labels, 0.0) > 0.5
    wrong = torch.sigmoid(torch.where(true, -logits, logits).float())  # 1 - p
    return binary_cross_entropy(logits, labels) * wrong**FOCUS


def per_cent_loss(scores: Tensor, labels: Tensor, form: str) -> Tensor:
    """PER_CENT_WEIGHT times the squared error (B, K) in units of 10 per cent; 0 where a label is NaN.

    scores : tens of per cent.  labels : per cent.  form : huber goes on in a straight line from an error of 10 per
    cent; up to there it is the squared error.
    """
    known = torch.isfinite(labels)
    error = scores.float() - torch.where(known, labels, 0.0) / 10
    size = error.abs()
    loss = error**2 if form == "squared" else torch.where(size <= 1, error**2, 2 * size - 1)
    return torch.where(known, PER_CENT_WEIGHT * loss, 0.0)


def soft_dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 - Dice (B,) of probabilities against a mask (B, 1, D, H, W) of shares 0 to 1, one voxel added above and below.

    Milletari et al. 2016, without their squares. Summed in float32: in bfloat16 a small lesion is lost in the sum.
    """
    probability, space = torch.sigmoid(logits.float()), (1, 2, 3, 4)
    shared = (probability * mask).sum(dim=space)
    return 1 - (2 * shared + 1) / (probability.sum(dim=space) + mask.sum(dim=space) + 1)


def voxel_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy (B,) of the voxels against a mask (B, 1, D, H, W) of shares 0 to 1."""
    each = functional.binary_cross_entropy_with_logits(logits.float(), mask, reduction="none")
    return each.mean(dim=(1, 2, 3, 4))


def _over_maps(of_map: Callable[[Tensor, Tensor], Tensor], said: ReceptorOutput, wanted: Wanted) -> Tensor:
    """(B,): the loss of the map; with deep supervision the mean with coarser ones, weighed 1, 1/2, 1/4 ...

    A coarser map is compared with the share of lesion in each of its voxels, so that none vanishes.
    """
    assert said.segmentation is not None and wanted.mask is not None  # of MultiTask
    mask = wanted.mask.float()
    total, weights = of_map(said.segmentation, mask), 1.0
    for number, coarse in enumerate(said.coarse, start=1):
        shares = functional.interpolate(mask, coarse.shape[2:], mode="area")
        total = total + of_map(coarse, shares) / 2**number
        weights += 1 / 2**number
    return total / weights
