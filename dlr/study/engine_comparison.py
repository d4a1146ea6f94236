"""The native engine against pyradiomics on a user's own cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort import load_new_cases
from dlr.errors import InputError, Problem
from dlr.radiomics import engine, load_profile
from dlr.radiomics.compare import EngineComparison, Roi, compare_engines
from dlr.study.cases import CaseRow, CaseSource, rows_of, source_of

__all__ = ["compare_cohort"]


def compare_cohort(manifest: Path, settings: Any, number: int) -> EngineComparison:
    """Both engines on `number` cases spread evenly over a manifest, under the study's profile.

    Targets, sides and clinical values play no part. Raises InputError where no case can be read.
    """
    if number < 1:
        raise InputError("--n", f"{number} cases cannot be compared", "give a whole number from 1 on")
    native, reference = engine("native"), engine("pyradiomics")
    profile = load_profile(settings.radiomics.profile)
    cohort = load_new_cases(manifest, settings.cohort, ())
    cases = cohort.table[(cohort.table["excluded"] == "") & (cohort.table["image"] != "")]
    rows = [row for row in rows_of(cases) if row.outlined]
    if not rows:
        bad = [Problem(row.where, row.what, row.mend) for row in cohort.bad.itertuples()]
        raise InputError.of(bad or [Problem(str(manifest), "it names no image", "add the columns image and mask")])
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(number, len(rows))).round().astype(int))
    return compare_engines(_rois([rows[k] for k in chosen], source_of(settings)), profile, native, reference)


def _rois(rows: Sequence[CaseRow], source: CaseSource) -> Iterator[Roi]:
    for row in rows:
        case = source.read(row)
        yield Roi(case.case_id, case.image.array.astype(np.float64), case.mask, case.image.spacing)
