"""One chain: what was learnt on one training part, from raw columns to a probability, for each algorithm."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from dlr.errors import InputError
from dlr.learn.classifiers import RECIPES
from dlr.learn.grid import GridPoint, InnerFold, best_point, score_grid
from dlr.learn.lasso import LassoSelector
from dlr.learn.models import Constant, FittedModel, model_from_estimator
from dlr.learn.preparation import Preparation
from dlr.learn.rad_score import RadScore
from dlr.learn.selection import Columns, learn_columns
from dlr.learn.settings import LearnSettings
from dlr.protocols import stratified_folds
from dlr.randomness import rng, seed_of
from dlr.words import Protocol

__all__ = ["Chain", "FittedChains", "fit_chains"]


@dataclass(frozen=True)
class Chain:
    """Raw columns of a new patient in, a probability out: preparation, kept features and one classifier."""

    algorithm: str
    parameters: dict[str, Any]  # the grid point
    preparation: Preparation  # of the kept features and what their imputation reads
    features: tuple[str, ...]
    model: FittedModel
    prevalence: float  # of the training part
    n: int  # training rows
    n_positive: int
    rad_score: RadScore | None

    @property
    def constant(self) -> bool:
        """No feature was kept: everybody gets the training prevalence."""
        return not self.features

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Probability of every row, float64 (n,); columns are found by name, InputError where one is absent."""
        with threadpool_limits(limits=1):
            return self.model.probability(self.preparation.subset(frame, self.features))

    def outside(self, frame: pd.DataFrame) -> pd.DataFrame:
        """bool, a column a kept feature: the patient's value lies outside the training range."""
        return self.preparation.outside(frame)[list(self.features)]


@dataclass(frozen=True)
class FittedChains:
    """All algorithms of one training part; `chosen` was chosen by the inner folds of that part alone."""

    chains: dict[str, Chain]
    chosen: str
    choices: pd.DataFrame  # algorithm, criterion, value, chosen, parameters: a row an algorithm
    grid: pd.DataFrame  # algorithm, parameters, median, mean, fold_1, ...: a row a grid point
    selection: pd.DataFrame  # feature, step, statistic, p, kept, reason, coefficient
    lasso: LassoSelector | None
    lasso_features: tuple[str, ...]  # what the LASSO was given

    @property
    def best(self) -> Chain:
        return self.chains[self.chosen]

    @property
    def empty(self) -> bool:
        """Nothing survived the selection: every chain gives the training prevalence."""
        return self.best.constant


def fit_chains(
    frame: pd.DataFrame,
    positive: np.ndarray | pd.Series,
    groups: Sequence[str] | np.ndarray | pd.Series | None,
    settings: LearnSettings,
    *,
    protocol: str,
    seed: int,
    select: bool = True,
    allowed: Collection[str] | None = None,
) -> FittedChains:
    """Fit every algorithm on one training part; nothing outside `frame` is looked at.

    frame : numeric columns, a row a case.  positive : (n,) truth values.  groups : patient of every row.
    allowed : features that passed this part's stability filter.
    paper: gaussian LASSO, selection on all rows, grid on the selected columns. Otherwise: binomial LASSO, and the
    grid scores the whole pipeline with preparation and selection inside every inner fold.
    The result depends on the rows, not on their order, nor on the order of columns.
    """
    data, truth, patients = _canonical(frame, positive, groups)
    if allowed is not None:
        data, outside = data.loc[:, [c for c in data.columns if c in allowed]], data.columns.difference(list(allowed))
    else:
        outside = data.columns[:0]
    paper = Protocol(protocol) is Protocol.PAPER
    family = "gaussian" if paper else "binomial"
    with threadpool_limits(limits=1):
        fold = stratified_folds(truth, patients, settings.inner_folds, rng(seed, "inner folds"))
        columns = learn_columns(
            data, truth, patients, settings, family=family, seed=seed_of(seed, "lasso"), select=select
        )
        inner = _inner_folds(data, truth, patients, settings, fold, columns if paper else None, seed, select)
        chains: dict[str, Chain] = {}
        points: list[GridPoint] = []
        for algorithm in settings.algorithms:
            own = seed_of(seed, "classifier", algorithm)
            scored = score_grid(algorithm, inner, settings.max_grid, settings.trees, own)
            points += scored
            chains[algorithm] = _chain(columns, truth, best_point(scored), settings.trees, own)
    best = best_point([best_point([q for q in points if q.algorithm == name]) for name in settings.algorithms])
    return FittedChains(
        chains=chains,
        chosen=best.algorithm,
        choices=_choices(chains, points, best, len(inner)),
        grid=_grid(points),
        selection=columns.trace(settings, select, tuple(outside)),
        lasso=columns.lasso,
        lasso_features=columns.before_lasso,
    )


