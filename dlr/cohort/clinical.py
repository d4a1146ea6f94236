"""Which columns are clinical predictors, of what kind each is, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.cohort.columns import Column
from dlr.cohort.mapping import Findings, nearest, read_binary, read_levels, read_numbers, replaced, shown
from dlr.cohort.settings import CohortSettings, ColumnSpec
from dlr.cohort.vocabulary import KNOWN, MISSING, NEVER_PREDICTORS, banned_as, fold_value, never_predict
from dlr.words import Available, Target

__all__ = ["choose_columns", "read_column", "read_clinical"]

_LARGEST = 1e15  # of a number that is measured; its square still adds up
_MOST_LEVELS = 12  # of a nominal column
_BIRADS_PLAIN = ("1", "2", "3", "4", "5", "6")


@dataclass(frozen=True)
class Origin:
    """Where a column's cells come from."""

    source: str
    delimiter: str


def choose_columns(
    cells: pd.DataFrame,
    second: set[str],
    source: str,
    targets: Sequence[Target],
    settings: CohortSettings,
    findings: Findings,
) -> list[str]:
    """Names of the clinical columns, in the order of the table (auto) or of the settings.

    auto : columns known by name, those described in settings.columns, and those of the second table (`second`) that
    hold numbers or yes and no. A target, what is derived from it or it from, and columns that say where and how an
    image was taken, are never among them.
    """
    forbidden = never_predict(targets)
    names = [str(c) for c in cells.columns]
    banned = {name: of for name in names if (of := banned_as(name, forbidden)) is not None}
    for name in settings.columns:
        if name not in names and banned_as(name, forbidden) is None:
            findings.problem("cohort.columns", f"no column {name!r} in {source}", nearest(name, names))
    if settings.clinical is None:
        return []
    if settings.clinical != "auto":
        for name in settings.clinical:
            if (of := banned_as(name, forbidden)) is not None:
                findings.problem(
                    "cohort.clinical",
                    f"{name!r} is the target {of!r}, or derived from it",
                    "a target never predicts itself: leave the column out",
                )
            elif name in NEVER_PREDICTORS:
                findings.problem("cohort.clinical", f"{name!r} is never a predictor", "leave it out of cohort.clinical")
            elif name not in names:
                findings.problem("cohort.clinical", f"no column {name!r} in {source}", nearest(name, names))
        return [
            n
            for n in dict.fromkeys(settings.clinical)
            if n in names and n not in banned | dict.fromkeys(NEVER_PREDICTORS)
        ]
    chosen = []
    for name in names:
        if name in banned or name in NEVER_PREDICTORS:
            continue
        if name in KNOWN or name in settings.columns or (name in second and _is_plain(cells[name], settings)):
            chosen.append(name)
        else:
            findings.note(f"{source} column {name}", "not used; name it in cohort.clinical if it is a predictor")
    return _without_summaries(chosen, source, findings)


def _without_summaries(chosen: list[str], source: str, findings: Findings) -> list[str]:
    """HR says nothing beside ER and PR, nor HER2's assays beside HER2."""
    summaries = {"hr": ("er", "pr"), "her2_ihc": ("her2",), "her2_fish": ("her2",)}
    for name, of in summaries.items():
        if name in chosen and all(o in chosen for o in of):
            chosen = [c for c in chosen if c != name]
            findings.note(
                f"{source} column {name}", f"left out beside {' and '.join(of)}, of which it is a summary or source"
            )
    return chosen


def _is_plain(cells: pd.Series, settings: CohortSettings) -> bool:
    """Numbers, or yes and no, and not all missing."""
    if all(fold_value(c) in MISSING for c in cells):
        return False
    for read in (read_binary, read_numbers):
        trial = Findings()
        if read is read_binary:
            read_binary(cells, "", trial)
        else:
            read_numbers(cells, "", settings, trial)
        if not trial.problems:
            return True
    return False


