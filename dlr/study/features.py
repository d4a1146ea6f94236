"""Features of many cases: the measuring of each as a task, and what the tasks left as one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import find_row_copies
from dlr.engine import Run, Task, TaskFailure
from dlr.errors import InputError
from dlr.radiomics import Profile, engine
from dlr.study.cases import CaseRow, CaseSource, OneCase
from dlr.study.measuring import VALUES, Measuring
from dlr.study.tasks import task_of
from dlr.tables import COPIES, MISSING
from dlr.words import Side

__all__ = ["copied_rows", "copies_in_words", "feature_table", "measuring_of", "measuring_tasks", "read_measured"]


def measuring_of(
    settings: Any, source: CaseSource, rows: Sequence[CaseRow], profile: Profile, **more: object
) -> list[Measuring]:
    """The measuring of each case of a source under a study's settings (their section `radiomics`)."""
    name, outline = str(settings.radiomics.engine), str(more.pop("outline", "mask"))
    version, regions = engine(name).version, tuple(settings.radiomics.regions)
    return [
        Measuring(OneCase(source, row, outline), profile, name, version, regions=regions, **more)  # type: ignore[arg-type]
        for row in rows
    ]


def measuring_tasks(
    run: Run, source: CaseSource, rows: Sequence[CaseRow], profile: Profile, **more: object
) -> list[Task]:
    """The same as tasks; a case that cannot be measured does not stop the others.

    more : outline ("mask_reader1"), or perturbation and seed.
    """
    suffix = "-".join(str(value) for value in more.values())
    return [
        task_of(run, "-".join(filter(None, [asked.case.row.case_id, suffix])), asked, may_fail=True)
        for asked in measuring_of(run.settings, source, rows, profile, **more)
    ]


def read_measured(
    tasks: Sequence[Task], results: Sequence[Path | TaskFailure], columns: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Features float64 by case_id, what is missing and why (MISSING), and notes, out of the cases' folders.

    Raises InputError with every problem when no case could be measured.
    """
    values, missing, notes, problems = {}, [], [], []
    for task, result in zip(tasks, results, strict=True):
        case_id = task.payload.case.row.case_id
        if isinstance(result, TaskFailure):
            problems.append(replace(result.problem, where=f"case {case_id}, {result.problem.where}"))
            missing.append((case_id, "all", result.problem.what))
            notes.append(f"case {case_id} is left out: {result.problem.what}. {result.problem.mend}")
            continue
        record = json.loads((result / VALUES).read_text(encoding="utf-8"))
        values[case_id] = np.array([record["values"].get(column, np.nan) for column in columns])
        missing += [(case_id, feature, reason) for feature, reason in record["missing"].items()]
        notes += [f"case {case_id}: {note}" for note in record["notes"]]
    if not values:
        raise InputError.of(problems)
    table = pd.DataFrame(np.stack(list(values.values())), index=list(values), columns=list(columns))
    return table, pd.DataFrame(missing, columns=list(MISSING.names)), notes


def feature_table(values: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """FEATURES of every case of a cohort, in its order, out of values by case_id; NaN where one was not measured."""
    table = values.reindex(index=cases["case_id"]).rename_axis("case_id").reset_index()
    table.insert(1, "patient_id", cases["patient_id"].to_numpy())
    return table


def copied_rows(features: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """COPIES: each case beside another patient's whose row it repeats, those of two sides first.

    features : FEATURES.  cases : COHORT. Of two sides the training patient is the one that was copied.
    """
    columns = [name for name in features.columns if name not in ("case_id", "patient_id")]
    pairs, asked = find_row_copies(features[columns].to_numpy(), features["patient_id"].to_numpy())
    side = features["patient_id"].map(cases.drop_duplicates("patient_id").set_index("patient_id")["side"])
    who = list(zip(features["case_id"], features["patient_id"], side, strict=True))
    rows = []
    for a, b, agree in pairs:
        first, second = (who[b], who[a]) if who[b][2] == Side.TRAIN != who[a][2] else (who[a], who[b])
        rows.append((*second, *first, agree, asked))
    table = pd.DataFrame(rows, columns=list(COPIES.names))
    crossing = (table["side"] != table["copy_side"]).to_numpy()
    return pd.concat([table[crossing], table[~crossing]]).drop_duplicates("case_id", ignore_index=True)


def copies_in_words(copies: pd.DataFrame) -> str:
    """How many patients are copies, of which sides, and the first few by name."""
    crossing = copies[copies["side"] != copies["copy_side"]]
    named = [f"{row.patient_id} of {row.copy_patient}" for row in copies.head(3).itertuples()]
    more = f" and {len(copies) - len(named)} more" if len(copies) > len(named) else ""
    sides = f", {crossing['patient_id'].nunique()} of them across sides" if len(crossing) else ""
    return f"{copies['patient_id'].nunique()} patients repeat the features of others{sides}: {', '.join(named)}{more}"
