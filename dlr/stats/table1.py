"""Table 1: two groups of patients side by side, with the test and the standardised difference of every column.

Which summary and which test a column gets is a setting, never the result of a test of normality. A p-value between two
random sides tests the randomisation only; the standardised difference says how far apart they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from dlr.errors import InputError
from dlr.stats.contingency import chi_square, fisher_exact, smallest_expected
from dlr.stats.design import level_names
from dlr.stats.tests import mann_whitney, student, welch
from dlr.words import Test

__all__ = ["COLUMNS", "TableColumn", "standardised_difference", "table1"]

COLUMNS = (
    "variable", "level", "group_a", "group_b", "value_a", "value_b", "missing_a", "missing_b",
    "test", "statistic", "p", "smd",
)  # fmt: skip
FISHER_UNDER = 5  # smallest expected count


@dataclass(frozen=True)
class TableColumn:
    """How one column is shown and tested.

    show : "mean" gives mean ± SD and Welch's test, "median" median [quartiles] and Mann and Whitney's, "count" counts
        (per cent) and χ², or Fisher's exact test where an expected count is under 5.
    """

    name: str
    show: Literal["mean", "median", "count"]
    label: str = ""
    equal_variances: bool = False  # Student's test in place of Welch's
    yates: bool = False  # Yates's correction of χ² of two levels
    levels: tuple[str, ...] = ()  # order of the levels; () = as the table has them
    digits: int = 1

    @classmethod
    def guess(cls, values: pd.Series) -> TableColumn:
        """Numbers with more than two values as means, all else as counts."""
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        return cls(str(values.name), "mean" if numeric and values.nunique() > 2 else "count")


def table1(
    frame: pd.DataFrame,
    group: pd.Series | np.ndarray,
    groups: tuple[str, str],
    columns: Sequence[TableColumn] | None = None,
) -> pd.DataFrame:
    """Columns COLUMNS: a row a numeric variable; for counts one row with the test and one a level with its counts.

    group : (n,), the patients' group by name; patients of neither group are left out.  groups : the names of a and b.
    Missing values are counted and left out of summary and test. `smd` has the sign of a − b for numbers, is that of the
    ranks where medians are shown (a skewed column's mean says nothing of its middle), and has no sign for
    counts; an undefined test (constant column, empty group) is NaN and its name says what was asked.
    """
    names = np.asarray(group).astype(str)
    if len(names) != len(frame):
        raise InputError("Table 1", f"{len(names)} group names for {len(frame)} rows", "give one name a row")
    inside = [names == str(g) for g in groups]
    for name, rows in zip(groups, inside, strict=True):
        if not rows.any():
            raise InputError("Table 1", f"no patient is in group {name}", f"groups are {', '.join(sorted(set(names)))}")
    chosen = [TableColumn.guess(frame[c]) for c in frame.columns] if columns is None else columns
    absent = [c.name for c in chosen if c.name not in frame.columns]
    if absent:
        raise InputError("Table 1", f"no column {', '.join(absent)}", "name columns of the table")
    rows = []
    for column in chosen:
        a, b = (frame.loc[rows, column.name] for rows in inside)
        both: dict[str, object] = {
            "variable": column.label or column.name,
            "group_a": str(groups[0]),
            "group_b": str(groups[1]),
            "missing_a": int(a.isna().sum()),
            "missing_b": int(b.isna().sum()),
        }
        shown = _counts(column, a, b) if column.show == "count" else _numbers(column, a, b)
        rows += [both | row for row in shown]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def standardised_difference(a: np.ndarray, b: np.ndarray) -> float:
    """(mean a − mean b) / √(mean of the two variances); NaN where neither group varies."""
    spread = np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / 2) if min(len(a), len(b)) > 1 else 0.0
    return float((np.mean(a) - np.mean(b)) / spread) if spread > 0 else float("nan")


def categorical_difference(counts: np.ndarray) -> float:
    """Standardised difference of the shares of c levels, counts (c, 2): √(d' S⁻¹ d) over all levels but the first.

    S is the mean of the groups' multinomial covariances; two levels give |p₁ − p₂| / √(mean of p (1 − p)).
    Source: Yang & Dalton 2012 (SAS Global Forum 335).
    """
    kept = counts[counts.sum(axis=1) > 0]
    if len(kept) < 2 or (kept.sum(axis=0) == 0).any():
        return float("nan")
    share = (kept / kept.sum(axis=0))[1:]
    covariance = sum(np.diag(p) - np.outer(p, p) for p in share.T) / 2
    d = share[:, 0] - share[:, 1]
    if np.linalg.matrix_rank(covariance) < len(d):
        return float("nan")
    return float(np.sqrt(d @ np.linalg.solve(covariance, d)))


def _numbers(column: TableColumn, a: pd.Series, b: pd.Series) -> list[dict[str, object]]:
    try:
        x, y = (values.dropna().to_numpy(dtype=float) for values in (a, b))
    except (TypeError, ValueError):
        raise InputError(f"column {column.name}", "holds text", "show it as counts") from None
    if column.show == "median":
        test = mann_whitney(x, y) if min(len(x), len(y)) else _undefined("Mann-Whitney test")
    else:
        compare = student if column.equal_variances else welch
        name = "Student's t-test" if column.equal_variances else "Welch's t-test"
        test = compare(x, y) if min(len(x), len(y)) > 1 else _undefined(name)
    row = {"level": "", "value_a": _summary(column, x), "value_b": _summary(column, y)}
    shown = rankdata(np.concatenate([x, y])) if column.show == "median" else np.concatenate([x, y])
    apart = standardised_difference(*np.split(shown, [len(x)])) if min(len(x), len(y)) else float("nan")
    return [row | _tested(test, apart)]


def _summary(column: TableColumn, x: np.ndarray) -> str:
    d = column.digits
    if not len(x):
        return "–"
    if column.show == "median":
        low, middle, high = np.quantile(x, (0.25, 0.5, 0.75))
        return f"{middle:.{d}f} [{low:.{d}f}, {high:.{d}f}]"
    return f"{x.mean():.{d}f} ± {x.std(ddof=1):.{d}f}" if len(x) > 1 else f"{x[0]:.{d}f}"


def _counts(column: TableColumn, a: pd.Series, b: pd.Series) -> list[dict[str, object]]:
    x, y = (level_names(values.dropna()) for values in (a, b))
    levels = _levels(column, a, b, {*x, *y})
    table = np.array([[int((x == level).sum()), int((y == level).sum())] for level in levels])
    if not len(levels) or (table.sum(axis=0) == 0).any():
        test = _undefined("chi-squared test")
    elif smallest_expected(table) < FISHER_UNDER:
        test = fisher_exact(table)
    else:
        test = chi_square(table, yates=column.yates)
    smd = categorical_difference(table) if len(levels) else float("nan")
    head: dict[str, object] = {"level": "", "value_a": f"{len(x)}", "value_b": f"{len(y)}"}
    rows = [head | _tested(test, smd)]
    for level, (in_a, in_b) in zip(levels, table, strict=True):
        shown = {"value_a": _share(in_a, len(x), column.digits), "value_b": _share(in_b, len(y), column.digits)}
        rows.append({"level": level, **shown})
    return rows


def _levels(column: TableColumn, a: pd.Series, b: pd.Series, present: set[str]) -> list[str]:
    if column.levels:
        unknown = present - set(column.levels)
        if unknown:
            raise InputError(f"column {column.name}", f"level {', '.join(sorted(unknown))} is not listed", "list it")
        return list(column.levels)
    if isinstance(a.dtype, pd.CategoricalDtype):
        return [str(level) for level in level_names(pd.Series(a.cat.categories)) if level in present]
    numbers = pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b)
    return sorted(present, key=float) if numbers and not pd.api.types.is_bool_dtype(a) else sorted(present)


def _share(count: int, of: int, digits: int) -> str:
    return f"{count} ({100 * count / of:.{digits}f} %)" if of else "–"


def _tested(test: Test, smd: float) -> dict[str, object]:
    return {"test": test.method, "statistic": test.statistic, "p": test.p, "smd": smd}


def _undefined(method: str) -> Test:
    return Test(float("nan"), float("nan"), float("nan"), method)
