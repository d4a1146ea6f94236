"""When a model can be used: at the latest time at which one of its clinical predictors is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlr.report.sources import Sources
from dlr.words import Available, Model, Protocol

__all__ = ["TimeOfUse", "clinical_variables", "entered", "primary_set", "time_of_use"]

ORDER = [str(when) for when in Available]
PHRASES = {
    "imaging": "It needs only what is known at imaging",
    "blood": "It needs a blood test, so it can be used before biopsy",
    "biopsy": "It needs the biopsy, so it cannot help to decide about one",
    "surgery": "It needs what is known only after surgery",
}


@dataclass(frozen=True)
class TimeOfUse:
    """The latest time, the predictors that set it, and a phrase for a sentence."""

    available: str
    latest: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """When it can be used, and because of which predictors."""
        named = f" ({', '.join(self.latest)})" if self.latest else ""
        return f"{PHRASES[self.available]}{named}."


def primary_set(sources: Sources, variant: str = "") -> dict[str, Any] | None:
    """The Combined model's pre-named set of variables, cross-fitted where it was; None where there is none."""
    stored: Any = sources.json("combine", "combined_model.json") or {}
    found = [entry for entry in stored.get("sets", []) if entry["primary"] and entry["variant"] == variant]
    found.sort(key=lambda entry: entry["protocol"] != Protocol.CROSSFIT)
    return found[0] if found else None


def entered(chosen: Mapping[str, Any]) -> list[str]:
    """The variables that stayed in a set's model: signatures and clinical columns."""
    model = chosen["model"]
    dropped = {name for name, _ in model["dropped"]}
    return [name for name in (*model["clinical"], *model["signatures"]) if name not in dropped]


def clinical_variables(sources: Sources, model: str) -> list[str]:
    """The clinical columns that enter a model, by themselves or through the Clinical signature."""
    if model == Model.CLINICAL:
        return list(sources.columns)
    chosen = primary_set(sources) if model == Model.COMBINED else None
    if chosen is None:
        return []
    names = entered(chosen)
    return list(sources.columns) if Model.CLINICAL in names else [name for name in names if name in sources.columns]


def time_of_use(sources: Sources, model: str) -> TimeOfUse:
    """When a model can be used; a model of images only is used at imaging."""
    when = {
        name: str(sources.columns[name].get("available") or "imaging") for name in clinical_variables(sources, model)
    }
    latest = max(when.values(), key=ORDER.index, default="imaging")
    named = tuple(sources.title_of(name) for name, at in when.items() if at == latest) if latest != "imaging" else ()
    return TimeOfUse(latest, named)
