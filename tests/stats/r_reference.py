"""R's values and the data sets they were computed from (tests/reference/r; its README names every convention)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parents[1] / "reference" / "r"
EXACT = 1e-8  # relative above 1, absolute below; R's files hold converged values
FACTORS = {
    "race": ["white", "black", "other"],
    "gender": ["Male", "Female"],
    "wfnsf": ["1", "2", "3", "4", "5"],
}  # the reference level first


@cache
def r_values(name: str) -> dict[str, Any]:
    """One JSON file, without its header."""
    values = json.loads((FOLDER / name).read_text())
    values.pop("meta")
    return values


def r_data(name: str) -> pd.DataFrame:
    """One CSV file."""
    return pd.read_csv(FOLDER / name)


def r_formula(data: pd.DataFrame, formula: str) -> tuple[pd.DataFrame, pd.Series]:
    """Predictors and outcome of an R formula such as `low ~ age + race`."""
    outcome, right = formula.replace(" ", "").split("~")
    frame = pd.DataFrame(index=data.index)
    for name in right.split("+"):
        column = data["wfns" if name == "wfnsf" else name]
        levels = FACTORS.get(name)
        frame[name] = pd.Categorical(column.astype(str), levels) if levels else column
    return frame, data[outcome]


def assert_equals_r(ours: Any, theirs: Any, tolerance: float = EXACT) -> None:
    """Largest |ours − R| / max(1, |R|) within the tolerance; NaN and null are equal."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    np.testing.assert_allclose(a / np.maximum(1, np.abs(b)), b / np.maximum(1, np.abs(b)), rtol=0, atol=tolerance)
