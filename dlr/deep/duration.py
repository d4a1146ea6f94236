"""How long fine-tuning takes on this machine, from one step measured beforehand."""

from __future__ import annotations

import time

import torch

from dlr.deep.backbones import Network, make_backbone
from dlr.deep.settings import DeepSettings
from dlr.networks.chip import device_of, precision_of

__all__ = ["seconds_an_image"]

BATCH = 4  # enough for a rate, short enough for the largest backbone


def seconds_an_image(name: str, settings: DeepSettings) -> float:
    """Seconds to show one picture to a backbone in training: forward, backward, on the device that will train."""
    training = settings.training
    device = device_of(training)
    threads = torch.get_num_threads()
    torch.set_num_threads(training.threads)
    try:
        network = Network(name, make_backbone(name, 0)).to(device).train()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        pictures = torch.zeros(BATCH, 1, settings.input.size, settings.input.size, device=device)
        with torch.autocast(device, torch.bfloat16, enabled=precision_of(training, device) == "bf16-mixed"):
            for _ in range(2):  # the first step also allocates
                begin = time.perf_counter()
                network(pictures).float().sum().backward()
                if device == "cuda":
                    torch.cuda.synchronize()
                seconds = time.perf_counter() - begin
        return seconds / BATCH
    finally:
        torch.set_num_threads(threads)
