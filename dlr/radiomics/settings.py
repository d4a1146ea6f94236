"""Settings of the room: what is measured, and how its stability is judged."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dlr.engine.keys import UNLESS_DEFAULT
from dlr.errors import SettingError
from dlr.radiomics.engines import DEFAULT_ENGINE
from dlr.radiomics.perturbation import PERTURBATIONS, Perturbation
from dlr.radiomics.regions import LESION, parse_region

__all__ = ["RadiomicsSettings", "StabilitySettings"]


class RadiomicsSettings(BaseModel):
    """Which features are measured, and by what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = "ultrasound2d"  # a shipped name, or the path of a pyradiomics parameter file
    engine: Literal["pyradiomics", "native"] = DEFAULT_ENGINE
    regions: tuple[str, ...] = Field(  # further ones by their width: core_3mm, rim_2mm, peritumoral_4mm
        (LESION,), json_schema_extra=UNLESS_DEFAULT
    )

    @field_validator("regions")
    @classmethod
    def _lesion_and_widths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        mend = f"write {LESION} first, then regions such as core_3mm, rim_2mm or peritumoral_4mm, each once"
        unknown = [name for name in value if name != LESION and parse_region(name) is None]
        if unknown:
            raise SettingError(f"there is no region {', '.join(unknown)}", mend)
        if value[:1] != (LESION,):
            raise SettingError(f"{LESION} does not stand first", mend)
        if len({parse_region(name) for name in value}) < len(value):
            raise SettingError("a region stands twice", mend)
        return value


class StabilitySettings(BaseModel):
    """How the stability of features is measured (learn.icc_filter chooses by it), and when two readers agree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["ICC2", "ICC3"] = "ICC2"  # ICC2 counts a reader's systematic shift as disagreement, ICC3 does not
    perturbations: tuple[Perturbation, ...] = PERTURBATIONS  # where there is one reader
    cases: int = Field(30, ge=4)  # training cases that are perturbed: enough for an ICC, and short
    agreement: float = Field(0.75, ge=0, le=1)  # Dice; cases below go to a third reader
