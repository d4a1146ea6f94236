"""Warnings of one kind as one line: "a, b, c and 11 more: not used" in place of fourteen lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

__all__ = ["one_a_kind"]

NUMBER = re.compile(r"\b\d+(?:\.\d+)?\b")
BRACKETS = re.compile(r" \([^()]*\)")
NAMED = 3  # of a kind, before "and 11 more"


def one_a_kind(warnings: Iterable[str]) -> list[str]:
    """Warnings "where: what" that say the same of several places as one line each, in the order of their firsts.

    Two are of one kind where `what` differs in numbers and in what stands in brackets alone: numbers become their
    range, brackets go.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for text in dict.fromkeys(warnings):
        _, colon, what = text.partition(": ")
        kind = BRACKETS.sub("", NUMBER.sub("#", what)) if colon else text
        kinds.setdefault((colon, kind), []).append(text)
    return [same[0] if len(same) == 1 else _line(same) for same in kinds.values()]


def _line(same: Sequence[str]) -> str:
    places, _, whats = zip(*(text.partition(": ") for text in same), strict=True)
    return f"{_places(list(dict.fromkeys(places)))}: {_together(whats)}"


def _places(names: Sequence[str]) -> str:
    """Names in a row, the words that they all begin with once: "column a, b, c and 11 more"."""
    if len(names) == 1:
        return names[0]
    words = [name.split(" ") for name in names]
    begin = list(takewhile(lambda same: len(set(same)) == 1, zip(*(each[:-1] for each in words), strict=False)))
    ends = [" ".join(each[len(begin) :]) for each in words]
    shown = ends if len(ends) <= NAMED + 1 else [*ends[:NAMED], f"{len(ends) - NAMED} more"]
    return " ".join([*(same[0] for same in begin), f"{', '.join(shown[:-1])} and {shown[-1]}"])


def _together(whats: Sequence[str]) -> str:
    """One sentence for several: its numbers as ranges, without brackets that differ."""
    if len(set(whats)) == 1:
        return whats[0]
    bare = [BRACKETS.sub("", what) for what in whats]
    slots = zip(*(NUMBER.findall(what) for what in bare), strict=True)
    ranges = iter([_range(numbers) for numbers in slots])
    return NUMBER.sub(lambda _: next(ranges), bare[0])


def _range(numbers: Sequence[str]) -> str:
    low, high = min(numbers, key=float), max(numbers, key=float)
    return low if low == high else f"{low}–{high}"
