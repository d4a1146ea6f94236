"""Whether the outcome, or a signature, is that of a cohort, scanner or file rather than of the patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.study.cohort import CohortTables
from dlr.study.measures import Evaluated, metric_row, role_words
from dlr.study.subsets import cohorts_of
from dlr.tables import CONFOUNDERS
from dlr.words import CHOSEN, Estimate, Role, Side, Target, pairs_within, stopped_on

__all__ = ["acquisition", "confounder_table", "found_levels", "sides_apart", "within_levels"]

FEW = 5  # patients that a level of its own needs; fewer are put together
OTHERS, UNKNOWN = "others", "not given"
BANDS = 5  # of a number of more values than MOST
MOST = 8
TELLS, SURE = 0.6, 0.001  # AUC and adjusted p from which a column is found to tell the outcome


def acquisition(tables: CohortTables) -> dict[str, tuple[str, pd.Series]]:
    """Columns that are no predictors: source ("manifest", "files") and the level of every patient, by column.

    cohort, scanner and year where the manifest has them; of a patient's first image its size, spacing, number of slices
    and type of file. Numbers of more than eight values stand in fifths. Columns of one level are left out.
    """
    patients = tables.patients
    found = {name: ("manifest", patients[name]) for name in ("cohort", "scanner", "year") if name in patients}
    pictured = patients[(patients["image"] != "") & patients["case_id"].isin(tables.facts.index)]
    if len(pictured):
        facts = tables.facts.loc[pictured["case_id"]].set_axis(pictured.index)
        measured = {
            "image size": facts["width"] * facts["height"],
            "slices": facts["slices"],
            "spacing": facts["spacing_x"].where(facts["spacing_known"]),
            "file type": pictured["image"].map(lambda path: Path(path).suffix.lower()),
        }
        found |= {name: ("files", column.reindex(patients.index)) for name, column in measured.items()}
    levels = {name: (source, _levels(column)) for name, (source, column) in found.items()}
    return {name: (source, level) for name, (source, level) in levels.items() if level.nunique() > 1}


def _levels(column: pd.Series) -> pd.Series:
    """Text for every patient: its value, the fifth that its number lies in, "others" of rare ones."""
    known = column.notna() & (column.astype(object) != "")
    number = pd.to_numeric(column.where(known), errors="coerce")
    level = column.astype(object).where(known, UNKNOWN).astype(str)
    if number[known].notna().all() and number.nunique() > 1:
        own = number[known]
        ends = own.groupby(own if own.nunique() <= MOST else pd.qcut(own, BANDS, duplicates="drop", labels=False))
        level[known] = ends.transform(lambda band: _band(band.min(), band.max()))
    rare = level.map(level.value_counts()) < FEW
    return level.mask(rare, OTHERS)


def _band(low: float, high: float) -> str:
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def confounder_table(tables: CohortTables, seed: int) -> pd.DataFrame:
    """CONFOUNDERS: what each column of `acquisition` tells of each target of two classes, pairs inside a side.

    It is found to tell the outcome where p, adjusted by Holm over the columns, is under .001 and the AUC .6 or more.
    """
    columns = acquisition(tables)
    parts = [pd.DataFrame(_told(columns, tables, target, seed)) for target in tables.binary_targets]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True)[list(CONFOUNDERS.names)] if parts else CONFOUNDERS.empty()


def _told(
    columns: Mapping[str, tuple[str, pd.Series]], tables: CohortTables, target: Target, seed: int
) -> Iterator[dict[str, Any]]:
    truth = tables.labels(target)
    rows: list[dict[str, Any]] = []
    for name, (source, level) in columns.items():
        own, side = level[truth.index], tables.sides[truth.index]
        try:
            told = stats.auc_of_levels(truth, own, side, generator=rng(seed, "shuffles", target.name, name))
            area = stats.auc_within_groups(truth, told.share, side).pairs
        except InputError:  # no side has both classes: nothing is evaluated either
            continue
        counts = truth.groupby(own).agg(["sum", "size"])
        rows.append({
            "target": target.name, "column": name, "source": source, "levels": len(counts), "n": len(truth),
            "n_positive": int(truth.sum()),
            "shares": "; ".join(f"{each} {row['sum']}/{row['size']}" for each, row in counts.iterrows()),
            "auc": area.value, "lower": area.lower, "upper": area.upper, "null": told.null, "p": told.p,
            "method": f"shares of the levels, {area.method}, given the shares; p and null: shuffles inside a side",
        })  # fmt: skip
    for row, adjusted in zip(rows, stats.holm([row["p"] for row in rows]) if rows else (), strict=True):
        yield row | {"p_holm": adjusted, "found": bool(adjusted < SURE and row["auc"] >= TELLS)}


def found_levels(tables: CohortTables, confounders: pd.DataFrame) -> dict[str, dict[str, pd.Series]]:
    """By target the columns inside whose levels its signatures are judged as well: cohort always, others if found."""
    found: dict[str, dict[str, pd.Series]] = {target.name: {"cohort": cohorts_of(tables)} for target in tables.targets}
    columns, told = acquisition(tables), confounders[confounders["found"] & (confounders["column"] != "cohort")]
    for target, column in zip(told["target"], told["column"], strict=True):
        found[target][column] = columns[column][1]
    return found


def within_levels(one: Evaluated, column: str, levels: pd.Series, least: int) -> list[dict[str, Any]]:
    """The AUC adjusted for a column: `pairs_within(column)`, and of cohorts their mean `auc_within_cohorts` as well.
    Nothing where its patients are of fewer than two levels.

    levels : level by patient_id, of those that have one.  least : patients of each class that a level needs in the
    mean; in the pairs every level counts, however few it has.
    """
    own = one.of(set(levels.index), one.subset)
    if not own.two_classes or levels[list(own.patients)].nunique() < 2:
        return []
    if own.cross_fitted:
        positive, value, fold, drawn, patients = own.rows_of_chains()
        group = levels[patients].to_numpy()
        found = stats.auc_within_groups(positive, value, group, fold, drawn, patients=patients, least=least)
    else:
        group = levels[list(own.patients)].to_numpy()
        found = stats.auc_within_groups(own.positive, own.probability, group, least=least)
    named = {"auc_within_cohorts": found.mean} if column == "cohort" else {}
    named |= {pairs_within(column): found.pairs}
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
