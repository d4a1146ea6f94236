"""How long a training takes on this machine, from steps measured beforehand."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from dlr.networks.chip import device_of, has_volumes, precision_of
from dlr.networks.examples import Batch
from dlr.networks.placing import lay_out, placed
from dlr.networks.settings import TrainingSettings
from dlr.networks.trees import leaves

__all__ = ["seconds_an_example"]


def seconds_an_example(
    network: nn.Module, inputs: Tensor, settings: TrainingSettings, channels_last: bool = True
) -> float:
    """Seconds to show one example to a network in training: forward, backward, on the device that will train.

    inputs : (B, ...), a batch.  The network is spoilt.
    """
    volumes = has_volumes(network)
    device = device_of(settings, volumes)
    bfloat16 = precision_of(settings, device, volumes) == "bf16-mixed"
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        if channels_last:
            lay_out(network)
        network.to(device).train()
        shown = placed(Batch(inputs, None), torch.device(device), channels_last, None).inputs
        for _ in range(2):  # the first step also allocates
            begin = time.perf_counter()
            with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
                said = network(shown)
            torch.stack([leaf.float().sum() for leaf in leaves(said)]).sum().backward()  # type: ignore[no-untyped-call]
            if device == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - begin
        return seconds / len(inputs)
    finally:
        torch.set_num_threads(threads)
