"""Stage stability: which features another outline would have given too, by part's training patients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dlr.engine import Run, Task, TaskFailure, stage
from dlr.radiomics import ReaderPair, agreement_table, expected_columns, load_profile, stability_by_part
from dlr.randomness import rng
from dlr.study.cases import CaseRow, outlined_rows, rows_of, source_of
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.features import measuring_tasks, read_measured
from dlr.study.measuring import measure_case
from dlr.study.parts import random_splits, study_parts, whole_side
from dlr.tables import AGREEMENT, FEATURES, STABILITY
from dlr.words import Side

__all__ = ["stability"]

Compared = dict[str, tuple[pd.DataFrame, pd.DataFrame]]  # what parts two outlines: features of each, by patient


@stage(
    "stability",
    version=4,
    needs=["cohort", "radiomics"],
    optional=["superres"],
    sections=[
        "stability", "radiomics", "cohort", "learn.protocols", "learn.icc_filter", "combine.inner", "evaluate.splits",
    ],
    libraries=["simpleitk", "numpy", "scipy", "pywavelets"],
    gives=[STABILITY, AGREEMENT],
)  # fmt: skip
def stability(run: Run) -> None:
    """ICC of every feature between two readers, or under perturbed outlines; agreement of the outlines."""
    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None:
        run.leave_out("the study starts from a feature table: there are no outlines to compare")
    rows = tables.cases[tables.cases["side"] == Side.TRAIN]
    rows = rows.loc[rows["patient_id"].drop_duplicates().index]  # a patient counts once
    both = rows[(rows["mask_reader1"] != "") & (rows["mask_reader2"] != "")]
    if len(both) >= 2:
        compared = between_readers(run, tables, rows_of(both))
    elif run.settings.stability.perturbations:
        compared = under_perturbation(run, tables, outlined_rows(rows_of(rows), run.warn))
    else:
        run.leave_out("there is one reader's outline, and stability.perturbations is empty")
    whole, threshold = whole_side(tables.sides), run.settings.learn.icc_filter
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides, run.settings.combine.inner)
    asked = (run.settings.evaluate.splits, run.settings.cohort.test_share, run.seed)
    splits = random_splits(tables.cases, tables.targets, *asked)
    parts = (whole, *(part for part in parts if part.name != whole.name), *splits)
    found = [
        stability_by_part(first, second, parts, perturbation=name, kind=run.settings.stability.kind, least=threshold)
        for name, (first, second) in compared.items()
    ]
    table = pd.concat(found, ignore_index=True)
    STABILITY.write(run.folder, table)
    kept = table[table["part"] == whole.name].groupby("feature")["kept"].all()
    if threshold is None:
        run.log(f"ICC of {len(kept)} features; none leaves, as learn.icc_filter is null")
    else:
        run.log(f"{int(kept.sum())} of {len(kept)} features reach an ICC of {threshold:g}")


def between_readers(run: Run, tables: CohortTables, rows: Sequence[CaseRow]) -> Compared:
    """Features of both readers' outlines, by patient; the outlines' own agreement goes into AGREEMENT."""
    profile = load_profile(run.settings.radiomics.profile)
    measured, readers = source_of(run.settings, run.needs.superres), ("mask_reader1", "mask_reader2")
    first, second = (measuring_tasks(run, measured, rows, profile, outline=outline) for outline in readers)
    results = run.each_or_failure(measure_case, [*first, *second], label="outlines")
    source = source_of(run.settings)  # outlines are held against one another on the grid that they were drawn on
    pairs = (
        ReaderPair(row.case_id, row.patient_id, a.mask, b.mask, a.image.spacing if a.image.spacing_known else None)
        for row in rows
        for a, b in [[source.read(row, name) for name in readers]]
    )
    agreement = agreement_table(pairs, run.settings.stability)
    AGREEMENT.write(run.folder, agreement)
    below = agreement[agreement["below"]]
    if len(below):
        cases = ", ".join(below["case_id"].head(8))
        run.warn(f"{len(below)} of {len(agreement)} outlines agree too little and ask for a third reader: {cases}")
    own = [_by_patient(run, tables, tasks, results) for tasks, results in _each_group([first, second], results)]
    return {"readers": (own[0], own[1])}


def under_perturbation(run: Run, tables: CohortTables, rows: Sequence[CaseRow]) -> Compared:
    """Features of each seeded perturbation of the one outline beside the outline's own, by patient.

    A random share of `stability.cases` training cases is enough for an ICC, and keeps the stage short.
    """
    order = rng(run.seed, "stability", "cases").permutation(len(rows))
    rows = [rows[place] for place in sorted(order[: run.settings.stability.cases])]
    profile = load_profile(run.settings.radiomics.profile)
    kinds = run.settings.stability.perturbations
    source = source_of(run.settings, run.needs.superres)
    groups = [measuring_tasks(run, source, rows, profile, perturbation=kind, seed=run.seed) for kind in kinds]
    results = run.each_or_failure(measure_case, [task for group in groups for task in group], label="outlines")
    features = FEATURES.read(run.needs.radiomics).set_index("case_id")
    own = features.loc[[row.case_id for row in rows]].set_index("patient_id")
    return {
        kind: (own, _by_patient(run, tables, tasks, done))
        for kind, (tasks, done) in zip(kinds, _each_group(groups, results), strict=True)
    }


def _each_group(
    groups: Sequence[list[Task]], results: Sequence[Path | TaskFailure]
) -> list[tuple[list[Task], Sequence[Path | TaskFailure]]]:
    """The results of tasks that were computed together, group by group."""
    out, begin = [], 0
    for tasks in groups:
        out.append((tasks, results[begin : begin + len(tasks)]))
        begin += len(tasks)
    return out


def _by_patient(
    run: Run, tables: CohortTables, tasks: Sequence[Task], results: Sequence[Path | TaskFailure]
) -> pd.DataFrame:
    settings = run.settings.radiomics
    columns = expected_columns(load_profile(settings.profile), tables.kind, settings.regions)
    values, _, notes = read_measured(tasks, results, columns)
    for line in notes:
        run.warn(line)
    patient = {task.payload.case.row.case_id: task.payload.case.row.patient_id for task in tasks}
    return values.set_axis([patient[case] for case in values.index], axis=0)
