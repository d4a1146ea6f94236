"""Settings of super-resolution: the method, its network, how it is trained, and how low resolution is simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dlr.errors import SettingError
from dlr.networks.settings import TrainingSettings

__all__ = ["HEEDED", "AdversarialSettings", "DegradationSettings", "SuperresSettings", "SuperresTraining"]

Range = tuple[float, float]
APPLIED = ("method", "scale", "consistent", "measure_on", "degradation", "planted_amplitude")
TRAINED = ("network", "check_share", "tile", "overlap", "crop", "crops", "training")
HEEDED = {  # fields of the section that count under a method
    "none": ("method",),
    "bicubic": APPLIED,
    "psnr": (*APPLIED, *TRAINED),
    "gan": (*APPLIED, *TRAINED, "adversarial"),
    "weights": (*APPLIED, "weights", "tile", "overlap"),
}
SEEN = {"small": 16, "full": 64}  # pixels: measured, see docs/super_resolution.md


class DegradationSettings(BaseModel):
    """What makes a low-resolution image of a given one: ranges that each example draws from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    axial: Annotated[Range, Field(description="SD of the blur along the beam, in pixels of the given image")] = (
        0.8,
        1.6,
    )
    lateral: Annotated[Range, Field(description="SD of the blur across the beam, in pixels of the given image")] = (
        1.2,
        2.4,
    )
    looks: Annotated[Range, Field(description="independent speckle patterns averaged; more: less noise")] = (10.0, 40.0)
    dynamic_range_db: Annotated[float, Field(gt=0, description="of the log-compressed grey scale")] = 60.0
    jpeg: Annotated[tuple[int, int] | None, Field(description="range of JPEG's quality; null: not compressed")] = None

    @field_validator("axial", "lateral", "looks", "jpeg")
    @classmethod
    def _in_order(cls, value: Range | None) -> Range | None:
        if value is not None and not 0 < value[0] <= value[1]:
            raise ValueError("two positive numbers, the lower one first")
        return value

    @field_validator("jpeg")
    @classmethod
    def _quality(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and value[1] > 100:
            raise ValueError("JPEG's quality ends at 100")
        return value


class SuperresTraining(TrainingSettings):
    """How the generator is trained for fidelity, before any adversary."""

    epochs: Annotated[int, Field(ge=1)] = 60
    batch_size: Annotated[int, Field(ge=2, description="crops a step of the optimiser")] = 8
    rate: Annotated[float, Field(gt=0, description="learning rate of every layer")] = 1e-3
    optimiser: Literal["adamw", "adam"] = "adam"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warm_up: Annotated[int, Field(ge=0, description="epochs of rising rate before the cosine")] = 0
    patience: Annotated[None, Field(description="all epochs run: nothing validates them")] = None
    ema: Annotated[float | None, Field(gt=0, lt=1, description="decay of the mean of weights; null: none")] = 0.995


class AdversarialSettings(BaseModel):
    """The adversarial phase, after the one for fidelity (method gan)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[int, Field(ge=1)] = 15
    discriminator: Annotated[
        Literal["auto", "patch", "unet"], Field(description="auto: patch beside small, unet beside full")
    ] = "auto"
    weight: Annotated[float, Field(ge=0, description="of the adversarial loss beside L1")] = 0.015
    perceptual: Annotated[float, Field(ge=0, description="of the distance in EfficientNet-Lite0's features")] = 0.02
    generator_rate: Annotated[float, Field(gt=0)] = 2e-4
    discriminator_rate: Annotated[float, Field(gt=0)] = 5e-4
    warm_up_steps: Annotated[int, Field(ge=0, description="of the discriminator alone, before the generator moves")] = (
        40
    )


class SuperresSettings(BaseModel):
    """Section `superres`: whether and how images are enhanced before anything is measured in them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Annotated[
        Literal["none", "bicubic", "psnr", "gan", "weights"],
        Field(description="psnr: trained here for fidelity; gan: then against a discriminator; weights: somebody's"),
    ] = "none"
    scale: Literal[2, 4] = 4
    weights: Annotated[
        Path | Literal["real_esrgan"] | None,
        Field(
            description="real_esrgan (of its package) or the path of a weights file; with method: weights",
            # of what it names the stage counts the generator's files alone; a study's folder has a log too
            json_schema_extra={"in_key": False},
        ),
    ] = None
    network: Annotated[
        Literal["small", "full"],
        Field(description="8 residual blocks of 32 channels, or ESRGAN's 23 dense ones, for a GPU"),
    ] = "small"
    consistent: Annotated[bool, Field(description="project the output onto what the input holds: its noise too")] = (
        False
    )
    measure_on: Annotated[
        Literal["enhanced", "native"], Field(description="the enhanced grid, or back on the image's own")
    ] = "enhanced"
    check_share: Annotated[
        float, Field(gt=0, lt=1, description="of the training patients: never fitted on, to check the generator on")
    ] = 0.25
    tile: Annotated[int, Field(ge=16, multiple_of=2, description="edge in pixels of the input, enhanced at a time")] = (
        128
    )
    overlap: Annotated[
        int | None,
        Field(
            ge=0,
            multiple_of=2,
            description="pixels of the input around a tile that the network sees too; null: 16 for small, else 64",
        ),
    ] = None
    degradation: DegradationSettings = DegradationSettings()
    crop: Annotated[
        int, Field(ge=32, multiple_of=8, description="edge of a training example, in pixels of the truth")
    ] = 128
    crops: Annotated[int, Field(ge=2, description="training examples an epoch")] = 320
    training: SuperresTraining = SuperresTraining()
    adversarial: AdversarialSettings = AdversarialSettings()
    planted_amplitude: Annotated[
        float, Field(gt=0, le=255, description="grey levels of 255 of the dot that the checks must find")
    ] = 60.0
    effect: Annotated[bool, Field(description="fit the signatures on native and bicubic images too, and compare")] = (
        True
    )

    @model_validator(mode="after")
    def _weights_belong_to_their_method(self) -> SuperresSettings:
        if self.method == "weights" and self.weights is None:
            what = "method weights is of weights that others trained, and none are named"
            raise SettingError(what, "set superres.weights to real_esrgan, or to the path of a weights file")
        if self.method != "weights" and self.weights is not None:
            what = f"weights are named, and method {self.method} uses none"
            raise SettingError(what, "set superres.method to weights, or superres.weights to null")
        return self

    @property
    def seen_around(self) -> int:
        """`overlap`, or as much as the network needs for tiles that cannot be told from the whole image."""
        if self.overlap is not None:
            return self.overlap
        return SEEN["small" if self.fitted and self.network == "small" else "full"]

    @property
    def fitted(self) -> bool:
        """Whether a network is trained here."""
        return self.method in ("psnr", "gan")
