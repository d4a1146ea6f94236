"""Table 1, odds ratios and sample size: what is described of a cohort's clinical columns, target by target."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr import stats
from dlr.cohort import Column
from dlr.engine import Run
from dlr.errors import InputError
from dlr.learn import LearnSettings, fill_value, filled_column
from dlr.randomness import seed_of
from dlr.stats import LogisticFit
from dlr.study.cohort import CohortTables, binary_words, categories, clinical_values
from dlr.tables import (
    IMPUTED_ODDS,
    MULTIVARIABLE,
    SAMPLE_SIZE,
    STEPWISE,
    TABLE1_OUTCOME,
    TABLE1_SIDE,
    UNIVARIABLE,
    VIF,
    Table,
)
from dlr.words import Side, Target

__all__ = ["write_odds_ratios", "write_table_one"]

FitModel = Callable[..., LogisticFit]  # stats.logistic or stats.stepwise


def write_table_one(run: Run, tables: CohortTables) -> None:
    """Table 1 by side, and by outcome within each side."""
    patients = tables.patients.copy()
    for column in tables.columns:
        if column.kind == "binary":
            patients[column.name] = patients[column.name].map(dict(zip((0.0, 1.0), binary_words(column), strict=True)))
    settings = run.settings.clinical
    shown = [table_column(column, settings.medians, settings.yates) for column in tables.columns]

    def compared(rows: pd.DataFrame, group: pd.Series, groups: tuple[str, str]) -> pd.DataFrame:
        return stats.table1(rows, group, groups, shown)

    by_side = []
    for side in (Side.TEST, Side.EXTERNAL):
        if (patients["side"] == side).sum() >= 2:
            groups = (Side.TRAIN.value, side.value)
            by_side.append(compared(patients, patients["side"], groups).assign(side=f"train against {side}"))
    if by_side:
        TABLE1_SIDE.write(run.folder, pd.concat(by_side, ignore_index=True))
    by_outcome = []
    for target in tables.targets:
        high, groups = _halves(tables, target)
        for side in Side:
            rows = patients[(patients["side"] == side) & patients.index.isin(high.index)]
            own = high.loc[rows.index]
            if min(own.sum(), (~own).sum()) >= 2:
                group = own.map({True: groups[0], False: groups[1]})
                by_outcome.append(compared(rows, group, groups).assign(side=side.value, target=target.name))
    if by_outcome:
        TABLE1_OUTCOME.write(run.folder, pd.concat(by_outcome, ignore_index=True))


def _halves(tables: CohortTables, target: Target) -> tuple[pd.Series, tuple[str, str]]:
    """Which patients are positive, or above the training median of a per cent target; and what the two are called."""
    truth = tables.labels(target)
    if target.binary:
        return truth == 1, (f"{target.name} positive", f"{target.name} negative")
    median = truth[truth.index.isin(tables.ids(Side.TRAIN))].median()
    return truth > median, (f"{target.name} above {median:g} %", f"{target.name} up to {median:g} %")


def table_column(column: Column, medians: Collection[str], yates: bool) -> stats.TableColumn:
    """How Table 1 shows and tests a clinical column."""
    if column.kind == "numeric":
        return stats.TableColumn(column.name, "median" if column.name in medians else "mean", column.title)
    levels = binary_words(column) if column.kind == "binary" else column.levels
    return stats.TableColumn(column.name, "count", column.title, yates=yates, levels=levels)


def write_odds_ratios(run: Run, tables: CohortTables) -> None:
    """Univariable, multivariable and stepwise odds ratios on complete training rows; VIF; sample size.

    Of the binary targets: a per cent has no odds. An ordered column enters as a score, and by itself also level by
    level. Where complete cases lose patients the multivariable model stands a second time, with gaps filled.
    """
    found: dict[Table, list[pd.DataFrame]] = {}

    def keep(table: Table, rows: pd.DataFrame) -> None:
        found.setdefault(table, []).append(rows)

    bent = [name for name in run.settings.clinical.splines if name in {c.name for c in tables.columns}]
    for name in run.settings.clinical.splines:
        if name not in bent:
            run.warn(f"clinical.splines: the study has no clinical column {name}")
    for target in tables.binary_targets:
        truth, name = tables.labels(target), target.name
        ids = [patient for patient in tables.ids(Side.TRAIN) if patient in truth.index]
        frame, truth = clinical_values(tables, tables.columns).loc[ids], truth.loc[ids]
        odds = _Odds(run, name, truth, bent)
        singly = {column: odds.table(stats.logistic, frame[[column]], column) for column in frame.columns}
        for column in tables.columns:
            keep(UNIVARIABLE, singly[column.name])
            if column.kind == "ordered" and frame[column.name].nunique() > 2:
                levels = categories(tables, column).loc[ids].to_frame()
                keep(UNIVARIABLE, odds.table(stats.logistic, levels, f"{column.name}, by level"))
        entered = [column for column, rows in singly.items() if (rows["p"] < run.settings.clinical.enter).any()]
        if entered:
            keep(MULTIVARIABLE, odds.table(stats.logistic, frame[entered], "multivariable"))
            if frame[entered].isna().any(axis=None):
                keep(IMPUTED_ODDS, odds.imputed(frame, entered))
        if len(entered) > 1:
            complete = frame[entered].dropna()
            keep(VIF, _inflation(odds, complete).assign(target=name))
        keep(STEPWISE, odds.table(stats.stepwise, frame, "stepwise"))
        keep(SAMPLE_SIZE, _sample_size(frame, truth, name, bent))
    for table, parts in found.items():
        rows = [part for part in parts if len(part)]
        if rows:
            table.write(run.folder, pd.concat(rows, ignore_index=True))


@dataclass(frozen=True)
class _Odds:
    """Odds ratios of one target on the training side; a model that cannot be fitted is named, not raised."""

    run: Run
    target: str
    truth: pd.Series
    splines: list[str]

    def fit(self, fit_model: FitModel, frame: pd.DataFrame) -> LogisticFit:
        splines = [name for name in self.splines if name in frame.columns]
        return fit_model(frame, self.truth.loc[frame.index], splines=splines)

    def table(self, fit_model: FitModel, frame: pd.DataFrame, model: str) -> pd.DataFrame:
        """The odds ratios of one model on its complete rows."""
        rows, where = frame.dropna(), f"odds ratios of {self.target}, {model}"
        try:
            fit = self.fit(fit_model, rows)
        except InputError as error:
            self.run.warn(f"{where}: {error.problems[0].what}")
            return UNIVARIABLE.empty()
        if fit.separated:
            names = ", ".join(fit.separated)
            self.run.warn(f"{where}: {names} separates the classes; Firth's penalty is used")
        for note in fit.notes:
            self.run.warn(f"{where}: {note}")
        return self._rows(stats.effects(fit, rows), model, fit, fit.method)

    def imputed(self, frame: pd.DataFrame, entered: list[str]) -> pd.DataFrame:
        """The multivariable model on all patients, gaps filled as learn.impute says (IMPUTED_ODDS).

        frame : all clinical columns, which the filling reads.
        """
        learn = self.run.settings.learn
        model = f"multivariable, {learn.impute} imputation"
        try:
            filled = _filled(frame, self.truth, learn, seed_of(self.run.seed, "imputation", self.target))
            fits = [self.fit(stats.logistic, copy[entered]) for copy in filled]
        except InputError as error:
            self.run.warn(f"odds ratios of {self.target}, {model}: {error.problems[0].what}")
            return IMPUTED_ODDS.empty()
        tables = [stats.effects(fit, frame[entered]) for fit in fits]
        if len(fits) == 1:
            rows = self._rows(tables[0], model, fits[0], f"{fits[0].method}, as if filled values were known")
            return rows.assign(fraction_missing=np.nan, copies=1)
        # each copy has knots of its own: its bend is another column than the others'
        tables = [table[~table.index.str.endswith(", bend")] for table in tables]
        pooled = stats.pool_effects(tables, fits[0].n - len(fits[0].terms))
        method = f"{fits[0].method}, Rubin's rules over {len(fits)} imputations"
        if any(name in self.splines for name in entered):
            method += "; of a spline the p of the two values named"
        rows = self._rows(pooled, model, fits[0], method)
        return rows.assign(fraction_missing=pooled["fraction_missing"].to_numpy(), copies=len(fits))

    def _rows(self, effects: pd.DataFrame, model: str, fit: LogisticFit, method: str) -> pd.DataFrame:
        names = {"or_lower": "lower", "or_upper": "upper"}
        table = effects[list(stats.EFFECT_COLUMNS)].rename(columns=names).reset_index()
        named = {"target": self.target, "model": model, "method": method, "n": fit.n, "n_positive": fit.n_positive}
        return table.assign(**named)[list(UNIVARIABLE.names)]


def _filled(frame: pd.DataFrame, truth: pd.Series, learn: LearnSettings, seed: int) -> list[pd.DataFrame]:
    """One copy of the table with its gaps filled, or several draws."""
    if learn.impute == "median":
        return [frame.assign(**{name: filled_column(frame[name], fill_value(frame[name])) for name in frame.columns})]
    drawn = learn.impute == "multiple"
    return stats.imputed_copies(frame, truth, learn.imputations if drawn else 1, seed, drawn=drawn)


def _inflation(odds: _Odds, complete: pd.DataFrame) -> pd.DataFrame:
    return stats.vif(odds.fit(stats.logistic, complete)).rename_axis("term").reset_index()


def _sample_size(frame: pd.DataFrame, truth: pd.Series, target: str, splines: list[str]) -> pd.DataFrame:
    """Events per candidate parameter and Riley's criterion for this training side."""

    def price(name: str) -> int:
        factor = isinstance(frame[name].dtype, pd.CategoricalDtype)
        return max(frame[name].nunique() - 1, 1) if factor else 1 + (name in splines)

    parameters = sum(price(name) for name in frame)
    offered = "clinical columns offered, before any choice" + ("; a spline takes two" if splines else "")
    events, n = int(truth.sum()), len(truth)
    needed = stats.riley_sample_size(parameters, events / n)
    carried = stats.maximum_parameters(n, events / n)
    rows = [
        ("patients", n, "training side with a known target"),
        ("events", events, "patients with the outcome"),
        ("candidate_parameters", parameters, offered),
        ("events_per_parameter", stats.events_per_variable(events, n - events, parameters), "rarer class a parameter"),
        ("riley_minimum_n", needed.n, "patients these candidates need (Nagelkerke R² 0.15)"),
        ("riley_maximum_parameters", carried, "parameters this training side carries (Nagelkerke R² 0.15)"),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "explanation"]).assign(target=target)
