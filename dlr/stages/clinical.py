"""Stage clinical: Table 1, odds ratios, sample size, and the Clinical signature."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pandas as pd

from dlr import stats
from dlr.cohort import Column
from dlr.engine import Run, stage
from dlr.errors import InputError
from dlr.stages.algorithms import write_algorithms
from dlr.stages.parts import study_parts
from dlr.stages.signatures import PatientFrame, Question, fit_signature, split_areas
from dlr.stages.tables import BEFORE_BIOPSY, CohortTables, read_cohort, write_table
from dlr.stats import LogisticFit
from dlr.words import Model, Side

__all__ = ["clinical", "model_frame"]

TERM_COLUMNS = [
    "target", "model", "term", "estimate", "se", "odds_ratio", "lower", "upper",
    "profile_lower", "profile_upper", "p", "method", "n", "n_positive",
]  # fmt: skip


@stage(
    "clinical",
    version=3,
    needs=["cohort"],
    sections=["clinical", "learn", "evaluate.splits", "evaluate.bootstrap", "cohort.test_share"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
)
def clinical(run: Run) -> None:
    """Table 1, odds ratios, events per variable, and five classifiers on the clinical columns."""
    tables = read_cohort(run.needs.cohort)
    if not tables.columns:
        run.leave_out("the manifest has no clinical columns (cohort.clinical names none)")
    write_table_one(run, tables)
    write_odds_ratios(run, tables)
    predictions, choices, splits = [], [], []
    for target in tables.targets:
        labels = tables.labels(target)
        early = tables.clinical(before_biopsy=True)
        variants = {"": tables.clinical()}
        if 0 < early.shape[1] < variants[""].shape[1]:
            variants[BEFORE_BIOPSY] = early
        parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
        for variant, values in variants.items():
            frame = PatientFrame(values, pd.Series(values.index, index=values.index))
            asked = Question(target, Model.CLINICAL.value, frame, labels, tables.sides, select=False, variant=variant)
            made = fit_signature(run, asked, parts)
            predictions.append(made.predictions)
            choices.append(made.choices)
            if not variant:
                share = run.settings.cohort.test_share
                splits.append(split_areas(run, asked, share, run.settings.evaluate.splits))
    table = pd.concat(predictions, ignore_index=True)
    write_table(table, run.folder, "predictions")
    pd.concat(choices, ignore_index=True).to_csv(run.folder / "choices.csv", index=False)
    pd.concat(splits, ignore_index=True).to_csv(run.folder / "splits.csv", index=False)
    write_algorithms(run, tables, table)


def model_frame(tables: CohortTables, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Clinical columns as a logistic model takes them: numbers, and text where a column is nominal."""
    numeric = tables.encode([c for c in columns if c.kind != "nominal"])
    for column in columns:
        if column.kind == "nominal":
            numeric[column.name] = tables.patients[column.name]
    return numeric[[c.name for c in columns]]


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
        pd.concat(by_side, ignore_index=True).to_csv(run.folder / "table1_side.csv", index=False)
    by_outcome = []
    for target in tables.targets:
        truth = tables.labels(target)
        for side in Side:
            rows = patients[(patients["side"] == side) & patients.index.isin(truth.index)]
            positive = truth.loc[rows.index] == 1
            if min(positive.sum(), (~positive).sum()) >= 2:
                groups = (f"{target} positive", f"{target} negative")
                group = positive.map({True: groups[0], False: groups[1]})
                by_outcome.append(compared(rows, group, groups).assign(side=side.value, target=target))
    if by_outcome:
        pd.concat(by_outcome, ignore_index=True).to_csv(run.folder / "table1_outcome.csv", index=False)


def table_column(column: Column, medians: Collection[str], yates: bool) -> stats.TableColumn:
    """How Table 1 shows and tests a clinical column."""
    if column.kind == "numeric":
        return stats.TableColumn(column.name, "median" if column.name in medians else "mean", column.title)
    levels = binary_words(column) if column.kind == "binary" else column.levels
    return stats.TableColumn(column.name, "count", column.title, yates=yates, levels=levels)


def binary_words(column: Column) -> tuple[str, str]:
    """How the values 0 and 1 of a binary column are called."""
    negative, positive = column.levels or ("no", "yes")
    return negative, positive


def write_odds_ratios(run: Run, tables: CohortTables) -> None:
    """Univariable, multivariable and stepwise odds ratios on complete training rows; VIF; sample size."""
    univariable, multivariable, stepped, inflation, size = [], [], [], [], []
    for target in tables.targets:
        truth = tables.labels(target)
        ids = [patient for patient in tables.ids(Side.TRAIN) if patient in truth.index]
        frame = model_frame(tables, tables.columns).loc[ids]
        for name in frame.columns:
            univariable.append(_terms(run, stats.logistic, frame[[name]], truth, target, name))
        usable = pd.concat(univariable, ignore_index=True)
        usable = usable[(usable["target"] == target) & (usable["p"] < run.settings.clinical.enter)]
        entered = [name for name in frame.columns if (usable["model"] == name).any()]
        if entered:
            multivariable.append(_terms(run, stats.logistic, frame[entered], truth, target, "multivariable"))
            if len(entered) > 1:
                rows = frame[entered].dropna()
                fit = stats.logistic(rows, truth.loc[rows.index])
                inflation.append(stats.vif(fit).rename_axis("term").reset_index().assign(target=target))
        stepped.append(_terms(run, stats.stepwise, frame, truth, target, "stepwise"))
        size.append(_sample_size(frame, truth.loc[ids], target))
    for name, rows in (
        ("univariable", univariable),
        ("multivariable", multivariable),
        ("stepwise", stepped),
        ("vif", inflation),
        ("sample_size", size),
    ):
        kept = [table for table in rows if len(table)]
        if kept:
            pd.concat(kept, ignore_index=True).to_csv(run.folder / f"{name}.csv", index=False)


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
        run.warn(f"odds ratios, {model}: {error.problems[0].what}")
        return pd.DataFrame(columns=TERM_COLUMNS)
    if fit.separated:
        run.warn(f"odds ratios, {model}: {', '.join(fit.separated)} separates the classes; Firth's penalty is used")
    for note in fit.notes:
        run.warn(f"odds ratios, {model}: {note}")
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
