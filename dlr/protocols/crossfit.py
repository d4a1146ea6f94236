"""Cross-fitting of anything with fit and predict: held-out probabilities, and the mean logit for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from dlr.errors import InputError
from dlr.protocols.parts import Part
from dlr.words import Protocol, expit, logit

__all__ = ["CrossFit", "FittedFold", "cross_fit", "held_out_values", "mean_logit"]


@dataclass(frozen=True)
class FittedFold:
    """One chain: fitted on all rows but those of `fold` in the drawing `seed`."""

    seed: int
    fold: int
    model: Any


@dataclass(frozen=True)
class CrossFit:
    """K x S fitted chains and what they say of the rows that they never saw."""

    probability: np.ndarray  # (n, S): by the chain that held the row out
    chains: tuple[FittedFold, ...]

    @property
    def signature(self) -> np.ndarray:
        """Out-of-fold probability (n,): the mean logit over the S drawings."""
        return mean_logit(self.probability)

    def predict(self, X: Any) -> np.ndarray:
        """Probability (m,) of new rows: the mean logit over all K x S chains."""
        return mean_logit(np.column_stack([_probability(chain.model, X) for chain in self.chains]))


def cross_fit(estimator: Any, X: Any, y: Any, folds: Any, *, groups: Any = None) -> CrossFit:
    """Fit a copy of `estimator` for every seed and fold on the other folds' rows, and predict the fold's.

    estimator : fit(X, y) and predict_proba (second column) or predict (a probability).  X : array or table, n rows.
    folds : int (n,) or (n, S), a column a drawing.  groups : patient of every row; one in two folds is refused.
    """
    drawn = np.asarray(folds)
    drawn = drawn[:, None] if drawn.ndim == 1 else drawn
    outcome = np.asarray(y)
    if len(drawn) != len(outcome):
        raise InputError("cross_fit", f"{len(drawn)} rows of folds and {len(outcome)} of y", "give one fold a row")
    if groups is not None:
        _whole_groups(drawn, np.asarray(groups))
    rows = np.array([f"{row}" for row in range(len(outcome))], dtype=object)
    parts = []
    for seed in range(drawn.shape[1]):
        for fold in np.unique(drawn[:, seed]).tolist():
            out = drawn[:, seed] == fold
            parts.append(Part(Protocol.CROSSFIT, seed, -1, int(fold), tuple(rows[~out]), tuple(rows[out])))

    def places(patients: tuple[str, ...]) -> np.ndarray:
        return np.array([int(row) for row in patients])

    models, said = [], []
    for part in parts:
        inside, out = places(part.train), places(part.predict)
        model = clone(estimator, safe=False)
        model.fit(_rows(X, inside), outcome[inside])
        models.append(model)
        said.append(pd.Series(_probability(model, _rows(X, out)), part.predict))
    values = held_out_values(parts, said)
    probability = np.full(drawn.shape, np.nan)
    probability[values["patient_id"].astype(int), values["seed"]] = values["value"]
    return CrossFit(probability, tuple(FittedFold(p.seed, p.fold, m) for p, m in zip(parts, models, strict=True)))


def held_out_values(parts: Sequence[Part], values: Sequence[pd.Series]) -> pd.DataFrame:
    """What each part's chain says of the patients that the part predicts, a row a chain and patient.

    values : of every part, indexed by patient_id; patients without data may be absent.
    Returns patient_id, protocol, seed, fold, value. A value of a patient that the chain was fitted on (outside `paper`,
    where the published way asks for it) or was not asked about is a fault and stops here.
    """
    tables = []
    for part, value in zip(parts, values, strict=True):
        seen = set(value.index)
        assert seen <= set(part.predict), f"{part.name} says something of patients that it does not predict"
        assert part.protocol == Protocol.PAPER or not seen & set(part.train), f"{part.name} predicts its own patients"
        tables.append(
            pd.DataFrame(
                {
                    "patient_id": np.asarray(value.index, dtype=object), "protocol": str(part.protocol),
                    "seed": part.seed, "fold": part.stored_fold, "value": value.to_numpy(dtype=float),
                }
            )
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def mean_logit(probability: np.ndarray) -> np.ndarray:
    """(n, chains) -> (n,): the rule of words.signature for arrays; of one chain its own value, unclipped."""
    probability = np.asarray(probability, dtype=float)
    if probability.shape[1] == 1:
        return probability[:, 0]
    return expit(logit(probability, clip=1e-12).mean(axis=1))


def _rows(X: Any, places: np.ndarray) -> Any:
    return X.iloc[places] if hasattr(X, "iloc") else np.asarray(X)[places]


def _probability(model: Any, X: Any) -> np.ndarray:
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X), dtype=float)[:, 1]
    return np.asarray(model.predict(X), dtype=float)


def _whole_groups(drawn: np.ndarray, groups: np.ndarray) -> None:
    """InputError where a patient's rows lie in two folds of one drawing."""
    order = np.argsort(groups, kind="stable")
    same = groups[order][1:] == groups[order][:-1]
    torn = same[:, None] & (drawn[order][1:] != drawn[order][:-1])
    if torn.any():
        patients = sorted({str(p) for p in groups[order][1:][torn.any(axis=1)]})
        raise InputError(
            where="cross_fit",
            what=f"rows of one patient lie in two folds: {', '.join(patients[:5])}",
            mend="draw folds by patient (dlr.protocols.stratified_folds with groups)",
        )
