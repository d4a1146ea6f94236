"""Settings of the training loop; the defaults are sized for fine-tuning a few hundred pictures on two cores."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TrainingSettings"]

OUT_OF_KEY: dict[str, Any] = {"in_key": False}  # where and on what it runs is no part of what is computed


class TrainingSettings(BaseModel):
    """How a network is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[int, Field(ge=1, description="at most")] = 25
    batch_size: Annotated[int, Field(ge=2)] = 16
    backbone_rate: Annotated[float, Field(gt=0, description="AdamW's rate of the backbone")] = 1e-4
    head_rate: Annotated[float, Field(gt=0, description="AdamW's rate of the head")] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    warm_up: Annotated[int, Field(ge=0, description="epochs of rising rate before the cosine")] = 2
    clip_norm: Annotated[float, Field(gt=0, description="gradients are scaled down to this norm")] = 5.0
    ema: Annotated[float | None, Field(gt=0, lt=1, description="decay of the mean of weights; null: none")] = 0.98
    patience: Annotated[int | None, Field(ge=1, description="epochs without a better validation; null: all run")] = 6
    validation_share: Annotated[float, Field(gt=0, lt=0.5, description="part of the training fold that stops it")] = 0.2
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5, description="off: it spoils calibration")] = 0.0
    class_weights: Annotated[bool, Field(description="off: they spoil calibration")] = False

    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Field(description="auto: bfloat16 where the chip has it in hardware"),
    ] = "auto"
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Field(json_schema_extra=OUT_OF_KEY)] = "auto"
    devices: Annotated[int, Field(ge=1, description="more than 1 under torchrun", json_schema_extra=OUT_OF_KEY)] = 1
    threads: Annotated[
        int, Field(ge=1, description="of torch, fixed for equal bytes", json_schema_extra=OUT_OF_KEY)
    ] = 1
    checkpoint_every: Annotated[int, Field(ge=1, description="epochs", json_schema_extra=OUT_OF_KEY)] = 1
