"""A logistic model drawn as points: every axis, the total, and the way from the total back to the risk.

The variable with the widest effect spans 0 to 100; every axis has 0 points at the end with the lowest effect.
Convention of R's rms: axis ends are `pretty()` of the training range.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.stats.design import Transform, Variable, VariableKind
from dlr.stats.logistic_fit import LogisticFit
from dlr.stats.pretty import pretty
from dlr.words import CLIP, expit, logit

__all__ = ["Axis", "Nomogram", "Tick"]

WIDEST = 100.0  # points of the widest variable
RISKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class Tick:
    """One mark of an axis: what is written there, the value in the table's units, and its points."""

    label: str
    value: float | str  # a level where the axis is a factor
    points: float


@dataclass(frozen=True)
class Axis:
    """One variable's scale: points = (effect − lowest effect) × points_per_unit, beyond the ends as well."""

    variable: Variable
    label: str
    betas: tuple[float, ...]  # one, or one a level of a factor but the reference
    ends: tuple[float, float]  # axis ends in the table's units; NaN for categories
    lowest: float  # effect at 0 points
    points_per_unit: float
    ticks: tuple[Tick, ...]

    @property
    def name(self) -> str:
        """The table's column."""
        return self.variable.name

    @property
    def kind(self) -> str:
        """ "numeric" or "category"."""
        return "numeric" if self.variable.kind is VariableKind.NUMERIC else "category"

    @property
    def transform(self) -> Transform:
        """LOGIT where the axis is labelled in probability."""
        return self.variable.transform

    @property
    def training_range(self) -> tuple[float, float]:
        """Smallest and largest training value; NaN for a factor."""
        return (self.variable.low, self.variable.high)

    @property
    def turn(self) -> int | None:
        """The place of the tick at which a spline turns back; None where points only rise or only fall."""
        points = np.array([tick.points for tick in self.ticks])
        inner = [k for k in (int(points.argmin()), int(points.argmax())) if 0 < k < len(points) - 1]
        return inner[0] if inner and self.variable.knots else None

    @property
    def widest(self) -> float:
        """Points at the end with the highest effect."""
        return max(tick.points for tick in self.ticks)

    def points(self, values: pd.Series) -> np.ndarray:
        """Points (n,) of raw values; negative or above the axis for a value beyond its ends."""
        return (self.variable.columns(values) @ np.array(self.betas) - self.lowest) * self.points_per_unit

    def beyond(self, values: pd.Series) -> np.ndarray:
        """Bool (n,): True where a numeric value lies outside the axis."""
        if self.kind == "category":
            return np.zeros(len(values), dtype=bool)
        x = values.to_numpy(dtype=float, na_value=np.nan)
        x = np.clip(x, CLIP, 1 - CLIP) if self.transform is Transform.LOGIT else x
        return (x < self.ends[0]) | (x > self.ends[1])


