"""A cohort from a manifest: read, mapped, joined, checked whole before any long work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dlr.cohort.cases import one_value_a_patient, read_rows
from dlr.cohort.checking import CASE_COLUMNS, check_cases
from dlr.cohort.clinical import Origin, choose_columns, missing_column, read_clinical, read_column
from dlr.cohort.columns import Column
from dlr.cohort.detached import files_of_image
from dlr.cohort.filenames import IMAGE_COLUMNS, complete_names, is_file, is_image
from dlr.cohort.flow import flow_chart
from dlr.cohort.join import join_clinical
from dlr.cohort.mapping import Findings, map_headers, nearest, replaced
from dlr.cohort.settings import CohortSettings
from dlr.cohort.spreadsheets import Sheet, read_sheet
from dlr.cohort.targets import read_targets, targets_of, without_others
from dlr.errors import InputError, Problem
from dlr.words import Target

__all__ = ["Cohort", "files_of_manifest", "load_cohort", "load_new_cases"]


@dataclass(frozen=True)
class Cohort:
    """All patients of a study, or new ones to predict."""

    table: pd.DataFrame  # a row a case: cohort.parquet's columns, text "" where absent, numbers NaN where missing
    columns: tuple[Column, ...]  # the clinical ones, in the order of the table
    targets: tuple[Target, ...]
    kind: str  # still, volume; "" without images
    cases: pd.DataFrame  # checking.CASE_COLUMNS: grid, spacing and ROI size of every case
    mapping_table: pd.DataFrame  # source, header_or_value, mapped_to, cells
    flow: pd.DataFrame  # step, patients, cases, reason
    notes: pd.DataFrame  # where, what
    bad: pd.DataFrame  # case_id, patient_id, where, what, mend: rows set aside (new cases only)

    @property
    def mappings(self) -> tuple[str, ...]:
        """Every mapping of a header or value as a line to print."""
        return tuple(
            f"{source}: {theirs!r} -> {ours}" + (f" ({cells} cells)" if cells else "")
            for source, theirs, ours, cells in self.mapping_table.itertuples(index=False)
        )


@dataclass(frozen=True)
class _Tables:
    cells: pd.DataFrame
    source: str
    second: set[str]  # columns of the clinical table
    origins: dict[str, Origin]
    problems: tuple[Problem, ...]  # of single cells, told with those of the rows


def load_cohort(manifest: Path, settings: CohortSettings, *, images: bool = True, jobs: int = 1) -> Cohort:
    """The cohort that a manifest describes, every file of it read once.

    images : False where the study starts from a feature table; image and mask are then neither needed nor read.
    jobs : threads that read images; the result is the same.
    Raises InputError with every problem there is.
    """
    manifest = Path(manifest)
    findings = Findings()
    folder, tables = manifest.resolve().parent, _read_tables(manifest, settings, findings, {*settings.targets})
    table = read_rows(tables.cells, tables.source, tables.origins, folder, settings, findings, images)
    findings.problems += tables.problems
    kept = tables.cells[table["excluded"] == ""]
    if kept.empty:
        findings.problem(tables.source, "every case is excluded", "leave exclude_reason empty for those that stay")
        findings.stop()
    targets = targets_of(settings)
    labels = read_targets(kept, tables.source, tables.origins, settings, findings)
    names = choose_columns(kept, tables.second, tables.source, targets, settings, findings)
    clinical, columns = read_clinical(kept, names, tables.origins, settings, findings)
    for part in (labels, clinical):
        for name in part.columns:
            table[name] = part[name].reindex(table.index)
    shared = ["side", "cohort", *labels.columns, *clinical.columns]
    one_value_a_patient(table, shared, tables.source, findings)
    targets = _of_several_values(table, targets, tables.source, findings)
    _count_missing(table, columns, findings)
    _check_named(tables.cells, settings, findings)
    table = table.drop(columns=[name for name in labels.columns if name not in {target.name for target in targets}])
    cases, kind = pd.DataFrame(columns=list(CASE_COLUMNS)), ""
    if images:
        table, cases, kind = check_cases(table, tables.source, settings, findings, jobs)
    findings.stop()
    return _cohort(table.reset_index(drop=True), columns, targets, kind, cases, findings)


def files_of_manifest(manifest: Path, settings: CohortSettings, *, images: bool = True) -> dict[str, Path]:
    """Every file that `load_cohort` opens beside the manifest, by the name that its cell or setting gives it.

    Images, masks and readers' masks with the files of voxels that their headers name, and the clinical table. The
    tables are read by the same rules; of a manifest that these refuse no file is named: loading it says why.
    """
    manifest = Path(manifest)
    findings, out = Findings(), dict[str, Path]()
    if settings.clinical_table is not None and is_file(_beside(manifest, settings)):
        out["clinical table"] = _beside(manifest, settings)
    try:
        folder, tables = manifest.resolve().parent, _read_tables(manifest, settings, findings, {*settings.targets})
        table = read_rows(tables.cells, tables.source, tables.origins, folder, settings, findings, images)
    except InputError:
        return out
    for column in IMAGE_COLUMNS if images else ():
        for cell, path in zip(tables.cells.get(column, ()), table[column], strict=False):
            if cell and is_image(Path(path)):
                first, *voxels = files_of_image(path)
                out[cell] = first
                out |= {f"{cell} > {data.name}": data for data in voxels}
    return out


def load_new_cases(
    manifest: Path,
    settings: CohortSettings,
    columns: Sequence[Column],
    *,
    images: bool = True,
    kind: str = "",
    spacing_known: bool | None = None,
    jobs: int = 1,
) -> Cohort:
    """New patients for a fitted study: `columns` are the study's own. A bad row is set aside in `.bad`.

    A clinical column or an image column that the manifest has not is missing for all, with a note; so is a patient
    that the study's clinical table does not hold. Targets and sides are not read.
    kind, spacing_known : the study's own; cases of another kind, or measured in another unit, are set aside.
    Raises InputError where the table itself cannot be read.
    """
    manifest = Path(manifest)
    findings = Findings(tolerant=True)
    settings = settings.model_copy(update={"external": [], **({"kind": kind} if kind else {})})
    folder, tables = manifest.resolve().parent, _read_tables(manifest, settings, findings, {c.name for c in columns})
    cells = tables.cells.drop(columns="side", errors="ignore")
    if images and "image" not in cells.columns:
        findings.note(tables.source, "no column image: nothing is measured on images")
        images = False
    table = read_rows(cells, tables.source, tables.origins, folder, settings, findings, images)
    findings.problems += tables.problems
    kept = cells[table["excluded"] == ""]
    for column in columns:
        if column.name in kept.columns:
            origin = tables.origins[column.name]
            own = replaced(kept[column.name], origin.source, settings, findings)
            values = read_column(own, column, origin, settings, findings)
        else:
            findings.note(tables.source, f"no column {column.name}: missing for all patients")
            values = missing_column(column, kept.index)
        table[column.name] = values.reindex(table.index)
    one_value_a_patient(table, ["cohort", *(c.name for c in columns)], tables.source, findings)
    findings.stop()
    ids = table[["case_id", "patient_id"]]
    table = table.drop(index=[r for r in findings.bad_rows if r in table.index])
    cases = pd.DataFrame(columns=list(CASE_COLUMNS))
    found = ""
    if images and (table["excluded"] == "").any():
        table, cases, found = check_cases(table, tables.source, settings, findings, jobs)
        _compare_with_study(cases, kind, spacing_known, findings)
    findings.stop()
    table = table[~table.index.isin(findings.bad_rows)].reset_index(drop=True)
    cases = cases[~cases["row"].isin(findings.bad_rows)].reset_index(drop=True)
    return _cohort(table, tuple(columns), (), kind or found, cases, findings, _bad_rows(ids, findings))


def _compare_with_study(cases: pd.DataFrame, kind: str, spacing_known: bool | None, findings: Findings) -> None:
    for case in cases.to_dict("records"):
        where = f"case {case['case_id']}"
        is_still = case["slices"] == 1
        if kind and is_still != (kind == "still"):
            other = "still" if is_still else "volume"
            findings.problem(where, f"a {other}, but the study's are {kind}s", f"give a {kind}", [case["row"]])
        elif spacing_known is not None and bool(case["spacing_known"]) != spacing_known:
            units = ("millimetres", "pixels") if spacing_known else ("pixels", "millimetres")
            findings.problem(
                where,
                f"the study was measured in {units[0]}, this case would be in {units[1]}",
                "give pixel_spacing_mm" if spacing_known else "set cohort.spacing: ignore",
                [case["row"]],
            )


def _read_tables(manifest: Path, settings: CohortSettings, findings: Findings, wanted: set[str]) -> _Tables:
    """Manifest and clinical table under our names, joined."""
    if isinstance(settings.clinical, list):
        wanted = wanted | set(settings.clinical)
    wanted = wanted | set(settings.columns) | set(settings.values)
    sheet = settings.sheet
    if findings.tolerant and manifest.suffix.lower() != ".xlsx":
        sheet = None  # the study's own manifest was a spreadsheet, the new one is not
    setting = "" if findings.tolerant else "cohort.sheet"  # new patients are read by the study's settings as they are
    first = read_sheet(manifest, sheet, settings.delimiter, settings.encoding, setting)
    _say(first, findings)
    cells = map_headers(first.frame, first.source, settings, wanted, findings)
    origins = {str(c): Origin(first.source, first.delimiter) for c in cells.columns}
    headers, problems = [str(c) for c in first.frame.columns], first.problems
    second: set[str] = set()
    if settings.clinical_table is not None and findings.tolerant and not is_file(_beside(manifest, settings)):
        findings.note(first.source, f"the study's clinical table {settings.clinical_table} is not here")
    elif settings.clinical_table is not None:
        other = read_sheet(
            _beside(manifest, settings),
            settings.clinical_sheet,
            settings.delimiter,
            settings.encoding,
            "cohort.clinical_sheet",
        )
        _say(other, findings)
        headers += [str(c) for c in other.frame.columns]
        problems += other.problems
        clinical = map_headers(other.frame, other.source, settings, wanted, findings)
        second = {str(c) for c in clinical.columns} - set(origins)
        origins |= {name: Origin(other.source, other.delimiter) for name in second}
        if "patient_id" in cells.columns:
            cells = join_clinical(cells, clinical, (first.source, other.source), settings, findings)
    for theirs in settings.headers:
        if theirs not in headers and not findings.tolerant:
            findings.problem("cohort.headers", f"no header {theirs!r} in the table", nearest(theirs, headers))
    cells = complete_names(cells, first.source, manifest.resolve().parent, settings, findings)
    findings.stop()
    return _Tables(cells, first.source, second, origins, problems)


def _say(sheet: Sheet, findings: Findings) -> None:
    for note in sheet.notes:
        findings.note(sheet.source, note)


def _beside(manifest: Path, settings: CohortSettings) -> Path:
    """The clinical table: a relative path is relative to the manifest."""
    return manifest.resolve().parent / (settings.clinical_table or "")


def _of_several_values(
    table: pd.DataFrame, targets: Sequence[Target], source: str, findings: Findings
) -> tuple[Target, ...]:
    """The targets of more than one value: one that has but one leaves with a note, or is a problem where there is no
    other.
    """
    kept = table[table["excluded"] == ""]
    read = [target for target in targets if target.name in kept.columns]
    said = {target.name: _not_learnt(kept, target) for target in read}
    stay = [target for target in read if not said[target.name]]
    for target in read:
        if target in stay:
            continue
        if stay:
            findings.note(f"{source} {target.name}", f"{said[target.name]}; the study goes on without it")
            continue
        mend = "a study needs both; check cohort.target and cohort.positive_levels"
        if not target.binary:
            mend = "a study needs different ones; check cohort.target and cohort.target_kinds"
        findings.problem(f"{source} {target.name}", said[target.name], mend)
    return without_others(targets, stay)


def _not_learnt(kept: pd.DataFrame, target: Target) -> str:
    """Why nothing can be learnt of a target; "" where it can."""
    known = kept.drop_duplicates("patient_id")[target.name].dropna()
    if known.empty:
        return "no patient has a label"
    if known.nunique() == 1 and target.binary:
        return f"one class only: every patient is {'positive' if known.iloc[0] == 1 else 'negative'}"
    if known.nunique() == 1:
        return f"one value only: {known.iloc[0]:g} for every patient"
    return ""


def _count_missing(table: pd.DataFrame, columns: tuple[Column, ...], findings: Findings) -> None:
    patients = table[table["excluded"] == ""].drop_duplicates("patient_id")
    for column in columns:
        missing = int(patients[column.name].isna().sum())
        if missing:
            findings.note(f"column {column.name}", f"missing for {missing} of {len(patients)} patients")


def _check_named(cells: pd.DataFrame, settings: CohortSettings, findings: Findings) -> None:
    """Settings that name a column or a target which is not there."""
    for setting in ("target_kinds", "positive_levels", "derived"):
        for name in sorted(getattr(settings, setting).keys() - set(settings.targets)):
            findings.note(f"cohort.{setting}", f"{name} is no target of this study: not used")
    for name in settings.values:
        if name not in cells.columns:
            names = [str(c) for c in cells.columns]
            findings.problem("cohort.values", f"no column {name!r} in the table", nearest(name, names))


def _bad_rows(table: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    rows = [
        (table.at[row, "case_id"], table.at[row, "patient_id"], problem.where, problem.what, problem.mend)
        for problem, numbers in findings.in_rows
        for row in numbers
        if row in table.index
    ]
    return pd.DataFrame(rows, columns=["case_id", "patient_id", "where", "what", "mend"])


def _cohort(
    table: pd.DataFrame,
    columns: tuple[Column, ...],
    targets: Sequence[Target],
    kind: str,
    cases: pd.DataFrame,
    findings: Findings,
    bad: pd.DataFrame | None = None,
) -> Cohort:
    mapped = pd.DataFrame(
        [(source, theirs, ours, count) for (source, theirs, ours), count in findings.mappings.items()],
        columns=["source", "header_or_value", "mapped_to", "cells"],
    )
    notes = pd.DataFrame(list(dict.fromkeys(findings.notes)), columns=["where", "what"])
    nothing = pd.DataFrame(columns=["case_id", "patient_id", *Problem.__dataclass_fields__])
    text = table.select_dtypes(include=["object", "string"]).columns
    table = table.astype(dict.fromkeys(text, object))
    flow = flow_chart(table, targets)
    return Cohort(table, columns, tuple(targets), kind, cases, mapped, flow, notes, nothing if bad is None else bad)
