"""What the machine at hand does best: device, precision, processes."""

from __future__ import annotations

import os

import torch
from lightning_fabric import Fabric

from dlr.errors import InputError
from dlr.networks.settings import TrainingSettings

__all__ = ["device_of", "make_fabric", "precision_of", "workers_of"]

MOST_WORKERS = 8  # for one GPU


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


def workers_of(settings: TrainingSettings, device: str) -> int:
    """Processes that make batches ready: a GPU waits for one, a CPU has none to spare."""
    if settings.workers is not None:
        return settings.workers
    if device != "cuda":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_WORKERS, max(1, cores // settings.devices - 1))


def make_fabric(settings: TrainingSettings) -> Fabric:
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
