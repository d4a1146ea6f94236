# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""What the Methods text says of super-resolution: the method, what it was fitted on or whose it is, who checked it."""

from __future__ import annotations

from typing import Any

from dlr.figures import theme
from dlr.report.enhanced import about, enhanced, found, method_words, network_words, times
from dlr.report.sources import Sources
from dlr.superres import DegradationSettings
from dlr.tables import FIDELITY

__all__ = ["super_resolution"]


def super_resolution(sources: Sources) -> str:
    """Nothing where no image was enhanced."""
    if not enhanced(sources):
        return ""
    settings, told = sources.settings.superres, about(sources)
    sentences = [
        f"Before anything was measured, images were enlarged {times(sources)} by {method_words(sources)} (superres.method {settings.method}), in tiles; outlines followed by nearest neighbour with their steps rounded, and the spacing was divided by {settings.scale}."
    ]
    if settings.consistent:
        sentences.append(
            "The result was projected onto what the input holds, so that the means of its pixels are nearly those of the input."
        )
    if settings.measure_on == "native":
        sentences.append("They were brought back to their own grid before anything was measured.")
    if settings.fitted:
        sentences += _fitting(sources, told)
    if settings.method == "weights":
        sentences += _origin(told.get("origin", {}))
    sentences.append(_degradation(settings.degradation, settings.scale))
    return " ".join([*sentences, *_checked(sources, told)])


def _fitting(sources: Sources, told: dict[str, Any]) -> list[str]:
    """The network, the patients, both phases, the seed."""
    settings = sources.settings.superres
    training, adversarial = settings.training, settings.adversarial
    sentences = [
        f"The generator ({settings.network}: {network_words(sources)}) was fitted once, on images of {told.get('fitted_on')} training patients and without any label, for {training.epochs} epochs of {settings.crops} crops of {settings.crop} × {settings.crop} pixels (L1, rate {training.rate:g}{_mean_weights(training.ema)})."
    ]
    if settings.method == "gan":
        kind = (
            adversarial.discriminator
            if adversarial.discriminator != "auto"
            else {"small": "patch", "full": "unet"}[settings.network]
        )
        named = {"patch": "patch discriminator", "unet": "U-Net discriminator with spectral norm"}[kind]
        perceptual = (
            f" and {adversarial.perceptual:g} times the distance in features of EfficientNet-Lite0 (ImageNet)"
            if adversarial.perceptual
            else ""
        )
        sentences.append(
            f"It was then trained for {adversarial.epochs} epochs against a {named}: L1 with {adversarial.weight:g} times the adversarial loss{perceptual}."
        )
    sentences.append(
        "It is the same in every fold: patients held out in cross-validation were held out from the models, and not from the generator."
    )
    sentences.append(f"All its draws derive from the study's seed {sources.about.seed}.")
    return sentences


def _mean_weights(decay: float | None) -> str:
    return "" if decay is None else f", mean weights of decay {decay:g}"


def _origin(origin: dict[str, Any]) -> list[str]:
    """Whose weights, which bytes, under which licence."""
    words = [str(origin[name]) for name in ("source", "file", "release", "architecture") if origin.get(name)]
    if origin.get("sha256"):
        words.append(f"sha256 {str(origin['sha256'])[:12]}…")
    said = [f"Weights: {'; '.join(words)}."] if words else []
    if origin.get("licence"):
        said.append(f"Their licence: {origin['licence']}.")
    return [
        *said,
        "They were not fitted here, and whether they have seen patients of this study is for their publisher to say.",
    ]


def _degradation(of: DegradationSettings, scale: int) -> str:
    """How low resolution is simulated, for the training and for the checks."""
    jpeg = f", and JPEG of quality {of.jpeg[0]} to {of.jpeg[1]}" if of.jpeg else ""
    return f"Low resolution was simulated by Gaussian blur (SD {_span(of.axial)} pixels along and {_span(of.lateral)} across the beam), means of {scale} × {scale} pixels, log-compressed speckle of {_span(of.looks)} looks at {of.dynamic_range_db:g} dB, rounding to grey levels{jpeg}."


def _span(limits: tuple[float, float]) -> str:
    return f"{limits[0]:g} to {limits[1]:g}"


def _checked(sources: Sources, told: dict[str, Any]) -> list[str]:
    """Check patients, how near the images come to the truth, and the verdict."""
    judged = found(sources)
    if judged is None:
        return []
    sentences = [
        f"{told.get('check_patients', judged.n)} patients of the training side, on whom nothing was fitted, were kept to check it, on pairs simulated from their own images."
    ]
    fidelity = sources.table(FIDELITY)
    if fidelity is not None and sources.settings.superres.method != "bicubic":
        own = fidelity[(fidelity["subject"] == "restored") & (fidelity["region"] == "lesion")]
        own = own[own["measure"] == "psnr"]
        for row in own.itertuples(index=False):
            difference = theme.format_estimate(row.difference, row.lower, row.upper, words="95 % interval ")
            sentences.append(
                f"PSNR of the lesion was {row.value:.2f} dB, bicubic's {row.bicubic:.2f} dB (difference {difference})."
            )
    sentences.append(
        "Checks of contradiction to the input, grey level, false and lost structure, invented detail and pure speckle, held against bicubic enlargement, with structures planted as positive controls, gave: "
        + judged.sentence
    )
    return sentences
