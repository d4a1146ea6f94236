"""One chain: what was learnt on one training part, from raw columns to a prediction, for each algorithm.

A prediction is a probability, or a per cent where the target is one: then Spearman's p takes the place of the t-test,
the LASSO is gaussian under every protocol, and regressors are judged by their mean absolute error.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from dlr.errors import InputError
from dlr.learn.classifiers import Rows
from dlr.learn.grid import (
    AREA,
    ERROR,
    LOG_LOSS,
    GridPoint,
    InnerFold,
    best_point,
    best_setting,
    bounded,
    recipes,
    score_grid,
)
from dlr.learn.lasso import LassoNumberSelector, LassoSelector
from dlr.learn.models import Constant, FittedModel, Linear
from dlr.learn.preparation import Preparation
from dlr.learn.rad_score import RadScore
from dlr.learn.selection import Columns, learn_columns
from dlr.learn.settings import LearnSettings
from dlr.protocols import folds_by_thirds, stratified_folds
from dlr.randomness import rng, seed_of
from dlr.stats.scaling import Scaling
from dlr.words import Protocol, TargetKind, logit

__all__ = ["Chain", "FittedChains", "fit_chains"]


@dataclass(frozen=True)
class Chain:
    """Raw columns of a new patient in, a prediction out: preparation, kept features and one fitted model."""

    algorithm: str
    parameters: dict[str, Any]  # the grid point
    preparation: Preparation  # of the kept features and what their imputation reads
    features: tuple[str, ...]
    model: FittedModel
    kind: TargetKind
    baseline: float  # of the training part: its prevalence, or the median of a per cent
    n: int  # training rows
    n_positive: int  # 0 of a per cent
    rad_score: RadScore | None  # with a LASSO only
    recalibration: Scaling | None = None  # of the model's logits, fitted on the inner folds' held-out rows

    @property
    def constant(self) -> bool:
        """No feature was kept: everybody gets the baseline."""
        return not self.features

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Probability of every row, or its per cent within 0 and 100, float64 (n,).

        Columns are found by name; InputError where one is absent.
        """
        with threadpool_limits(limits=1):
            value = bounded(self.kind, self.model.predict(self.preparation.subset(frame, self.features)))
        return value if self.recalibration is None else self.recalibration.probability(logit(value))

    def outside(self, frame: pd.DataFrame) -> pd.DataFrame:
        """bool, a column a kept feature: the patient's value lies outside the training range."""
        return self.preparation.outside(frame)[list(self.features)]


@dataclass(frozen=True)
class FittedChains:
    """All algorithms of one training part; `chosen` was chosen by the inner folds of that part alone."""

    chains: dict[str, Chain]
    chosen: str
    choices: pd.DataFrame  # algorithm, criterion, value, chosen, parameters: a row an algorithm
    grid: pd.DataFrame  # algorithm, parameters, median, mean, log_loss, fold_1, ...: a row a grid point
    selection: pd.DataFrame  # feature, step, statistic, p, kept, reason, coefficient
    lasso: LassoSelector | LassoNumberSelector | None
    lasso_features: tuple[str, ...]  # what the LASSO was given

    @property
    def best(self) -> Chain:
        return self.chains[self.chosen]

    @property
    def empty(self) -> bool:
        """Nothing survived the selection: every chain gives the baseline."""
        return self.best.constant


def fit_chains(
    frame: pd.DataFrame,
    outcome: np.ndarray | pd.Series,
    groups: Sequence[str] | np.ndarray | pd.Series | None,
    settings: LearnSettings,
    *,
    protocol: str,
    seed: int,
    select: bool = True,
    allowed: Collection[str] | None = None,
    kind: str = TargetKind.BINARY.value,
) -> FittedChains:
    """Fit every algorithm on one training part; nothing outside `frame` is looked at.

    frame : numeric columns, a row a case.  outcome : (n,) truth values, or per cents from 0 to 100.
    groups : patient of every row.  allowed : features that passed this part's stability filter.
    paper: gaussian LASSO, selection on all rows, grid on the selected columns, judged by the AUC. Otherwise: binomial
    LASSO, the grid scores the whole pipeline with preparation and selection inside every inner fold, `settings.judge`
    chooses, and logits are recalibrated on the held-out rows (`settings.recalibrate`).
    kind "per_cent": Spearman's p, gaussian LASSO and `settings.regressors` under either.
    The result depends on the rows, not on their order, nor on the order of columns.
    """
    what = TargetKind(kind)
    data, truth, patients = _canonical(frame, outcome, groups, what)
    if allowed is not None:
        data, outside = data.loc[:, [c for c in data.columns if c in allowed]], data.columns.difference(list(allowed))
    else:
        outside = data.columns[:0]
    paper = Protocol(protocol) is Protocol.PAPER
    judge, recalibrate = _judged(settings, what, paper)
    part = _Part(data, truth, patients, settings, what, "gaussian" if paper else "binomial", seed, select)
    with threadpool_limits(limits=1):
        columns = part.columns(np.ones(len(truth), dtype=bool), "lasso")
        inner = part.inner_folds(columns if paper else None)
        chains: dict[str, Chain] = {}
        settled: dict[str, GridPoint] = {}
        points: list[GridPoint] = []
        for algorithm in settings.fitted(what):
            own = seed_of(seed, "classifier", algorithm)
            scored = score_grid(algorithm, inner, settings.max_grid, settings.trees, own, what, recalibrate)
            points += scored
            settled[algorithm] = best_setting(scored, judge)
            chains[algorithm] = _chain(columns, truth, settled[algorithm], settings.trees, own)
    best = best_point([settled[name] for name in settings.learners(what)], judge)
    return FittedChains(
        chains=chains,
        chosen=best.algorithm,
        choices=_choices(settled, best, judge, len(inner)),
        grid=_grid(points),
        selection=columns.trace(settings, select, tuple(outside)),
        lasso=columns.lasso,
        lasso_features=columns.before_lasso,
    )


