"""The cases of the contact sheet: every outline over its image, with what is known of the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from dlr.engine import Run
from dlr.errors import InputError
from dlr.study.cases import CaseSource, rows_of, source_of
from dlr.study.cohort import read_cohort
from dlr.words import Target

if TYPE_CHECKING:
    from dlr.figures import Outlined

__all__ = ["Outlines", "in_words", "outlined", "outlines_to_draw"]


@dataclass(frozen=True)
class Outlines:
    """What the contact sheet shows: cases by their table, and where they are read."""

    cases: pd.DataFrame
    targets: tuple[Target, ...]
    source: CaseSource
    examples: int  # of each class, in the report itself
    volumes: bool

    @property
    def classes(self) -> tuple[Target, ...]:
        """The target whose classes the examples stand in; of per cents alone none."""
        return tuple(target for target in self.targets if target.binary)[:1]


def outlines_to_draw(run: Run) -> Outlines | None:
    """The cases of the contact sheet; None where the study has no images."""
    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None or not len(tables.facts):
        return None
    examples, volumes = run.settings.report.examples, tables.kind == "volume"
    return Outlines(tables.cases, tables.targets, source_of(run.settings, run.needs.superres), examples, volumes)


def outlined(
    source: CaseSource, cases: pd.DataFrame, targets: tuple[Target, ...], said: list[str], planes: bool
) -> Iterator[Outlined]:
    """Every outline over its image: the slice with the largest ROI of a volume, with two planes across where asked for.

    Cases that cannot be read are said.
    """
    from dlr.figures import outlined_slices

    known = cases[[target.name for target in targets]].itertuples(index=False)
    for row, values in zip(rows_of(cases), known, strict=True):
        try:
            case = source.read(row)
        except InputError as error:
            said.append(f"contact sheet: {error.problems[0].where}: {error.problems[0].what}")
            continue
        words = ", ".join(
            in_words(target, value, len(targets) > 1) for target, value in zip(targets, values, strict=True)
        )
        image, mask = case.image, case.mask
        yield from outlined_slices(case.case_id, words, image.array, mask, image.spacing, planes)


def in_words(target: Target, value: float, short: bool) -> str:
    """What is known of a case's outcome: "her2 positive", in short "her2 +", "ki67 20 %"."""
    if value != value:
        return f"{target.name} {'?' if short else 'unknown'}"
    if not target.binary:
        return f"{target.name} {value:g} %"
    return f"{target.name} {('−', '+')[int(value)] if short else ('negative', 'positive')[int(value)]}"
