"""What of a section stays open: its answer, which is a sentence, one table and one figure; the rest folds."""

from __future__ import annotations

from collections.abc import Sequence

from dlr.report.blocks import Block, Fold, Heading, Missing

__all__ = ["folded"]

ANSWERS = ("table", "figure")  # one of each stays open
TITLED = ("table", "figure", "copy", "cloud")


def folded(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of a section, all but its answers under lines that open them.

    The section's first table and first figure stay. A heading that opens begins a part with an answer of its own, such
    as an outcome: of every part stays the text before anything folds. What is under another heading folds under it,
    every further table or figure under its own title together with the text that follows it, and what is missing last.
    """
    out: list[Block] = []
    part: list[Block] = []
    wanted = set(ANSWERS)
    for block in blocks:
        if isinstance(block, Heading) and block.opens:
            out += [*_part(part, wanted), block]
            part = []
        else:
            part.append(block)
    return (*out, *_part(part, wanted))


def _part(blocks: Sequence[Block], wanted: set[str]) -> list[Block]:
    """One part; `wanted`: what the section has not opened on yet."""
    open_: list[Block] = []
    missing: list[Missing] = []
    folds: list[tuple[str, list[Block]]] = []
    under = 0  # level of the heading whose blocks these are
    for block in blocks:
        if isinstance(block, Heading) and not (under and block.level > under):
            under = block.level
            folds.append((block.text, []))
        elif under:
            folds[-1][1].append(block)
        elif block.kind in wanted:
            wanted.remove(block.kind)
            open_.append(block)
        elif block.kind in TITLED:
            folds.append((block.title, [block]))  # type: ignore[union-attr]
        elif isinstance(block, Missing) and (folds or any(one.kind in ANSWERS for one in open_)):
            missing.append(block)
        else:
            (folds[-1][1] if folds else open_).append(block)
    if missing:
        folds.append((f"Not here: {', '.join(block.what for block in missing)}", list(missing)))
    return [*open_, *(Fold(title, tuple(inside)) for title, inside in folds if inside)]
