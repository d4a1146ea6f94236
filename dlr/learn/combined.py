"""The Combined model: a small logistic regression of clinical variables and one signature of images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.learn.candidates import CandidateSet
from dlr.stats import LogisticFit
from dlr.words import expit

__all__ = ["CombinedModel", "Dropped", "fill_value", "filled_column"]


@dataclass(frozen=True)
class Dropped:
    """A candidate that is not in the model, and why."""

    variable: str
    reason: str


@dataclass(frozen=True, eq=False)
class CombinedModel:
    """What was fitted on the training side; `fit` is None where nothing was left, and `reason` says why."""

    candidates: CandidateSet
    protocol: str
    fit: LogisticFit | None
    full: LogisticFit | None  # all candidates that could be fitted: printed beside the reduced model
    nomogram: LogisticFit | None  # `fit` without signatures whose p is above the level
    dropped: tuple[Dropped, ...]
    nomogram_dropped: tuple[Dropped, ...]
    reason: str
    nomogram_reason: str
    fill: dict[str, float | str]  # what a missing clinical value becomes: training median or commonest level
    n: int
    n_positive: int
    riley: float  # parameters that this many patients carry, before rounding
    bound: int | None  # parameters allowed; None under paper

    def linear_predictor(self, frame: pd.DataFrame) -> np.ndarray:
        """Log odds (n,): clinical gaps filled, a missing signature gives NaN. InputError where there is no model."""
        if self.fit is None:
            raise InputError("Combined model", self.reason, "use a single signature instead")
        return self.fit.linear_predictor(self.filled(frame))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of raw clinical columns and signatures given as probabilities."""
        return expit(self.linear_predictor(frame))

    def filled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The table with missing clinical values replaced as in training; signatures as they are."""
        known = {name: value for name, value in self.fill.items() if name in frame.columns}
        return frame.assign(**{name: filled_column(frame[name], value) for name, value in known.items()})

    def terms(self) -> pd.DataFrame:
        """variant (full, combined, nomogram), term, estimate, se, odds_ratio, lower, upper, p, method."""
        tables = []
        for variant, fit in (("full", self.full), ("combined", self.fit), ("nomogram", self.nomogram)):
            if fit is not None:
                rows = fit.terms.reset_index(names="term").drop(columns=["lower", "upper"])
                rows = rows.rename(columns={"or_lower": "lower", "or_upper": "upper"})
                tables.append(rows.assign(variant=variant, method=fit.method))
        columns = ["variant", "term", "estimate", "se", "odds_ratio", "lower", "upper", "p", "method"]
        return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)

    def to_json(self) -> str:
        """The model as JSON text; `from_json` gives it back to the last bit."""
        stored: dict[str, Any] = {
            **{name: getattr(self, name) for name in _PLAIN},
            "clinical": list(self.candidates.clinical),
            "signatures": list(self.candidates.signatures),
            **{name: [[d.variable, d.reason] for d in getattr(self, name)] for name in _DROPPED},
        }
        for name in _FITS:
            fit = getattr(self, name)
            stored[name] = None if fit is None else fit.to_dict()
        return json.dumps(stored, allow_nan=False, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> CombinedModel:
        stored = json.loads(text)
        candidates = CandidateSet(tuple(stored.pop("clinical")), tuple(stored.pop("signatures")))
        for name in _DROPPED:
            stored[name] = tuple(Dropped(*pair) for pair in stored[name])
        for name in _FITS:
            stored[name] = None if stored[name] is None else LogisticFit.from_dict(stored[name])
        return cls(candidates=candidates, **stored)


_PLAIN = ("protocol", "reason", "nomogram_reason", "fill", "n", "n_positive", "riley", "bound")
_DROPPED = ("dropped", "nomogram_dropped")
_FITS = ("fit", "full", "nomogram")


def filled_column(column: pd.Series, value: float | str) -> pd.Series:
    """Gaps replaced by one value; text (or its categories, in their order) if the value is text, else float64."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.fillna(value)
    if isinstance(value, str):
        return column.astype(object).where(column.notna(), value).astype(str)
    return pd.to_numeric(column).astype(float).fillna(value)


def fill_value(column: pd.Series) -> float | str:
    """What fills a column's gaps: median of numbers, commonest level of text (of equals the first by name)."""
    known = column.dropna()
    if known.empty:
        raise InputError(
            f"column {column.name}", "no training patient has a value", "leave it out of combine.variables"
        )
    if pd.api.types.is_numeric_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype):
        values = known.to_numpy(dtype=float)
        binary = bool(np.isin(values, (0, 1)).all())
        return float(values.mean() >= 0.5) if binary else float(np.median(values))
    counts = known.astype(str).value_counts()
    return str(min(counts.index[counts == counts.max()]))
