"""Settings of the room: what is measured, and how its stability is judged."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dlr.radiomics.engines import DEFAULT_ENGINE
from dlr.radiomics.perturbation import PERTURBATIONS, Perturbation

__all__ = ["RadiomicsSettings", "StabilitySettings"]


class RadiomicsSettings(BaseModel):
    """Which features are measured, and by what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = "ultrasound2d"  # a shipped name, or the path of a pyradiomics parameter file
    engine: Literal["pyradiomics", "native"] = DEFAULT_ENGINE
    regions: tuple[str, ...] = ("lesion",)  # further ones by their width: core_3mm, rim_2mm, peritumoral_4mm


class StabilitySettings(BaseModel):
    """How the stability of features is measured (learn.icc_filter chooses by it), and when two readers agree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["ICC2", "ICC3"] = "ICC2"  # ICC2 counts a reader's systematic shift as disagreement, ICC3 does not
    perturbations: tuple[Perturbation, ...] = PERTURBATIONS  # where there is one reader
    cases: int = Field(30, ge=4)  # training cases that are perturbed: enough for an ICC, and short
    agreement: float = Field(0.75, ge=0, le=1)  # Dice; cases below go to a third reader
