"""Rows of metrics.csv that ask whether a signature knows the target or the cohort, and whether two sides differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.randomness import rng
from dlr.study.measures import Evaluated, metric_row, role_words
from dlr.words import CHOSEN, Estimate, Role, Side, stopped_on

__all__ = ["sides_apart", "within_cohorts"]


def within_cohorts(one: Evaluated, cohorts: pd.Series, least: int, seed: int, replicates: int) -> list[dict[str, Any]]:
    """`auc_within_cohorts` and `auc_pairs_within_cohorts`; nothing where its patients are of fewer than two cohorts.

    cohorts : by patient_id, of those that have one.  least : patients of each class that a cohort needs in the mean.
    """
    own = one.of(set(cohorts.index), one.subset)
    if not own.two_classes or cohorts[list(own.patients)].nunique() < 2:
        return []
    drawing: dict[str, Any] = {
        "least": least,
        "generator": rng(seed, "bootstrap", *one.names.values(), "within cohorts"),
        "replicates": replicates,
    }
    if own.role == Role.OUT_OF_FOLD:
        rows = own.chains
        positive = pd.Series(own.positive, index=list(own.patients)).loc[rows["patient_id"]].to_numpy()
        value, fold, drawn, patients = (rows[name].to_numpy() for name in ("value", "fold", "seed", "patient_id"))
        group = cohorts[patients].to_numpy()
        found = stats.auc_within_groups(positive, value, group, fold, drawn, patients=patients, **drawing)
    else:
        group = cohorts[list(own.patients)].to_numpy()
        found = stats.auc_within_groups(own.positive, own.probability, group, **drawing)
    named = {"auc_within_cohorts": found.mean, "auc_pairs_within_cohorts": found.pairs}
    return [
        metric_row(one, name, estimate)
        | {"n_positive": estimate.n_positive, "method": role_words(one) + estimate.method}
        for name, estimate in named.items()
    ]


def sides_apart(signatures: Sequence[Evaluated]) -> list[dict[str, Any]]:
    """`auc_validation_less_test` and its p, on side test: DeLong's test of different patients, each side held out."""
    held_out = {
        tuple(one.names.values()): one
        for one in signatures
        if one.algorithm == CHOSEN and one.role == Role.HELD_OUT and one.two_classes
    }
    rows = []
    for (*named, side), test in held_out.items():
        validation = held_out.get((*named, Side.VALIDATION.value))
        if side != Side.TEST or validation is None:
            continue
        found = stats.delong_unpaired(validation.positive, validation.probability, test.positive, test.probability)
        stopped = stopped_on(validation.model, validation.protocol, validation.side)
        method = found.method + ("; the validation side chose the network's epoch" if stopped else "")
        n, positive = (
            len(validation.patients) + len(test.patients),
            int(validation.positive.sum() + test.positive.sum()),
        )
        difference = Estimate(found.difference, found.lower, found.upper, n, positive, method)
        p = Estimate(found.p, np.nan, np.nan, n, positive, method)
        for name, estimate in (("auc_validation_less_test", difference), ("auc_validation_less_test_p", p)):
            rows.append(metric_row(test, name, estimate) | {"n_positive": positive})
    return rows
