"""Settings of the deep branch: pictures, backbone, weights, how it is used, and the fusion with radiomics."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dlr.networks.settings import TrainingSettings

__all__ = ["BACKBONE_NAMES", "DeepSettings", "FineTuningSettings", "FuseSettings", "InputSettings", "Name"]

Name = Literal["resnet18", "resnet50", "resnet101", "vgg19", "densenet121", "crossformer", "efficientnet_lite0"]
BACKBONE_NAMES: tuple[Name, ...] = (
    "resnet18", "resnet50", "resnet101", "vgg19", "densenet121", "crossformer", "efficientnet_lite0",
)  # fmt: skip


class InputSettings(BaseModel):
    """How a picture is cut out of an image."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin_px: Annotated[int, Field(ge=0, description="pixels around the ROI's bounding box")] = 10
    size: Annotated[int, Field(ge=32, le=1024, description="edge of the square picture, in pixels")] = 224


class FineTuningSettings(TrainingSettings):
    """How a backbone and its head are trained on pictures."""

    backbone_rate: Annotated[float, Field(gt=0, description="AdamW's rate of the backbone")] = 1e-4
    head_rate: Annotated[float, Field(gt=0, description="AdamW's rate of the head")] = 1e-3
    validation_share: Annotated[float, Field(gt=0, lt=0.5, description="part of the training fold that stops it")] = 0.2
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5, description="off: it spoils calibration")] = 0.0
    class_weights: Annotated[bool, Field(description="off: they spoil calibration")] = False


class DeepSettings(BaseModel):
    """Section `deep` of a study's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Annotated[
        Literal["frozen", "fine_tune"],
        Field(description="the DL signature: a logistic model on frozen features, or a fine-tuned network"),
    ] = "frozen"
    backbone: Annotated[
        Name | list[Name], Field(description="one, fixed beforehand, or several to choose among inside each fold")
    ] = "efficientnet_lite0"
    weights: Annotated[str, Field(description="imagenet, none, or the path of a state dict")] = "imagenet"
    input: InputSettings = InputSettings()
    slices: Annotated[
        Literal["auto", "largest", "all"],
        Field(description="of a volume: frozen features of its largest ROI's slice, or their mean over all; auto: all"),
    ] = "auto"
    flips: Annotated[bool, Field(description="predict the mean of a picture and its mirror image")] = True
    seeds: Annotated[int, Field(ge=1, description="of learn.seeds, so many are fine-tuned; frozen mode takes all")] = 1
    training: FineTuningSettings = FineTuningSettings()

    @field_validator("backbone")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        if isinstance(value, list) and (not value or len(set(value)) != len(value)):
            raise ValueError("name at least one backbone, each once")
        return value

    @model_validator(mode="after")
    def _fine_tuned_on_one_slice(self) -> DeepSettings:
        if self.slices == "all" and self.mode == "fine_tune":
            raise ValueError(
                "slices: all is for frozen features, a fine-tuned network sees the largest ROI's slice; set slices: "
                "auto (its frozen baseline then sees all) or largest"
            )
        return self

    @property
    def backbones(self) -> tuple[Name, ...]:
        """The backbones, always as a tuple."""
        return (self.backbone,) if isinstance(self.backbone, str) else tuple(self.backbone)


class FuseSettings(BaseModel):
    """Section `fuse` of a study's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_components: Annotated[
        int | float | None,
        Field(description="principal components, or the share of variance they keep; null: 64, or what patients allow"),
    ] = None

    @field_validator("n_components")
    @classmethod
    def _count_or_share(cls, value: int | float | None) -> int | float | None:
        if value is None or (isinstance(value, int) and value >= 1):
            return value
        if isinstance(value, float) and 0 < value < 1:
            return value
        raise ValueError("give a whole number from 1 on, or a share of variance between 0 and 1")
