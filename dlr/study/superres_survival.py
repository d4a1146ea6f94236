"""Whether measurements and decisions survive: check patients' images against what is made of their simulated input.

Truth, restored and bicubic images are of one grid, the image's own, so features are measured at one distance and chains
fitted on native images may read all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from dlr.engine import Run
from dlr.study.cases import CaseRow, CohortFiles, rows_of
from dlr.study.cohort import CohortTables
from dlr.study.cutoffs import cut_offs
from dlr.study.frames import PatientFrame
from dlr.study.measures import evaluated_signatures
from dlr.study.signatures import apply_chains, held_out_rows
from dlr.study.simulated import SUBJECTS, SimulatedFiles
from dlr.study.superres import CHECKED_ROLE
from dlr.study.superres_effect import Fitted, features_of
from dlr.tables import DICTIONARY
from dlr.words import CHOSEN, Model, Protocol, signature

__all__ = ["check_rows", "decisions", "survivors", "textures"]

SHAPE = "shape"  # families of features that follow from the outline alone


def check_rows(tables: CohortTables, enhanced: pd.DataFrame) -> list[CaseRow]:
    """The first outlined case of every check patient, as the generator was checked on.

    enhanced : ENHANCED.
    """
    checked = set(enhanced.loc[enhanced["role"] == CHECKED_ROLE, "case_id"])
    rows = [row for row in rows_of(tables.cases) if row.outlined and row.case_id in checked]
    return list({row.patient_id: row for row in reversed(rows)}.values())[::-1]


def survivors(run: Run, tables: CohortTables, rows: Sequence[CaseRow]) -> dict[str, pd.DataFrame]:
    """Features (patients, features) by subject, of the check patients in whom all three images could be measured.

    rows : a case a check patient; where there is none, tables without rows.
    """
    if not rows:
        return {subject: pd.DataFrame() for subject in SUBJECTS}
    settings, files = run.settings.superres, CohortFiles(run.settings.cohort)
    found = {}
    for subject in SUBJECTS:
        source = SimulatedFiles(files, subject, run.needs.superres, settings.scale, settings.degradation, run.seed)
        features = features_of(run, tables, source, rows, f"{subject} of check patients")
        found[subject] = features.set_index("patient_id").drop(columns="case_id").dropna(how="all")
    patients = [row.patient_id for row in rows if all(row.patient_id in features.index for features in found.values())]
    return {subject: features.loc[patients] for subject, features in found.items()}


def textures(run: Run, features: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """The same without features of shape, which follow from the outline alone."""
    about = DICTIONARY.read(run.needs.radiomics)
    shape = set(about.loc[about["family"].str.startswith(SHAPE), "name"])
    return [table[[name for name in table.columns if name not in shape]] for table in features.values()]


def decisions(
    tables: CohortTables, fitted: Sequence[Fitted], features: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """What is decided of check patients, bool (patients, targets) by subject; a target without a cut-off has no column.

    fitted : the Rad chains of native images. A patient's probability is the mean of those chains that did not train on
    her; the cut-off is Youden's, of the out-of-fold signature of native images.
    """
    columns: dict[str, dict[str, pd.Series]] = {subject: {} for subject in features}
    for one in fitted:
        line = cut_offs(evaluated_signatures(one.predictions, tables)).found
        cutoff = next((found.value for (*_, protocol), found in line.items() if protocol == Protocol.CROSSFIT), None)
        if cutoff is None:
            continue
        for subject, table in features.items():
            value = _out_of_fold(tables, one, PatientFrame.by_patient(table))
            columns[subject][one.target.name] = value >= cutoff
    return {subject: pd.DataFrame(made) for subject, made in columns.items()}


def _out_of_fold(tables: CohortTables, one: Fitted, frame: PatientFrame) -> pd.Series:
    """Probability by patient, by chains of the cross-fitting that held her out."""
    named = (one.target, Model.RAD.value, "", CHOSEN, tables.sides)
    rows = [
        held_out_rows(part, apply_chains(folder / "chains", CHOSEN, seen), *named)
        for part, folder in one.parts
        if part.protocol == Protocol.CROSSFIT and len((seen := frame.of(part.predict)).values)
    ]
    return signature(pd.concat(rows, ignore_index=True)).set_index("patient_id")["value"]
