"""Parts of a side that have rows of their own in metrics.csv: cohorts, and strata of a measured or known size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pandas as pd

from dlr.study.cohort import CohortTables

__all__ = ["DIAMETER", "cohorts_of", "strata_of"]

DIAMETER = "diameter_mm"  # of the lesion; where no clinical column has this name, as the volumes give it


def cohorts_of(tables: CohortTables) -> pd.Series:
    """The cohort of every patient that has one, by patient_id; empty where there are fewer than two cohorts."""
    if "cohort" not in tables.patients:
        return pd.Series(dtype=object)
    named = tables.patients["cohort"]
    named = named[named != ""]
    return named if named.nunique() > 1 else named.iloc[:0]


def strata_of(
    tables: CohortTables, strata: Mapping[str, Sequence[float]], volumes: Sequence[pd.DataFrame]
) -> tuple[dict[str, set[str]], list[str]]:
    """Patients by stratum ("diameter_mm<15", "diameter_mm>=15"), and a line for every column that is not there.

    strata : cuts by column.  volumes : VOLUMES of the study; of a patient's lesions the largest counts. A patient
    without a value is in no stratum.
    """
    numeric = {column.name for column in tables.columns if column.kind == "numeric"}
    found: dict[str, set[str]] = {}
    lines = []
    for name, cuts in strata.items():
        if name in numeric:
            values = pd.to_numeric(tables.patients[name])
        elif name == DIAMETER and volumes:
            values = pd.concat(volumes).groupby("patient_id")[DIAMETER].max()
        else:
            lines.append(f"evaluate.strata: no strata of {name}: it is no numeric clinical column of this study")
            continue
        for stratum, low, high in _ranges(name, cuts):
            found[stratum] = set(values.index[(values >= low) & (values < high)])
    return found, lines


def _ranges(name: str, cuts: Sequence[float]) -> list[tuple[str, float, float]]:
    """Name, lower and upper end of every stratum, the lowest first."""
    edges = [float("-inf"), *sorted(cuts), float("inf")]
    between = [(f"{low:g}<={name}<{high:g}", low, high) for low, high in pairwise(edges[1:-1])]
    first, last = edges[1], edges[-2]
    return [(f"{name}<{first:g}", edges[0], first), *between, (f"{name}>={last:g}", last, edges[-1])]
