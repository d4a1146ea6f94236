"""Headers and cells as people write them -> our names, numbers and levels; every mapping is kept to be printed."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from dlr.cohort.settings import CohortSettings
from dlr.cohort.vocabulary import IDENTITY, MISSING, RESERVED, fold_header, fold_value, known_header, words_of
from dlr.errors import InputError, Problem

__all__ = ["Findings", "map_headers", "nearest", "read_binary", "read_levels", "read_numbers", "refuse", "replaced",
           "shortened", "shown"]  # fmt: skip

_NUMBER = re.compile(r"(?P<sign>[<>]?)\s*(?P<number>[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?)\s*(?P<unit>\D*)")
_UNITS = {"age": ("y", "yr", "yrs", "year", "years", "岁")}
_SHOWN = 6  # rows or values named in one message
_LONGEST = 80  # characters of a cell in a message


@dataclass
class Findings:
    """What reading a table brings to light: mappings to print, notes, and problems for one error at the end."""

    mappings: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (source, theirs, ours) -> cells
    notes: list[tuple[str, str]] = field(default_factory=list)  # where, what
    problems: list[Problem] = field(default_factory=list)
    in_rows: list[tuple[Problem, tuple[int, ...]]] = field(default_factory=list)  # problems of single rows
    unreadable: set[int] = field(default_factory=set)  # rows whose files are not there
    tolerant: bool = False  # new patients: a bad row is set aside and does not stop the others

    def mapped(self, source: str, theirs: str, ours: str, cells: int = 1) -> None:
        """Remember that `theirs` was read as `ours`."""
        if theirs != ours:
            self.mappings[(source, theirs, ours)] += cells

    def note(self, where: str, what: str) -> None:
        """Remember a line to print."""
        self.notes.append((where, what))

    def problem(self, where: str, what: str, mend: str, rows: Iterable[int] = ()) -> None:
        """Remember something that must be mended; `rows` where it concerns these rows only."""
        found, rows = Problem(where, what, mend), tuple(rows)
        if rows and self.tolerant:
            self.in_rows.append((found, rows))
        else:
            self.problems.append(found)

    @property
    def bad_rows(self) -> set[int]:
        """Rows set aside."""
        return {row for _, rows in self.in_rows for row in rows}

    def stop(self) -> None:
        """Raise InputError with every problem so far, if there is one."""
        if self.problems:
            raise InputError.of(self.problems)


def shown(items: list[str]) -> str:
    """The first few, and how many more."""
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")


def shortened(cell: str) -> str:
    """A cell as a message shows it."""
    return cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}… ({len(cell)} characters)"


def map_headers(
    frame: pd.DataFrame, source: str, settings: CohortSettings, wanted: set[str], findings: Findings
) -> pd.DataFrame:
    """The table under our names. Order of force: settings.headers, a header that is our name, a known word for it.

    wanted : names that settings ask for; a header that is one of them is left as it is.
    Columns that name a person are dropped here and never looked at.
    """
    theirs = [str(c) for c in frame.columns]
    told = {their: settings.headers[their] for their in theirs if their in settings.headers}
    names: dict[str, str] = {}
    for header in theirs:
        if fold_header(header) in IDENTITY and header not in told and header not in wanted:
            findings.note(f"{source} column {header}", "names a person: not read")
        elif header in told:
            names[header] = told[header]
        elif header in wanted or header in RESERVED:
            names[header] = header
        else:
            guess = known_header(header)
            free = guess is not None and guess not in told.values() and (guess == header or guess not in theirs)
            names[header] = str(guess) if free else header
    for name, count in Counter(names.values()).items():
        if count > 1:
            several = [header for header in theirs if names.get(header) == name]
            findings.problem(
                f"{source} headers",
                f"{', '.join(map(repr, several))} are all read as {name}",
                f"say which one is meant: cohort.headers: {{{several[0]}: {name}, {several[1]}: {several[1]}_2}}",
            )
    findings.stop()
    for header, name in names.items():
        findings.mapped(f"{source} header", header, name, 0)
    return frame[list(names)].rename(columns=names)


def replaced(cells: pd.Series, source: str, settings: CohortSettings, findings: Findings) -> pd.Series:
    """Cells after the user's own mapping settings.values[column]."""
    own = settings.values.get(str(cells.name), {})
    if not own:
        return cells
    table = {fold_value(theirs): ours for theirs, ours in own.items()}
    out = []
    for cell in cells:
        ours = table.get(fold_value(cell))
        if ours is not None:
            findings.mapped(f"{source} {cells.name}", cell, ours or "missing")
        out.append(cell if ours is None else ours)
    return pd.Series(out, index=cells.index, name=cells.name, dtype=object)


