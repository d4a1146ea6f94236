"""When a model can be used: at the latest time at which one of its clinical predictors is known."""

from __future__ import annotations

from dataclasses import dataclass

from dlr.report.combined_set import entered, primary_set
from dlr.report.sources import Sources
from dlr.words import Available, Model, Target

__all__ = ["ORDER", "TimeOfUse", "clinical_variables", "known_when", "time_of_use"]

ORDER = [str(when) for when in Available]
WHEN = {
    Available.IMAGING: "at imaging",
    Available.BLOOD: "from blood",
    Available.BIOPSY: "from the biopsy",
    Available.SURGERY: "only after surgery",
}
PHRASES = {
    Available.IMAGING: "It needs only what is known at imaging",
    Available.BLOOD: "It needs a blood test, so it can be used before biopsy",
    Available.BIOPSY: "It needs the biopsy, so it cannot help to decide about one",
    Available.SURGERY: "It needs what is known only after surgery",
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
        return f"{PHRASES[Available(self.available)]}{named}."


def clinical_variables(sources: Sources, model: str, target: Target) -> list[str]:
    """The clinical columns that enter a target's model, by themselves or through the Clinical signature."""
    everything = [name for name in sources.columns if name not in (target.name, *target.derived_from)]
    if model == Model.CLINICAL:
        return everything
    chosen = primary_set(sources, target) if model == Model.COMBINED else None
    if chosen is None:
        return []
    names = entered(chosen)
    return everything if Model.CLINICAL in names else [name for name in names if name in sources.columns]


def time_of_use(sources: Sources, model: str, target: Target) -> TimeOfUse:
    """When a model can be used; a model of images only is used at imaging."""
    names = clinical_variables(sources, model, target)
    when = {name: str(sources.columns[name].get("available") or Available.IMAGING) for name in names}
    latest = max(when.values(), key=ORDER.index, default=ORDER[0])
    named = tuple(sources.title_of(name) for name, at in when.items() if at == latest) if latest != ORDER[0] else ()
    return TimeOfUse(latest, named)


def known_when(sources: Sources) -> str:
    """Every clinical column by the time at which it is known, earliest first; empty without clinical columns."""
    told = []
    for when in Available:
        names = [
            sources.title_of(name)
            for name, column in sources.columns.items()
            if str(column.get("available") or Available.IMAGING) == when
        ]
        told += [f"{', '.join(names)} {WHEN[when]}"] if names else []
    return f"Clinical predictors and when they are known: {'; '.join(told)}." if told else ""
