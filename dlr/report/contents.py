"""Which sections a report has, in the order of the page: those whose tables a stage of the pipeline gives."""

from __future__ import annotations

from collections.abc import Sequence

from dlr.report.blocks import Block, Mark, Section
from dlr.report.enhanced import HOLDS_OUT, enhanced, generator_saw, mark, mark_table, marked
from dlr.report.sources import Sources
from dlr.tables import (
    ABLATION,
    ATTENTION,
    ATTENTION_SHARES,
    CURVES,
    POINTS,
    REGION_WEIGHTS,
    SEGMENTATION,
    SUBTYPES,
    TSNE,
    Table,
)
from dlr.words import Model

__all__ = ["TITLES", "contents", "number_of", "section"]

TITLES = {
    "answer": "The answer",
    "who": "Who",
    "measured": "What was measured",
    "enhancement": "Enhancement",
    "models": "Models side by side",
    "receptors": "Receptors from volumes",
    "ablation": "The ablation",
    "subtypes": "Molecular subtypes",
    "optimism": "Published way against honest way",
    "nomogram": "The nomogram",
    "seeing": "Seeing",
    "methods": "Methods",
}
SPEAKS_OF: dict[str, tuple[Table, ...]] = {  # a section that is not here speaks of every study
    "receptors": (SEGMENTATION,),
    "ablation": (ABLATION,),
    "subtypes": (SUBTYPES,),
    "nomogram": (POINTS,),
    "seeing": (CURVES, ATTENTION, TSNE, REGION_WEIGHTS, ATTENTION_SHARES),
}


def contents(sources: Sources) -> list[str]:
    """The names of the sections."""
    spoken_of = [name for name in TITLES if name not in SPEAKS_OF or any(map(sources.gives, SPEAKS_OF[name]))]
    asked = {"enhancement": enhanced(sources), "ablation": Model.SPATIAL in sources.networks_asked}
    return [name for name in spoken_of if asked.get(name, True)]


def section(name: str, sources: Sources, blocks: Sequence[Block], beside: Sequence[Block] = ()) -> Section:
    """A section of these blocks with its number and title, marked where its results rest on invented structure,
    or on a generator that saw the patients they are of."""
    warned = generator_saw(sources) if name in HOLDS_OUT else ""
    if warned:
        blocks = [Mark(warned), *blocks]
    told = number_of(sources, "enhancement")
    if marked(sources, name):
        blocks, beside = [mark(told), *(mark_table(b, told) for b in blocks)], [mark_table(b, told) for b in beside]
    return Section(number_of(sources, name), name, TITLES[name], tuple(blocks), tuple(beside))


def number_of(sources: Sources, name: str) -> int:
    """A section's number on the page; 0 where the page has no such section."""
    there = contents(sources)
    return there.index(name) + 1 if name in there else 0