def _is_missing(cell: str, findings: Findings, where: str) -> bool:
    if fold_value(cell) not in MISSING:
        return False
    if cell:
        findings.mapped(where, cell, "missing")
    return True


def refuse(unknown: dict[str, list[int]], where: str, accepted: str, name: str, findings: Findings) -> None:
    """Cells that are not understood, value -> rows: a problem a value, or one for all where they are many."""
    mend = f"accepted: {accepted}; empty for missing; or map it in cohort.values.{name}"
    if len(unknown) > _SHOWN and not findings.tolerant:
        named = shown([f"{shortened(value)!r} (row {rows[0]})" for value, rows in unknown.items()])
        every = [row for rows in unknown.values() for row in rows]
        findings.problem(where, f"{len(unknown)} values are not understood: {named}", mend, every)
        return
    for value, rows in unknown.items():
        in_rows = f"(row{'s' if len(rows) > 1 else ''} {shown([str(r) for r in rows])})"
        findings.problem(where, f"value {shortened(value)!r} is not understood {in_rows}", mend, rows)


def read_numbers(
    cells: pd.Series, source: str, settings: CohortSettings, findings: Findings, *, unit: str = "", delimiter: str = ""
) -> pd.Series:
    """A numeric column: '1,5' with a decimal comma, '<0.5' (settings.below_limit), '>1000', '30 %', '54 years'.

    cells : text, index = row numbers. Returns float, NaN where missing.
    """
    name = str(cells.name)
    where = f"{source} {name}"
    comma = _decimal_comma(cells, settings, delimiter)
    units = {fold_value(u) for u in ("%", unit, *_UNITS.get(name, ())) if u}
    values, unknown = [], {}  # type: ignore[var-annotated]
    for row, cell in cells.items():
        value = np.nan
        if fold_value(cell) in ("-", "--", "."):
            findings.mapped(where, cell, "missing")
        elif not _is_missing(cell, findings, where):
            parsed = _number(fold_value(cell), comma, units, settings.below_limit == "half")
            if parsed is None:
                unknown.setdefault(cell, []).append(row)
            else:
                value = parsed
                if not re.fullmatch(r"[-+]?\d*\.?\d*(e[-+]?\d+)?", fold_value(cell)):
                    findings.mapped(where, cell, f"{value:g}")
        values.append(value)
    accepted = "numbers such as 12.5" + (", 12,5" if comma else "") + ", <0.5, >1000, 30 %"
    if unknown and not comma and any("," in v for v in unknown):
        accepted += " (for a decimal comma set cohort.decimal: ',')"
    refuse(unknown, where, accepted, name, findings)
    out = pd.Series(values, index=cells.index, name=name, dtype=float)
    if unit == "%" and any("%" in c for c in cells) and out.max() > 1 and ((out > 0) & (out < 1)).any():
        findings.note(where, "holds per cents and values below 1: is 0.3 meant as 30 %?")
    return out


