"""Whether networks trained from scratch rank better than the frozen one: the first line of a report of volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.report.evidence import ROLES, WHOLE, Evidence, with_interval
from dlr.report.sources import Sources
from dlr.tables import COMPARISONS, SEGMENTATION
from dlr.words import MACRO, Estimate, Model

__all__ = ["Ranking", "first_line", "rankings"]

FROZEN = (Model.RAD_DL, Model.DL)
SCRATCH = (Model.MULTI_TASK, Model.SINGLE_TASK)
ROLES_HERE = ("test", "external", "out-of-fold")


@dataclass(frozen=True)
class Ranking:
    """The frozen models and the networks from scratch by one AUC over the markers, on the same patients."""

    role: str
    frozen: dict[str, Estimate]
    scratch: dict[str, Estimate]

    @property
    def above(self) -> list[str]:
        """The frozen models that lie above every network from scratch."""
        highest = max(auc.value for auc in self.scratch.values())
        return [name for name, auc in self.frozen.items() if auc.value > highest]

    @property
    def best_scratch(self) -> str:
        return max(self.scratch, key=lambda name: self.scratch[name].value)

    @property
    def n(self) -> int:
        return max(auc.n for auc in self.frozen.values())


def rankings(sources: Sources, evidence: Evidence) -> list[Ranking]:
    """By role: test, external, out-of-fold; those in which both kinds of networks have a value."""
    out = []
    for role in ROLES_HERE:
        frozen, scratch = (
            {str(m): auc for m in kind if (auc := overall(sources, evidence, m, role)) is not None}
            for kind in (FROZEN, SCRATCH)
        )
        if frozen and scratch:
            out.append(Ranking(role, frozen, scratch))
    return out


def overall(sources: Sources, evidence: Evidence, model: str, role: str) -> Estimate | None:
    """A model's macro AUC; where none was computed, the mean of its markers', if it has all, without an interval."""
    macro = evidence.get(MACRO, model, role, "auc")
    if macro is not None:
        return macro
    found = [evidence.get(target.name, model, role, "auc") for target in sources.targets if target.binary]
    known = [auc for auc in found if auc is not None]
    if not known or len(known) < len(found):
        return None
    mean = float(np.mean([auc.value for auc in known]))
    return Estimate(mean, np.nan, np.nan, max(auc.n for auc in known), 0, "mean of the markers'")


def first_line(sources: Sources, evidence: Evidence) -> str:
    """Which kind of network ranks better on these patients, in figures; empty where not both are there.

    That the networks from scratch rank better is said only where the interval of a paired difference lies above 0.
    """
    if not sources.gives(SEGMENTATION):
        return ""
    found = rankings(sources, evidence)
    told = [_verdict(sources, one) for one in found]
    sentences = []
    for k, (one, verdict) in enumerate(zip(found, told, strict=True)):
        where = f"these {one.n} patients ({one.role})"
        frozen = _listed(one.frozen if not one.above else {name: one.frozen[name] for name in one.above})
        figures = f"{frozen} against {_listed(one.scratch)}"
        if k and verdict == told[k - 1]:
            sentences.append(f"On {where} likewise: {figures}{_difference(sources, one)}.")
        else:
            sentences.append(f"On {where} {verdict}: macro AUC {figures}{_difference(sources, one)}.")
    return " ".join(sentences)


def _verdict(sources: Sources, one: Ranking) -> str:
    scratch = "the 3-D networks" if len(one.scratch) > 1 else f"the 3-D network {one.best_scratch}"
    if one.above:
        return f"{_words(sources, one.above)} ranks better than {scratch} trained from scratch"
    frozen = _words(sources, list(one.frozen))
    if all((found := _paired(sources, one, one.best_scratch, a)) is not None and found[1] > 0 for a in one.frozen):
        return f"{one.best_scratch}, trained from scratch, ranks better than {frozen}"
    return f"it is not shown which ranks better, {frozen} or {scratch} trained from scratch"


def _words(sources: Sources, frozen: list[str]) -> str:
    every = (sources.document("deep.json") or {}).get("slices") == "all"
    words = "the frozen network over all slices" if every else "the frozen network"
    if len(frozen) > 1:
        return f"{words} (alone and with radiomics)"
    return f"{words} with radiomics" if frozen == [Model.RAD_DL] else words


def _listed(aucs: dict[str, Estimate]) -> str:
    return " and ".join(f"{with_interval(auc)} of {name}" for name, auc in aucs.items())


def _difference(sources: Sources, one: Ranking) -> str:
    """The paired difference of the first frozen model from the best network, where it was computed."""
    first = (one.above or list(one.frozen))[0]
    found = _paired(sources, one, first, one.best_scratch)
    if found is None:
        return ""
    value, lower, upper = found
    interval = f"{value:.3f}, 95 % interval {lower:.3f} to {upper:.3f}".replace("-", "−")
    doubt = "; it holds 0, so that other patients may rank them otherwise" if lower <= 0 <= upper else ""
    return f" (difference of {first} from {one.best_scratch} {interval}{doubt})"


def _paired(sources: Sources, one: Ranking, a: str, b: str) -> tuple[float, float, float] | None:
    """Difference, lower and upper limit of two models' macro AUC on the same patients."""
    table = sources.table(COMPARISONS)
    if table is None:
        return None
    table = table[
        (table["target"] == MACRO) & (table["metric"] == "auc") & (table["subset"] == WHOLE)
        & (table["variant_a"] == "") & (table["variant_b"] == "")
    ]  # fmt: skip
    for protocol, side in ROLES[one.role]:
        for row in table[(table["protocol"] == protocol) & (table["side"] == side)].itertuples(index=False):
            if (row.model_a, row.model_b) == (a, b):
                return float(row.difference), float(row.lower), float(row.upper)
            if (row.model_a, row.model_b) == (b, a):
                return -float(row.difference), -float(row.upper), -float(row.lower)
    return None