def read_clinical(
    cells: pd.DataFrame, names: list[str], origins: dict[str, Origin], settings: CohortSettings, findings: Findings
) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Values (numeric and binary float, levels text) and their columns; problems go to `findings`."""
    values: dict[str, pd.Series] = {}
    columns = []
    for name in names:
        origin = origins[name]
        own = replaced(cells[name], origin.source, settings, findings)
        column = describe(own, origin, settings, findings)
        if column is None:
            continue
        columns.append(column)
        values[name] = read_column(own, column, origin, settings, findings)
    return pd.DataFrame(values, index=cells.index), tuple(columns)


def describe(cells: pd.Series, origin: Origin, settings: CohortSettings, findings: Findings) -> Column | None:
    """What the column is: as declared, else as known by its name, else as its values say."""
    name = str(cells.name)
    spec = settings.columns.get(name, ColumnSpec())
    known = KNOWN.get(name)
    where = f"{origin.source} {name}"
    kind = spec.kind or (known.kind if known else None) or _kind_by_values(cells, origin, settings)
    different = sorted({c for c in cells if fold_value(c) not in MISSING})
    if kind is None:
        findings.problem(
            where,
            f"neither numbers nor yes and no: {shown(different)}",
            f"say what it is: cohort.columns: {{{name}: {{kind: nominal}}}}, or ordered with levels, lowest first",
        )
        return None
    levels = tuple(spec.levels or ())
    if not levels and known and kind == known.kind:
        levels = known.levels
    if name == "birads" and not spec.levels and not {fold_value(c)[-1:] for c in different} & set("abc"):
        levels = _BIRADS_PLAIN  # category 4 without its letters
    if kind == "nominal" and not levels:
        levels = tuple(different)
    if kind == "ordered" and not levels:
        findings.problem(
            where, "ordered, but without levels", f"name them, lowest first: cohort.columns.{name}.levels: [...]"
        )
        return None
    if kind == "binary" and levels and len(levels) != 2:
        findings.problem(where, f"binary, but {len(levels)} levels", "name two: the negative, then the positive")
        return None
    if kind == "nominal" and len(levels) > _MOST_LEVELS:
        findings.problem(
            where,
            f"{len(levels)} levels: {shown(list(levels))}",
            f"map them to {_MOST_LEVELS} at most in cohort.values",
        )
        return None
    available = spec.available or (known.available if known else None)
    if available is None:
        available = Available.SURGERY
        findings.note(where, f"not said when it is known: taken as surgery; set cohort.columns.{name}.available")
    return Column(
        name,
        kind,
        levels,
        spec.log,
        available,
        spec.unit if spec.unit is not None else (known.unit if known else ""),
        spec.label or (known.label if known else name),
    )


def _kind_by_values(cells: pd.Series, origin: Origin, settings: CohortSettings) -> str | None:
    trial = Findings()
    read_binary(cells, origin.source, trial)
    if not trial.problems:
        return "binary"
    trial = Findings()
    read_numbers(cells, origin.source, settings, trial, delimiter=origin.delimiter)
    return None if trial.problems else "numeric"


def read_column(
    cells: pd.Series, column: Column, origin: Origin, settings: CohortSettings, findings: Findings
) -> pd.Series:
    """A column's values: float for numeric and binary, text (None = missing) for levels."""
    if column.kind == "numeric":
        values = read_numbers(cells, origin.source, settings, findings, unit=column.unit, delimiter=origin.delimiter)
        values = values.mask(_impossible(values, column, origin, findings))
        if column.log and (values <= -1).any():
            rows = values.index[values <= -1].tolist()
            findings.problem(
                f"{origin.source} {column.name}",
                f"log(1 + x) of {values.min():g} (rows {shown([str(r) for r in rows])})",
                f"set cohort.columns.{column.name}.log: false",
                rows,
            )
        return values
    if column.kind == "binary":
        return read_binary(cells, origin.source, findings, column.levels)
    return read_levels(cells, origin.source, findings, column.levels)


def _impossible(values: pd.Series, column: Column, origin: Origin, findings: Findings) -> pd.Series:
    """Which values nobody has: outside the bounds of a known column in its known unit, or too large for any sum."""
    known = KNOWN.get(column.name)
    low, high = known.bounds if known and known.unit == column.unit else (-np.inf, np.inf)
    low, high = max(low, -_LARGEST), min(high, _LARGEST)
    outside = (values < low) | (values > high)
    if outside.any():
        found = shown([f"{value:g} (row {row})" for row, value in values[outside].items()])
        mend = f"correct the cells or leave them empty, or map a word for missing in cohort.values.{column.name}"
        if high == _LARGEST:
            mend = "leave such a column out of cohort.clinical: it looks like ids"
        what = f"no value of {column.name} lies outside {low:g} to {high:g}{f' {column.unit}'.rstrip()}: {found}"
        findings.problem(f"{origin.source} {column.name}", what, mend, values.index[outside].tolist())
    return outside


def missing_column(column: Column, index: pd.Index) -> pd.Series:
    """A column of missing values, of the column's type."""
    if column.kind in ("numeric", "binary"):
        return pd.Series(np.nan, index=index, name=column.name, dtype=float)
    return pd.Series(None, index=index, name=column.name, dtype=object)
