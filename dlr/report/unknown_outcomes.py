# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""What patients of unknown outcome could do to the headline's AUC, in one sentence."""

from __future__ import annotations

from dlr.figures import theme
from dlr.report.blocks import Block, Prose
from dlr.report.evidence import Evidence
from dlr.report.sources import Sources
from dlr.words import Target

__all__ = ["unknown_outcomes"]


def unknown_outcomes(sources: Sources, evidence: Evidence, target: Target) -> list[Block]:
    """The best and the worst case of every model on test, else out-of-fold; nothing where every outcome is known."""
    for role in ("test", "out-of-fold"):
        found = []
        for model in evidence.models(target.name):
            best, worst = (evidence.get(target.name, model, role, f"auc_{case}_case") for case in ("best", "worst"))
            if best is not None and worst is not None:
                found.append((best, f"{model} {theme.format_auc(worst.value)} to {theme.format_auc(best.value)}"))
        if found:
            unknown = found[0][0].method.split()[0]
            words = "; ".join(words for _, words in found)
            pooled = ", with all folds pooled," if role == "out-of-fold" else ""
            said = f"The outcome of {unknown} {role} patients is unknown, and they are left out above. From their worst case to their best{pooled} the AUC would be: {words}."
            return [Prose((said,), quiet=True)]
    return []
