"""When a model can be used: at the latest time at which one of its clinical predictors is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlr.report.sources import Sources
from dlr.words import Available, Model

__all__ = ["TimeOfUse", "clinical_variables", "time_of_use"]

ORDER = [str(when) for when in Available]
PHRASES = {
    "imaging": "from what is known at imaging",
    "blood": "from what is known before biopsy, after a blood test",
    "biopsy": "with predictors from a biopsy, so after biopsy",
    "surgery": "with predictors known only after surgery",
}


@dataclass(frozen=True)
class TimeOfUse:
    """The latest time, the predictors that set it, and a phrase for a sentence."""

    available: str
    latest: tuple[str, ...]

    @property
    def phrase(self) -> str:
        """To follow "predicts her2"."""
        named = f" ({', '.join(self.latest)})" if self.latest else ""
        return f" {PHRASES[self.available]}{named}"


def clinical_variables(sources: Sources, model: str) -> list[str]:
    """The clinical columns that enter a model."""
    if model == Model.CLINICAL:
        return list(sources.columns)
    if model != Model.COMBINED:
        return []
    stored: Any = sources.json("combine", "combined_model.json") or {}
    if isinstance(stored, list):
        stored = next((entry for entry in stored if entry.get("primary")), stored[0] if stored else {})
    names = [v["name"] if isinstance(v, Mapping) else str(v) for v in stored.get("variables", [])]
    if "Clinical" in names:
        return list(sources.columns)
    return [name for name in names if name in sources.columns]


def time_of_use(sources: Sources, model: str) -> TimeOfUse:
    """When a model can be used; a model of images only is used at imaging."""
    when = {
        name: str(sources.columns[name].get("available") or "imaging") for name in clinical_variables(sources, model)
    }
    latest = max(when.values(), key=ORDER.index, default="imaging")
    named = tuple(sources.title_of(name) for name, at in when.items() if at == latest) if latest != "imaging" else ()
    return TimeOfUse(latest, named)
