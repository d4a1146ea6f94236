"""Two engines on the same ROIs: how far their values are apart, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.radiomics.columns import split_column
from dlr.radiomics.dictionary import feature_dictionary
from dlr.radiomics.inputs import kind_of
from dlr.radiomics.interface import Engine, Measured
from dlr.radiomics.profile import Profile

__all__ = ["ROUNDING", "EngineComparison", "Roi", "compare_engines", "differences"]

ROUNDING = 1e-9  # what is smaller than this is compared as a number of this size: it is rounding, not a measurement

DIFFERENCE_COLUMNS = ("feature", "family", "image_type", "value", "reference", "difference")
FAMILY_COLUMNS = ("family", "features", "values", "largest_difference", "feature", "case_id", "one_sided")


class Roi(NamedTuple):
    """One case in memory."""

    case_id: str
    image: np.ndarray  # float64 (z, y, x); a still has one slice
    mask: np.ndarray  # bool (z, y, x)
    spacing: tuple[float, float, float]  # mm (z, y, x)


@dataclass(frozen=True)
class EngineComparison:
    """Every value of every case by both engines, and the wall time of both."""

    values: pd.DataFrame  # case_id and DIFFERENCE_COLUMNS
    seconds: pd.DataFrame  # case_id, seconds (of the engine), reference_seconds
    problems: pd.DataFrame  # case_id, engine, what: a case that one of them cannot measure

    @property
    def families(self) -> pd.DataFrame:
        """A row a family: FAMILY_COLUMNS. `one_sided` counts values that only one engine gives."""
        rows = []
        for family, part in self.values.groupby("family", sort=False):
            both = part[part["difference"].notna()]
            worst = both.loc[both["difference"].idxmax()] if len(both) else None
            rows.append(
                (
                    family,
                    part["feature"].nunique(),
                    len(both),
                    np.nan if worst is None else worst["difference"],
                    "" if worst is None else worst["feature"],
                    "" if worst is None else worst["case_id"],
                    int((part["value"].isna() ^ part["reference"].isna()).sum()),
                )
            )
        return pd.DataFrame(rows, columns=FAMILY_COLUMNS)


def differences(measured: Measured, reference: Measured, profile: Profile, kind: str) -> pd.DataFrame:
    """A row a feature: DIFFERENCE_COLUMNS; `difference` is |value - reference| / |reference|, NaN where one is missing.

    Two values below ROUNDING do not differ. Wavelet bands that are rounding noise on one slice are left out.
    """
    dictionary = feature_dictionary(profile, kind)
    rows = []
    for name in dictionary["name"][~dictionary["noise_on_one_slice"]]:
        column = split_column(name)
        value, other = measured.values.get(name, np.nan), reference.values.get(name, np.nan)
        relative = abs(value - other) / max(abs(other), ROUNDING)
        if max(abs(value), abs(other)) <= ROUNDING:
            relative = 0.0
        rows.append((name, column.family, column.image_type, value, other, relative))
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def compare_engines(rois: Iterable[Roi], profile: Profile, engine: Engine, reference: Engine) -> EngineComparison:
    """Measure every ROI by both engines. Imports and compilation are over before the first time is taken."""
    for each in (engine, reference):
        _warm_up(each, profile)
    values, seconds, problems = [], [], list[tuple[str, str, str]]()
    for roi in rois:
        measured, own_seconds = _timed(engine, roi, profile, problems)
        expected, other_seconds = _timed(reference, roi, profile, problems)
        if measured is not None and expected is not None:
            table = differences(measured, expected, profile, kind_of(roi.image))
            table.insert(0, "case_id", roi.case_id)
            values.append(table)
            seconds.append((roi.case_id, own_seconds, other_seconds))
    return EngineComparison(
        pd.concat(values, ignore_index=True) if values else pd.DataFrame(columns=["case_id", *DIFFERENCE_COLUMNS]),
        pd.DataFrame(seconds, columns=["case_id", "seconds", "reference_seconds"]),
        pd.DataFrame(problems, columns=["case_id", "engine", "what"]),
    )


def _timed(
    engine: Engine, roi: Roi, profile: Profile, problems: list[tuple[str, str, str]]
) -> tuple[Measured | None, float]:
    """One measurement and its wall time; why there is none is added to `problems`."""
    start = time.perf_counter()
    try:
        measured = engine.measure(roi.image, roi.mask, roi.spacing, profile)
    except InputError as error:
        problems.append((roi.case_id, engine.name, error.problems[0].what))
        return None, 0.0
    return measured, time.perf_counter() - start


def _warm_up(engine: Engine, profile: Profile) -> None:
    """One call on a small ball, or a disk where the profile's ROI is flat."""
    z, y, x = np.indices((9, 17, 17)) - np.array([4, 8, 8])[:, None, None, None]
    mask = x**2 + y**2 + (2 * z) ** 2 <= 36
    try:
        engine.measure((7.0 * x + 5 * y + 3 * z) % 97, mask, (1.0, 1.0, 1.0), profile)
    except InputError:
        return  # a profile for larger ROIs: the first case warms up
