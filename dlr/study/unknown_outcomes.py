"""What patients whose outcome is unknown could do to an AUC: the best and the worst case of their outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlr import stats
from dlr.study.measures import Evaluated, metric_row
from dlr.words import CHOSEN, Estimate, Role

__all__ = ["unknown_outcome_rows"]


def unknown_outcome_rows(signatures: Sequence[Evaluated]) -> Iterator[dict[str, Any]]:
    """`auc_best_case` and `auc_worst_case` of every chosen binary signature that says something of such patients.

    Apparent values have none.
    """
    for one in signatures:
        if one.algorithm != CHOSEN or not one.two_classes or one.role == Role.APPARENT or not len(one.unknown):
            continue
        best, worst = stats.auc_of_unknown(one.positive, one.probability, one.unknown)
        for name, area, likes in (("auc_best_case", best, "likes"), ("auc_worst_case", worst, "least likes")):
            method = f"{len(one.unknown)} unknown outcomes, as the model {likes} them"
            n = len(one.patients) + len(one.unknown)
            yield metric_row(one, name, Estimate(area, np.nan, np.nan, n, int(one.positive.sum()), method))