def _canonical(frame: pd.DataFrame, positive: Any, groups: Any) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Columns in name order, rows in order of patient and case; InputError on what cannot be learnt from."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError("feature table", f"columns named twice: {', '.join(twice[:5])}", "rename or remove them")
    truth = np.asarray(positive).astype(float)
    if len(truth) != len(frame) or not np.isin(truth, (0.0, 1.0)).all():
        raise InputError(
            where="target of the training part",
            what=f"{len(frame)} rows of features, {len(truth)} labels, which must be 0 or 1 and none missing",
            mend="leave patients without a label out before fitting",
        )
    cases = np.asarray(frame.index.astype(str))
    patients = cases if groups is None else np.asarray(groups).astype(str)
    order = np.lexsort((cases, patients))
    data = frame.set_axis(names, axis=1).iloc[order, np.argsort(np.array(names), kind="stable")]
    return data, truth[order] == 1, patients[order]


def _inner_folds(
    data: pd.DataFrame,
    truth: np.ndarray,
    patients: np.ndarray,
    settings: LearnSettings,
    fold: np.ndarray,
    given: Columns | None,
    seed: int,
    select: bool,
) -> list[InnerFold]:
    """The columns of every inner fold: of the whole part as published (`given`), or learnt inside the fold."""
    parts = []
    for number in range(int(fold.max()) + 1):
        inside, held_out = fold != number, fold == number
        if given is not None:
            train, test = given.values[inside], given.values[held_out]
        else:
            columns = learn_columns(
                data[inside], truth[inside], patients[inside], settings,
                family="binomial", seed=seed_of(seed, "inner", number, "lasso"), select=select,
            )  # fmt: skip
            train, test = columns.values, columns.transform(data[held_out])
        parts.append(InnerFold(train, truth[inside], test, truth[held_out]))
    return parts


def _chain(columns: Columns, truth: np.ndarray, point: GridPoint, trees: int, seed: int) -> Chain:
    """The best grid point, fitted on the whole training part."""
    prevalence = float(truth.mean())
    if columns.features:
        estimator = RECIPES[point.algorithm].make(point.parameters, trees, seed)
        model = model_from_estimator(point.algorithm, estimator.fit(columns.values, truth.astype(np.int64)))
    else:
        model = Constant(prevalence)
    return Chain(
        algorithm=point.algorithm,
        parameters=dict(point.parameters),
        preparation=columns.preparation.reduced(columns.features),
        features=columns.features,
        model=model,
        prevalence=prevalence,
        n=len(truth),
        n_positive=int(truth.sum()),
        rad_score=columns.rad_score(),
    )


def _choices(chains: dict[str, Chain], points: list[GridPoint], best: GridPoint, folds: int) -> pd.DataFrame:
    rows = []
    for name, chain in chains.items():
        point = best_point([q for q in points if q.algorithm == name])
        criterion = f"median AUC of {folds} inner folds"
        rows.append((name, criterion, point.median, name == best.algorithm, json.dumps(chain.parameters)))
    return pd.DataFrame(rows, columns=["algorithm", "criterion", "value", "chosen", "parameters"])


def _grid(points: list[GridPoint]) -> pd.DataFrame:
    rows = [
        {
            "algorithm": point.algorithm,
            "parameters": json.dumps(point.parameters),
            "median": point.median,
            "mean": point.mean,
            **{f"fold_{k + 1}": score for k, score in enumerate(point.scores)},
        }
        for point in points
    ]
    return pd.DataFrame(rows)
