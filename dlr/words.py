"""The nouns of a study: what rooms hand to one another, written once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "BICUBIC_IMAGES",
    "CHOSEN",
    "CLIP",
    "CROSS_VALIDATED_EXTERNAL",
    "EVERY_PART",
    "FROZEN_EXTERNAL",
    "LESION_ALONE",
    "HELD_AGAINST",
    "MACRO",
    "MODELS",
    "NATIVE_IMAGES",
    "OTHER_IMAGES",
    "REGIONS",
    "Available",
    "Comparison",
    "CutOff",
    "Estimate",
    "Kind",
    "Model",
    "ModelSpec",
    "Protocol",
    "RegionName",
    "Role",
    "Side",
    "Subtype",
    "Target",
    "TargetKind",
    "Test",
    "chose_cutoffs",
    "expit",
    "logit",
    "pairs_within",
    "signature",
    "stopped_on",
]


class Side(StrEnum):
    """The part of the cohort a patient belongs to; drawn once, by patient."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    EXTERNAL = "external"


class Protocol(StrEnum):
    """How a signature was fitted and applied (DESIGN: two protocols)."""

    PAPER = "paper"
    CROSSFIT = "crossfit"
    NESTED = "nested"
    EXTERNAL_CROSSFIT = "external_crossfit"  # inside the external side: no test of what was fitted elsewhere
    LEAVE_ONE_COHORT_OUT = "leave_one_cohort_out"


class Model(StrEnum):
    """The models that the house itself fits, in the order a report shows them; what they are stands in MODELS."""

    CLINICAL = "Clinical"
    RAD = "Rad"
    DL = "DL"
    DLR = "DLR"
    RAD_DL = "Rad+DL"
    COMBINED = "Combined"
    SINGLE_TASK = "SingleTask"
    MULTI_TASK = "MultiTask"
    SPATIAL = "Spatial"


@dataclass(frozen=True)
class ModelSpec:
    """What a model is, told once: whoever evaluates, combines, draws or words it reads it here."""

    name: str
    words: str  # how a sentence calls it
    of_images: bool = False  # it needs the image: one of these may stand beside clinical variables
    contains: tuple[str, ...] = ()  # models whose inputs are all in this one: never together in one model


MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(Model.CLINICAL, "clinical variables"),
    ModelSpec(Model.RAD, "radiomics", of_images=True),
    ModelSpec(Model.DL, "a network", of_images=True),
    ModelSpec(Model.DLR, "radiomics and deep features", of_images=True, contains=(Model.RAD, Model.DL)),
    ModelSpec(Model.RAD_DL, "the mean of radiomics and a network", of_images=True, contains=(Model.RAD, Model.DL)),
    ModelSpec(Model.COMBINED, "clinical variables and an image signature", contains=tuple(Model)[:5]),
    ModelSpec(Model.SINGLE_TASK, "a 3-D network for the receptors alone", of_images=True),
    ModelSpec(Model.MULTI_TASK, "a 3-D network for the receptors and the outline", of_images=True),
    ModelSpec(Model.SPATIAL, "a network that pools the regions of the tumour", of_images=True),
)


class TargetKind(StrEnum):
    """What a target is measured in."""

    BINARY = "binary"  # 0 and 1
    PER_CENT = "per_cent"  # 0 to 100, such as Ki-67


@dataclass(frozen=True)
class Target:
    """An outcome: its column, its kind, and the columns it was made of, which never predict it."""

    name: str
    kind: TargetKind = TargetKind.BINARY
    derived_from: tuple[str, ...] = ()

    @property
    def binary(self) -> bool:
        return self.kind is TargetKind.BINARY

    @property
    def predicted_as(self) -> Kind:
        """The kind of value that a model of this target gives."""
        return Kind.PROBABILITY if self.binary else Kind.PER_CENT


class Kind(StrEnum):
    """What a prediction's value is."""

    PROBABILITY = "probability"
    PER_CENT = "per_cent"


class Available(StrEnum):
    """When in a patient's course a predictor is known."""

    IMAGING = "imaging"
    BLOOD = "blood"
    BIOPSY = "biopsy"
    SURGERY = "surgery"


class Subtype(StrEnum):
    """Molecular subtypes of breast cancer, in the order of every table."""

    LUMINAL_A = "luminal A"
    LUMINAL_B_NEGATIVE = "luminal B/HER2-negative"
    LUMINAL_A_OR_B = "luminal A or B/HER2-negative"  # where nothing is said of Ki-67, which alone tells them apart
    LUMINAL_B_POSITIVE = "luminal B/HER2-positive"
    HER2_ENRICHED = "HER2-enriched"
    TRIPLE_NEGATIVE = "triple negative"


class Role(StrEnum):
    """How a signature's value came about for a patient."""

    OUT_OF_FOLD = "out-of-fold"  # by a model that never saw the patient
    APPARENT = "apparent"  # by a model fitted on the patient
    HELD_OUT = "held-out"  # test, external or new patients
    STACKED = "stacked, optimistic"  # out-of-fold, but by inputs of models that saw the patient's outcome

    @property
    def cross_fitted(self) -> bool:
        """Whether a value is the mean of chains that each held the patient out of their fold."""
        return self in (Role.OUT_OF_FOLD, Role.STACKED)


