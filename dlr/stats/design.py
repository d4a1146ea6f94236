"""From a table of clinical values to the columns of a regression: factors opened against a reference level, splines.

A `Design` remembers how training values became columns, so that a fit can be applied to a raw table later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from dlr.errors import InputError, Problem
from dlr.stats.splines import restricted_cubic, spline_knots
from dlr.words import logit

__all__ = ["INTERCEPT", "Design", "Transform", "Variable", "VariableKind", "can_bend"]

INTERCEPT = "(Intercept)"
KNOTS = 3  # of a restricted cubic spline: two parameters


class VariableKind(StrEnum):
    """How a column enters the linear predictor."""

    NUMERIC = "numeric"
    BINARY = "binary"  # a numeric column that held only 0 and 1 in training
    FACTOR = "factor"


class Transform(StrEnum):
    """What is done to a numeric value before it meets its coefficient."""

    NONE = "none"
    LOGIT = "logit"  # a signature: a probability in the table, its clipped logit in the model


@dataclass(frozen=True)
class Variable:
    """One column of the user's table and the terms it becomes."""

    name: str
    kind: VariableKind
    transform: Transform = Transform.NONE
    levels: tuple[str, ...] = ()  # of a factor; the first is the reference
    low: float = float("nan")  # training range of a numeric column, before the transform
    high: float = float("nan")
    knots: tuple[float, ...] = ()  # of a numeric column that enters as a restricted cubic spline

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients: the column itself (and column' of a spline), or column=level for each level but
        the reference."""
        if self.kind is VariableKind.FACTOR:
            return tuple(f"{self.name}={level}" for level in self.levels[1:])
        return (self.name, f"{self.name}'") if self.knots else (self.name,)

    def columns(self, values: pd.Series) -> np.ndarray:
        """Values (n,) -> float (n, number of terms); a missing value gives NaN in every column.

        Raises InputError for text in a numeric column and for a level that training never held.
        """
        if self.kind is not VariableKind.FACTOR:
            x = _numbers(values, self.name)
            if self.knots:
                return restricted_cubic(x, np.array(self.knots))
            return (logit(x) if self.transform is Transform.LOGIT else x)[:, None]
        names = level_names(values)
        unknown = sorted(set(names) - {None, *self.levels})
        if unknown:
            raise InputError(
                where=f"column {self.name}",
                what=f"level {', '.join(unknown)} was not among the training levels {', '.join(self.levels)}",
                mend="map the value to a known level or leave the patient out",
            )
        opened = np.column_stack([(names == level).astype(float) for level in self.levels[1:]])
        opened[[name is None for name in names]] = np.nan
        return opened

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a factor's range is null."""
        entry = asdict(self)
        if not self.knots:
            del entry["knots"]
        return {**entry, **{end: None if np.isnan(entry[end]) else entry[end] for end in ("low", "high")}}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Variable:
        """The inverse of `to_dict`."""
        low, high = (float("nan") if stored[end] is None else stored[end] for end in ("low", "high"))
        kind, transform = VariableKind(stored["kind"]), Transform(stored["transform"])
        knots = tuple(stored.get("knots", ()))
        return cls(stored["name"], kind, transform, tuple(stored["levels"]), low, high, knots)


@dataclass(frozen=True)
class Design:
    """The columns of a regression, intercept first, in the order of the training table."""

    variables: tuple[Variable, ...]

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        *,
        references: Mapping[str, str] | None = None,
        logits: Sequence[str] = (),
        splines: Sequence[str] = (),
    ) -> Design:
        """Learn the variables from a complete training table.

        Numbers and booleans enter as they are. Text and categories are factors; their reference is the one named in
        `references`, else the first category, else the first level in alphabetical order. Columns named in `logits`
        hold probabilities and enter as their clipped logits. Numbers named in `splines` enter as restricted cubic
        splines of three knots (`spline_knots`).
        Raises InputError for missing or infinite values, a column without variation, unknown names, and a spline of a
        column that is not numeric or has too few values for its knots.
        """
        references = references or {}
        strangers = [name for name in (*references, *logits, *splines) if name not in frame.columns]
        if strangers:
            raise InputError("design of a regression", f"no column {', '.join(strangers)}", "name existing columns")
        if not frame.columns.is_unique:
            twice = ", ".join(sorted({str(name) for name in frame.columns[frame.columns.duplicated()]}))
            raise InputError("design of a regression", f"two columns are named {twice}", "rename one of them")
        problems: list[Problem] = []
        variables = []
        for name in frame.columns:
            try:
                learnt = _learn(frame[name], str(name), references.get(name), name in logits)
                variables.append(_bent(learnt, frame[name]) if name in splines else learnt)
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError.of(problems)
        return cls(tuple(variables))

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of all coefficients, the intercept first."""
        return (INTERCEPT, *(term for variable in self.variables for term in variable.terms))

    @property
    def names(self) -> tuple[str, ...]:
        """The table's columns that are needed."""
        return tuple(variable.name for variable in self.variables)

    def positions(self, name: str) -> list[int]:
        """Where the terms of one variable stand among all coefficients."""
        terms = self.terms
        (variable,) = (v for v in self.variables if v.name == name)
        return [terms.index(term) for term in variable.terms]

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """A raw table (n rows) -> float (n, number of terms). Extra columns are ignored; InputError for absent ones."""
        absent = [name for name in self.names if name not in frame.columns]
        if absent:
            raise InputError("table to predict", f"no column {', '.join(absent)}", "add the model's columns")
        blocks = [variable.columns(frame[variable.name]) for variable in self.variables]
        return np.column_stack([np.ones(len(frame)), *blocks])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and strings, for JSON."""
        return {"variables": [variable.to_dict() for variable in self.variables]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Design:
        """The inverse of `to_dict`."""
        return cls(tuple(Variable.from_dict(entry) for entry in stored["variables"]))


def level_names(values: pd.Series) -> np.ndarray:
    """Levels as text (n,), None where missing: 1, 1.0 and "1" are one level."""
    return np.array([None if pd.isna(value) else _level_name(value) for value in values], dtype=object)


def _level_name(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _numbers(values: pd.Series, name: str) -> np.ndarray:
    try:
        return values.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(
            f"column {name}", "holds text where training held numbers", "give numbers in the same unit as in training"
        ) from None


def _learn(values: pd.Series, name: str, reference: str | None, as_logit: bool) -> Variable:
    where = f"column {name}"
    if values.isna().any():
        raise InputError(
            where, f"{int(values.isna().sum())} of {len(values)} values are missing", "impute or leave rows out first"
        )
    numeric = pd.api.types.is_numeric_dtype(values) and not isinstance(values.dtype, pd.CategoricalDtype)
    if not numeric or reference is not None:
        return _learn_factor(values, name, reference)
    x = values.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        raise InputError(where, "holds infinite values", "mend the values or leave the column out")
    if x.min() == x.max():
        raise InputError(where, f"is constant ({x[0]:g}) in these patients", "leave the column out")
    if as_logit and (x.min() < 0 or x.max() > 1):
        raise InputError(where, "is to enter as a logit but holds values outside 0 to 1", "give probabilities")
    kind = VariableKind.BINARY if not as_logit and np.isin(x, (0, 1)).all() else VariableKind.NUMERIC
    return Variable(
        name, kind, Transform.LOGIT if as_logit else Transform.NONE, low=float(x.min()), high=float(x.max())
    )


def can_bend(values: pd.Series) -> bool:
    """Whether a column has values enough for the three knots of a spline; True of what is not numeric."""
    return not pd.api.types.is_numeric_dtype(values) or len(spline_knots(values.to_numpy(dtype=float), KNOTS)) == KNOTS


def _bent(variable: Variable, values: pd.Series) -> Variable:
    """A numeric variable as a restricted cubic spline."""
    where = f"spline of column {variable.name}"
    if variable.kind is not VariableKind.NUMERIC or variable.transform is not Transform.NONE:
        raise InputError(where, "the column is not numeric", "name numeric columns alone")
    if not can_bend(values):
        raise InputError(where, "too many equal values for three knots", "let the column enter as it is")
    knots = spline_knots(values.to_numpy(dtype=float), KNOTS)
    return replace(variable, knots=tuple(knots.tolist()))


def _learn_factor(values: pd.Series, name: str, reference: str | None) -> Variable:
    names = level_names(values)
    present = set(names)
    if isinstance(values.dtype, pd.CategoricalDtype):
        order = [level for level in level_names(pd.Series(values.cat.categories)) if level in present]
    else:
        order = sorted(present)
    if reference is not None:
        if reference not in present:
            raise InputError(f"column {name}", f"no patient has the reference level {reference}", "name another level")
        order = [reference, *(level for level in order if level != reference)]
    if len(order) < 2:
        raise InputError(f"column {name}", f"has one level only ({order[0]})", "leave the column out")
    return Variable(name, VariableKind.FACTOR, levels=tuple(order))
