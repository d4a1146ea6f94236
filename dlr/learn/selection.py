"""What is learnt about columns on one training part: preparation, one test a column, greedy deletion, LASSO; and its
trace. The test is a t-test of two classes, Spearman's of a per cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.learn.correlation import absolute_correlation, greedy_deletion
from dlr.learn.lasso import LassoNumberSelector, LassoSelector
from dlr.learn.preparation import Preparation, fit_preparation
from dlr.learn.rad_score import RadScore
from dlr.learn.settings import LearnSettings
from dlr.learn.univariable import rank_correlations, two_class_tests
from dlr.words import TargetKind

__all__ = ["TRACE_COLUMNS", "Columns", "learn_columns", "selection_frequency"]

TEST_STEP = {TargetKind.BINARY: "t_test", TargetKind.PER_CENT: "spearman"}
TRACE_COLUMNS = ("feature", "step", "statistic", "p", "kept", "reason", "coefficient")


@dataclass(frozen=True)
class Columns:
    """The columns that a model of this training part may use, and how they were found."""

    preparation: Preparation  # of all columns that were prepared
    features: tuple[str, ...]  # kept ones, in name order
    values: np.ndarray  # (n, kept) standardised training values
    left: tuple[tuple[str, str, str], ...]  # column, step, reason: before any look at the outcome
    kind: TargetKind
    statistic: np.ndarray  # of the test of each column, (prepared,)
    p: np.ndarray
    tested: np.ndarray  # bool (prepared,): p below the level
    uncorrelated: np.ndarray  # bool (prepared,): kept by greedy deletion
    partner: np.ndarray  # int (prepared,): the other of the deleted pair, else -1
    lasso: LassoSelector | LassoNumberSelector | None  # of the uncorrelated columns; None where none were left

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Standardised values of the kept features for other patients."""
        return self.preparation.reduced(self.features).subset(frame, self.features)

    @property
    def before_lasso(self) -> tuple[str, ...]:
        """The features that the LASSO was given."""
        return tuple(np.array(self.preparation.columns, dtype=object)[self.uncorrelated])

    def rad_score(self) -> RadScore | None:
        """The LASSO's linear predictor on the kept features as they are measured; None without a LASSO or of logs."""
        if self.lasso is None or self.preparation.log:
            return None
        place = [self.preparation.columns.index(name) for name in self.features]
        return RadScore(
            family=self.lasso.family,
            intercept=self.lasso.intercept_,
            features=self.features,
            coefficient=self.lasso.coef_[self.lasso.coef_ != 0],
            mean=self.preparation.mean[place],
            deviation=self.preparation.deviation[place],
        )

    def trace(self, settings: LearnSettings, select: bool, unstable: Sequence[str] = ()) -> pd.DataFrame:
        """A row a feature and step that it reached; `unstable` ones left before everything else."""
        names = self.preparation.columns
        left = [*((name, "stability", "below the chosen ICC") for name in unstable), *self.left]
        rows: list[tuple[object, ...]] = [
            (name, step, np.nan, np.nan, False, reason, np.nan) for name, step, reason in left
        ]
        if not select:
            rows += [(name, "prepared", np.nan, np.nan, True, "", np.nan) for name in names]
            return _trace(rows)
        level = f"p not below {settings.p:g}"
        for j, name in enumerate(names):
            kept = bool(self.tested[j])
            rows.append((name, TEST_STEP[self.kind], self.statistic[j], self.p[j], kept, "" if kept else level, np.nan))
        for j in np.flatnonzero(self.tested).tolist():
            kept = bool(self.uncorrelated[j])
            reason = "" if kept else f"|r| above {settings.correlation:g} with {names[self.partner[j]]}"
            rows.append((names[j], "correlation", np.nan, np.nan, kept, reason, np.nan))
        if self.lasso is not None:
            for coefficient, j in zip(self.lasso.coef_, np.flatnonzero(self.uncorrelated).tolist(), strict=True):
                kept = bool(coefficient != 0)
                reason = "" if kept else f"coefficient 0 at lambda {self.lasso.lambda_:.4g}"
                rows.append((names[j], "lasso", np.nan, np.nan, kept, reason, coefficient))
        return _trace(rows)


