"""Crops a second trained, pixels a second applied and memory of the generators; training against a plain float32 loop.

python benchmarks/bench_superres.py                    # small, on this machine in two minutes
python benchmarks/bench_superres.py --network full     # on a GPU

On a CPU the seconds are processor time of one thread. Each figure comes from a process of its own;
the images are noise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from dlr.networks.chip import device_of, precision_of
from dlr.randomness import rng
from dlr.superres import Enhancer, SuperresSettings, fit, make_network
from dlr.superres.examples import Crops
from dlr.superres.networks import form_of

STILL = (768, 1024)
Value = TypeVar("Value")


def clock() -> float:
    """Of a CPU the work, whatever else it does."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def images() -> list[np.ndarray]:
    """A dozen of noise, units."""
    return [rng(0, "image", k).random((400, 500)).astype(np.float32) for k in range(12)]


def settings_of(network: str, method: str, epochs: int, crops: int) -> SuperresSettings:
    """Of so many epochs in the phase that is measured."""
    one = {"epochs": 1, "device": "auto"}
    long = {**one, "epochs": epochs}
    return SuperresSettings.model_validate(
        {
            "method": method,
            "network": network,
            "crops": crops,
            "training": long if method == "psnr" else one,
            "adversarial": {"epochs": epochs, "warm_up_steps": 0},
        }
    )


def house(network: str, method: str, crops: int) -> float:
    """Seconds a step of `fit`, by three epochs less one; without a perceptual network."""
    seconds = []
    for epochs in (1, 3):
        begin = clock()
        fit(images(), [str(k) for k in range(12)], settings_of(network, method, epochs, crops), 0)
        seconds.append(clock() - begin)
    return (seconds[1] - seconds[0]) / (2 * crops / 8)


def plain(network: str, crops: int) -> float:
    """Seconds a step of the usual loop: float32, contiguous, batches made in between."""
    settings = settings_of(network, "psnr", 1, crops)
    torch.set_num_threads(1)
    device = device_of(settings.training)
    built = make_network(form_of(network, settings.scale)).to(device)
    optimiser = torch.optim.Adam(built.parameters(), settings.training.rate)
    examples = Crops(images(), settings.crop, settings.scale, crops, settings.degradation, 0)
    for step in range(-2, crops // 8):
        if step == 0:
            begin = clock()
        batch = examples.batch(range(8), step)
        optimiser.zero_grad()
        (built(batch.inputs.to(device)) - batch.targets.to(device)).abs().mean().backward()
        optimiser.step()
    return (clock() - begin) / (crops // 8)


def making() -> float:
    """Seconds for the data of a step."""
    settings = settings_of("small", "psnr", 1, 80)
    examples = Crops(images(), settings.crop, settings.scale, 80, settings.degradation, 0)
    begin = time.process_time()
    for step in range(10):
        examples.batch(range(8 * step, 8 * step + 8), 1)
    return (time.process_time() - begin) / 10


def applied(network: str, tile: int) -> tuple[float, float]:
    """Input pixels a second of a whole still, on a CPU as ever, and the process's largest memory in MB."""
    enhancer = Enhancer(make_network(form_of(network, 4)).eval(), 4, tile=tile)
    begin = clock()
    enhancer.restored(rng(0, "still").random(STILL).astype(np.float32))
    seconds = clock() - begin
    return STILL[0] * STILL[1] / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(function: Callable[[], Value]) -> Value:
    """In a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=["small", "full"], default="small")
    parser.add_argument("--crops", type=int, default=160, help="an epoch")
    asked = parser.parse_args()
    settings = settings_of(asked.network, "psnr", 1, 8).training
    device = device_of(settings)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"
    weights = sum(p.numel() for p in make_network(form_of(asked.network, 4)).parameters())
    print(f"torch {torch.__version__}, {name}; ours in {precision_of(settings, device)}")
    print(f"{asked.network}, {weights:,} weights, ×4, steps of 8 crops of 128 pixels")
    ours, theirs = (
        alone(partial(house, asked.network, "psnr", asked.crops)),
        alone(partial(plain, asked.network, asked.crops)),
    )
    against = alone(partial(house, asked.network, "gan", asked.crops))
    print(f"ms a step: ours {ours * 1000:.0f}, plain float32 {theirs * 1000:.0f} ({theirs / ours:.2f} times); "
          f"against a discriminator {against * 1000:.0f}; the crops of a step {alone(making) * 1000:.1f}")  # fmt: skip
    for tile in (64, 128, 256):
        speed, peak = alone(partial(applied, asked.network, tile))
        print(f"tile {tile}: {speed / 1e6:.3f} Mpx of input a second, largest memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
