"""What the machine at hand does best: device, precision."""

from __future__ import annotations

import torch

from dlr.errors import InputError
from dlr.networks.settings import TrainingSettings

__all__ = ["device_of", "precision_of"]


def device_of(settings: TrainingSettings) -> str:
    """cuda, mps or cpu; InputError where a named one is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if settings.device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[settings.device]:
        raise InputError("training.device", f"torch sees no {settings.device} device", "set it to auto or cpu")
    return settings.device


def precision_of(settings: TrainingSettings, device: str) -> str:
    """Fabric's name of the precision; bfloat16 in software is three times slower than float32, so ask the chip."""
    if settings.precision == "float32":
        return "32-true"
    if settings.precision == "bfloat16":
        return "bf16-mixed"
    if device == "cuda":
        native = torch.cuda.get_device_capability() >= (8, 0)
    else:
        native = device == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return "bf16-mixed" if native else "32-true"
