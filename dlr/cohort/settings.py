"""Settings of the cohort: which column means what, and how images and outlines are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dlr.errors import SettingError
from dlr.words import EVERY_PART, MACRO, Available, TargetKind

__all__ = ["FIELD", "LARGEST_LABEL", "SPACING", "CohortSettings", "ColumnSpec"]

SPACING = (1e-4, 100.0)  # mm between voxels: of a microscope to that of thick slices, generously
LARGEST_LABEL = 2**31 - 1  # that a mask's integers hold
FIELD = re.compile(r"\{([^{}]+)\}")  # of a pattern of file names: {patient_id}


def _cell_text(value: Any) -> Any:
    """YAML reads 1, yes and 0.5 as numbers and truth values; a table's cells are text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _cell_or_empty(value: Any) -> Any:
    """YAML's null stands for an empty cell."""
    return "" if value is None else _cell_text(value)


Text = Annotated[str, BeforeValidator(_cell_text)]
Cell = Annotated[str, BeforeValidator(_cell_or_empty)]


class ColumnSpec(BaseModel):
    """What a clinical column holds; whatever is left out follows from the column's known name or its values."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["numeric", "binary", "ordered", "nominal"] | None = None
    levels: list[Text] | None = Field(
        default=None, description="lowest first; for binary: the negative, then the positive"
    )
    log: bool = Field(default=False, description="enters models as log(1 + x)")
    available: Available | None = Field(default=None, description="when it is known: imaging, blood, biopsy or surgery")
    unit: str | None = None
    label: str | None = None


class CohortSettings(BaseModel):
    """Section `cohort` of a study's settings."""

    model_config = ConfigDict(extra="forbid")

    # the table
    target: str | list[str] = Field(default="her2", description="outcome column, or several")
    positive_levels: dict[str, list[Text]] = Field(
        default_factory=dict, description="per target the values that count as positive; all others are negative"
    )
    target_kinds: dict[str, TargetKind] = Field(
        default_factory=dict,
        description="per target binary or per_cent (0 to 100); ki67 is per_cent, all others are binary without it",
    )
    clinical: Literal["auto"] | list[str] | None = Field(
        default="auto", description="clinical columns; auto takes known names"
    )
    columns: dict[str, ColumnSpec] = Field(default_factory=dict)
    clinical_table: Path | None = Field(
        default=None, description="second table of clinical values, joined by patient_id"
    )
    clinical_extra: Literal["refuse", "leave"] = Field(
        default="refuse", description="patients of the second table that the manifest does not hold"
    )
    headers: dict[str, str] = Field(default_factory=dict, description="their header: our name")
    values: dict[str, dict[Text, Cell]] = Field(
        default_factory=dict, description="column: {their value: ours}; null or empty for missing"
    )
    derived: dict[str, list[str]] = Field(
        default_factory=dict, description="target: further columns that are derived from it and never predict it"
    )
    sheet: str | None = Field(default=None, description="sheet of an .xlsx manifest")
    clinical_sheet: str | None = Field(default=None, description="sheet of an .xlsx clinical table")
    delimiter: Literal["auto", ",", ";", "\t"] = "auto"
    encoding: str = Field(default="auto", description="auto tries UTF-8, then GB18030")
    decimal: Literal["auto", ".", ","] = "auto"
    below_limit: Literal["limit", "half"] = Field(
        default="limit", description="'<0.5' is read as 0.5, or as half of it"
    )

    # sides
    external: list[str] = Field(default_factory=list, description="values of column `cohort` set aside as external")
    test_share: float = Field(default=0.3, ge=0, lt=1, description="0: nobody, all are cross-fitted")
    validation_share: float = Field(
        default=0.0, ge=0, lt=1, description="of all patients; cut-offs under paper then come from this side"
    )

    # images and outlines
    image_folder: str | None = Field(default=None, description="that names in column image start from")
    mask_folder: str | None = Field(default=None, description="that names in the columns of masks start from")
    image_pattern: str | None = Field(
        default=None, description="file names made from columns: images/{patient_id}.png, or {image}.png to complete"
    )
    mask_pattern: str | None = Field(
        default=None, description="as image_pattern: {image}_mask.png, mask/{case_id}.nrrd"
    )
    kind: Literal["still", "volume", "auto"] = "auto"
    frame: Annotated[int, Field(ge=1)] | Literal["outlined"] | None = Field(
        default=None, description="of a file of several frames or pages the still: its number, or the one outlined"
    )
    mask: Literal["required", "optional"] = Field(
        default="required", description="optional: a case without outline stays, for models that need none"
    )
    per_patient: Literal["largest_roi", "mean_feature", "mean_probability"] = "largest_roi"
    lesion_policy: Literal["largest", "merge", "each"] = Field(
        default="merge", description="several lesions in one mask: the largest, all as one ROI, or a case each"
    )
    contour: Literal["refuse", "fill", "keep"] = Field(
        default="refuse", description="an outline that is drawn and not filled"
    )
    mask_label: Annotated[int, Field(ge=1, le=LARGEST_LABEL)] | Literal["any"] | None = Field(
        default=None, description="label of the ROI; any = everything above 0; none = the only label there is"
    )
    mask_segment: str | None = Field(
        default=None, description="name of the ROI's segment in a DICOM SEG, RTSTRUCT or .seg.nrrd"
    )
    mask_blur_limit: float = Field(
        default=3.0, gt=0, description="blurred pixels of a mask (JPEG) allowed per pixel of its outline"
    )
    roi_min_voxels: int = Field(default=16, ge=1)
    largest_image: int = Field(
        default=250_000_000,
        ge=1,
        description="samples (voxels times channels and frames) from which on a file is not read",
    )
    least_slices: int = Field(default=1, ge=1, description="an image of fewer is refused")
    pixel_spacing_mm: float | None = Field(
        default=None, ge=SPACING[0], le=SPACING[1], description="of stills whose files do not say it"
    )
    spacing: Literal["file", "ignore"] = Field(default="file", description="ignore: measure everything in pixels")
    colour: Literal["refuse", "grey"] = Field(default="refuse", description="colour (Doppler) inside ROI + margin")
    colour_margin: int = Field(default=10, ge=0, description="pixels around the ROI in which colour is judged")
    scanned_region: Literal["auto", "whole"] | tuple[int, int, int, int] = Field(
        default="auto",
        description="part of a still that was scanned: found, the whole picture, or x0, y0, x1, y1 in pixels",
    )
    geometry_tolerance: float = Field(default=1e-3, gt=0, le=0.1, description="in voxels; volumes only")
    geometry: Literal["refuse", "resample"] = Field(default="refuse", description="a volume's mask on another grid")
    duplicates: Literal["refuse", "note"] = Field(default="refuse", description="one picture under several patients")

    @field_validator("target")
    @classmethod
    def _some_target(cls, value: str | list[str]) -> str | list[str]:
        names = [value] if isinstance(value, str) else value
        if not names or any(not n.strip() for n in names) or len(set(names)) < len(names):
            raise ValueError("name at least one target column, each once")
        for taken in (MACRO, EVERY_PART):
            if taken in names:
                raise ValueError(f"{taken!r} is how tables name all targets together: rename it in cohort.headers")
        return value

    @field_validator("image_pattern", "mask_pattern")
    @classmethod
    def _names_by_case(cls, value: str | None) -> str | None:
        if value is not None and (not FIELD.search(value) or set("{}") & set(FIELD.sub("", value))):
            raise SettingError(
                "a pattern names one column or more in braces", "e.g. images/{patient_id}.png, or {image}_mask.png"
            )
        return value

    @model_validator(mode="after")
    def _one_kind_a_target(self) -> CohortSettings:
        both = [t for t in self.positive_levels if self.target_kinds.get(t) is TargetKind.PER_CENT]
        if both:
            raise ValueError(f"positive_levels and target_kinds: per_cent exclude each other for {', '.join(both)}")
        return self

    @model_validator(mode="after")
    def _somebody_to_train_on(self) -> CohortSettings:
        if self.test_share + self.validation_share >= 1:
            raise ValueError("test_share and validation_share leave nobody on the training side")
        return self

    @field_validator("headers", "values", mode="before")
    @classmethod
    def _empty_section(cls, value: Any) -> Any:
        return {} if value is None else value

    @property
    def targets(self) -> tuple[str, ...]:
        """The outcome columns, always as a tuple."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)
