"""Settings of the stage that looks where a network looked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AttentionSettings"]


class AttentionSettings(BaseModel):
    """Section `attention` of a study's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["gradcam", "gradcam++"] = "gradcam"
    cases: Annotated[int, Field(ge=1, description="at most so many, drawn at random; the maps are of these")] = 60
    examples: Annotated[int, Field(ge=0, le=6, description="maps shown of each of the four outcomes")] = 2
    other_masks: Annotated[int, Field(ge=1, description="outlines of other cases a map is held against")] = 20
