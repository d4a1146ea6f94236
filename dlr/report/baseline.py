# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Which networks have the higher macro AUC, 3-D ones or the frozen one: the first line of a report of volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlr.figures import theme
from dlr.report.evidence import ROLES, WHOLE, Evidence, markers_of, with_interval
from dlr.report.sources import Sources
from dlr.report.volume_methods import begun, chains_of
from dlr.tables import COMPARISONS, SEGMENTATION
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, MACRO, Estimate, Model, Protocol

__all__ = ["Ranking", "first_line", "leads_surely", "rankings"]

FROZEN = (Model.RAD_DL, Model.DL)
TRAINED = (Model.SPATIAL, Model.MULTI_TASK, Model.SINGLE_TASK)
ROLES_HERE = ("test", FROZEN_EXTERNAL, "out-of-fold", CROSS_VALIDATED_EXTERNAL)


@dataclass(frozen=True)
class Ranking:
    """The frozen models and the 3-D networks by one AUC over the same markers, on the same patients."""

    role: str
    frozen: dict[str, Estimate]
    trained: dict[str, Estimate]

    @property
    def aucs(self) -> dict[str, Estimate]:
        """All of them, the highest first."""
        both = self.frozen | self.trained
        return dict(sorted(both.items(), key=lambda item: -item[1].value))

    @property
    def above(self) -> list[str]:
        """The models of one kind that lie above every one of the other; none where the best are equal."""
        return _above(self.frozen, self.trained) or _above(self.trained, self.frozen)

    @property
    def frozen_leads(self) -> bool:
        return bool(_above(self.frozen, self.trained))

    @property
    def other(self) -> dict[str, Estimate]:
        """The models of the kind that does not lead, the highest first."""
        kind = self.trained if self.frozen_leads else self.frozen
        return {name: auc for name, auc in self.aucs.items() if name in kind}

    @property
    def n(self) -> int:
        return max(auc.n for auc in self.frozen.values())


def _above(some: dict[str, Estimate], others: dict[str, Estimate]) -> list[str]:
    highest = max(auc.value for auc in others.values())
    found = [name for name, auc in some.items() if auc.value > highest]
    return sorted(found, key=lambda name: -some[name].value)


def rankings(sources: Sources, evidence: Evidence) -> list[Ranking]:
    """By role of ROLES_HERE; those in which both kinds of networks have a value.

    Models that answer fewer markers than others of the role do not enter.
    """
    out = []
    for role in ROLES_HERE:
        found = {str(m): auc for m in (*FROZEN, *TRAINED) if (auc := overall(sources, evidence, m, role)) is not None}
        most = max((len(markers_of(auc.method)) for auc in found.values()), default=0)
        alike = {name: auc for name, auc in found.items() if len(markers_of(auc.method)) == most}
        frozen, trained = ({name: auc for name, auc in alike.items() if name in kind} for kind in (FROZEN, TRAINED))
        if frozen and trained:
            out.append(Ranking(role, frozen, trained))
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
    """Which kind of network has the higher macro AUC on these patients, in figures; empty where not both are there.

    That an interval of the difference excludes 0 is said, in either direction, where those of all pairs do.
    """
    if not sources.gives(SEGMENTATION):
        return ""
    found = rankings(sources, evidence)
    told = [_verdict(sources, one) for one in found]
    sentences = []
    for k, (one, verdict) in enumerate(zip(found, told, strict=True)):
        where = f"these {one.n} patients ({one.role})"
        figures = f"{_figures(one)}{_difference(sources, one)}"
        if k and verdict == told[k - 1]:
            sentences.append(f"On {where} likewise: {figures}.")
        else:
            sentences.append(f"On {where} {verdict}: {figures}.")
    return " ".join([*sentences, *(_of_how_many(sources, found) if found else [])])


def _verdict(sources: Sources, one: Ranking) -> str:
    frozen = _words(sources, one.above if one.frozen_leads else list(one.frozen))
    names = sorted(one.trained if one.frozen_leads or not one.above else one.above)
    trained = f"the 3-D network{'s' if len(names) > 1 else ''} {' and '.join(names)}, {begun(sources)},"
    if not one.above:
        return f"{frozen} and {trained} have the same macro AUC"
    first, second = (frozen, trained) if one.frozen_leads else (trained, frozen)
    has = "have" if not one.frozen_leads and len(names) > 1 else "has"
    claim = ", with an interval of the difference that excludes 0" if leads_surely(sources, one) else ""
    return f"{first} {has} a higher macro AUC than {second.rstrip(',')}{claim}"


def leads_surely(sources: Sources, one: Ranking) -> bool:
    """Whether every model that leads lies above every one of the other kind by an interval that excludes 0."""
    pairs = [_paired(sources, one, a, b) for a in one.above for b in one.other]
    return all(found is not None and found[1] > 0 for found in pairs)


def _words(sources: Sources, frozen: list[str]) -> str:
    every = (sources.document("deep.json") or {}).get("slices") == "all"
    words = "the frozen network over all slices" if every else "the frozen network"
    if len(frozen) > 1:
        return f"{words} (alone and with radiomics)"
    return f"{words} with radiomics" if frozen == [Model.RAD_DL] else words


def _figures(one: Ranking) -> str:
    """The leading models against all others, the highest first."""
    leading = [f"{with_interval(auc)} of {name}" for name, auc in one.aucs.items() if name in one.above]
    others = [f"{with_interval(auc)} of {name}" for name, auc in one.aucs.items() if name not in one.above]
    return " against ".join(" and ".join(some) for some in (leading, others) if some)


def _difference(sources: Sources, one: Ranking) -> str:
    """The paired difference of the best of each kind, where it was computed."""
    if not one.above:
        return ""
    first, second = one.above[0], next(iter(one.other))
    found = _paired(sources, one, first, second)
    if found is None:
        return ""
    value, lower, upper = found
    interval = theme.format_estimate(value, lower, upper, words="95 % interval ")
    doubt = "; it holds 0, so that other patients may rank them otherwise" if lower <= 0 <= upper else ""
    return f" (difference of {first} from {second} {interval}{doubt})"


def _of_how_many(sources: Sources, found: list[Ranking]) -> list[str]:
    """That ensembles differ in size, where they do: who is the mean of more chains may rank better by that alone."""
    if not any(one.role != "out-of-fold" for one in found) or Protocol.CROSSFIT not in sources.settings.learn.protocols:
        return []
    sizes: dict[int, list[str]] = {}
    for name in dict.fromkeys(name for one in found for name in (*one.frozen, *one.trained)):
        sizes.setdefault(chains_of(sources, name), []).append(name)
    if len(sizes) < 2:
        return []
    told = ", ".join(f"{size} for {' and '.join(names)}" for size, names in sorted(sizes.items()))
    return [
        f"Ensembles differ in size, which alone can move a rank: a test patient's value is the mean of so many chains: {told}."
    ]


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
