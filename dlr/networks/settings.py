"""Settings of the training loop; the defaults are sized for fine-tuning a few hundred pictures on two cores."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["OUT_OF_KEY", "TrainingSettings"]

OUT_OF_KEY: dict[str, Any] = {"in_key": False}  # where and on what it runs is no part of what is computed


class TrainingSettings(BaseModel):
    """How a network is trained, whichever it is; its learning rates are its room's own settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[int, Field(ge=1, description="at most")] = 25
    batch_size: Annotated[int, Field(ge=2, description="examples a step of the optimiser")] = 16
    accumulate: Annotated[
        int, Field(ge=1, description="a batch is shown in so many pieces, one after the other: less memory")
    ] = 1
    optimiser: Annotated[Literal["adamw", "adam"], Field(description="Adam as published for the 3-D networks")] = (
        "adamw"
    )
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    warm_up: Annotated[int, Field(ge=0, description="epochs of rising rate before the cosine")] = 2
    schedule: Annotated[Literal["cosine", "constant"], Field(description="of the rates after the warm-up")] = "cosine"
    clip_norm: Annotated[float, Field(gt=0, description="gradients are scaled down to this norm")] = 5.0
    ema: Annotated[float | None, Field(gt=0, lt=1, description="decay of the mean of weights; null: none")] = 0.98
    patience: Annotated[int | None, Field(ge=1, description="epochs without a better validation; null: all run")] = 6

    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Field(description="auto: bfloat16 where the chip has it in hardware and computes it correctly"),
    ] = "auto"
    compile: Annotated[
        Literal["auto", "on", "off"],
        Field(description="kernels made for the network; auto: on CUDA under Linux", json_schema_extra=OUT_OF_KEY),
    ] = "auto"
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Field(json_schema_extra=OUT_OF_KEY)] = "auto"
    devices: Annotated[int, Field(ge=1, description="more than 1 under torchrun", json_schema_extra=OUT_OF_KEY)] = 1
    threads: Annotated[
        int, Field(ge=1, description="of torch, fixed for equal bytes", json_schema_extra=OUT_OF_KEY)
    ] = 1
    workers: Annotated[
        int | None,
        Field(
            ge=0,
            description="processes that make batches ready; null: up to 8 for a GPU, else none",
            json_schema_extra=OUT_OF_KEY,
        ),
    ] = None
    checkpoint_every: Annotated[int, Field(ge=1, description="epochs", json_schema_extra=OUT_OF_KEY)] = 1
