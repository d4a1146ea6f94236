# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""What enhanced images are, for every part of the page that shows results of them: the method, the verdict, the mark."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dlr.report.blocks import Block, Mark, TableBlock
from dlr.report.sources import Sources
from dlr.superres.verdict import Verdict, verdict
from dlr.tables import CHECKS, ENHANCED, METRICS
from dlr.words import Protocol

__all__ = [
    "HALLUCINATION",
    "SUBJECTS",
    "about",
    "enhanced",
    "found",
    "generator_saw",
    "mark",
    "mark_table",
    "marked",
    "method_words",
    "network_words",
    "times",
]

HALLUCINATION = "hallucination"  # the verdict that marks every result
RESTS_ON_IMAGES = ("answer", "measured", "models", "receptors", "optimism", "nomogram", "seeing")  # sections
HOLDS_OUT = ("answer", "models")  # sections that lead with results of patients held out in turn
SEEN = {Protocol.NESTED: "nested", Protocol.LEAVE_ONE_COHORT_OUT: "left-out cohort"}  # but shown to the generator
SUBJECTS = {"restored": "restored", "psnr": "before the adversary", "bicubic": "bicubic"}  # of the checks' tables
DOCUMENT = "superres.json"


def enhanced(sources: Sources) -> bool:
    """Whether this study measured enhanced images."""
    return sources.table(ENHANCED) is not None


def about(sources: Sources) -> dict[str, Any]:
    """What the stage says about the generator; nothing where there is none."""
    return sources.document(DOCUMENT) or {}


def found(sources: Sources) -> Verdict | None:
    """The verdict of all checks, of whichever stage made them; None where none was made."""
    checks = sources.table(CHECKS)
    return None if checks is None else verdict(checks)


def marked(sources: Sources, name: str) -> bool:
    """Whether a section shows results that rest on images in which hallucinations were found."""
    judged = found(sources) if name in RESTS_ON_IMAGES and enhanced(sources) else None
    return judged is not None and judged.word == HALLUCINATION


def mark(number: int) -> Mark:
    """What stands at the head of such a section; `number`: of the section that tells what was found."""
    return Mark(
        f"Hallucination found (section {number}). The results of images in this section rest on enhanced ones, in which a check found what the true ones do not show; only those named native or bicubic images rest on others. The CSV files of its tables carry no mark."
    )


def mark_table(block: Block, number: int) -> Block:
    """A table of such a section says it again, as it may be copied alone; other blocks stay as they are."""
    if not isinstance(block, TableBlock):
        return block
    return replace(block, note=f"Hallucination found in the enhanced images: section {number}. {block.note}".strip())


def generator_saw(sources: Sources) -> str:
    """A warning where patients held out in turn were held out from models, and not from the generator; else nothing."""
    metrics = sources.table(METRICS)
    if metrics is None or not enhanced(sources) or not sources.settings.superres.fitted:
        return ""
    there = [words for protocol, words in SEEN.items() if (metrics["protocol"] == str(protocol)).any()]
    if not there:
        return ""
    return f"Not held out from the generator: it was fitted once, on images (no labels) of training patients, whom the values named {' and '.join(there)} hold out from the models alone."


def times(sources: Sources) -> str:
    """The factor of enlargement as a reader meets it."""
    return f"×{sources.settings.superres.scale}"


def method_words(sources: Sources) -> str:
    """What enlarged the images, as the object of a sentence."""
    settings = sources.settings.superres
    if settings.method == "bicubic":
        return "bicubic interpolation, which adds no information"
    if settings.method == "weights":
        return f"a network trained elsewhere ({about(sources).get('origin', {}).get('source') or settings.weights})"
    against = ", then against a discriminator" if settings.method == "gan" else ""
    return f"a network trained here for fidelity{against}"


def network_words(sources: Sources) -> str:
    """The generator of a method that trains one."""
    return {
        "small": "8 residual blocks of 32 channels on top of bicubic interpolation",
        "full": "RRDBNet of 23 residual-in-residual dense blocks, 64 channels",
    }[sources.settings.superres.network]
