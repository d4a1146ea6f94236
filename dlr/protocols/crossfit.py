"""Cross-fitting of anything with fit and predict: held-out probabilities, and the mean logit for everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from dlr.errors import InputError
from dlr.words import expit, logit

__all__ = ["CrossFit", "FittedFold", "cross_fit", "mean_logit"]


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
    probability = np.full(drawn.shape, np.nan)
    chains = []
    for seed in range(drawn.shape[1]):
        for fold in np.unique(drawn[:, seed]).tolist():
            held_out = drawn[:, seed] == fold
            model = clone(estimator, safe=False)
            model.fit(_rows(X, ~held_out), outcome[~held_out])
            probability[held_out, seed] = _probability(model, _rows(X, held_out))
            chains.append(FittedFold(seed, int(fold), model))
    return CrossFit(probability, tuple(chains))


def mean_logit(probability: np.ndarray) -> np.ndarray:
    """(n, chains) -> (n,): the rule of words.signature for arrays; of one chain its own value, unclipped."""
    probability = np.asarray(probability, dtype=float)
    if probability.shape[1] == 1:
        return probability[:, 0]
    return expit(logit(probability, clip=1e-12).mean(axis=1))


def _rows(X: Any, mask: np.ndarray) -> Any:
    return X.iloc[np.flatnonzero(mask)] if hasattr(X, "iloc") else np.asarray(X)[mask]


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
