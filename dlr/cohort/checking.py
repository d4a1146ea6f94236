"""Every case of a cohort read once: what is wrong with it, what is to be said of it, how large its ROI is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import geometry
from dlr.cohort.apart import Ended, each_apart
from dlr.cohort.contours import is_thin
from dlr.cohort.decoded import Grid
from dlr.cohort.duplicates import find_copies, find_near_copies, fingerprint, groups_of_pairs
from dlr.cohort.images import Image
from dlr.cohort.mapping import Findings, shown
from dlr.cohort.outlines import outline_of
from dlr.cohort.reading import assemble_case, at_case
from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError, Problem

__all__ = ["CASE_COLUMNS", "Checked", "check_cases"]

CASE_COLUMNS = (
    "row", "case_id", "patient_id", "width", "height", "slices", "spacing_z", "spacing_y", "spacing_x", "spacing_known",
    "roi_voxels", "roi_size", "unit", "parts",
)  # fmt: skip


_MEMORY, _BYTES = 2 << 30, 16  # that reading a case may take: in any case, and of every sample of the largest image


@dataclass(frozen=True)
class Checked:
    """One case after reading."""

    row: int
    facts: dict[str, Any] = field(default_factory=dict)
    part_sizes: tuple[int, ...] = ()
    digest: str = ""
    thumbnail: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def check_cases(
    table: pd.DataFrame, source: str, settings: CohortSettings, findings: Findings, jobs: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Read all cases that are not excluded and whose files are there, each file once.

    Returns the table (a row a lesion where settings.lesion_policy is each), the facts of every case (CASE_COLUMNS)
    and the kind of the cohort: still or volume. Problems and notes go to `findings`.
    """
    kept = table[(table["excluded"] == "") & ~table.index.isin(findings.unreadable)]
    numbers = [int(str(row)) for row in kept.index]
    rows = [{str(k): v for k, v in values.items()} for values in kept.to_dict("records")]
    tasks = [(number, values, settings) for number, values in zip(numbers, rows, strict=True)]
    answers = each_apart(check_case, tasks, jobs, _MEMORY + _BYTES * settings.largest_image)
    checked = [_survived(answer, *task[:2]) for answer, task in zip(answers, tasks, strict=True)]
    for case in checked:
        for problem in case.problems:
            findings.problem(f"{source} row {case.row}, {problem.where}", problem.what, problem.mend, [case.row])
        for note in case.notes:
            findings.note(str(table.at[case.row, "case_id"]), note)
    good = [case for case in checked if not case.problems]
    bare = sum(not case.facts["parts"] for case in good)
    if bare:
        findings.note("cohort.mask", f"{bare} of {len(good)} cases have no outline")
    if settings.lesion_policy == "each":
        table, good = _a_row_a_lesion(table, good, settings, findings)
    facts = pd.DataFrame([case.facts for case in good], columns=list(CASE_COLUMNS))
    kind = _kind(facts, settings, findings)
    _judge_spacing(facts, kind, findings)
    _judge_copies(table, good, settings, findings)
    return table, facts, kind


def _survived(answer: Checked | Ended, row: int, values: Mapping[str, Any]) -> Checked:
    """What was found, or the problem that nothing could be."""
    if isinstance(answer, Checked):
        return answer
    where = f"case {values['case_id']}, {values['image']}"
    mend = "export image and mask again from their source; a damaged header can make a library fail like this"
    return Checked(row, problems=(Problem(where, f"image or mask cannot be read: {answer.why}", mend),))


def check_case(row: int, values: Mapping[str, Any], settings: CohortSettings) -> Checked:
    """Read one case and its readers' outlines."""
    try:
        made = assemble_case(values, settings)
        for reader in ("mask_reader1", "mask_reader2"):
            if values[reader]:
                outline_of(values, reader, made.decoded, settings)
    except InputError as error:
        return Checked(row, problems=at_case(error, str(values["case_id"])).problems)
    case, image = made.case, made.case.image
    if image.array.shape[0] < settings.least_slices:
        what = f"{image.array.shape[0]} slice, and this study needs {settings.least_slices} or more"
        where = f"case {case.case_id}, {values['image']}"
        return Checked(row, problems=(Problem(where, what, "give the whole volume, or exclude the case"),))
    notes = list(case.notes)
    parts: tuple[int, ...] = ()
    if made.outline is not None:
        parts = made.outline.part_sizes
        notes += _doubts(image, case.mask, made.outline.grid)
        if not values["mask"]:
            notes.insert(0, "no final mask: mask_reader1 is taken as final")
    voxels = int(np.count_nonzero(case.mask))
    edges = image.spacing[1:] if image.is_still else image.spacing
    unit = "mm" if image.spacing_known else "pixels"
    facts = {
        "row": row,
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "width": image.array.shape[2],
        "height": image.array.shape[1],
        "slices": image.array.shape[0],
        "spacing_z": image.spacing[0],
        "spacing_y": image.spacing[1],
        "spacing_x": image.spacing[2],
        "spacing_known": image.spacing_known,
        "roi_voxels": voxels,
        "roi_size": voxels * float(np.prod(edges)),
        "unit": f"{unit}{'²' if image.is_still else '³'}",
        "parts": len(parts),
    }
    digest, thumbnail = fingerprint(made.decoded.array)
    return Checked(row, facts, parts, digest, thumbnail, tuple(notes))


