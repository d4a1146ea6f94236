"""Rows of net_benefit.csv: every honest signature at the same thresholds, set beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.stats import Limits
from dlr.study.comparisons import on_the_same
from dlr.study.measures import Evaluated
from dlr.tables import NET_BENEFIT
from dlr.words import Model, Role

__all__ = ["net_benefit_table"]


def net_benefit_table(
    signatures: Sequence[Evaluated], thresholds: Sequence[float], target_prevalence: float | None
) -> pd.DataFrame:
    """NET_BENEFIT of signatures with two classes that are not apparent; no row without thresholds.

    The difference to treating all is of a signature's own patients, that to Clinical of those whom both predict, by the
    chains that both have; it is undefined of Clinical itself, and where there is none.
    """
    at, honest = list(thresholds), [one for one in signatures if one.role != Role.APPARENT and len(thresholds)]
    clinical = {_place(one): one for one in honest if one.model == Model.CLINICAL and not one.variant}
    tables = []
    for one in honest:
        given: dict[str, Any] = one.names | {"role": one.role, "threshold": at}
        given["treat_all"] = stats.treat_all(one.positive, at, target_prevalence)
        own = stats.net_benefit_limits(one.positive, one.probability, at, target_prevalence)
        given |= {"net_benefit": own.value, "lower": own.lower, "upper": own.upper}
        more = stats.net_benefit_limits(one.positive, one.probability, at, target_prevalence, less_treat_all=True)
        given |= _columns("less_treat_all", more)
        given |= _columns("less_clinical", _less_clinical(one, clinical.get(_place(one)), at, target_prevalence))
        given |= {"n": len(one.patients), "n_positive": int(one.positive.sum())}
        tables.append(pd.DataFrame(given))
    return pd.concat(tables, ignore_index=True)[list(NET_BENEFIT.names)] if tables else NET_BENEFIT.empty()


def _less_clinical(
    one: Evaluated, clinical: Evaluated | None, thresholds: list[float], target_prevalence: float | None
) -> Limits:
    """The difference to Clinical at every threshold."""
    undefined = np.full(len(thresholds), np.nan)
    if clinical is None or one is clinical:
        return Limits(undefined, undefined, undefined)
    first, second = on_the_same([one, clinical])
    if not first.two_classes:
        return Limits(undefined, undefined, undefined)
    other = pd.Series(second.probability, list(second.patients))[list(first.patients)].to_numpy()
    return stats.net_benefit_less(first.positive, first.probability, other, thresholds, target_prevalence)


def _place(one: Evaluated) -> tuple[str, str, str]:
    return one.target.name, one.protocol, one.side


def _columns(name: str, found: Limits) -> dict[str, np.ndarray]:
    return {name: found.value, f"{name}_lower": found.lower, f"{name}_upper": found.upper}
