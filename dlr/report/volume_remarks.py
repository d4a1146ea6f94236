"""What a reviewer will say of 3-D networks: below the frozen one, smaller than published, a trap among the rows."""

from __future__ import annotations

from collections.abc import Iterator

from dlr.report.ablation import of_roles, trap_words
from dlr.report.baseline import leads_surely, rankings
from dlr.report.blocks import Remark
from dlr.report.evidence import LEADING, Evidence, cell
from dlr.report.sources import Sources
from dlr.report.volume_methods import begun, from_scratch
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, MACRO, Model

__all__ = ["below_the_frozen", "cross_validated_elsewhere", "pooled_alone", "smaller_than_published"]

PUBLISHED = (50, 64)  # layers and channels of the stem of Huang's
SPATIAL = (18, 64)  # as taken for Zeng's, whose abstract has no sizes


def below_the_frozen(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    for one in rankings(sources, evidence)[:1]:
        if one.frozen_leads:
            named = "; ".join(f"{name} {cell(auc)}" for name, auc in one.aucs.items())
            pretrained = ", or start from pretrained weights" if from_scratch(sources) else ""
            several = len(one.trained) > 1
            verdict = f"{'have' if several else 'has'} a lower macro AUC than the frozen one"
            if not leads_surely(sources, one):
                verdict = f"{'are' if several else 'is'} not shown to have a higher macro AUC than the frozen one"
            yield Remark(
                2, f"The 3-D network{'s' if several else ''}, {begun(sources)}, {verdict}.",
                f"Macro AUC ({one.role}): {named}.", f"Lead with the frozen model{pretrained}.", "receptors.weights",
            )  # fmt: skip


def smaller_than_published(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    receptors = sources.about.further.get("receptors")
    trained = sources.networks_of_volumes
    if receptors is None or not trained:
        return
    depth, width, stem = receptors["depth"], receptors["width"], receptors["stem"]
    if trained == (Model.SPATIAL,):
        (least_depth, least_width), network = (
            SPATIAL,
            "network is smaller than the one that is taken for the published one",
        )
        theirs = f"taken for it: {least_depth}, {least_width}, stem published (the abstract has no sizes)"
        about = "What it reaches says nothing about that size."
    else:
        (least_depth, least_width), network = PUBLISHED, "networks are smaller than the published ones"
        theirs = f"published: {least_depth}, {least_width}"
        about = "What they reach says nothing about the published size."
    if depth < least_depth or width < least_width or stem != "published":
        found = f"{depth} layers, {width} channels of the stem, stem {stem}; {theirs}."
        yield Remark(1, f"The 3-D {network}.", found, about, "receptors.depth; receptors.width")


def pooled_alone(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    """Of an ablation that holds the row which pools over the core while the input stays whole."""
    for role, rows in list(of_roles(sources))[:1]:
        targets = [MACRO] if MACRO in set(rows["target"]) else [t.name for t in sources.targets if t.binary]
        shown = trap_words(rows, targets)
        if shown:
            yield Remark(
                1, "Pooling over the tumour's core alone is no ablation of what lies around it.",
                f"AUC, {role}: {shown}.",
                "Argue with the row whose input outside the core is zero; the other one is printed apart as the trap.",
                "receptors.ablation: [core_only]",
            )  # fmt: skip


def cross_validated_elsewhere(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    """Of external patients who were cross-validated among themselves, with or without a frozen test beside."""
    roles = {
        role: any(
            evidence.get(target.name, model, role, LEADING[target.kind]) is not None
            for target in sources.targets for model in evidence.models(target.name)
        )
        for role in (CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL)
    }  # fmt: skip
    if not roles[CROSS_VALIDATED_EXTERNAL]:
        return
    beside = (
        "The frozen external test stands beside it." if roles[FROZEN_EXTERNAL] else "There is no frozen test beside it."
    )
    yield Remark(
        1 if roles[FROZEN_EXTERNAL] else 3, "Cross-validation inside the external side is no external test.",
        f"Its models were fitted on external patients, as published. {beside}",
        "Lead with what the models of the training side reach there.", "learn.protocols: [crossfit]",
    )  # fmt: skip
