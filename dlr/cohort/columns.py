"""Clinical columns: what each holds, and the numbers by which it enters a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.words import Available

__all__ = ["Column", "columns_from_json", "columns_to_json", "encode_clinical"]


@dataclass(frozen=True)
class Column:
    """A clinical column. In the cohort's table numeric and binary columns are float, others text, NaN = missing."""

    name: str
    kind: str  # numeric, binary, ordered, nominal
    levels: tuple[str, ...] = ()  # ordered: lowest first; binary: the words for 0 and 1
    log: bool = False  # enters models as log(1 + x)
    available: Available = Available.IMAGING
    unit: str = ""
    label: str = ""

    @property
    def title(self) -> str:
        """Label and unit, as a table or an axis shows them."""
        return f"{self.label or self.name} ({self.unit})" if self.unit else (self.label or self.name)


def columns_to_json(columns: Iterable[Column]) -> str:
    """The columns as a JSON list, in order."""
    return json.dumps([asdict(c) for c in columns], ensure_ascii=False, indent=1)


def columns_from_json(text: str) -> tuple[Column, ...]:
    """The columns that `columns_to_json` wrote."""
    return tuple(
        Column(**{**row, "levels": tuple(row["levels"]), "available": Available(row["available"])})
        for row in json.loads(text)
    )


def encode_clinical(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Numeric design of raw clinical columns, rows as in `table`, NaN where missing.

    numeric -> its value, or log(1 + x); binary -> 0, 1; ordered -> number of the level, from 0;
    nominal -> `name=level`, one column a level.
    Raises InputError where a column is not in the table, or a level is not among the column's.
    """
    absent = [c.name for c in columns if c.name not in table.columns]
    if absent:
        raise InputError(
            "clinical columns", f"{', '.join(absent)} not in the table", "add them, or name others in cohort.clinical"
        )
    parts: dict[str, np.ndarray] = {}
    for column in columns:
        values = table[column.name]
        if column.kind in ("numeric", "binary"):
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            parts[column.name] = np.log1p(numbers) if column.log else numbers
            continue
        known = values.notna().to_numpy()
        foreign = sorted(set(values[known].astype(str)) - set(column.levels))
        if foreign:
            raise InputError(
                f"clinical column {column.name}",
                f"levels {', '.join(foreign)} are not among {', '.join(column.levels)}",
                f"map them in cohort.values.{column.name}",
            )
        codes = np.full(len(values), np.nan)
        codes[known] = [column.levels.index(str(v)) for v in values[known]]
        if column.kind == "ordered":
            parts[column.name] = codes
        else:
            for number, level in enumerate(column.levels):
                parts[f"{column.name}={level}"] = np.where(known, codes == number, np.nan).astype(float)
    return pd.DataFrame(parts, index=table.index)