@dataclass(frozen=True)
class Nomogram:
    """Axes in the model's order. linear predictor = lp_at_zero_points + total points / points_per_unit."""

    axes: tuple[Axis, ...]
    points_per_unit: float
    lp_at_zero_points: float
    intercept: float
    largest: float = float("nan")  # total points of the patient who has most; NaN: not known

    @classmethod
    def from_logistic(
        cls,
        fit: LogisticFit,
        *,
        labels: Mapping[str, str] | None = None,
        level_labels: Mapping[str, Mapping[str, str]] | None = None,
        patients: pd.DataFrame | None = None,
    ) -> Nomogram:
        """The nomogram of a fitted model, exact for every patient.

        labels : what is written beside an axis, by column.  level_labels : what is written at a category's tick, by
        column and level ("0" and "1" for a binary column, "0", "1", "2" ... for the scores of an
        ordered one).  Columns that entered as logits are labelled in probability.
        patients : the training patients' raw columns: the axis of total points ends where they do, as R's.
        Raises InputError for a model without variables or with estimates that are infinite or all zero.
        """
        if not fit.variables:
            raise InputError("nomogram", "the model has no variable", "a nomogram needs one variable or more")
        if fit.separated and fit.method == "ML":
            raise InputError(
                "nomogram", f"{', '.join(fit.separated)} has no finite estimate", "fit with Firth's penalty"
            )
        sketches = [_sketch(v, fit, (level_labels or {}).get(v.name, {})) for v in fit.design.variables]
        widest = max(max(sketch.effects) - min(sketch.effects) for sketch in sketches)
        if not widest > 0:
            raise InputError("nomogram", "no variable has an effect", "leave them out")
        unit = WIDEST / widest
        axes = tuple(_axis(sketch, (labels or {}).get(sketch.variable.name, ""), unit) for sketch in sketches)
        drawn = cls(axes, unit, fit.intercept + sum(axis.lowest for axis in axes), fit.intercept)
        return (
            drawn if patients is None or patients.empty else replace(drawn, largest=float(drawn.total(patients).max()))
        )

    def points(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of every patient of a raw table, a column a variable."""
        absent = [axis.name for axis in self.axes if axis.name not in frame.columns]
        if absent:
            raise InputError("table for a nomogram", f"no column {', '.join(absent)}", "add the model's columns")
        return pd.DataFrame({axis.name: axis.points(frame[axis.name]) for axis in self.axes}, index=frame.index)

    def total(self, frame: pd.DataFrame) -> np.ndarray:
        """Total points (n,) of every patient of a raw table."""
        return self.points(frame).to_numpy().sum(axis=1)

    def risk(self, total: np.ndarray | float) -> np.ndarray:
        """Probability at a total of points."""
        return expit(self.lp_at_zero_points + np.asarray(total, dtype=float) / self.points_per_unit)

    def risk_ticks(self, probabilities: Sequence[float]) -> np.ndarray:
        """Total points at which the risk is exactly each of these probabilities."""
        p = np.asarray(probabilities, dtype=float)
        if not ((p > 0) & (p < 1)).all():
            raise InputError("risk axis", "a probability outside 0 to 1", "give probabilities between 0 and 1")
        return (logit(p, clip=0.0) - self.lp_at_zero_points) * self.points_per_unit

    def risks_shown(self) -> tuple[float, ...]:
        """The round probabilities that lie on the axis of total points."""
        totals, last = self.risk_ticks(RISKS), self.total_ticks()[-1]
        return tuple(risk for risk, total in zip(RISKS, totals, strict=True) if 0 <= total <= last)

    def total_ticks(self) -> np.ndarray:
        """Marks of the axis of total points, from 0 past the patients' largest, else past what the axes can give."""
        end = self.largest if self.largest > 0 else sum(axis.widest for axis in self.axes)
        return pretty(0.0, end, 10)

    def beyond(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The values that lie outside their axis, computed all the same: patient, variable, value, low, high."""
        rows = [
            (patient, axis.name, float(value), *axis.ends)
            for axis in self.axes
            for patient, value in frame.loc[axis.beyond(frame[axis.name]), axis.name].items()
        ]
        return pd.DataFrame(rows, columns=["patient", "variable", "value", "low", "high"])

    def table(self) -> pd.DataFrame:
        """The points of every tick: variable, value (as written on the axis), points."""
        rows = [(axis.name, tick.label, tick.points) for axis in self.axes for tick in axis.ticks]
        return pd.DataFrame(rows, columns=["variable", "value", "points"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` gives the same nomogram back to the last bit."""
        return _without_nan(asdict(self))

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Nomogram:
        """The inverse of `to_dict`."""
        largest = stored.get("largest")
        axes = tuple(_stored_axis(entry) for entry in stored["axes"])
        return cls(**{**stored, "axes": axes, "largest": float("nan") if largest is None else largest})

    def to_json(self) -> str:
        """The nomogram as JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Nomogram:
        """The inverse of `to_json`."""
        return cls.from_dict(json.loads(text))


@dataclass(frozen=True)
class _Sketch:
    """An axis before its points."""

    variable: Variable
    betas: tuple[float, ...]
    ends: tuple[float, float]
    marks: list[tuple[str, float | str]]  # label and value
    effects: list[float]  # xβ at each mark


def _sketch(variable: Variable, fit: LogisticFit, level_labels: Mapping[str, str]) -> _Sketch:
    betas = tuple(float(b) for b in fit.coefficients[fit.design.positions(variable.name)])
    ends = (float("nan"), float("nan"))
    marks: list[tuple[str, float | str]] = [(level_labels.get(level, level), level) for level in variable.levels]
    if variable.kind is VariableKind.BINARY:
        marks = [(level_labels.get("0", "0"), 0.0), (level_labels.get("1", "1"), 1.0)]
    elif variable.kind is VariableKind.NUMERIC and level_labels:  # scores of an ordered column
        marks = [(level_labels[str(k)], float(k)) for k in range(round(variable.low), round(variable.high) + 1)]
        ends = (variable.low, variable.high)
    elif variable.kind is VariableKind.NUMERIC:
        plain = _numeric_ticks(variable)
        ticks = _with_turn(variable, np.array(betas), plain)
        ends = (ticks[0], ticks[-1])
        marks = [(f"{value:.10g}" if value in plain else f"{value:.3g}", value) for value in ticks]
    effects = variable.columns(pd.Series([value for _, value in marks])) @ np.array(betas)
    return _Sketch(variable, betas, ends, marks, [float(effect) for effect in effects])


def _numeric_ticks(variable: Variable) -> tuple[float, ...]:
    if variable.transform is Transform.LOGIT:
        low, high = (float(np.clip(end, CLIP, 1 - CLIP)) for end in (variable.low, variable.high))
        first = max(risk for risk in RISKS if risk <= low)
        last = min(risk for risk in RISKS if risk >= high)
        return tuple(risk for risk in RISKS if first <= risk <= last)
    return tuple(float(tick) for tick in pretty(variable.low, variable.high, 10))


def _with_turn(variable: Variable, betas: np.ndarray, ticks: tuple[float, ...]) -> tuple[float, ...]:
    """The ticks, and the value at which a spline of three knots turns back where it does: there the effect ends.

    The slope of its bend only rises, so the curve turns once at most.
    """
    if not variable.knots:
        return ticks
    fine = np.linspace(ticks[0], ticks[-1], 2001)
    effect = variable.columns(pd.Series(fine)) @ betas
    turns = [float(fine[k]) for k in (effect.argmin(), effect.argmax()) if 0 < k < len(fine) - 1]
    return tuple(sorted({*ticks, *turns}))


def _axis(sketch: _Sketch, label: str, unit: float) -> Axis:
    lowest = min(sketch.effects)
    ticks = tuple(
        Tick(written, value, (effect - lowest) * unit)
        for (written, value), effect in zip(sketch.marks, sketch.effects, strict=True)
    )
    return Axis(sketch.variable, label or sketch.variable.name, sketch.betas, sketch.ends, lowest, unit, ticks)


def _without_nan(value: Any) -> Any:
    """Tuples and dictionaries with null for NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _stored_axis(stored: Mapping[str, Any]) -> Axis:
    low, high = (float("nan") if end is None else end for end in stored["ends"])
    return Axis(
        variable=Variable.from_dict(stored["variable"]),
        label=stored["label"],
        betas=tuple(stored["betas"]),
        ends=(low, high),
        lowest=stored["lowest"],
        points_per_unit=stored["points_per_unit"],
        ticks=tuple(Tick(**tick) for tick in stored["ticks"]),
    )
