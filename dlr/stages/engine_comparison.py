"""The native engine against pyradiomics on a user's own cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import CohortSettings, load_new_cases, read_case
from dlr.errors import InputError, Problem
from dlr.radiomics import engine, load_profile
from dlr.radiomics.compare import EngineComparison, Roi, compare_engines

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
    if cases.empty:
        bad = [Problem(row.where, row.what, row.mend) for row in cohort.bad.itertuples()]
        raise InputError.of(bad or [Problem(str(manifest), "it names no image", "add the columns image and mask")])
    chosen = np.unique(np.linspace(0, len(cases) - 1, min(number, len(cases))).round().astype(int))
    return compare_engines(_rois(cases.iloc[chosen], settings.cohort), profile, native, reference)


def _rois(cases: pd.DataFrame, settings: CohortSettings) -> Iterator[Roi]:
    for row in cases.to_dict("records"):
        case = read_case(row, settings)
        yield Roi(case.case_id, case.image.array.astype(np.float64), case.mask, case.image.spacing)
