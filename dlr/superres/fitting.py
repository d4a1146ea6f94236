"""Fitting a generator to images alone: for fidelity, then, where asked for, against a discriminator."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.networks.loop import train
from dlr.networks.objective import Loss, Objective
from dlr.randomness import seed_of
from dlr.superres.examples import Crops
from dlr.superres.networks import form_of, make_network
from dlr.superres.settings import SuperresSettings

__all__ = ["Fitted", "fit"]

Curve = tuple[str, int, str, float]  # phase (psnr, gan), epoch, measure, value


@dataclass(frozen=True)
class Fitted:
    """A generator and how it came about."""

    generator: nn.Module  # in eval mode
    psnr: nn.Module | None  # what it was before the adversary; None where there was none
    curves: tuple[Curve, ...]
    seconds: float


def fit(
    images: Sequence[np.ndarray],
    cases: Sequence[str],
    settings: SuperresSettings,
    seed: int,
    *,
    perceptual: nn.Module | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Fitted:
    """Train a generator on images of which lower resolution is simulated; no label is looked at.

    images : float32 (h, w) in units, 0 to 1.  cases : their names, for messages.
    perceptual : (B, 1, h, w) to feature maps, whose distance counts in the adversarial phase; None: it does not.
    checkpoint : a file to go on from and to write to; `identity` says what it belongs to.
    Raises InputError for an image that cannot be learnt from, and where a loss is no number any more.
    """
    begin = time.perf_counter()
    _check(images, cases)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "generator"))
        network = make_network(form_of(settings.network, settings.scale))
    crops = Crops(images, settings.crop, settings.scale, settings.crops, settings.degradation, seed)
    trained = train(
        network,
        crops,
        objective=Objective({"loss": Loss(absolute_error)}),
        rates={"": settings.training.rate},
        settings=settings.training,
        seed=seed,
        checkpoint=checkpoint,
        identity=identity,
    )
    curves = [("psnr", point.epoch, point.measure, point.value) for point in trained.curves]
    return Fitted(network, None, tuple(curves), time.perf_counter() - begin)


def absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Of every pixel, units."""
    return (outputs.float() - targets).abs()


def _check(images: Sequence[np.ndarray], cases: Sequence[str]) -> None:
    if not images:
        raise InputError("superres", "there is no image to fit a generator on", "give training patients with images")
    for image, case in zip(images, cases, strict=True):
        if image.ndim != 2 or not np.isfinite(image).all():
            what = f"of shape {image.shape} and with values that are not numbers, or not of two dimensions"
            raise InputError(f"superres, case {case}", what, "mend the image, or leave the case out")
