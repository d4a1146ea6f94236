"""Fitting a generator to images alone: for fidelity, then, where asked for, against a discriminator.

Source of the two phases: Ledig et al. 2017 (SRGAN, arXiv 1609.04802); Wang et al. 2018 (ESRGAN, arXiv 1809.00219).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.networks.adversarial import Adversary, TrainedAgainst, train_against
from dlr.networks.loop import train
from dlr.networks.objective import Loss, Objective
from dlr.networks.underway import CurvePoint
from dlr.randomness import seed_of
from dlr.stats import auc
from dlr.superres.examples import Crops
from dlr.superres.networks import PatchDiscriminator, UNetDiscriminator, form_of, make_network
from dlr.superres.perceptual import PerceptualDistance
from dlr.superres.settings import SuperresSettings

__all__ = ["Fitted", "discriminator_auc", "fit"]

Curve = tuple[str, int, str, float]  # phase (psnr, gan), epoch, measure, value

JUDGED = 128  # crops on which a discriminator is judged


@dataclass(frozen=True)
class Fitted:
    """A generator and how it came about."""

    generator: nn.Module  # in eval mode
    psnr: nn.Module | None  # what it was before the adversary; None where there was none
    warmed: nn.Module | None  # the discriminator after its warm-up, when it knew what `psnr` makes only
    curves: tuple[Curve, ...]
    seconds: float


def fit(
    images: Sequence[np.ndarray],
    cases: Sequence[str],
    settings: SuperresSettings,
    seed: int,
    *,
    begun: nn.Module | None = None,
    perceptual: nn.Module | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Fitted:
    """Train a generator on images of which lower resolution is simulated; no label is looked at.

    images : float32 (h, w) in units, 0 to 1.  cases : their names, for messages.
    begun : a generator fitted for fidelity before, where only the adversarial phase is wanted; it stays as it is.
    perceptual : (B, 1, h, w) to feature maps, whose distance counts in the adversarial phase; None: it does not.
    checkpoint : a file to go on from and to write to, and another beside it for the adversarial phase; `identity`
    says what they belong to.
    Raises InputError for an image that cannot be learnt from, and where a loss is no number any more.
    """
    begin = time.perf_counter()
    _check(images, cases)
    psnr, curves = (begun, ()) if begun is not None else _fit_for_fidelity(images, settings, seed, checkpoint, identity)
    if settings.method != "gan":
        return Fitted(psnr, None, None, curves, time.perf_counter() - begin)
    network = copy.deepcopy(psnr)
    beside = None if checkpoint is None else checkpoint.with_name(f"{checkpoint.stem}_gan{checkpoint.suffix}")
    against = _fit_against(network, images, settings, seed, perceptual, beside, identity)
    curves += _curves("gan", against.curves)
    return Fitted(network, psnr, against.warmed, curves, time.perf_counter() - begin)


def _fit_for_fidelity(
    images: Sequence[np.ndarray], settings: SuperresSettings, seed: int, checkpoint: Path | None, identity: str
) -> tuple[nn.Module, tuple[Curve, ...]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "generator"))
        network = make_network(form_of(settings.network, settings.scale))
    trained = train(
        network,
        _crops(images, settings, seed),
        objective=Objective({"loss": Loss(absolute_error)}),
        rates={"": settings.training.rate},
        settings=settings.training,
        seed=seed,
        checkpoint=checkpoint,
        identity=identity,
    )
    return network, _curves("psnr", trained.curves)


def _fit_against(
    network: nn.Module,
    images: Sequence[np.ndarray],
    settings: SuperresSettings,
    seed: int,
    perceptual: nn.Module | None,
    checkpoint: Path | None,
    identity: str,
) -> TrainedAgainst:
    """The adversarial phase, on other crops than the first."""
    chosen = settings.adversarial
    losses = {"absolute error": Loss(absolute_error)}
    if perceptual is not None and chosen.perceptual > 0:
        losses["features"] = Loss(PerceptualDistance(perceptual), weight=chosen.perceptual)
    return train_against(
        network,
        Adversary(discriminator_of(settings, seed), chosen.discriminator_rate, chosen.weight, chosen.warm_up_steps),
        _crops(images, settings, seed_of(seed, "gan")),
        objective=Objective(losses),
        rates={"": chosen.generator_rate},
        settings=settings.training.model_copy(update={"epochs": chosen.epochs, "warm_up": 1}),
        seed=seed_of(seed, "gan"),
        checkpoint=checkpoint,
        identity=identity,
    )


def discriminator_of(settings: SuperresSettings, seed: int) -> nn.Module:
    """As it is before its warm-up."""
    chosen = settings.adversarial.discriminator
    patch = chosen == "patch" or (chosen == "auto" and settings.network == "small")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "discriminator"))
        return PatchDiscriminator() if patch else UNetDiscriminator()


@torch.inference_mode()
def discriminator_auc(
    discriminator: nn.Module, generator: nn.Module, images: Sequence[np.ndarray], settings: SuperresSettings, seed: int
) -> float:
    """How well a discriminator tells crops of images from what a generator makes of their simulated low resolution.

    images : float32 (h, w) in units that neither was fitted on.
    The AUC of the mean logit of a crop; .5 is chance, and below .7 the generator has had nobody to learn from.
    """
    crops = _crops(images, settings, seed_of(seed, "discriminator's check"))
    true, made = [], []
    for place in range(JUDGED):
        batch = crops.batch([place], None)
        true.append(float(discriminator(batch.targets).mean()))
        made.append(float(discriminator(generator(batch.inputs)).mean()))
    return auc(np.repeat([True, False], JUDGED), np.array(true + made)).value


def absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Of every pixel, units."""
    return (outputs.float() - targets).abs()


def _crops(images: Sequence[np.ndarray], settings: SuperresSettings, seed: int) -> Crops:
    return Crops(images, settings.crop, settings.scale, settings.crops, settings.degradation, seed)


def _curves(phase: str, points: Sequence[CurvePoint]) -> tuple[Curve, ...]:
    return tuple((phase, point.epoch, point.measure, point.value) for point in points)


def _check(images: Sequence[np.ndarray], cases: Sequence[str]) -> None:
    if not images:
        raise InputError("superres", "there is no image to fit a generator on", "give training patients with images")
    for image, case in zip(images, cases, strict=True):
        if image.ndim != 2 or not np.isfinite(image).all():
            what = f"an image of shape {image.shape} that has not two dimensions, or values that are not numbers"
            raise InputError(f"superres, case {case}", what, "mend the image, or leave the case out")