RegionName = Literal["core", "rim", "peritumoral"]
REGIONS: tuple[RegionName, ...] = get_args(RegionName)  # of a lesion and the tissue around it, from the inside out
EVERY_PART = "all"  # target, protocol and part of what depends on none of them
CHOSEN = "chosen"  # the algorithm of a chain that was chosen inside its own training part
NATIVE_IMAGES, BICUBIC_IMAGES = "native images", "bicubic images"  # variants beside the signature of enhanced images
LESION_ALONE = "lesion alone"  # variant of Rad without the regions around the lesion, beside the one with them
OTHER_IMAGES = (NATIVE_IMAGES, BICUBIC_IMAGES)
HELD_AGAINST = (LESION_ALONE, *OTHER_IMAGES)  # variants that are compared with their own model alone
FROZEN_EXTERNAL = "external test, frozen"  # external patients, by chains of the training side
CROSS_VALIDATED_EXTERNAL = "external, cross-validated within"  # by chains of other external patients, as published
MACRO = "macro"  # in place of a target: all binary targets of a model together
CLIP = 0.001  # probabilities enter logits clipped to [CLIP, 1 - CLIP]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    lower: float
    upper: float
    n: int  # patients
    n_positive: int
    method: str  # which interval: "DeLong", "Wilson"


@dataclass(frozen=True)
class Test:
    """The result of a hypothesis test; `df` is NaN where the test has none."""

    __test__ = False  # not a test case for pytest

    statistic: float
    p: float
    df: float
    method: str


@dataclass(frozen=True)
class Comparison:
    """The difference a - b of two models on the same patients, with its 95 % interval and two-sided p."""

    difference: float
    lower: float
    upper: float
    p: float
    statistic: float
    method: str


@dataclass(frozen=True)
class CutOff:
    """The probability from which a patient counts as positive (value >= cutoff)."""

    value: float
    sensitivity: float
    specificity: float
    rule: str  # "Youden"
    n: int


def stopped_on(model: str, protocol: str, side: str) -> bool:
    """Whether a side's patients chose a network's epoch: of the 3-D ones under `paper` the validation side's did."""
    trained = (Model.SINGLE_TASK, Model.MULTI_TASK, Model.SPATIAL)
    return model in trained and (protocol, side) == (Protocol.PAPER, Side.VALIDATION)


def chose_cutoffs(protocol: str, side: str) -> bool:
    """Whether a side's patients chose the cut-offs at which they are judged."""
    inside = {Protocol.CROSSFIT: (Side.TRAIN,), Protocol.EXTERNAL_CROSSFIT: (Side.EXTERNAL,)}
    return side in (inside | {Protocol.PAPER: (Side.TRAIN, Side.VALIDATION)}).get(Protocol(protocol), ())


def logit(probability: np.ndarray, clip: float = CLIP) -> np.ndarray:
    """log(p / (1 - p)) of probabilities clipped to [clip, 1 - clip]; same shape."""
    import numpy as np

    p = np.clip(np.asarray(probability, dtype=float), clip, 1 - clip)
    return np.log(p / (1 - p))


def expit(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow; same shape."""
    from scipy.special import expit as stable

    return stable(x)


def pairs_within(column: str) -> str:
    """The measure of METRICS that compares patients of one level of a column, such as a cohort, alone."""
    return "auc_pairs_within_" + ("cohorts" if column == "cohort" else column.replace(" ", "_"))


def signature(predictions: pd.DataFrame) -> pd.DataFrame:
    """One value a patient and model: the mean over the patient's fitted chains, of logits or of per cents.

    predictions : the table of that name (dlr.tables.PREDICTIONS), any kind.
    Returns target, model, variant, algorithm, protocol, side, patient_id, kind, value, role, chains (number averaged),
    sorted by the first seven. Under `paper` a training patient's value is apparent; elsewhere
    out-of-fold, as is everybody's where each is held out once, and external patients' cross-fitted among themselves.
    Combined under `crossfit` is stacked: the signatures that it was fitted on come from chains that saw the outcome of
    the patients it holds out.
    A mean of one chain is that chain's own value, unclipped. ValueError for a kind that has no mean.
    """
    import numpy as np

    keys = ["target", "model", "variant", "algorithm", "protocol", "side", "patient_id", "kind"]
    unknown = sorted(set(predictions["kind"]) - set(Kind))
    if unknown:
        raise ValueError(f"predictions of kind {', '.join(map(str, unknown))} have no mean")
    table = predictions.copy()
    value = table["value"].to_numpy(dtype=float)
    table["mean"] = np.where(table["kind"] == Kind.PROBABILITY, logit(value, clip=1e-12), value)
    # a fixed order of summation: the same bytes however the rows came
    table = table.sort_values([*keys, "seed", "fold"], kind="stable")
    groups = table.groupby(keys, observed=True, sort=True, dropna=False)
    out = groups.agg(mean=("mean", "mean"), chains=("value", "size"), first=("value", "first")).reset_index()
    mean = out["mean"].to_numpy(dtype=float)
    mean = np.where(out["kind"] == Kind.PROBABILITY, expit(mean), mean)
    out["value"] = np.where(out["chains"] == 1, out["first"], mean)
    own = out["side"].isin([Side.TRAIN, Side.VALIDATION, Side.TEST])
    once = out["protocol"].isin([Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT]) & own
    among = (out["protocol"] == Protocol.EXTERNAL_CROSSFIT) & (out["side"] == Side.EXTERNAL)
    training = (out["side"] == Side.TRAIN) | once | among
    apparent = training & (out["protocol"] == Protocol.PAPER)
    stacked = training & (out["model"] == Model.COMBINED) & (out["protocol"] == Protocol.CROSSFIT)
    out["role"] = np.select(
        [apparent, stacked, training],
        [Role.APPARENT.value, Role.STACKED.value, Role.OUT_OF_FOLD.value],
        default=Role.HELD_OUT.value,
    )
    return out[[*keys, "value", "role", "chains"]]
