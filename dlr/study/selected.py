"""Models that select features: which features a part may choose from, and the tables that tell what was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from dlr.engine import Run
from dlr.learn import selection_frequency
from dlr.study.algorithms import write_algorithms
from dlr.study.cohort import CohortTables
from dlr.study.signatures import SignatureTables
from dlr.tables import CHOICES, PREDICTIONS, SELECTION, SELECTION_FREQUENCY, STABILITY
from dlr.words import Protocol

__all__ = ["reproducible_features", "write_selected"]


def reproducible_features(run: Run) -> dict[str, list[str]] | None:
    """By part, the features that reach an ICC of `learn.icc_filter` in that part's training patients; None = no filter.

    Where outlines were perturbed in several ways a feature must reach it under all of them.
    """
    if run.needs.stability is None or run.settings.learn.icc_filter is None:
        return None
    kept = STABILITY.read(run.needs.stability).groupby(["part", "feature"], sort=True)["kept"].all()
    return {str(part): list(rows[rows].index.get_level_values("feature")) for part, rows in kept.groupby("part")}


def write_selected(
    run: Run, tables: CohortTables, made: Mapping[str, SignatureTables], beside: Sequence[pd.DataFrame] = ()
) -> pd.DataFrame:
    """The tables of a model that selects features, all targets together; gives the selection back.

    beside : PREDICTIONS of variants that it is compared with.
    """
    predictions = pd.concat([*(m.predictions for m in made.values()), *beside], ignore_index=True)
    selection = pd.concat([m.selection for m in made.values()], ignore_index=True)
    PREDICTIONS.write(run.folder, predictions)
    SELECTION.write(run.folder, selection)
    CHOICES.write(run.folder, pd.concat([m.choices for m in made.values()], ignore_index=True))
    crossfit = selection[selection["protocol"] == Protocol.CROSSFIT]
    SELECTION_FREQUENCY.write(run.folder, selection_frequency(crossfit))
    write_algorithms(run, tables, predictions, run.settings.learn.reported)
    return selection
