"""Outcomes: found, read as 0 and 1, and HER2 from immunohistochemistry and FISH where it is not given itself."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from dlr.cohort.her2 import derive_her2
from dlr.cohort.mapping import Findings, nearest, read_binary, read_levels, replaced, shown
from dlr.cohort.settings import CohortSettings
from dlr.cohort.vocabulary import KNOWN, MISSING, fold_value
from dlr.errors import InputError

__all__ = ["read_targets"]

_IHC_CELL = re.compile(r"\(?(\+\+|\+\+\+|[123]\+|\+[123])\)?")


def read_targets(cells: pd.DataFrame, source: str, settings: CohortSettings, findings: Findings) -> pd.DataFrame:
    """The targets as float columns 0.0, 1.0, NaN; rows as in `cells` (text). Problems go to `findings`."""
    out: dict[str, pd.Series] = {}
    for target in settings.targets:
        if target in cells.columns:
            own = replaced(cells[target], source, settings, findings)
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
            findings.problem(
                f"{source} headers",
                f"no target column {target!r}",
                f"{nearest(target, [str(c) for c in cells.columns])} Set cohort.target, or map the header in "
                "cohort.headers",
            )
            continue
        out[target] = values.rename(target)
    return pd.DataFrame(out, index=cells.index)


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
                f"name the positive ones: cohort.positive_levels: {{{cells.name}: [...]}}, or choose another target",
            )
            return None
    return read_binary(cells, source, findings)


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
