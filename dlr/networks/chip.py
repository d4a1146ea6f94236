"""What the machine at hand does best: device, precision, processes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric
from torch import nn

from dlr.errors import InputError
from dlr.networks.settings import TrainingSettings

__all__ = [
    "compiles", "device_of", "exact_volumes", "has_volumes", "make_fabric", "precision_of", "volumes_in_bfloat16",
    "workers_of",
]  # fmt: skip

logger = logging.getLogger(__name__)

MOST_WORKERS = 8  # for one GPU


def device_of(settings: TrainingSettings, volumes: bool = False) -> str:
    """cuda, mps or cpu; InputError where a named one is not there.

    volumes : the network convolves in three dimensions, for which mps lacks operations.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available() and not volumes, "cpu": True}
    if settings.device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[settings.device]:
        what = f"torch sees no {settings.device} device" + " that trains on volumes" * volumes
        raise InputError("training.device", what, "set it to auto or cpu")
    return settings.device


def precision_of(settings: TrainingSettings, device: str, volumes: bool = False) -> str:
    """Fabric's name of the precision; bfloat16 in software is three times slower than float32, so ask the chip.

    volumes : the network convolves in three dimensions. Where bfloat16 does that wrongly, float32 is taken instead,
    with a line in the log.
    """
    if settings.precision == "float32":
        return "32-true"
    if settings.precision == "auto":
        if device == "cuda":
            native = torch.cuda.get_device_capability() >= (8, 0)
        else:
            native = device == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
        if not native:
            return "32-true"
    if volumes and not volumes_in_bfloat16(device, torch.__version__, torch.backends.cudnn.version()):
        logger.info(
            "training in float32: torch %s on %s convolves volumes wrongly in bfloat16", torch.__version__, device
        )
        return "32-true"
    return "bf16-mixed"


def volumes_in_bfloat16(device: str, torch_version: str, cudnn: int | None) -> bool:
    """Whether a 3-D convolution in bfloat16 and its gradients can be trusted.

    Not on a CPU: oneDNN 3.12 (torch 2.13) gives weight gradients of unwritten memory where a map has two slices or
    fewer, and has ended the process.
    Not with cuDNN 9.8 to 9.14 under torch before 2.10: wrong numbers (pytorch #163539), or cuDNN is left out and a
    step is ten times slower (#166643). The same releases get TF32 wrong (#167024).

    cudnn : as torch.backends.cudnn.version() gives it, 91002 for 9.10.2.
    """
    if device == "cpu":
        return False
    major, minor = (int(part) for part in torch_version.split(".")[:2])
    return (major, minor) >= (2, 10) or cudnn is None or not 90800 <= cudnn < 91500


def has_volumes(network: nn.Module) -> bool:
    """Whether it convolves in three dimensions."""
    return any(isinstance(module, nn.Conv3d) for module in network.modules())


@contextmanager
def exact_volumes(device: str, volumes: bool) -> Iterator[None]:
    """Inside, CUDA convolves volumes without TF32 where that is wrong."""
    if (
        device == "cuda"
        and volumes
        and not volumes_in_bfloat16(device, torch.__version__, torch.backends.cudnn.version())
    ):
        with torch.backends.cudnn.flags(allow_tf32=False):
            yield
    else:
        yield


def compiles(settings: TrainingSettings, device: str, recomputed: bool) -> bool:
    """Whether the network is compiled. Never on a CPU, where it would change bits; so it is no part of a key.

    recomputed : parts of it compute their activations again, which a compiled network cannot.
    Raises InputError where it is asked for and cannot be.
    """
    if settings.compile == "off":
        return False
    able = device == "cuda" and sys.platform == "linux" and not recomputed
    if settings.compile == "on" and not able:
        raise InputError(
            where="training.compile on",
            what="a network is compiled for CUDA under Linux, unless parts of it compute their activations again",
            mend="set training.compile: auto, or training.checkpointing: off",
        )
    return able


def workers_of(settings: TrainingSettings, device: str) -> int:
    """Processes that make batches ready: a GPU waits for one, a CPU has none to spare."""
    if settings.workers is not None:
        return settings.workers
    if device != "cuda":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_WORKERS, max(1, cores // settings.devices - 1))


def make_fabric(settings: TrainingSettings, volumes: bool = False) -> Fabric:
    """One device here, or the processes that torchrun started.  volumes : the network convolves in three dimensions."""
    device = device_of(settings, volumes)
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
        precision=precision_of(settings, device, volumes),  # type: ignore[arg-type]
    )
    if several:
        fabric.launch()
    return fabric
