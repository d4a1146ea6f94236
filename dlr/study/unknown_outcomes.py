"""What patients whose outcome is unknown could do to an AUC: the best and the worst case of their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.study.measures import Evaluated, metric_row
from dlr.words import CHOSEN, Estimate, Role, signature

__all__ = ["unknown_outcome_rows"]


def unknown_outcome_rows(predictions: pd.DataFrame, signatures: Sequence[Evaluated]) -> list[dict[str, Any]]:
    """`auc_best_case` and `auc_worst_case` of every chosen binary signature that says something of such patients.

    predictions : PREDICTIONS of all models.  Apparent values have none.
    """
    keys = ["target", "model", "variant", "protocol", "side"]
    chosen = signature(predictions[predictions["algorithm"] == CHOSEN])
    said = {tuple(map(str, names)): rows for names, rows in chosen.groupby(keys, sort=False)}
    rows: list[dict[str, Any]] = []
    for one in signatures:
        if one.algorithm != CHOSEN or not one.two_classes or one.role == Role.APPARENT:
            continue
        own = said[tuple(one.names[key] for key in keys)]
        unknown = own.loc[~own["patient_id"].isin(one.patients), "value"].to_numpy()
        if not len(unknown):
            continue
        cases = stats.auc_of_unknown(one.positive, one.probability, unknown)
        for name, area in zip(("auc_best_case", "auc_worst_case"), cases, strict=True):
            method = (
                f"{len(unknown)} unknown outcomes, as the model {'' if name == 'auc_best_case' else 'least '}likes them"
            )
            found = Estimate(area, np.nan, np.nan, len(own), int(one.positive.sum()), method)
            rows.append(metric_row(one, name, found))
    return rows
