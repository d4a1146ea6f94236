"""A nomogram in words: a patient's values and points, the training range of every axis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dlr.figures import theme
from dlr.stats import Axis, Nomogram, Transform

__all__ = ["range_table", "value_words", "worked_patient"]


def worked_patient(drawn: Nomogram, patient: pd.DataFrame) -> pd.DataFrame:
    """Each variable's value and points, the total and the risk, ready to print."""
    points = drawn.points(patient).iloc[0]
    rows = []
    for axis in drawn.axes:
        rows.append(
            (axis.label, value_words(axis, patient[axis.name].iloc[0]), f"{points[axis.name]:.1f}".replace("-", "−"))
        )
    total = float(drawn.total(patient)[0])
    rows += [("Total points", "", f"{total:.1f}"), ("Risk", "", f"{float(drawn.risk(total)):.3f}")]
    return pd.DataFrame(rows, columns=["Variable", "Value", "Points"])


def value_words(axis: Axis, value: Any) -> str:
    """A raw value as the axis writes it: a level's label, or the number."""
    for tick in axis.ticks:
        named = axis.kind == "category" or not _same_number(tick.label, tick.value)  # or a level's score
        if named and (str(tick.value) == str(value) or _same_number(tick.value, value)):
            return str(tick.label)
    return str(value) if axis.kind == "category" else _number(axis, float(value))


def range_table(drawn: Nomogram) -> pd.DataFrame:
    """Axis, what it takes, training range."""
    rows = []
    for axis in drawn.axes:
        if axis.kind == "category":
            rows.append((axis.label, axis.name, "one of " + ", ".join(str(tick.label) for tick in axis.ticks)))
        else:
            low, high = axis.training_range
            rows.append((axis.label, axis.name, f"{value_words(axis, low)} to {value_words(axis, high)}"))
    return pd.DataFrame(rows, columns=["Axis", "Column", "Training range"])


def _number(axis: Axis, value: float) -> str:
    """A probability with three digits, any other number with three significant ones."""
    return theme.format_auc(value, 3) if axis.transform is Transform.LOGIT else theme.format_number(value)


def _same_number(a: Any, b: Any) -> bool:
    try:
        return float(a) == float(b)
    except (TypeError, ValueError):
        return False
