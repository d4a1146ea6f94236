"""What Huang et al. printed (Insights Imaging 2024), to stand beside a study's own figures: never mixed with them.

388 women, one 3-D ultrasound volume each; 240 trained, 60 validated, 88 tested. No DeLong p below .182 was found.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlr.words import MACRO, Model

__all__ = ["MARKERS", "NEEDED", "SOURCE", "Published", "published"]

SOURCE = "Huang et al., Insights Imaging 2024: 388 women of one centre, 3-D ultrasound; 60 validated, 88 tested"
MARKERS = ("er", "pr", "her2")  # over which their means run
NEEDED = {"er": "60 (46 + 14)", "pr": "39 (27 + 12)", "her2": "68 (37 + 29, which adds up to 66)"}  # sample sizes


@dataclass(frozen=True)
class Published:
    """One printed value."""

    target: str  # er, pr, her2, or macro
    model: str
    role: str  # test, validation
    subset: str  # all, small (under 15 mm), large
    metric: str
    value: float


def _pairs(target: str, role: str, metric: str, single: float, multi: float, subset: str = "all") -> list[Published]:
    values = ((Model.SINGLE_TASK, single), (Model.MULTI_TASK, multi))
    return [Published(target, str(model), role, subset, metric, value) for model, value in values]


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
)


def published(target: str, model: str, role: str, metric: str, subset: str = "all") -> float | None:
    """What they printed for a marker or "macro", model, role and measure; None where they printed nothing."""
    found = (one for one in _PRINTED if (one.target, one.model, one.role) == (target, model, role))
    return next((one.value for one in found if (one.metric, one.subset) == (metric, subset)), None)
