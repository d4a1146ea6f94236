# ruff: noqa: E501  (a source stands on one line, where it is found)
"""What others printed, to stand beside a study's own figures: never mixed with them.

Huang et al. (Insights Imaging 2024): 388 women, one 3-D ultrasound volume each; 240 trained, 60 validated, 88 tested. No
DeLong p below .182 was found.
Zeng et al. (arXiv 2601.07001): 886 women and 74 of another centre, one phase of DCE-MRI. The abstract has the whole model
and Ki-67 alone; the rows of the ablation are those of a secondary page, unverified. On which side is not said.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlr.words import MACRO, Model

__all__ = ["ABLATED", "MARKERS", "NEEDED", "UNSAID", "Published", "printed_row", "published", "sources_of"]

HUANG = "Huang et al., Insights Imaging 2024: 388 women of one centre, 3-D ultrasound; 60 validated, 88 tested"
ZENG = "Zeng et al., arXiv 2601.07001: 886 women and 74 of another centre, one phase of DCE-MRI; whether theirs is the internal or the external side is not said"
SOURCES = {Model.SINGLE_TASK: HUANG, Model.MULTI_TASK: HUANG, Model.SPATIAL: ZENG}
UNSAID = "side not said"  # in place of a role
MARKERS = ("er", "pr", "her2")  # over which their means run
NEEDED = {
    "er": "60 (46 + 14)",
    "pr": "39 (27 + 12)",
    "her2": "68 (37 + 29, which adds up to 66)",
}  # Huang's sample sizes


@dataclass(frozen=True)
class Published:
    """One printed value."""

    target: str  # er, pr, her2, ki67, or macro
    model: str
    role: str  # test, validation, side not said
    subset: str  # all, small (under 15 mm), large
    metric: str
    value: float


def _pairs(target: str, role: str, metric: str, single: float, multi: float, subset: str = "all") -> list[Published]:
    values = ((Model.SINGLE_TASK, single), (Model.MULTI_TASK, multi))
    return [Published(target, str(model), role, subset, metric, value) for model, value in values]


ABLATED: dict[str, tuple[float, float, float, float]] = {  # Zeng's AUC by row of ABLATION: ER, PR, HER2, mean
    "full": (0.893, 0.824, 0.857, 0.858),
    "without_attention": (0.861, 0.789, 0.824, 0.825),
    "without_peritumoral": (0.871, 0.801, 0.842, 0.838),
    "without_multi_task": (0.857, 0.781, 0.819, 0.819),
    "without_shared_extractor": (0.864, 0.792, 0.829, 0.828),
    "single_scale": (0.859, 0.785, 0.823, 0.822),
    "core_only": (0.845, 0.772, 0.811, 0.809),
    "radiomics_logistic": (0.782, 0.724, 0.758, 0.755),
    "radiomics_svm": (0.771, 0.718, 0.749, 0.746),
}

_PRINTED = (
    *_pairs("er", "test", "auc", 0.809, 0.735),
    *_pairs("pr", "test", "auc", 0.688, 0.767),
    *_pairs("her2", "test", "auc", 0.626, 0.697),
    *_pairs("er", "validation", "auc", 0.814, 0.745),
    *_pairs("pr", "validation", "auc", 0.689, 0.748),
    *_pairs("her2", "validation", "auc", 0.571, 0.712),
    *_pairs(MACRO, "test", "auc", 0.708, 0.733),
    *_pairs(MACRO, "test", "accuracy_jaccard", 0.535, 0.588),
    *_pairs(MACRO, "test", "precision", 0.792, 0.804),
    *_pairs(MACRO, "test", "recall", 0.634, 0.694),
    *_pairs(MACRO, "test", "f1", 0.693, 0.738),
    *_pairs(MACRO, "test", "auc", 0.691, 0.752, "small"),
    *_pairs(MACRO, "test", "auc", 0.715, 0.723, "large"),
    *(
        Published(target, str(Model.SPATIAL), UNSAID, "all", "auc", value)
        for target, value in zip((*MARKERS, MACRO), ABLATED["full"], strict=True)
    ),
    Published("ki67", str(Model.SPATIAL), UNSAID, "all", "mae", 8.2),  # 8.2 ± 2.1
)


def published(target: str, model: str, role: str, metric: str, subset: str = "all") -> float | None:
    """What they printed for a marker or "macro", model, role and measure; None where they printed nothing."""
    found = (one for one in _PRINTED if (one.target, one.model, one.role) == (target, model, role))
    return next((one.value for one in found if (one.metric, one.subset) == (metric, subset)), None)


def printed_row(row: str, target: str) -> float | None:
    """The AUC that they printed for a row of the ablation and a marker or "macro"; None where there is none."""
    if row not in ABLATED or target not in (*MARKERS, MACRO):
        return None
    return ABLATED[row][(*MARKERS, MACRO).index(target)]


def sources_of(models: list[str]) -> str:
    """Whose figures stand beside some models, each named once."""
    return "; ".join(dict.fromkeys(source for model, source in SOURCES.items() if model in models))
