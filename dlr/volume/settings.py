"""Settings of the 3-D branch: how a volume is cut, which networks answer, how they are trained, and the embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dlr.errors import SettingError
from dlr.networks.settings import OUT_OF_KEY, TrainingSettings
from dlr.words import REGIONS, RegionName

__all__ = [
    "AblationRow",
    "EmbeddingSettings",
    "ReceptorSettings",
    "ReceptorTraining",
    "RegionSettings",
    "SegmentationSettings",
    "VolumeSettings",
]

Edge = Annotated[int, Field(ge=4, le=512)]
AblationRow = Literal[
    "without_attention",
    "single_scale",
    "without_peritumoral",
    "without_multi_task",
    "without_shared_extractor",
    "core_only",
    "core_pooled",  # the trap: pooled over the core while the input stays whole
    "without_core",
    "without_rim",
]


PUBLISHED_ROWS: tuple[AblationRow, ...] = tuple(  # and the trap; hiding the core or the rim is asked for by name
    row for row in get_args(AblationRow) if row not in ("without_core", "without_rim")
)


class VolumeSettings(BaseModel):
    """Section `volume`: how a volume is cut out of an image and resampled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crop: Annotated[
        Literal["lesion", "whole"], Field(description="around the outline, or the image as it is (needs no outline)")
    ] = "lesion"
    margin_mm: Annotated[float, Field(ge=0, description="around the outline's bounding box, on every side")] = 10.0
    size: Annotated[int | tuple[Edge, Edge, Edge], Field(description="edge of the cube, or slices, rows, columns")] = 64
    clip: Annotated[tuple[float, float], Field(description="percentiles of grey that become 0 and 1")] = (0.5, 99.5)
    scale: Annotated[
        Literal["part", "volume"],
        Field(description="whose percentiles: of the part's training volumes, or each volume's own (MRI)"),
    ] = "part"

    @field_validator("size")
    @classmethod
    def _edge(cls, value: int | tuple[int, int, int]) -> int | tuple[int, int, int]:
        if isinstance(value, int) and not 4 <= value <= 512:
            raise ValueError("an edge lies between 4 and 512 voxels")
        return value

    @field_validator("clip")
    @classmethod
    def _in_order(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] < value[1] <= 100:
            raise ValueError("two percentiles, the lower one first, between 0 and 100")
        return value

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns of every volume."""
        return (self.size, self.size, self.size) if isinstance(self.size, int) else self.size


class ReceptorTraining(TrainingSettings):
    """How the 3-D networks are trained; as published but for the patience."""

    epochs: Annotated[int, Field(ge=1, description="at most")] = 250
    batch_size: Annotated[int, Field(ge=2, description="volumes a step of the optimiser")] = 8
    rate: Annotated[float, Field(gt=0, description="learning rate of every layer")] = 1e-3
    optimiser: Literal["adamw", "adam"] = "adam"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warm_up: Annotated[int, Field(ge=0, description="epochs of rising rate")] = 0
    schedule: Literal["cosine", "constant"] = "constant"
    patience: Annotated[int | None, Field(ge=1, description="epochs without a better validation; null: all run")] = 40
    validation_share: Annotated[float, Field(gt=0, lt=0.5, description="part of the training fold that stops it")] = 0.2
    augment: Annotated[bool, Field(description="rotations, flips, shifts, gain and gamma of the training volumes")] = (
        True
    )
    checkpointing: Annotated[
        Literal["auto", "on", "off"],
        Field(
            description="stages compute their activations again; auto: from 96 voxels an edge on",
            json_schema_extra=OUT_OF_KEY,
        ),
    ] = "auto"


class SegmentationSettings(BaseModel):
    """The decoder of MultiTask."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Annotated[float, Field(ge=0, description="of Dice + cross-entropy beside the markers' loss")] = 1.0
    resolution: Annotated[
        Literal["full", "stem"],
        Field(description="of the decoder's last block; stem: half of it, the map up-sampled: four times cheaper"),
    ] = "full"
    deep_supervision: Annotated[bool, Field(description="coarser maps are judged too, by 1/2, 1/4 ...")] = False