def _doubts(image: Image, roi: np.ndarray, grid: Grid | None) -> list[str]:
    """What a look at the outline should settle."""
    found = []
    # first and last slice do not count: volumes are cut there on purpose
    edges = {"left": roi[:, :, 0], "right": roi[:, :, -1], "top": roi[:, 0], "bottom": roi[:, -1]}
    touched = [name for name, edge in edges.items() if edge.any()]
    if touched:
        found.append(f"the ROI touches the picture's edge ({', '.join(touched)}): the lesion may be cut off")
    if image.is_still and (flip := geometry.better_turned(image.array[0], roi[0], grid)):
        found.append(f"the outline would fit better {flip}: look at it")
    if is_thin(roi):
        found.append(f"the ROI is a line or single voxels ({np.count_nonzero(roi)}): it has no inside")
    values = image.array[roi]
    if values.min() == values.max():
        found.append(f"every voxel of the ROI has the value {values[0]:g}")
    return found


def _a_row_a_lesion(
    table: pd.DataFrame, good: list[Checked], settings: CohortSettings, findings: Findings
) -> tuple[pd.DataFrame, list[Checked]]:
    """Rows with several lesions become several rows: case_id with _1, _2 …, column lesion_part; largest first."""
    by_row = {case.row: case for case in good}
    rows, numbers, cases = [], [], []
    for row, values in table.iterrows():
        number = int(str(row))
        found = by_row.get(number)
        large = [n for n in found.part_sizes if n >= settings.roi_min_voxels] if found else []
        if found is None or not found.part_sizes:
            rows.append({**values.to_dict(), "lesion_part": ""})
            numbers.append(number)
            cases += [found] if found else []
            continue
        small = len(found.part_sizes) - len(large)
        if small:
            findings.note(str(values["case_id"]), f"{small} parts under {settings.roi_min_voxels} voxels left out")
        for part, size in enumerate(large, start=1):
            case_id = f"{values['case_id']}_{part}" if len(large) > 1 else str(values["case_id"])
            rows.append({**values.to_dict(), "case_id": case_id, "lesion_part": str(part)})
            numbers.append(number)
            scale = size / found.facts["roi_voxels"]
            facts = {**found.facts, "case_id": case_id, "roi_voxels": size, "parts": 1}
            facts["roi_size"] = found.facts["roi_size"] * scale
            cases.append(Checked(found.row, facts, (size,), found.digest, found.thumbnail))
    return pd.DataFrame(rows, columns=[*table.columns, "lesion_part"], index=numbers), cases


def _kind(facts: pd.DataFrame, settings: CohortSettings, findings: Findings) -> str:
    stills = facts["slices"] == 1
    if settings.kind == "volume" or (len(facts) and not stills.any()):
        if settings.kind == "volume" and stills.any():
            findings.note("cohort.kind", f"volume, but {int(stills.sum())} cases have one slice")
        return "volume"
    if stills.all() or findings.tolerant:
        return "still"
    few = facts.loc[stills if stills.sum() <= len(facts) / 2 else ~stills, "case_id"].tolist()
    findings.problem(
        "cohort.kind",
        f"{int(stills.sum())} stills and {int((~stills).sum())} volumes in one cohort: {shown(few)}",
        "study them apart, or set cohort.kind: volume",
    )
    return "still"


def _judge_spacing(facts: pd.DataFrame, kind: str, findings: Findings) -> None:
    known = facts["spacing_known"].astype(bool)
    if not len(facts) or known.all():
        return
    if not known.any():
        what = f"not known for any of {len(facts)} cases: sizes are in pixels, not in millimetres"
        findings.note("spacing", what)
        return
    if findings.tolerant:
        return  # each new case is compared with the study's own
    few = facts.loc[known if known.sum() < len(facts) / 2 else ~known, "case_id"].tolist()
    word = "known" if known.sum() < len(facts) / 2 else "unknown"
    findings.problem(
        "spacing",
        f"known for {int(known.sum())} of {len(facts)} cases ({word}: {shown(few)}): millimetres and pixels would mix",
        "give the others (column or setting pixel_spacing_mm), or set cohort.spacing: ignore",
    )


def _judge_copies(table: pd.DataFrame, good: list[Checked], settings: CohortSettings, findings: Findings) -> None:
    cases = table[["case_id", "patient_id"]]
    copies = find_copies(cases, {str(c.facts["case_id"]): c.digest for c in good})
    for group in copies:
        what = f"the same picture under several patients: cases {shown(group)}"
        if settings.duplicates == "refuse" and not findings.tolerant:
            findings.problem(
                "images", what, "give them one patient_id, exclude all but one, or set cohort.duplicates: note"
            )
        else:
            findings.note("images", what)
    named = {frozenset((a, b)) for group in copies for a in group for b in group}
    thumbnails = {str(c.facts["case_id"]): c.thumbnail for c in good if c.thumbnail is not None}
    pairs = [one for one in find_near_copies(cases, thumbnails) if frozenset(one[:2]) not in named]
    for group in groups_of_pairs([(a, b) for a, b, _ in pairs]):
        least = min(alike for a, b, alike in pairs if a in group)
        who, what = (" and ".join(group), "") if len(group) == 2 else (shown(group), f" ({len(group)} of them)")
        findings.note("images", f"cases {who} of different patients look alike{what} (correlation {least:.3f} or more)")
