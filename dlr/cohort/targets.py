"""Outcomes: found, read as 0 and 1 or as per cents; HER2 from immunohistochemistry and FISH where it is not given."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from dlr.cohort.clinical import Origin
from dlr.cohort.her2 import derive_her2
from dlr.cohort.mapping import Findings, nearest, read_binary, read_levels, read_numbers, replaced, shown
from dlr.cohort.settings import CohortSettings
from dlr.cohort.vocabulary import KNOWN, MISSING, fold_value, known_header, relatives
from dlr.errors import InputError
from dlr.words import Target, TargetKind

__all__ = ["read_targets", "targets_of", "without_others"]

_IHC_CELL = re.compile(r"\(?(\+\+|\+\+\+|[123]\+|\+[123])\)?")


def targets_of(settings: CohortSettings) -> tuple[Target, ...]:
    """The targets of a study in the order of its settings: name, kind, and all columns that they share an origin with.

    A target whose known unit is % (ki67) is per_cent unless target_kinds or positive_levels say otherwise; all others
    are binary. `derived_from` holds what cohort.derived names and what is known: er and pr of hr, her2_ihc of her2.
    """
    out = []
    for name in settings.targets:
        known = KNOWN.get(known_header(name) or name)
        kind = TargetKind.PER_CENT if known is not None and known.unit == "%" else TargetKind.BINARY
        if name in settings.positive_levels:
            kind = TargetKind.BINARY
        kind = settings.target_kinds.get(name, kind)
        related = dict.fromkeys((*relatives(name), *settings.derived.get(name, ())))
        out.append(Target(name, kind, tuple(related)))
    return tuple(out)


def read_targets(
    cells: pd.DataFrame, source: str, origins: dict[str, Origin], settings: CohortSettings, findings: Findings
) -> pd.DataFrame:
    """The targets as float columns: binary 0.0 and 1.0, per_cent 0 to 100, NaN where not known.

    cells : text, index = row numbers.  source : the manifest's name.  origins : table of every column.
    Problems go to `findings`. One of several targets that the table has not leaves with a note, unless a header is
    nearly its name.
    """
    out: dict[str, pd.Series] = {}
    absent: list[str] = []
    for spec in targets_of(settings):
        target = spec.name
        if target in cells.columns:
            own = replaced(cells[target], source, settings, findings)
            if not spec.binary:
                per_cents = _per_cents(own, origins[target], settings, findings)
                if per_cents is not None:
                    out[target] = per_cents
                continue
            if target in settings.positive_levels:
                values = _by_levels(own, source, settings.positive_levels[target], findings)
            elif target == "her2" and own.map(lambda c: bool(_IHC_CELL.fullmatch(fold_value(c)))).any():
                findings.note(f"{source} her2", "holds 1+, 2+ or 3+: read as immunohistochemistry")
                values = _from_ihc(own.rename("her2_ihc"), cells, source, settings, findings)
            else:
                binary = _binary(own, source, findings)
                if binary is None:
                    continue
                values = binary
                if target == "her2" and "her2_ihc" in cells.columns:
                    _compare_with_ihc(values, cells, source, settings, findings)
        elif target == "her2" and "her2_ihc" in cells.columns:
            values = _from_ihc(cells["her2_ihc"], cells, source, settings, findings)
        else:
            absent.append(target)
            continue
        out[target] = values.rename(target)
    _without(absent, [str(c) for c in cells.columns], source, settings, findings)
    return pd.DataFrame(out, index=cells.index)


def _without(absent: list[str], headers: list[str], source: str, settings: CohortSettings, findings: Findings) -> None:
    """Targets that the table has not: a note, or a problem where none is there or a header is nearly the name."""
    others = [header for header in headers if header not in settings.targets]
    for target in absent:
        if len(absent) < len(settings.targets) and not difflib.get_close_matches(target, others, n=1, cutoff=0.6):
            findings.note(f"{source} headers", f"no target column {target!r}: the study goes on without it")
            continue
        hint = nearest(target, headers)
        mend = f"{hint} Set cohort.target, or map the header in cohort.headers"
        findings.problem(f"{source} headers", f"no target column {target!r}", mend)


def _binary(cells: pd.Series, source: str, findings: Findings) -> pd.Series | None:
    """A yes-no column; one with more than two different values is no binary target: said once, and None."""
    trial = Findings()
    read_binary(cells, source, trial)
    if trial.problems:
        different = sorted({c for c in cells if fold_value(c) not in MISSING})
        if len(different) > 2:
            findings.problem(
                f"{source} {cells.name}",
                f"target is not binary, it holds {len(different)} different values: {shown(different)}",
                f"name the positive ones: cohort.positive_levels: {{{cells.name}: [...]}}; or, of per cents, set "
                f"cohort.target_kinds: {{{cells.name}: per_cent}}; or choose another target",
            )
            return None
    return read_binary(cells, source, findings)


def _per_cents(cells: pd.Series, origin: Origin, settings: CohortSettings, findings: Findings) -> pd.Series | None:
    """Per cents as numbers from 0 to 100; a column of yes and no, of shares, or of other numbers is refused: None."""
    where, before = f"{origin.source} {cells.name}", len(findings.problems)
    binary = f"or set cohort.target_kinds: {{{cells.name}: binary}}"
    trial = Findings()
    given = read_binary(cells.rename(""), origin.source, trial)  # nameless: a column's own words speak of its name
    if given.notna().any() and not trial.problems:
        findings.problem(where, "holds 0 and 1, or yes and no, alone: no per cents", f"give 0 to 100, {binary}")
        return None
    values = read_numbers(cells, origin.source, settings, findings, unit="%", delimiter=origin.delimiter)
    outside = values.index[(values < 0) | (values > 100)]
    if len(outside):
        rows, found = shown([str(row) for row in outside]), shown([f"{v:g}" for v in values[outside]])
        findings.problem(
            where, f"per cents outside 0 to 100 in rows {rows}: {found}", f"correct them, {binary}", outside
        )
    elif values.max() <= 1 and (values > 0).any() and not any("%" in cell for cell in cells):
        findings.problem(
            where, f"no value is above 1, the highest is {values.max():g}: shares?", f"write 30 for 0.3, {binary}"
        )
    return values if len(findings.problems) == before else None


def _by_levels(cells: pd.Series, source: str, positive: list[str], findings: Findings) -> pd.Series:
    where = f"{source} {cells.name}"
    wanted = {fold_value(level) for level in positive}
    folded = cells.map(fold_value)
    absent = [level for level in positive if fold_value(level) not in set(folded)]
    if absent:
        findings.problem(
            where,
            f"cohort.positive_levels names {shown(absent)}, which no row holds",
            f"its values are {shown(sorted(set(cells) - {''}))}",
        )
    values = folded.map(lambda c: np.nan if c in MISSING else float(c in wanted)).astype(float)
    for cell, value in zip(cells, values, strict=True):
        if value == value:
            findings.mapped(where, cell, f"{value:g}")
    return values


def _from_ihc(
    ihc: pd.Series, cells: pd.DataFrame, source: str, settings: CohortSettings, findings: Findings
) -> pd.Series:
    ihc, fish = _ihc_and_fish(ihc, cells, source, settings, findings)
    values = derive_her2(ihc, fish)
    undecided = int((values.isna() & (ihc == "2+")).sum())
    findings.note(
        f"{source} her2",
        "from IHC (0, 1+ negative, 3+ positive, 2+ by FISH)"
        + (f"; {undecided} rows with 2+ and no FISH are missing" if undecided else ""),
    )
    return values


def _ihc_and_fish(
    ihc: pd.Series, cells: pd.DataFrame, source: str, settings: CohortSettings, findings: Findings
) -> tuple[pd.Series, pd.Series | None]:
    levels = read_levels(replaced(ihc, source, settings, findings), source, findings, KNOWN["her2_ihc"].levels)
    fish = None
    if "her2_fish" in cells.columns:
        fish = read_binary(replaced(cells["her2_fish"], source, settings, findings), source, findings)
    return levels, fish


def _compare_with_ihc(
    her2: pd.Series, cells: pd.DataFrame, source: str, settings: CohortSettings, findings: Findings
) -> None:
    """A given label that contradicts its own IHC and FISH is a slip of the pen."""
    try:
        derived = derive_her2(*_ihc_and_fish(cells["her2_ihc"], cells, source, settings, findings))
    except InputError as error:
        findings.problems += error.problems
        return
    clash = derived.notna() & her2.notna() & (derived != her2)
    if clash.any():
        rows = her2.index[clash].tolist()
        findings.problem(
            f"{source} her2",
            f"differs from IHC and FISH in rows {shown([str(r) for r in rows])}",
            "correct the label, or leave out the columns her2_ihc and her2_fish",
            rows,
        )


def without_others(targets: Sequence[Target], stay: Sequence[Target]) -> tuple[Target, ...]:
    """The targets that stay; what left them never predicts them."""
    left = tuple(target.name for target in targets if target not in stay)
    return tuple(replace(target, derived_from=tuple(dict.fromkeys((*target.derived_from, *left)))) for target in stay)
