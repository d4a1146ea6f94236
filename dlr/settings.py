"""The settings of a whole study: one section a room, each with its defaults. Unknown keys are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dlr.attention import AttentionSettings
from dlr.cohort import CohortSettings
from dlr.deep import DeepSettings, FuseSettings
from dlr.engine.keys import UNLESS_DEFAULT
from dlr.learn import LearnSettings
from dlr.radiomics import RadiomicsSettings, StabilitySettings
from dlr.superres import SuperresSettings
from dlr.volume import EmbeddingSettings, ReceptorSettings, VolumeSettings

__all__ = [
    "ClinicalSettings",
    "CombineSettings",
    "DceStudySettings",
    "EvaluateSettings",
    "NomogramSettings",
    "ReceptorStudySettings",
    "ReportSettings",
    "StudySettings",
    "SubtypeSettings",
    "without_withdrawn",
]


class Section(BaseModel):
    """A section of the settings: frozen, and a typing error in a key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClinicalSettings(Section):
    """Table 1, odds ratios and the Clinical signature."""

    medians: tuple[str, ...] = ("cea", "ca125", "ca199", "ca153")  # shown as median [IQR], tested by Mann–Whitney
    yates: bool = False  # the published tables used it
    enter: float = Field(0.05, gt=0, le=1)  # univariable p below which a variable enters the multivariable table
    splines: tuple[str, ...] = ()  # numeric predictors as restricted cubic splines of three knots, two parameters each


class CombineSettings(Section):
    """The Combined model: a logistic model of clinical variables and one signature."""

    variables: tuple[str, ...] | None = None  # pre-named clinical variables; None = the Clinical signature
    signature: str = "auto"  # the image signature of the primary set: a model; auto: DLR where it is there, else Rad
    penalty: Literal["firth", "ridge"] = "firth"
    maximum_parameters: int | None = Field(None, ge=1)  # None = Riley's bound, at least two
    bootstrap: int = Field(200, ge=0)  # replicates of Harrell's optimism of the last step
    inner: bool = Field(  # under nested: signatures cross-fitted again in every outer fold, an honest value of Combined
        False, json_schema_extra=UNLESS_DEFAULT
    )


