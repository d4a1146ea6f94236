"""A feature table of the user's own, in place of images: ids and numeric columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.cohort.join import unmatched
from dlr.cohort.mapping import shown
from dlr.cohort.spreadsheets import read_sheet
from dlr.cohort.vocabulary import IDENTITY, NEVER_PREDICTORS, banned_as, fold_header, known_header, never_predict
from dlr.errors import InputError, Problem
from dlr.words import Target

__all__ = ["load_feature_table", "match_features"]


def load_feature_table(
    path: Path,
    never: Iterable[str] = (),
    *,
    targets: Iterable[Target] = (),
    sheet: str | None = None,
    delimiter: str = "auto",
    encoding: str = "auto",
) -> pd.DataFrame:
    """case_id, patient_id and one float64 column a feature, NaN where empty; rows in the order of the file.

    path : CSV, .xlsx or Parquet with a column patient_id or case_id.
    never : further columns that are no features (clinical ones).  targets : left out with all derived from them.
    pyradiomics' `diagnostics_` columns, columns of text, and columns with a meaning of their own (side, view, …) are
    left out.
    Raises InputError where ids are absent or repeated, nothing numeric is left, or a value is infinite.
    """
    path = Path(path)
    if path.suffix.lower() in (".parquet", ".pq"):
        if not path.is_file():
            raise InputError(str(path), "no such file", "check the path")
        cells = _parquet(path)
        source = path.name
        row_numbers = pd.Index(range(1, len(cells) + 1))
    else:
        read = read_sheet(path, sheet, delimiter, encoding)
        if read.problems:
            raise InputError.of(list(read.problems))
        cells, source, row_numbers = read.frame, read.source, read.frame.index
    cells = cells.rename(columns={c: known_header(str(c)) or c for c in cells.columns if _is_id(str(c), cells)})
    cells.index = row_numbers
    ids = _ids(cells, source)
    of_targets = never_predict(targets)
    banned = {*never, *NEVER_PREDICTORS, "lesion_part"}
    features: dict[str, np.ndarray] = {}
    for name in map(str, cells.columns):
        skip = name in banned or (known_header(name) in banned) or fold_header(name) in IDENTITY
        if skip or banned_as(name, of_targets) is not None or name.startswith("diagnostics_"):
            continue
        numbers = _numbers(cells[name], f"{source} {name}")
        if numbers is not None:
            features[name] = numbers
    if not features:
        raise InputError(source, "no numeric column", "give a column a feature, with a dot as decimal sign")
    return pd.concat([ids, pd.DataFrame(features, index=ids.index)], axis=1).reset_index(drop=True)


def _parquet(path: Path) -> pd.DataFrame:
    """A damaged file meets Arrow with exceptions of every kind."""
    try:
        cells = pd.read_parquet(path)
        for name in cells.select_dtypes(exclude="number"):
            cells[name] = cells[name].astype(object)  # text that is no text is found here, not later
        return cells.rename(columns=str)
    except Exception as error:
        mend = "write the table again, with a name of its own for every column; CSV is read as well"
        raise InputError(str(path), f"cannot be read as Parquet ({type(error).__name__})", mend) from error


def _is_id(name: str, cells: pd.DataFrame) -> bool:
    ours = known_header(name)
    return ours in ("patient_id", "case_id") and ours not in cells.columns


def _ids(cells: pd.DataFrame, source: str) -> pd.DataFrame:
    given = [n for n in ("case_id", "patient_id") if n in cells.columns]
    if not given:
        raise InputError(f"{source} headers", "no column patient_id or case_id", "name the column of ids so")
    ids = pd.DataFrame({n: cells[n].map(lambda v: "" if v is None else str(v).strip()) for n in given}, dtype=object)
    key = given[0]
    problems = []
    empty = ids.index[ids[key] == ""]
    if len(empty):
        problems.append(Problem(f"{source} {key}", f"empty in rows {shown([str(r) for r in empty])}", "fill it"))
    twice = sorted(set(ids.loc[ids[key].duplicated() & (ids[key] != ""), key]))
    if twice:
        mend = "leave one row a case" if key == "case_id" else "leave one row a patient, or add a column case_id"
        problems.append(Problem(f"{source} {key}", f"repeated: {shown(twice)}", mend))
    if problems:
        raise InputError.of(problems)
    for name in ("case_id", "patient_id"):
        if name not in ids:
            ids[name] = "" if name == "patient_id" else ids[key]
    return ids[["case_id", "patient_id"]]


def _numbers(cells: pd.Series, where: str) -> np.ndarray | None:
    """float64, or None for a column that holds text."""
    if cells.dtype == object or pd.api.types.is_string_dtype(cells.dtype):
        text = cells.map(lambda v: "" if v is None else str(v).strip())
        numbers = pd.to_numeric(text, errors="coerce")
        if numbers.isna().any():
            missing = text.str.casefold().isin(["", "na", "nan", "n/a", "null"])
            few = sorted(set(text[numbers.isna() & ~missing]))
            if few and numbers.notna().sum() > len(few):  # a numeric column with a slip
                raise InputError(where, f"not a number: {shown(few)}", "correct it, or leave the cell empty")
            if few:
                return None
    elif pd.api.types.is_numeric_dtype(cells.dtype):
        numbers = cells
    else:
        return None
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise InputError(where, "infinite values", "leave such cells empty")
    return values


def match_features(features: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The feature table with the cohort's ids, one row a kept case or patient, in the cohort's order.

    Matched by case_id where all of its ids are the cohort's cases, else by patient_id.
    Raises InputError with the ids of both sides that have no partner.
    """
    kept = table[table["excluded"] == ""]
    patient_of = dict(zip(table["case_id"], table["patient_id"], strict=True))
    by_case = features["case_id"].isin(set(table["case_id"])).all()
    if by_case:
        out = features.assign(patient_id=features["case_id"].map(patient_of))
        ours = sorted(set(kept["case_id"]))
        order = {c: n for n, c in enumerate(kept["case_id"])}
    else:
        ids = features["patient_id"].where(features["patient_id"] != "", features["case_id"])
        out = features.assign(patient_id=ids, case_id=features["case_id"].where(features["case_id"] != "", ids))
        ours = sorted(set(kept["patient_id"]))
        order = {p: n for n, p in enumerate(kept["patient_id"].drop_duplicates())}
    key = "case_id" if by_case else "patient_id"
    away = set(table[key]) - set(ours)  # excluded: no partner needed
    lost, extra = unmatched(ours, sorted(set(out[key]) - away))
    problems = []
    if lost:
        problems.append(
            Problem("feature table", f"{len(lost)} of {len(ours)} without a row: {shown(lost)}", "add them")
        )
    if extra:
        problems.append(
            Problem(
                "feature table",
                f"{len(extra)} not in the manifest: {shown(extra)}",
                "add them there, or leave them out",
            )
        )
    if problems:
        raise InputError.of(problems)
    out = out[out[key].isin(order)].copy()
    out["_order"] = out[key].map(order)
    return out.sort_values("_order", kind="stable").drop(columns="_order").reset_index(drop=True)
