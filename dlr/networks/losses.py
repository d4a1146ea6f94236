"""Losses of binary outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BinaryLoss"]


class BinaryLoss(nn.Module):
    """Cross-entropy of logits (B, K) against 0/1 targets (B, K), NaN where a label is not known.

    smoothing : labels move towards one half by this share.  positive_weight : (K,) weight of a positive, None = 1.
    """

    def __init__(self, smoothing: float = 0.0, positive_weight: Tensor | None = None) -> None:
        super().__init__()
        self.smoothing = smoothing
        self.positive_weight: Tensor | None
        self.register_buffer("positive_weight", positive_weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        known = torch.isfinite(targets)
        wanted = torch.where(known, targets, torch.zeros_like(targets))
        wanted = wanted * (1 - self.smoothing) + 0.5 * self.smoothing
        each = functional.binary_cross_entropy_with_logits(
            logits.float(), wanted, pos_weight=self.positive_weight, reduction="none"
        )
        return (each * known).sum() / known.sum().clamp(min=1)