def _judged(settings: LearnSettings, kind: TargetKind, paper: bool) -> tuple[str, bool]:
    """What chooses, and whether logits are recalibrated: as published under paper, and of a per cent."""
    if kind is TargetKind.PER_CENT:
        return ERROR, False
    return AREA if paper or settings.judge == "auc" else LOG_LOSS, settings.recalibrate and not paper


def _canonical(
    frame: pd.DataFrame, outcome: Any, groups: Any, kind: TargetKind
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Columns in name order, rows in order of patient and case; InputError on what cannot be learnt from."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError("feature table", f"columns named twice: {', '.join(twice[:5])}", "rename or remove them")
    truth = np.asarray(outcome).astype(float)
    binary = kind is TargetKind.BINARY
    known = np.isin(truth, (0.0, 1.0)) if binary else (truth >= 0) & (truth <= 100)  # NaN is neither
    if len(truth) != len(frame) or not known.all():
        scale = "0 or 1" if binary else "per cents from 0 to 100"
        raise InputError(
            where="target of the training part",
            what=f"{len(frame)} rows of features, {len(truth)} labels, which must be {scale} and none missing",
            mend="leave patients without a label out before fitting",
        )
    cases = np.asarray(frame.index.astype(str))
    patients = cases if groups is None else np.asarray(groups).astype(str)
    order = np.lexsort((cases, patients))
    data = frame.set_axis(names, axis=1).iloc[order, np.argsort(np.array(names), kind="stable")]
    return data, truth[order] == 1 if binary else truth[order], patients[order]


@dataclass(frozen=True)
class _Part:
    """The rows of one training part, and how its columns are learnt from some of them."""

    data: pd.DataFrame
    truth: np.ndarray  # bool (n,), or per cents
    patients: np.ndarray
    settings: LearnSettings
    kind: TargetKind
    family: str  # of the LASSO
    seed: int
    select: bool

    def columns(self, rows: np.ndarray, *purpose: str | int) -> Columns:
        return learn_columns(
            self.data[rows], self.truth[rows], self.patients[rows], self.settings, kind=self.kind,
            family=self.family, seed=seed_of(self.seed, *purpose), select=self.select,
        )  # fmt: skip

    def inner_folds(self, given: Columns | None) -> list[InnerFold]:
        """The columns of every inner fold: of the whole part as published (`given`), or learnt inside the fold."""
        dealt = stratified_folds if self.kind is TargetKind.BINARY else folds_by_thirds
        fold = dealt(self.truth, self.patients, self.settings.inner_folds, rng(self.seed, "inner folds"))
        parts = []
        for number in range(int(fold.max()) + 1):
            inside, held_out = fold != number, fold == number
            if given is not None:
                train, test = given.values[inside], given.values[held_out]
            else:
                columns = self.columns(inside, "inner", number, "lasso")
                train, test = columns.values, columns.transform(self.data[held_out])
            parts.append(InnerFold(Rows(train, self.truth[inside]), test, self.truth[held_out]))
        return parts


def _chain(columns: Columns, truth: np.ndarray, point: GridPoint, trees: int, seed: int) -> Chain:
    """The best grid point, fitted on the whole training part."""
    binary = columns.kind is TargetKind.BINARY
    baseline = float(truth.mean() if binary else np.median(truth))
    recalibration = None
    if columns.features:
        recipe = recipes(columns.kind)[point.algorithm]
        (model,) = recipe.fit(Rows(columns.values, truth), [point.parameters], trees, seed)
        if point.scaling is not None and isinstance(model, Linear):
            model = model.scaled(point.scaling)
        else:
            recalibration = point.scaling
    else:
        model = Constant(baseline)
    return Chain(
        algorithm=point.algorithm,
        parameters=dict(point.parameters),
        preparation=columns.preparation.reduced(columns.features),
        features=columns.features,
        model=model,
        kind=columns.kind,
        baseline=baseline,
        n=len(truth),
        n_positive=int(truth.sum()) if binary else 0,
        rad_score=columns.rad_score(),
        recalibration=recalibration,
    )


def _choices(settled: dict[str, GridPoint], best: GridPoint, judge: str, folds: int) -> pd.DataFrame:
    """A row an algorithm: what judged its best point; of an error or a loss less is better."""
    criterion = f"{judge} of {folds} inner folds" if judge == LOG_LOSS else f"median {judge} of {folds} inner folds"
    rows = [
        (name, criterion, point.value(judge), point is best, json.dumps(point.parameters))
        for name, point in settled.items()
    ]
    return pd.DataFrame(rows, columns=["algorithm", "criterion", "value", "chosen", "parameters"])


def _grid(points: list[GridPoint]) -> pd.DataFrame:
    rows = [
        {
            "algorithm": point.algorithm,
            "parameters": json.dumps(point.parameters),
            "median": point.median,
            "mean": point.mean,
            "log_loss": point.loss,
            **{f"fold_{k + 1}": score for k, score in enumerate(point.scores)},
        }
        for point in points
    ]
    return pd.DataFrame(rows)