def learn_columns(
    frame: pd.DataFrame,
    outcome: np.ndarray,
    groups: np.ndarray,
    settings: LearnSettings,
    *,
    kind: TargetKind,
    family: str,
    seed: int,
    select: bool,
) -> Columns:
    """Prepare the columns of one training part and, with `select`, choose among them (FIELD: t-test, |r|, LASSO).

    outcome : bool (n,), or per cents float64 (n,).  family : of the LASSO of two classes; a per cent has "gaussian".
    """
    preparation, values, left = fit_preparation(frame, settings.impute, settings.max_missing, settings.log)
    p = len(preparation.columns)
    statistic, pvalue = np.full(p, np.nan), np.full(p, np.nan)
    tested, partner = np.ones(p, dtype=bool), np.full(p, -1)
    lasso: LassoSelector | LassoNumberSelector | None = None
    kept = uncorrelated = tested
    if select:
        if kind is TargetKind.BINARY:
            statistic, pvalue = two_class_tests(values, outcome, settings.t_test)
        else:
            statistic, pvalue = rank_correlations(values, outcome)
        tested = pvalue < settings.p
        uncorrelated, kept = np.zeros(p, dtype=bool), np.zeros(p, dtype=bool)
        place = np.flatnonzero(tested)
        stays, with_whom = greedy_deletion(absolute_correlation(values[:, place]), settings.correlation)
        uncorrelated[place] = stays
        partner[place] = np.where(with_whom >= 0, place[with_whom], -1)
        if uncorrelated.any() and _enough_for_folds(outcome, groups, kind):
            if kind is TargetKind.BINARY:
                lasso = LassoSelector(family, settings.lasso_rule, settings.lasso_folds, seed)
            else:
                lasso = LassoNumberSelector(settings.lasso_rule, settings.lasso_folds, seed)
            lasso.fit(values[:, uncorrelated], outcome, groups)
            kept[np.flatnonzero(uncorrelated)[lasso.coef_ != 0]] = True
    features = tuple(name for name, keep in zip(preparation.columns, kept, strict=True) if keep)
    return Columns(
        preparation, features, np.ascontiguousarray(values[:, kept]), tuple(left),
        kind, statistic, pvalue, tested, uncorrelated, partner, lasso,
    )  # fmt: skip


def _enough_for_folds(outcome: np.ndarray, groups: np.ndarray, kind: TargetKind) -> bool:
    """The LASSO's folds need two patients of each class, or six with a per cent."""
    if kind is TargetKind.PER_CENT:
        return len(np.unique(groups)) >= 6
    return min(len(np.unique(groups[outcome == truth])) for truth in (True, False)) >= 2


def selection_frequency(selection: pd.DataFrame) -> pd.DataFrame:
    """How often each feature survived all steps, by target and model, most often first.

    selection : TRACE_COLUMNS and what tells fits apart (any of target, model, protocol, seed, fold).
    Returns target and model where given, feature, kept, of (the fits of this target and model), frequency,
    mean_coefficient: over the fits that kept the feature (LASSO, standardised columns).
    """
    of_whom = [name for name in ("target", "model") if name in selection.columns]
    one_fit = [*of_whom, *(name for name in ("protocol", "seed", "fold") if name in selection.columns)]
    fits = selection[one_fit].drop_duplicates() if one_fit else pd.DataFrame(index=[0])
    last = selection[selection["step"].isin(("lasso", "prepared")) & selection["kept"].astype(bool)]
    counted = last.groupby([*of_whom, "feature"], sort=True)
    table = counted.agg(kept=("kept", "size"), mean_coefficient=("coefficient", "mean")).reset_index()
    if of_whom:
        table = table.merge(fits.groupby(of_whom).size().rename("of").reset_index(), on=of_whom, how="left")
    else:
        table["of"] = len(fits)
    table["frequency"] = table["kept"] / table["of"]
    order = [*of_whom, "kept", "feature"]
    table = table.sort_values(order, ascending=[name != "kept" for name in order], kind="stable", ignore_index=True)
    return table[[*of_whom, "feature", "kept", "of", "frequency", "mean_coefficient"]]


def _trace(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(TRACE_COLUMNS))
    types = {"feature": str, "step": str, "reason": str, "kept": bool}
    return table.astype({**types, "statistic": float, "p": float, "coefficient": float})
