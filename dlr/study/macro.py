"""Rows of metrics.csv that judge all binary targets of a model together: target `macro`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.randomness import rng
from dlr.study.cutoffs import Cutoffs
from dlr.study.measures import Evaluated, role_words
from dlr.tables import METRICS
from dlr.words import CHOSEN, MACRO, Estimate

__all__ = ["label_rows", "macro_rows", "together"]

NAN = float("nan")


def together(signatures: Sequence[Evaluated]) -> list[list[Evaluated]]:
    """The chosen signatures of two or more binary targets that one model gives on one side, in the given order."""
    found: dict[tuple[str, ...], list[Evaluated]] = {}
    for one in signatures:
        if one.target.binary and one.algorithm == CHOSEN:
            found.setdefault((one.model, one.variant, one.protocol, one.side, one.subset), []).append(one)
    return [targets for targets in found.values() if len(targets) > 1]


def label_rows(one: Evaluated) -> stats.LabelRows:
    """What a signature says of its target: out-of-fold a row a chain, else a row a patient."""
    if not one.cross_fitted:
        return stats.LabelRows(one.target.name, one.positive, one.probability, one.patients)
    truth, value, fold, seed, patients = one.rows_of_chains()
    return stats.LabelRows(one.target.name, truth, value, patients.astype(str), fold, seed)


def macro_rows(
    signatures: Sequence[Evaluated], cutoffs: Cutoffs, seed: int, replicates: int
) -> Iterator[dict[str, Any]]:
    """METRICS of target `macro`: the mean AUC, each target on its own patients; at the cut-offs the measures of labels,
    on patients for whom all of the targets are known.
    """
    for targets in together(signatures):
        first = targets[0]

        def row(metric: str, found: Estimate, first: Evaluated = first) -> dict[str, Any]:
            own = {
                **first.names,
                "role": first.role,
                "target": MACRO,
                "algorithm": CHOSEN,
                "subset": first.subset,
                "metric": metric,
            }
            numbers = {"value": found.value, "lower": found.lower, "upper": found.upper, "n": found.n}
            rest = {"n_positive": NAN, "cutoff": NAN, "method": role_words(first) + found.method}
            return {name: (own | numbers | rest)[name] for name in METRICS.names}

        generator = rng(seed, "bootstrap")
        area = stats.macro_auc([label_rows(one) for one in targets], generator=generator, replicates=replicates)
        yield row("auc", area)
        everybody = sorted(set.intersection(*(set(one.patients) for one in targets)))
        truth, value, at = (
            np.column_stack([pd.Series(given(one), list(one.patients))[everybody] for one in targets])
            for given in (lambda one: one.positive, lambda one: one.probability, cutoffs.of)
        )
        if not everybody or not np.isfinite(at).all():
            continue
        names = [one.target.name for one in targets]
        found = stats.labels_together(truth, value >= at, names, generator=generator, replicates=replicates)
        for metric, estimate in found.named():
            yield row(metric, replace(estimate, method=f"{estimate.method}; mean of {', '.join(names)}"))
