"""Images a second: frozen features, and fine-tuning by the house's loop against a plain one on the same device.

python benchmarks/bench_deep.py                                  # what this machine can do in a minute
python benchmarks/bench_deep.py --backbone resnet50 --size 224 --batch 64 --precision bfloat16   # on a GPU
"""

from __future__ import annotations

import argparse
import statistics
import time
from importlib.metadata import version

import numpy as np
import torch

from dlr.deep import Network, Picture, embed, load_weights, make_backbone
from dlr.deep.finetuning import LabelledPictures
from dlr.networks import Loss, Objective, TrainingSettings, binary_cross_entropy, train
from dlr.networks.chip import device_of, precision_of


def pictures(n: int, size: int) -> LabelledPictures:
    """Random pictures with alternating labels, augmented."""
    generator = np.random.default_rng(0)
    grey = [generator.normal(size=(size, size)).astype(np.float32) for _ in range(n)]
    return LabelledPictures(grey, np.arange(n) % 2, [str(k) for k in range(n)], 0, augmented=True)


def house(name: str, examples: LabelledPictures, settings: TrainingSettings) -> tuple[float, float]:
    """Images a second by dlr.networks.train, and the share of time it waited for data; one epoch is thrown away."""
    rates = []
    for epochs in (1, settings.epochs + 1):
        network = Network(name, make_backbone(name, 0))
        begin = time.perf_counter()
        found = train(
            network, examples, objective=Objective({"loss": Loss(binary_cross_entropy, torch.isfinite)}), seed=0,
            rates={"": 1e-4, "head": 1e-3},
            settings=settings.model_copy(update={"epochs": epochs}),
        )  # fmt: skip
        rates.append((time.perf_counter() - begin, found.waiting))
    seconds = rates[1][0] - rates[0][0]
    return settings.epochs * len(examples) / seconds, rates[1][1]


def plain(name: str, examples: LabelledPictures, settings: TrainingSettings) -> float:
    """Images a second by the loop everybody writes: a DataLoader-free step, same layout and precision, data ready."""
    device = device_of(settings)
    mixed = precision_of(settings, device) == "bf16-mixed"
    network = Network(name, make_backbone(name, 0)).to(device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
    size = settings.batch_size
    batches = [
        examples.batch(list(range(k, min(k + size, len(examples)))), None) for k in range(0, len(examples), size)
    ]

    def epoch() -> None:
        for batch in batches:
            inputs = batch.inputs.to(device, memory_format=torch.channels_last)
            with torch.autocast(device, torch.bfloat16, enabled=mixed):
                loss = torch.nn.functional.binary_cross_entropy_with_logits(network(inputs), batch.targets.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if device == "cuda":
            torch.cuda.synchronize()

    epoch()
    begin = time.perf_counter()
    for _ in range(settings.epochs):
        epoch()
    return settings.epochs * len(examples) / (time.perf_counter() - begin)


def frozen(size: int, repeats: int = 10) -> list[float]:
    """Stills a second of the default backbone, picture and mirror image."""
    backbone, _ = load_weights("efficientnet_lite0", "imagenet")
    picture = Picture(
        np.random.default_rng(0).normal(size=(size, size)).astype(np.float32), np.zeros((size, size), bool)
    )
    embed(backbone, None, picture, True)
    rates = []
    for _ in range(repeats):
        begin = time.perf_counter()
        embed(backbone, None, picture, True)
        rates.append(1 / (time.perf_counter() - begin))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--precision", default="auto")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    settings = TrainingSettings.model_validate(
        {
            "epochs": asked.epochs,
            "batch_size": asked.batch,
            "precision": asked.precision,
            "threads": asked.threads,
            "workers": asked.workers,
        }
    )
    device = device_of(settings)
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {asked.threads} threads"
    print(f"torch {version('torch')}, {name}, {precision_of(settings, device)}")
    rates = frozen(224)
    print(f"frozen efficientnet_lite0, 224 px, with mirror image: {statistics.median(rates):.1f} stills/s")
    examples = pictures(asked.images, asked.size)
    print(f"fine-tuning {asked.backbone}, {asked.size} px, batch {asked.batch}, {asked.images} images")
    print(f"{'round':>5} {'house/s':>9} {'plain/s':>9} {'ratio':>6} {'waiting':>8}")
    ratios = []
    for number in range(asked.rounds):
        ours, waiting = house(asked.backbone, examples, settings)
        theirs = plain(asked.backbone, examples, settings)
        ratios.append(ours / theirs)
        print(f"{number + 1:>5} {ours:>9.1f} {theirs:>9.1f} {ratios[-1]:>6.2f} {waiting:>8.1%}")
    print(f"median ratio {statistics.median(ratios):.2f} (the plain loop's data lie ready and are not augmented)")


if __name__ == "__main__":
    main()
