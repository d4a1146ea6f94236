"""Volumes a second, memory and gradients of MultiTask: the house's training against a plain loop on the same device.

python benchmarks/bench_volume.py                    # what this machine can do in a minute or two
python benchmarks/bench_volume.py --size 128 --depth 50 --width 64 --stem published --batch 8   # on a GPU

The plain loop is what one writes with the usual tools: float32, contiguous, each volume rotated, shifted and flipped on
the CPU by the loader, loss of all examples. Each is measured in a process of its own; their data are the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from dlr.networks.chip import device_of, has_volumes, precision_of, workers_of
from dlr.networks.placing import lay_out
from dlr.randomness import rng
from dlr.volume import ReceptorSettings, VolumeSettings, fit_network, make_network
from dlr.volume.augmentation import draw_move, moved, toned
from dlr.volume.cut import Volume
from dlr.volume.fitting import architecture_of
from dlr.volume.losses import soft_dice_loss, voxel_cross_entropy
from dlr.words import Target

TARGETS = (Target("er"), Target("pr"), Target("her2"))


@dataclass(frozen=True)
class Measured:
    """Of one loop."""

    volumes_a_second: float  # on a CPU of its own time
    peak: float  # GiB: of the device's memory, on a CPU of the process beyond what it had before
    waiting: float  # share of the time


@dataclass(frozen=True)
class Job:
    """What both loops are given."""

    volume: VolumeSettings
    settings: ReceptorSettings
    volumes: int
    threads: int

    def cohort(self) -> tuple[list[Volume], np.ndarray, list[str]]:
        """Noise with a ball in it."""
        shape, out = self.volume.shape, []
        place = np.indices(shape) - np.reshape(shape, (3, 1, 1, 1)) / 2
        mask = (place**2).sum(axis=0) < (min(shape) / 4) ** 2
        for number in range(self.volumes):
            grey = (rng(0, number).normal(100, 10, shape) + 40 * mask).astype(np.float32)
            out.append(Volume(grey, mask, True, (1.0, 1.0, 1.0), 70.0, 170.0, np.zeros_like(mask, np.float16), 1.0))
        labels = np.array([[number % 2, number // 2 % 2, number // 3 % 2] for number in range(self.volumes)], float)
        return out, labels, [str(number) for number in range(self.volumes)]


def measured(epochs_take: Callable[[int], float], epochs: int, volumes: int) -> Measured:
    """A run of one epoch (allocation, compiling) taken off one of several more.

    epochs_take : trains so many epochs and gives the share of waiting.
    """
    cuda = torch.cuda.is_available()
    clock = time.perf_counter if cuda else time.process_time  # of a CPU the work, whatever else it does
    before, seconds = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    for count in (1, 1 + epochs):
        begin = clock()
        waiting = epochs_take(count)
        seconds.append(clock() - begin)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = torch.cuda.max_memory_allocated() / 2**30 if cuda else (after - before) / 2**20
    return Measured(epochs * volumes / (seconds[1] - seconds[0]), peak, waiting)


def house(job: Job) -> Measured:
    """`fit_network`, without a validation part."""
    volumes, labels, names = job.cohort()

    def epochs_take(epochs: int) -> float:
        training = job.settings.training.model_copy(update={"epochs": epochs})
        settings = job.settings.model_copy(update={"training": training})
        return fit_network(
            "multi", volumes, labels, TARGETS, names, names, job.volume, settings, seed=0
        ).trained.waiting

    return measured(epochs_take, job.settings.training.epochs, len(volumes))


class Augmented(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """One volume at a time, changed on the CPU."""

    def __init__(self, volumes: list[Volume], labels: np.ndarray) -> None:
        self.volumes, self.labels, self.limits = volumes, labels.astype(np.float32), torch.tensor([70.0, 170.0])

    def __len__(self) -> int:
        return len(self.volumes)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor, Tensor]:
        one = self.volumes[place]
        move = draw_move(np.random.default_rng(), one.grey.shape, one.spacing)
        grey, mask = moved(
            torch.from_numpy(one.grey)[None, None],
            torch.from_numpy(one.mask)[None, None],
            torch.from_numpy(move.matrix)[None],
        )
        assert mask is not None
        grey = toned(grey, self.limits, torch.tensor([move.gain]), torch.tensor([move.gamma]))
        return grey[0], mask[0], torch.from_numpy(self.labels[place])


def plain(job: Job) -> Measured:
    """The usual loop: DataLoader, float32, contiguous."""
    torch.set_num_threads(job.threads)
    volumes, labels, _ = job.cohort()
    training = job.settings.training
    device = device_of(training, volumes=True)
    network = make_network(architecture_of("multi", TARGETS, job.volume, job.settings)).to(device).train()
    network.limits.copy_(torch.tensor([70.0, 170.0]))
    optimiser = torch.optim.Adam(network.parameters(), lr=training.rate)
    loader = DataLoader(
        Augmented(volumes, labels), training.batch_size, shuffle=True, drop_last=True,
        num_workers=workers_of(training, device), pin_memory=device == "cuda",
    )  # fmt: skip

    def epochs_take(epochs: int) -> float:
        begin, waited = time.perf_counter(), 0.0
        for _ in range(epochs):
            asked = time.perf_counter()
            for grey, mask, label in loader:
                waited += time.perf_counter() - asked
                said = network(grey.to(device))
                mask = mask.to(device)
                loss = functional.binary_cross_entropy_with_logits(said.scores, label.to(device))
                loss = loss + soft_dice_loss(said.segmentation, mask).mean()
                loss = loss + voxel_cross_entropy(said.segmentation, mask).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                loss.item()  # as most loops do, for the curve
                asked = time.perf_counter()
        return waited / (time.perf_counter() - begin)

    return measured(epochs_take, training.epochs, len(volumes))


def gradients(job: Job, bfloat16: bool) -> dict[str, Tensor]:
    """Of one step, by parameter."""
    volumes, labels, _ = job.cohort()
    device, size = device_of(job.settings.training, volumes=True), job.settings.training.batch_size
    torch.manual_seed(0)
    network = make_network(architecture_of("multi", TARGETS, job.volume, job.settings))
    if job.settings.norm == "batch":
        lay_out(network)
    network.to(device).train().limits.copy_(torch.tensor([70.0, 170.0]))
    grey, mask = (
        torch.from_numpy(np.stack([getattr(one, name) for one in volumes[:size]])[:, None]).to(device)
        for name in ("grey", "mask")
    )
    with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
        said = network(grey)
    assert said.segmentation is not None
    truth = torch.from_numpy(labels[:size]).float().to(device)
    loss = functional.binary_cross_entropy_with_logits(said.scores.float(), truth)
    loss = loss + soft_dice_loss(said.segmentation, mask.float()).mean()
    loss = loss + voxel_cross_entropy(said.segmentation, mask.float()).mean()
    loss.backward()
    return {name: p.grad.float().cpu() for name, p in network.named_parameters() if p.grad is not None}


def compared(job: Job) -> list[float]:
    """Cosine of float32's and bfloat16's gradient, of every convolution."""
    one, other = gradients(job, False), gradients(job, True)
    return [
        float(nn.functional.cosine_similarity(one[k].flatten().double(), other[k].flatten().double(), dim=0))
        for k in one
        if one[k].ndim == 5
    ]


def alone(function: Callable[[Job], object], job: Job) -> object:
    """In a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, job).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--stem", default="light")
    parser.add_argument("--norm", default="batch")
    parser.add_argument("--resolution", default="full")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--volumes", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", default="auto")
    parser.add_argument("--checkpointing", default="off")
    asked = parser.parse_args()
    training = {
        "epochs": asked.epochs, "batch_size": asked.batch, "patience": None, "precision": asked.precision,
        "compile": asked.compile, "checkpointing": asked.checkpointing, "threads": asked.threads,
        "workers": asked.workers,
    }  # fmt: skip
    settings = ReceptorSettings.model_validate(
        {
            "depth": asked.depth, "width": asked.width, "stem": asked.stem, "norm": asked.norm,
            "passes": asked.passes, "segmentation": {"resolution": asked.resolution}, "training": training,
        }
    )  # fmt: skip
    job = Job(VolumeSettings(size=asked.size), settings, asked.volumes, asked.threads)
    device = device_of(settings.training, volumes=True)
    network = make_network(architecture_of("multi", TARGETS, job.volume, settings))
    precision = precision_of(settings.training, device, has_volumes(network))
    weights = sum(p.numel() for p in network.parameters())
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {asked.threads} threads"
    print(f"torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, {name}; ours in {precision}")
    print(
        f"MultiTask, depth {asked.depth}, width {asked.width}, {asked.stem}, {asked.norm}, {asked.passes} passes, "
        f"{asked.size}³, batch {asked.batch}, {asked.volumes} volumes, {weights:,} weights"
    )
    print("| round | ours, volumes/s | plain | times | ours, GiB | plain | ours waits | plain |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    ratios = []
    for number in range(asked.rounds):
        ours, theirs = alone(house, job), alone(plain, job)
        assert isinstance(ours, Measured) and isinstance(theirs, Measured)
        ratios.append(ours.volumes_a_second / theirs.volumes_a_second)
        print(
            f"| {number + 1} | {ours.volumes_a_second:.1f} | {theirs.volumes_a_second:.1f} | {ratios[-1]:.2f} "
            f"| {ours.peak:.2f} | {theirs.peak:.2f} | {ours.waiting:.1%} | {theirs.waiting:.1%} |"
        )
    print(f"median {statistics.median(ratios):.2f} times")
    if precision == "bf16-mixed":
        cosines = alone(compared, job)
        assert isinstance(cosines, list)
        print(f"cosine of float32's and bfloat16's gradients, {len(cosines)} convolutions: least {min(cosines):.4f}, "
              f"median {statistics.median(cosines):.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
