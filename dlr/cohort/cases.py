"""Rows of a manifest -> patients and cases: ids, files, side, cohort, exclusions, and one value a patient."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.cohort.clinical import Origin
from dlr.cohort.filenames import IMAGE_COLUMNS, is_image, why_no_file
from dlr.cohort.mapping import Findings, nearest, read_numbers, refuse, replaced, shortened, shown
from dlr.cohort.settings import LARGEST_LABEL, SPACING, CohortSettings
from dlr.cohort.vocabulary import BODY_SIDES, MISSING, NOT_EXCLUDED, SIDES, fold_id, fold_value
from dlr.words import Side

__all__ = ["one_value_a_patient", "read_rows"]

_MANY = 5  # missing files from which one line stands for all


def read_rows(
    cells: pd.DataFrame,
    source: str,
    origins: Mapping[str, Origin],
    folder: Path,
    settings: CohortSettings,
    findings: Findings,
    images: bool,
) -> pd.DataFrame:
    """patient_id, case_id, image, mask, mask_label, mask_reader1, mask_reader2, side, cohort, excluded
    (text, "" = absent) and, where the manifest has them, scanner, year and pixel_spacing_mm. Paths are absolute.

    cells : text under our names.  origins : table of every column.
    images : False where features come from a table of the user's own.
    """
    outlined = settings.mask == "required"
    _require_columns(cells, source, findings, images, outlined)
    findings.stop()
    out = pd.DataFrame(index=cells.index)
    out["patient_id"] = cells["patient_id"].astype(object)
    for name in ("image", "mask", "mask_label", "mask_reader1", "mask_reader2", "cohort"):
        out[name] = cells[name] if name in cells.columns else ""
    out["cohort"] = replaced(out["cohort"], source, settings, findings)
    out["excluded"] = _reasons(cells, source, findings)
    cells = cells.assign(exclude_reason=out["excluded"])
    out.insert(1, "case_id", _case_ids(cells, source, findings))
    out.insert(7, "side", _sides(cells, out["cohort"], source, settings, findings))
    out = out[
        ["patient_id", "case_id", "image", "mask", "mask_label", "mask_reader1", "mask_reader2", "side", "cohort",
         "excluded"]
    ]  # fmt: skip
    if "scanner" in cells.columns:
        out["scanner"] = replaced(cells["scanner"], source, settings, findings)
    if "year" in cells.columns:  # of a date the year alone is kept
        out["year"] = cells["year"].str.extract(r"(?<!\d)((?:19|20)\d\d)", expand=False).fillna("")
    _check_ids(out, source, findings)
    _check_spellings(out, source, findings)
    if images:
        _resolve_files(out, source, folder, findings, outlined)
        _check_labels(out, source, findings)
        for name, scale in (("pixel_spacing_mm", 1.0), ("pixel_spacing_cm", 10.0)):
            if name in cells.columns:
                found = _pixel_spacing(cells[name], scale, origins[name], settings, findings)
                out["pixel_spacing_mm"] = out["pixel_spacing_mm"].fillna(found) if "pixel_spacing_mm" in out else found
    return out


def _require_columns(cells: pd.DataFrame, source: str, findings: Findings, images: bool, outlined: bool) -> None:
    needed = ["patient_id", *(["image", "mask"] if images else [])]
    if "mask_reader1" in cells.columns or not outlined:
        needed = [n for n in needed if n != "mask"]
    for name in needed:
        if name not in cells.columns:
            names = [str(c) for c in cells.columns]
            by_pattern = f"; or cohort.{name}_pattern: {name}s/{{patient_id}}.png" if name in IMAGE_COLUMNS else ""
            findings.problem(
                f"{source} headers",
                f"no column {name}",
                f"{nearest(name, names)} Add it, or map a header: cohort.headers: {{...: {name}}}{by_pattern}",
            )


def _check_ids(out: pd.DataFrame, source: str, findings: Findings) -> None:
    blank = out.index[out["patient_id"] == ""].tolist()
    if blank:
        findings.problem(
            f"{source} patient_id",
            f"no patient_id in rows {shown([str(r) for r in blank])}",
            "give every row its patient",
            blank,
        )
    damaged = out.index[out["patient_id"].str.fullmatch(r"\d+([.,]\d+)?[eE]\+\d+")].tolist()
    if damaged:
        findings.problem(
            f"{source} patient_id",
            f"{out['patient_id'][damaged[0]]!r} is an id that a spreadsheet turned into a number (rows "
            f"{shown([str(r) for r in damaged])})",
            "format the column as text before typing or importing ids",
            damaged,
        )
    several = out[(out["case_id"] != "") & out["case_id"].duplicated(keep=False)]
    for case_id, rows in several.groupby("case_id", sort=True):
        findings.problem(
            f"{source} rows {shown([str(r) for r in rows.index])}",
            f"case_id {case_id!r} stands for several rows",
            "give every row a case_id of its own",
            rows.index,
        )
    kept = out[(out["excluded"] == "") & (out["image"] != "")]
    twice = kept[kept.duplicated(["patient_id", "image", "mask", "mask_label"], keep=False)]
    for (patient, image), rows in twice.groupby(["patient_id", "image"], sort=True):
        findings.problem(
            f"{source} rows {shown([str(r) for r in rows.index])}",
            f"duplicate case: patient {patient} with {image} and the same mask",
            "leave one of the rows",
            rows.index[1:],
        )


def _check_spellings(out: pd.DataFrame, source: str, findings: Findings) -> None:
    """One patient under two ids would be drawn twice: to two sides, or to two folds of the training side."""
    kept = out[(out["excluded"] == "") & (out["patient_id"] != "")]
    alike: dict[str, list[str]] = defaultdict(list)
    for patient in sorted(set(kept["patient_id"])):
        alike[fold_id(patient)].append(patient)
    apart: list[str] = []
    together: list[str] = []
    for ids in alike.values():
        if len(ids) > 1:
            rows = kept[kept["patient_id"].isin(ids)]
            sides = sorted(set(rows["side"]))
            where = f" on sides {' and '.join(side or '(to be drawn)' for side in sides)}" if len(sides) > 1 else ""
            named = f"{' and '.join(map(ascii, ids))} (rows {shown([str(row) for row in rows.index])}){where}"
            drawn = len(sides) > 1 or sides[0] in ("", Side.TRAIN.value)
            (apart if drawn and not findings.tolerant else together).append(named)
    what = "ids that differ only in case, blanks, zeros in front or forms of a letter: "
    if apart:
        mend = "write the id of one patient alike in every row; ids of different patients must differ in more"
        findings.problem(f"{source} patient_id", what + shown(apart), mend)
    if together:
        findings.note(f"{source} patient_id", f"{what}{shown(together)}; taken as different patients")


def _case_ids(cells: pd.DataFrame, source: str, findings: Findings) -> pd.Series:
    """The manifest's own, else the patient's id, with _1, _2 … where a patient has several rows."""
    patient = cells["patient_id"]
    own = cells["case_id"] if "case_id" in cells.columns else pd.Series("", index=cells.index, dtype=object)
    if (own != "").all():
        return own
    several = patient.map(patient.value_counts()) > 1
    number = (cells.groupby("patient_id", sort=False).cumcount() + 1).astype(str)
    made = patient.where(~several, patient + "_" + number)
    if several.any():
        findings.note(f"{source} patient_id", f"{int(several.sum())} rows of patients with several cases: case_id made")
    return own.where(own != "", made)


def _reasons(cells: pd.DataFrame, source: str, findings: Findings) -> pd.Series:
    """Why a row is excluded, "" where it is not; 'no' is no reason."""
    if "exclude_reason" not in cells.columns:
        return pd.Series("", index=cells.index, dtype=object)
    reasons = []
    for cell in cells["exclude_reason"]:
        none = fold_value(cell) in MISSING or fold_value(cell) in NOT_EXCLUDED
        if none and cell:
            findings.mapped(f"{source} exclude_reason", cell, "not excluded")
        reasons.append("" if none else cell)
    return pd.Series(reasons, index=cells.index, dtype=object)


def _sides(
    cells: pd.DataFrame, cohort: pd.Series, source: str, settings: CohortSettings, findings: Findings
) -> pd.Series:
    side = pd.Series("", index=cells.index, dtype=object)
    kept = cells["exclude_reason"] == ""
    own = replaced(cells["side"], source, settings, findings) if "side" in cells.columns else side
    said = {fold_value(c) for c in own[kept]} - {""}
    if said and said <= BODY_SIDES:
        findings.note(f"{source} side", "left and right: read as the side of the breast, not of the study")
    else:
        read: dict[Any, str] = {}
        unknown: dict[str, list[int]] = {}
        for row, cell in own[kept].items():
            found = SIDES.get(fold_value(cell))
            if found:
                findings.mapped(f"{source} side", cell, found)
                read[row] = found
            elif cell:
                unknown.setdefault(cell, []).append(int(str(row)))
        refuse(unknown, f"{source} side", ", ".join(s.value for s in Side), "side", findings)
        side = pd.Series(read, dtype=object).reindex(cells.index, fill_value="")
    if settings.external:
        present = sorted(set(cohort[kept]) - {""})
        for value in settings.external:
            if value not in present:
                findings.problem(
                    "cohort.external",
                    f"{value!r} is no value of column cohort",
                    nearest(value, present) if present else "the manifest has no column cohort",
                )
        away = cohort.isin(settings.external)
        moved = int((side[away & kept].isin([s.value for s in Side if s is not Side.EXTERNAL])).sum())
        if moved:
            findings.note(f"{source} side", f"{moved} rows of external cohorts are external, whatever their side says")
        side[away] = Side.EXTERNAL.value
    drawn = side[kept] != ""
    inner = kept & (side != Side.EXTERNAL.value)
    if (side[inner] != "").any() and (side[inner] == "").any():
        rows = [str(r) for r in side.index[inner & (side == "")]]
        findings.problem(
            f"{source} side", f"empty in rows {shown(rows)}, given in others", "fill it for all rows or for none"
        )
    elif drawn.any() and (side[inner] != "").any() and not (side[inner] == Side.TRAIN.value).any():
        findings.problem(f"{source} side", "no patient is on side train", "name the training patients")
    return side


def one_value_a_patient(table: pd.DataFrame, names: list[str], source: str, findings: Findings) -> None:
    """Fill, in place, what another row of the same patient gives, and refuse what two rows give differently."""
    kept = table["excluded"] == ""
    for name in names:
        given = table.loc[kept, ["patient_id", name]]
        given = given[given[name].notna() & (given[name] != "")]
        different = given.groupby("patient_id", sort=True)[name].nunique()
        clash = [str(p) for p in different.index[different > 1]]
        if clash:
            what = "is on two sides" if name == "side" else f"has several values of {name}"
            rows = table.index[kept & table["patient_id"].isin(clash)]
            findings.problem(
                f"{source} {name}",
                f"{len(clash)} patient{'s' if len(clash) > 1 else ''} {what}: {shown(clash)}",
                "give every row of a patient the same value",
                rows,
            )
            continue
        first = given.drop_duplicates("patient_id").set_index("patient_id")[name]
        if first.empty:
            continue
        empty = kept & (table[name].isna() | (table[name].astype(object) == ""))
        fill = table.loc[empty, "patient_id"].map(first).dropna()
        if len(fill):
            table.loc[fill.index, name] = fill
            findings.note(f"{source} {name}", f"{len(fill)} empty cells filled from other rows of the same patient")


def _resolve_files(out: pd.DataFrame, source: str, folder: Path, findings: Findings, outlined: bool) -> None:
    """Absolute paths, in place; files of excluded rows may be absent, and masks where no case need be outlined."""
    kept = (out["excluded"] == "").tolist()
    rows = [int(str(row)) for row in out.index]
    needed = {"image": [True] * len(out), "mask": [outlined and not reader for reader in out["mask_reader1"]]}
    for name in IMAGE_COLUMNS:
        bare: list[int] = []
        lost: list[tuple[int, str, Path]] = []
        paths = []
        needs = needed.get(name, [False] * len(out))
        for row, cell, stays, needs_it in zip(rows, out[name].tolist(), kept, needs, strict=True):
            path, there = _found(folder, cell)
            if stays and not cell and needs_it:
                bare.append(row)
            elif stays and cell and not there:
                lost.append((row, cell, path))
            paths.append(str(path.resolve() if there else path) if cell else "")
        out[name] = pd.Series(paths, index=out.index, dtype=object)
        findings.unreadable |= {*bare, *(row for row, _, _ in lost)}
        _tell_bare(name, bare, source, findings)
        _tell_lost(name, lost, sum(kept), source, folder, findings)


def _found(folder: Path, cell: str) -> tuple[Path, bool]:
    """The path that a cell names, and whether a file is there; a backslash may stand for a slash."""
    path = folder / cell
    there = is_image(path)
    if not there and "\\" in cell:
        path = folder / cell.replace("\\", "/")
        there = is_image(path)
    return path, there


def _tell_bare(name: str, rows: list[int], source: str, findings: Findings) -> None:
    mend = "name the file, or say why not in exclude_reason"
    mend += "; or set cohort.mask: optional" if name == "mask" else ""
    if len(rows) > _MANY and not findings.tolerant:
        findings.problem(f"{source} column {name}", f"no {name} in rows {shown([str(row) for row in rows])}", mend)
        return
    for row in rows:
        findings.problem(f"{source} row {row}", f"no {name}", mend, [row])


def _tell_lost(
    name: str, lost: list[tuple[int, str, Path]], kept: int, source: str, folder: Path, findings: Findings
) -> None:
    if len(lost) > _MANY and not findings.tolerant:
        row, cell, path = lost[0]
        what, mend = why_no_file(cell, path)
        findings.problem(
            f"{source} column {name}",
            f"{len(lost)} of {kept} files cannot be read, the first in row {row}: {shortened(cell)} {what}",
            f"paths are relative to {folder}; {mend}",
        )
        return
    for row, cell, path in lost:
        what, mend = why_no_file(cell, path)
        findings.problem(f"{source} row {row}", f"{name} {shortened(cell)} {what}", mend, [row])


def _check_labels(out: pd.DataFrame, source: str, findings: Findings) -> None:
    found = []
    for row, cell in out["mask_label"].items():
        number = re.fullmatch(r"([1-9]\d{0,9})(\.0+)?", cell)
        if cell and cell != "any" and (number is None or int(number[1]) > LARGEST_LABEL):
            found.append((int(str(row)), f"mask_label {shortened(cell)!r} is no label"))
    _tell_unread(found, source, "a whole number from 1, or any", findings)


def _pixel_spacing(
    cells: pd.Series, scale: float, origin: Origin, settings: CohortSettings, findings: Findings
) -> pd.Series:
    """Millimetres a pixel, `scale` of them a unit of the column; rows with an impossible one are not read."""
    cells = replaced(cells, origin.source, settings, findings)
    unit = str(cells.name)[-2:]
    values = scale * read_numbers(cells, origin.source, settings, findings, unit=unit, delimiter=origin.delimiter)
    outside = (values < SPACING[0]) | (values > SPACING[1])
    bounds = f"is not possible: from {SPACING[0]:g} to {SPACING[1]:g} mm a pixel"
    found = [(int(row), f"{cells.name} {shortened(cells.at[row])} {bounds}") for row in values.index[outside]]
    _tell_unread(found, origin.source, "correct it, or leave the cell empty where it is not known", findings)
    return values.mask(outside)


def _tell_unread(found: list[tuple[int, str]], source: str, mend: str, findings: Findings) -> None:
    """Rows that are not read, and why: a problem each, or one for all where they are many."""
    rows = [row for row, _ in found]
    findings.unreadable |= set(rows)
    if len(found) > _MANY and not findings.tolerant:
        where = f"{source} rows {shown([str(row) for row in rows])}"
        findings.problem(where, f"{len(found)} cells; the first: {found[0][1]}", mend, rows)
        return
    for row, what in found:
        findings.problem(f"{source} row {row}", what, mend, [row])
