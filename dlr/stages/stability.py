"""Stage stability: which features another outline would have given too, by part's training patients."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dlr.cohort import read_case
from dlr.engine import Run, Task, stage
from dlr.radiomics import (
    ReaderPair,
    agreement_table,
    expected_columns,
    load_profile,
    stability_by_part,
)
from dlr.randomness import rng
from dlr.stages.measuring import measure_case, measure_perturbed
from dlr.stages.parts import study_parts
from dlr.stages.radiomics import case_tasks, read_measured
from dlr.stages.tables import CohortTables, read_cohort
from dlr.words import Side

__all__ = ["stability"]


@stage(
    "stability",
    version=2,
    needs=["cohort", "radiomics"],
    sections=["stability", "radiomics", "cohort", "learn.protocols"],
    libraries=["simpleitk", "numpy", "scipy", "pywavelets"],
)
def stability(run: Run) -> None:
    """ICC of every feature between two readers, or under perturbed outlines; agreement of the outlines."""
    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None:
        run.leave_out("the study starts from a feature table: there are no outlines to compare")
    rows = tables.cases[tables.cases["side"] == Side.TRAIN]
    rows = rows.loc[rows["patient_id"].drop_duplicates().index]  # a patient counts once
    both = rows[(rows["mask_reader1"] != "") & (rows["mask_reader2"] != "")]
    if len(both) >= 2:
        compared = between_readers(run, tables, both.to_dict("records"))
    elif run.settings.stability.perturbations:
        compared = under_perturbation(run, tables, rows.to_dict("records"))
    else:
        run.leave_out("there is one reader's outline, and stability.perturbations is empty")
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    found = [
        stability_by_part(first, second, parts, perturbation=name, settings=run.settings.stability)
        for name, (first, second) in compared.items()
    ]
    table = pd.concat(found, ignore_index=True)
    table.to_parquet(run.folder / "stability.parquet", index=False)
    whole = table[table["part"] == parts[0].name]
    kept = whole.groupby("feature")["kept"].all()
    run.log(f"{int(kept.sum())} of {len(kept)} features reach an ICC of {run.settings.stability.icc:g}")


def between_readers(
    run: Run, tables: CohortTables, rows: list[dict[str, Any]]
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Features of both readers' outlines, by patient; the outlines' own agreement goes into agreement.csv."""
    profile = load_profile(run.settings.radiomics.profile)
    engine = run.settings.radiomics.engine
    first, second = (case_tasks(run, rows, profile, engine, outline) for outline in ("mask_reader1", "mask_reader2"))
    results = run.each(measure_case, [*first, *second], label="outlines")
    pairs = (
        ReaderPair(
            row["case_id"], row["patient_id"], a.mask, b.mask, a.image.spacing if a.image.spacing_known else None
        )
        for row in rows
        for a, b in [[read_case(row, run.settings.cohort, name) for name in ("mask_reader1", "mask_reader2")]]
    )
    agreement = agreement_table(pairs, run.settings.stability)
    agreement.to_csv(run.folder / "agreement.csv", index=False)
    below = agreement[agreement["below"]]
    if len(below):
        cases = ", ".join(below["case_id"].head(8))
        run.warn(f"{len(below)} of {len(agreement)} outlines agree too little and ask for a third reader: {cases}")
    return {
        "readers": (
            _by_patient(run, tables, first, results[: len(first)]),
            _by_patient(run, tables, second, results[len(first) :]),
        )
    }


def under_perturbation(
    run: Run, tables: CohortTables, rows: list[dict[str, Any]]
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Features of each seeded perturbation of the one outline beside the outline's own, by patient.

    A random share of `stability.cases` training cases is enough for an ICC, and keeps the stage short.
    """
    order = rng(run.seed, "stability", "cases").permutation(len(rows))
    rows = [rows[place] for place in sorted(order[: run.settings.stability.cases])]
    profile = load_profile(run.settings.radiomics.profile)
    engine = run.settings.radiomics.engine
    kinds = run.settings.stability.perturbations
    tasks = {kind: case_tasks(run, rows, profile, engine, perturbation=kind, seed=run.seed) for kind in kinds}
    results = run.each(measure_perturbed, [task for group in tasks.values() for task in group], label="outlines")
    features = pd.read_parquet(run.needs.radiomics / "features.parquet").set_index("case_id")
    own = features.loc[[row["case_id"] for row in rows]].set_index("patient_id")
    out = {}
    for number, (kind, group) in enumerate(tasks.items()):
        own_results = results[number * len(rows) : (number + 1) * len(rows)]
        out[kind] = (own, _by_patient(run, tables, group, own_results))
    return out


def _by_patient(run: Run, tables: CohortTables, tasks: list[Task], results: list[Any]) -> pd.DataFrame:
    columns = expected_columns(load_profile(run.settings.radiomics.profile), tables.kind)
    values, _, notes = read_measured(tasks, results, columns)
    for line in notes:
        run.warn(line)
    patient = {task.payload["row"]["case_id"]: task.payload["row"]["patient_id"] for task in tasks}
    return values.set_axis([patient[case] for case in values.index], axis=0)
