"""Table 1, odds ratios and sample size: what is described of a cohort's clinical columns, target by target."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pandas as pd

from dlr import stats
from dlr.cohort import Column
from dlr.engine import Run
from dlr.errors import InputError
from dlr.stats import LogisticFit
from dlr.study.cohort import CohortTables, binary_words, clinical_values
from dlr.tables import MULTIVARIABLE, SAMPLE_SIZE, STEPWISE, TABLE1_OUTCOME, TABLE1_SIDE, UNIVARIABLE, VIF, Table
from dlr.words import Side, Target

__all__ = ["write_odds_ratios", "write_table_one"]


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

    Of the binary targets: a per cent has no odds.
    """
    found: dict[Table, list[pd.DataFrame]] = {}

    def keep(table: Table, rows: pd.DataFrame) -> None:
        found.setdefault(table, []).append(rows)

    for target in tables.binary_targets:
        truth, name = tables.labels(target), target.name
        ids = [patient for patient in tables.ids(Side.TRAIN) if patient in truth.index]
        frame = clinical_values(tables, tables.columns).loc[ids]
        singly = {column: _terms(run, stats.logistic, frame[[column]], truth, name, column) for column in frame.columns}
        for rows in singly.values():
            keep(UNIVARIABLE, rows)
        entered = [column for column, rows in singly.items() if (rows["p"] < run.settings.clinical.enter).any()]
        if entered:
            keep(MULTIVARIABLE, _terms(run, stats.logistic, frame[entered], truth, name, "multivariable"))
        if len(entered) > 1:
            complete = frame[entered].dropna()
            fit = stats.logistic(complete, truth.loc[complete.index])
            keep(VIF, stats.vif(fit).rename_axis("term").reset_index().assign(target=name))
        keep(STEPWISE, _terms(run, stats.stepwise, frame, truth, name, "stepwise"))
        keep(SAMPLE_SIZE, _sample_size(frame, truth.loc[ids], name))
    for table, parts in found.items():
        rows = [part for part in parts if len(part)]
        if rows:
            table.write(run.folder, pd.concat(rows, ignore_index=True))


def _terms(
    run: Run,
    fit_model: Callable[[pd.DataFrame, pd.Series], LogisticFit],
    frame: pd.DataFrame,
    truth: pd.Series,
    target: str,
    model: str,
) -> pd.DataFrame:
    """The odds ratios of one model on its complete rows; a model that cannot be fitted is named, not raised."""
    rows = frame.dropna()
    try:
        fit = fit_model(rows, truth.loc[rows.index])
    except InputError as error:
        run.warn(f"odds ratios of {target}, {model}: {error.problems[0].what}")
        return UNIVARIABLE.empty()
    if fit.separated:
        names = ", ".join(fit.separated)
        run.warn(f"odds ratios of {target}, {model}: {names} separates the classes; Firth's penalty is used")
    for note in fit.notes:
        run.warn(f"odds ratios of {target}, {model}: {note}")
    terms = fit.terms.drop(index="(Intercept)").rename_axis("term").reset_index()
    return pd.DataFrame(
        {
            "target": target,
            "model": model,
            "term": terms["term"],
            "estimate": terms["estimate"],
            "se": terms["se"],
            "odds_ratio": terms["odds_ratio"],
            "lower": terms["or_lower"],
            "upper": terms["or_upper"],
            "profile_lower": terms["profile_lower"],
            "profile_upper": terms["profile_upper"],
            "p": terms["p"],
            "method": fit.method,
            "n": fit.n,
            "n_positive": fit.n_positive,
        }
    )


def _sample_size(frame: pd.DataFrame, truth: pd.Series, target: str) -> pd.DataFrame:
    """Events per candidate parameter and Riley's criterion for this training side."""
    parameters = int(sum(max(frame[name].nunique() - 1, 1) if frame[name].dtype == object else 1 for name in frame))
    events, n = int(truth.sum()), len(truth)
    needed = stats.riley_sample_size(parameters, events / n)
    carried = stats.maximum_parameters(n, events / n)
    rows = [
        ("patients", n, "training side with a known target"),
        ("events", events, "patients with the outcome"),
        ("candidate_parameters", parameters, "clinical columns offered, before any choice"),
        ("events_per_parameter", stats.events_per_variable(events, n - events, parameters), "rarer class a parameter"),
        ("riley_minimum_n", needed.n, "patients these candidates need (Nagelkerke R² 0.15)"),
        ("riley_maximum_parameters", carried, "parameters this training side carries (Nagelkerke R² 0.15)"),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "explanation"]).assign(target=target)