def _decimal_comma(cells: pd.Series, settings: CohortSettings, delimiter: str) -> bool:
    """Is ',' the decimal sign of this column? '1,234' alone does not say; a semicolon table or other digits do."""
    if settings.decimal != "auto":
        return settings.decimal == ","
    with_comma = [c for c in cells if re.search(r"\d,\d", c)]
    if not with_comma or any(re.search(r"\d\.\d", c) for c in cells):
        return False
    return delimiter == ";" or any(not re.search(r"\d,\d{3}(?!\d)", c) for c in with_comma)


def _number(text: str, comma: bool, units: set[str], half: bool) -> float | None:
    match = _NUMBER.fullmatch(text)
    if match is None or (match["unit"] and match["unit"].strip() not in units):
        return None
    digits = match["number"]
    if "," in digits:
        if not comma:
            return None
        digits = digits.replace(",", ".")
    value = float(digits)
    if not np.isfinite(value):
        return None
    return value / 2 if match["sign"] == "<" and half else value


def read_binary(cells: pd.Series, source: str, findings: Findings, levels: tuple[str, ...] = ()) -> pd.Series:
    """A column of yes and no -> 1.0, 0.0, NaN: 1/0, yes/no, positive/negative, +/−, 阳性/阴性, the column's own words.

    levels : the column's own words for 0 and 1, where declared.
    """
    name = str(cells.name)
    where = f"{source} {name}"
    words, accepted = words_of(name, levels)
    values, unknown = [], {}  # type: ignore[var-annotated]
    for row, cell in cells.items():
        text = fold_value(cell)
        value = np.nan
        if text in words:
            value = float(words[text])
        elif re.fullmatch(r"[01]\.0*", text):
            value = float(text)
        elif name in ("er", "pr") and (share := re.fullmatch(r"(<?)\s*(\d+(?:\.\d+)?)\s*%", text)):
            value = float(float(share[2]) >= 1 and not share[1])  # stained nuclei: positive from 1 %
        elif not _is_missing(cell, findings, where):
            unknown.setdefault(cell, []).append(row)
            values.append(np.nan)
            continue
        if value == value:
            findings.mapped(where, cell, f"{value:g}")
        values.append(value)
    refuse(unknown, where, ", ".join(accepted), name, findings)
    return pd.Series(values, index=cells.index, name=name, dtype=float)


def read_levels(cells: pd.Series, source: str, findings: Findings, levels: tuple[str, ...]) -> pd.Series:
    """An ordered or nominal column -> its level as text, None where missing. Case, spaces and the prefix BI-RADS do
    not matter; for HER2 by IHC 1, +, and 1+ are one, 阴性 and - are 0."""
    name = str(cells.name)
    where = f"{source} {name}"
    words = {fold_value(level): level for level in levels}
    if name == "her2_ihc" and "1+" in levels:
        words |= {"-": "0", "阴性": "0", "negative": "0"}
        words |= {"+": "1+", "++": "2+", "+++": "3+", "1": "1+", "2": "2+", "3": "3+"}
        words |= {"+1": "1+", "+2": "2+", "+3": "3+"}
    values, unknown = [], {}  # type: ignore[var-annotated]
    for row, cell in cells.items():
        text = fold_value(cell)
        if name == "her2_ihc":
            text = text.strip("() ")
        if name == "birads":
            text = re.sub(r"^bi-?rads[\s:]*|类$|级$", "", text).strip()
        level = words.get(text)
        if level is None and re.fullmatch(r"\d+\.0+", text):
            level = words.get(text.split(".")[0])
        if level is None and not _is_missing(cell, findings, where):
            unknown.setdefault(cell, []).append(row)
        elif level is not None:
            findings.mapped(where, cell, level)
        values.append(level)
    refuse(unknown, where, ", ".join(levels), name, findings)
    return pd.Series(values, index=cells.index, name=name, dtype=object)


def nearest(name: str, names: list[str], what: str = "did you mean") -> str:
    """A hint with the nearest names, or the list of them."""
    close = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    return f"{what} {' or '.join(close)}?" if close else f"there are: {shown(names)}"