class RegionSettings(BaseModel):
    """The regions that Spatial pools over, by the signed distance in mm from the surface of the outline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: Annotated[list[RegionName], Field(min_length=1, description="regions that are pooled over")] = [
        "core",
        "rim",
        "peritumoral",
    ]
    core_mm: Annotated[float, Field(gt=0, description="the core lies deeper than this")] = 3.0
    core_share: Annotated[
        float, Field(gt=0, lt=1, description="or deeper than this share of the largest depth, where that is less")
    ] = 0.5
    rim_mm: Annotated[float, Field(gt=0, description="the rim reaches this far out, and in to the core")] = 3.0
    peritumoral_mm: Annotated[float, Field(ge=0, description="peritumoral tissue: from the rim out to here")] = 10.0
    mask_input: Annotated[
        bool, Field(description="what lies in no region that is used is zero in the input: pooling alone hides nothing")
    ] = True

    @field_validator("use")
    @classmethod
    def _each_once(cls, value: list[RegionName]) -> list[RegionName]:
        if len(set(value)) != len(value):
            raise ValueError("names one region twice")
        return [name for name in REGIONS if name in value]  # from the inside out: one order, one key

    @model_validator(mode="after")
    def _peritumoral_is_not_empty(self) -> RegionSettings:
        if "peritumoral" in self.use and self.peritumoral_mm <= self.rim_mm:
            what = f"the rim reaches {self.rim_mm:g} mm out, peritumoral tissue {self.peritumoral_mm:g}: none is left"
            raise SettingError(f"regions: {what}", "lower rim_mm, or leave peritumoral out of use")
        return self


class ReceptorSettings(BaseModel):
    """Section `receptors`: the 3-D networks; the defaults are those published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: Annotated[list[Literal["single", "multi", "spatial"]], Field(min_length=1)] = ["single", "multi"]
    one_network: Annotated[bool, Field(description="one network for all markers, or one each")] = True
    depth: Literal[10, 18, 34, 50] = 50
    width: Annotated[int, Field(ge=4, le=128, description="channels of the stem")] = 64
    stem: Annotated[
        Literal["published", "light"], Field(description="7³ stride 2 and a pool, or 3³ stride 2 alone: small volumes")
    ] = "published"
    norm: Literal["batch", "group"] = "batch"
    passes: Annotated[int, Field(ge=1, le=4, description="MultiTask: 2 feeds its first map back once")] = 2
    weights: Annotated[Literal["none"] | Path, Field(description="none, or the path of a MedicalNet file")] = "none"
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    per_cent_loss: Annotated[
        Literal["squared", "huber"], Field(description="of a target in per cent, in units of 10 per cent")
    ] = "squared"
    task_weights: Annotated[
        Literal["fixed", "uncertainty"], Field(description="of the targets: equal, or learnt (Kendall et al. 2018)")
    ] = "fixed"
    segmentation: SegmentationSettings = SegmentationSettings()
    dimension: Annotated[
        Literal["3d", "2d"], Field(description="Spatial: kernels through slices, or the same in every slice")
    ] = "3d"
    attention: Annotated[
        Literal["multi_scale", "single_scale", "none"],
        Field(description="Spatial: where its spatial attention looks: layers 2 to 4, the last one, nowhere"),
    ] = "multi_scale"
    extractor: Annotated[Literal["shared", "own"], Field(description="Spatial: one encoder, or one each target")] = (
        "shared"
    )
    regions: RegionSettings = RegionSettings()
    ablation: Annotated[
        Literal["none", "all"] | list[AblationRow],
        Field(description="Spatial again without one of its parts each; all: the published rows and the trap"),
    ] = "none"
    flips: Annotated[bool, Field(description="predict the mean of a volume and its mirror image left to right")] = True
    seeds: Annotated[int, Field(ge=1, description="of learn.seeds, so many are trained")] = 1
    training: ReceptorTraining = ReceptorTraining()

    @field_validator("models")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("names one model twice")
        return value

    @model_validator(mode="after")
    def _rows_of_spatial(self) -> ReceptorSettings:
        if not self.rows:
            return self
        if "spatial" not in self.models:
            what = "its rows are Spatial without one of its parts each, and receptors.models does not hold spatial"
            raise SettingError(f"ablation: {what}", "add spatial to receptors.models, or set receptors.ablation: none")
        if len(self.regions.use) == 1 and f"without_{self.regions.use[0]}" in self.rows:
            what = f"without_{self.regions.use[0]} leaves no region of receptors.regions.use"
            raise SettingError(f"ablation: {what}", "name more regions in receptors.regions.use, or leave the row out")
        return self

    @property
    def rows(self) -> tuple[AblationRow, ...]:
        """The rows of the ablation that are asked for, in the order of their names."""
        if isinstance(self.ablation, str):
            return PUBLISHED_ROWS if self.ablation == "all" else ()
        return tuple(row for row in get_args(AblationRow) if row in self.ablation)


class EmbeddingSettings(BaseModel):
    """Section `embedding`: t-SNE of the networks' features to three dimensions, as published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    perplexity: Annotated[float, Field(gt=1)] = 30.0
    learning_rate: Annotated[float, Field(gt=0)] = 80.0
    iterations: Annotated[int, Field(ge=250)] = 1000
    min_grad_norm: Annotated[float, Field(gt=0)] = 1e-7