class EvaluateSettings(Section):
    """Measures of performance, each on the side where it is valid."""

    thresholds: tuple[float, float] = (0.05, 0.60)  # of the decision-curve figure, fixed beforehand
    plausible_auc: dict[str, float] = Field(default_factory=lambda: {"her2": 0.90})
    plausible_auc_default: float = Field(0.95, gt=0.5, le=1)
    primary: tuple[str, str] = ("Combined", "Clinical")  # the pre-named comparison; Holm runs over the others
    bootstrap: int = Field(10_000, ge=100)
    permutations: int = Field(0, ge=0)  # shuffles of the outcome through the whole chain; 99 gives p of .01 and above
    net_benefit_at: tuple[float, ...] = (0.1, 0.2, 0.3)  # thresholds at which all models are compared
    splits: int = Field(10, ge=0)  # random splits of the same patients, for the cloud of the honest AUC
    strata: dict[str, tuple[float, ...]] = Field(default_factory=dict)  # cuts of a column, or diameter_mm of volumes
    reclassification: bool = False  # NRI and IDI, with their caution
    target_prevalence: float | None = Field(None, gt=0, lt=1)  # where sampling was enriched
    decision_band: bool = False

    @field_validator("net_benefit_at")
    @classmethod
    def _thresholds(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < each < 1 for each in value) or len(set(value)) < len(value):
            raise ValueError("name thresholds between 0 and 1, each once")
        return value

    @field_validator("strata")
    @classmethod
    def _cuts(cls, value: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for name, cuts in value.items():
            if not cuts or len(set(cuts)) < len(cuts):
                raise ValueError(f"name one cut of {name} or more, each once")
        return value


class NomogramSettings(Section):
    """The printed nomogram."""

    example: str | None = None  # patient_id of the example; None = the held-out one nearest the upper quartile of risk


class ReportSettings(Section):
    """The report page."""

    title: str | None = None
    tiff: bool = False  # also write every figure as TIFF at 600 dpi
    examples: int = Field(4, ge=1, le=12)  # ROI examples a class


WITHDRAWN = ("stability.icc", "stability.agreement_measure")  # settings of release 0.1.0 that acted on nothing else


def without_withdrawn(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a study of an earlier release, without those that are gone."""
    gone = {tuple(name.split(".")) for name in WITHDRAWN}
    return {
        section: {name: value for name, value in own.items() if (section, name) not in gone}
        if isinstance(own, Mapping) else own
        for section, own in content.items()
    }  # fmt: skip


class StudySettings(Section):
    """All sections; `seed` names every random draw of the study."""

    seed: int = 20250607
    cohort: CohortSettings = CohortSettings()
    superres: SuperresSettings = SuperresSettings()
    radiomics: RadiomicsSettings = RadiomicsSettings()
    stability: StabilitySettings = StabilitySettings()
    clinical: ClinicalSettings = ClinicalSettings()
    learn: LearnSettings = LearnSettings()
    deep: DeepSettings = DeepSettings()
    attention: AttentionSettings = AttentionSettings()
    fuse: FuseSettings = FuseSettings()
    combine: CombineSettings = CombineSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    nomogram: NomogramSettings = NomogramSettings()
    report: ReportSettings = ReportSettings()


class ReceptorCohortSettings(CohortSettings):
    """Several receptors from volumes."""

    target: str | list[str] = Field(default_factory=lambda: ["er", "pr", "her2"], description="outcome columns")
    kind: Literal["still", "volume", "auto"] = "volume"
    least_slices: int = Field(default=2, ge=1, description="a picture of one slice is no volume")


class ReceptorEvaluateSettings(EvaluateSettings):
    """The pre-named comparison of the 3-D networks, and what images can plausibly tell of each receptor."""

    plausible_auc: dict[str, float] = Field(default_factory=lambda: {"er": 0.85, "pr": 0.80, "her2": 0.80})
    primary: tuple[str, str] = ("MultiTask", "SingleTask")
    strata: dict[str, tuple[float, ...]] = Field({"diameter_mm": (15.0,)})


class ReceptorAttentionSettings(AttentionSettings):
    """Grad-CAM++, as published for the 3-D networks."""

    method: Literal["gradcam", "gradcam++"] = "gradcam++"


class SubtypeSettings(Section):
    """Molecular subtypes out of ER, PR, HER2 and Ki-67."""

    rule: Literal["st_gallen_2013", "st_gallen_2011"] = "st_gallen_2013"  # Ki-67 below 20 % or 14 % is luminal A


class ReceptorStudySettings(Section):
    """All sections of the pipelines that look at volumes; `seed` names every random draw of the study."""

    seed: int = 20250607
    cohort: ReceptorCohortSettings = ReceptorCohortSettings()
    volume: VolumeSettings = VolumeSettings()
    radiomics: RadiomicsSettings = RadiomicsSettings()
    clinical: ClinicalSettings = ClinicalSettings()
    learn: LearnSettings = LearnSettings()
    deep: DeepSettings = DeepSettings()
    receptors: ReceptorSettings = ReceptorSettings()
    attention: ReceptorAttentionSettings = ReceptorAttentionSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    evaluate: ReceptorEvaluateSettings = ReceptorEvaluateSettings()
    report: ReportSettings = ReportSettings()


class DceCohortSettings(ReceptorCohortSettings):
    """Three receptors and Ki-67 from DCE-MRI, 7:1:2 by patient as published."""

    target: str | list[str] = Field(default_factory=lambda: ["er", "pr", "her2", "ki67"], description="outcome columns")
    test_share: float = Field(default=0.2, ge=0, lt=1, description="0: nobody, all are cross-fitted")
    validation_share: float = Field(
        default=0.1, ge=0, lt=1, description="of all patients; cut-offs under paper then come from this side"
    )


class DceVolumeSettings(VolumeSettings):
    """The units of MRI mean nothing between scanners: each volume is scaled by its own percentiles."""

    scale: Literal["part", "volume"] = "volume"


class DceReceptorSettings(ReceptorSettings):
    """The spatial network of ResNet-18 alone."""

    models: list[Literal["single", "multi", "spatial"]] = Field(["spatial"], min_length=1)
    depth: Literal[10, 18, 34, 50] = 18


class DceEvaluateSettings(ReceptorEvaluateSettings):
    """The pre-named comparison: the spatial network with the frozen one."""

    primary: tuple[str, str] = ("Spatial", "DL")


class DceStudySettings(ReceptorStudySettings):
    """The same for single-phase DCE-MRI, with Ki-67 and molecular subtypes."""

    cohort: DceCohortSettings = DceCohortSettings()
    volume: DceVolumeSettings = DceVolumeSettings()
    receptors: DceReceptorSettings = DceReceptorSettings()
    evaluate: DceEvaluateSettings = DceEvaluateSettings()
    subtypes: SubtypeSettings = SubtypeSettings()
