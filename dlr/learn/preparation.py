"""From raw columns to standardised ones: gaps filled, constant columns gone, all learnt on the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.learn.imputation import ChainedRegressions, fit_chained_regressions

__all__ = ["Preparation", "constant_columns", "fit_preparation", "signed_log"]


@dataclass(frozen=True)
class Preparation:
    """What new patients need before a model: per column its median, mean, SD and training range.

    Arrays are float64 (p,) in the order of `columns` (names, sorted). `regressions` fills missing values unless
    `impute` is "median". With `log` all of it holds of sign(x) log(1 + |x|).
    """

    columns: tuple[str, ...]
    median: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray  # SD with divisor n
    low: np.ndarray  # training range
    high: np.ndarray
    regressions: ChainedRegressions | None
    log: bool = False

    def filled(self, frame: pd.DataFrame) -> np.ndarray:
        """Values (n, p) with missing ones filled; infinite counts as missing. InputError on absent columns."""
        return _fill(self._scaled(frame), self.median, self.regressions)

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Filled and standardised values (n, p)."""
        return (self.filled(frame) - self.mean) / self.deviation

    def subset(self, frame: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
        """Filled and standardised values (n, len(features)) of some of the columns, in the given order."""
        place = [self.columns.index(name) for name in features]
        return np.ascontiguousarray(self.transform(frame)[:, place])

    def outside(self, frame: pd.DataFrame) -> pd.DataFrame:
        """True where a patient's value lies outside the training range; missing values do not."""
        values = self._scaled(frame)
        beyond = (values < self.low) | (values > self.high)
        return pd.DataFrame(beyond, index=frame.index, columns=list(self.columns))

    def reduced(self, features: Sequence[str]) -> Preparation:
        """The same for a part of the columns, with the columns that their imputation reads."""
        needed = set(features)
        if self.regressions is not None:
            needed = self.regressions.closure(needed, self.columns)
        keep = np.array([name in needed for name in self.columns], dtype=bool)
        position = np.flatnonzero(keep)
        return Preparation(
            columns=tuple(self.columns[i] for i in position),
            median=self.median[keep],
            mean=self.mean[keep],
            deviation=self.deviation[keep],
            low=self.low[keep],
            high=self.high[keep],
            regressions=None if self.regressions is None else self.regressions.reduced(position),
            log=self.log,
        )

    def _scaled(self, frame: pd.DataFrame) -> np.ndarray:
        values = raw_values(frame, self.columns)
        return signed_log(values) if self.log else values

    def to_json(self) -> dict[str, Any]:
        """Plain lists; floats keep every bit."""
        arrays = {name: getattr(self, name).tolist() for name in ("median", "mean", "deviation", "low", "high")}
        regressions = None if self.regressions is None else self.regressions.to_json()
        plain = {"columns": list(self.columns), **arrays, "regressions": regressions}
        return {**plain, "log": True} if self.log else plain  # chains without it are written as ever

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Preparation:
        arrays = {name: np.asarray(plain[name], dtype=float) for name in ("median", "mean", "deviation", "low", "high")}
        if not (arrays["deviation"] > 0).all():
            raise ValueError("a standard deviation is not above 0")
        regressions = plain["regressions"]
        return cls(
            columns=tuple(plain["columns"]),
            regressions=None if regressions is None else ChainedRegressions.from_json(regressions),
            log=bool(plain.get("log", False)),
            **arrays,
        )


def fit_preparation(
    frame: pd.DataFrame, impute: str, max_missing: float, log: bool = False
) -> tuple[Preparation, np.ndarray, list[tuple[str, str, str]]]:
    """Learn medians, means and SDs on a training part; say which columns left and why.

    frame : numeric columns in name order.  impute : "multiple" fills with the expected value as "iterative" does: a
    prediction wants one value, and draws serve the odds ratios, whose standard errors they widen (dlr.stats.missing).
    Returns the preparation, the standardised training values (n, p) and (column, step, reason) of those that left.
    """
    names = [str(name) for name in frame.columns]
    left: list[tuple[str, str, str]] = []
    raw = raw_values(frame, tuple(names))
    raw = signed_log(raw) if log else raw
    missing = np.isnan(raw).mean(axis=0)
    keep = np.ones(len(names), dtype=bool)
    for j in np.flatnonzero(missing > max_missing):
        keep[j] = False
        left.append((names[j], "missing", f"missing in {missing[j]:.0%} of the training cases"))
    constant = constant_columns(raw) & keep
    for j in np.flatnonzero(constant):
        keep[j] = False
        left.append((names[j], "constant", "the same value in all training cases"))
    raw, columns = raw[:, keep], tuple(name for name, kept in zip(names, keep, strict=True) if kept)
    median = _medians(raw)
    gaps = bool(np.isnan(raw).any())
    regressions = fit_chained_regressions(raw, median) if impute != "median" and gaps else None
    low, high = _ranges(raw)
    filled = _fill(raw, median, regressions)
    mean, deviation = filled.mean(axis=0), filled.std(axis=0)
    preparation = Preparation(columns, median, mean, deviation, low, high, regressions, log)
    return preparation, (filled - mean) / deviation, left


def raw_values(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """float64 (n, p) of the named columns, infinite as NaN; InputError names columns that are absent."""
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        raise InputError(
            where="feature table",
            what=f"{len(absent)} of the {len(columns)} columns that the model needs are absent: {shown}",
            mend="measure the patients with the same profile and the same clinical columns as the training side",
        )
    try:
        values = frame.loc[:, list(columns)].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        text = [name for name in columns if not pd.api.types.is_numeric_dtype(frame[name])]
        raise InputError(
            where="feature table",
            what=f"columns that hold no numbers: {', '.join(text[:5])}",
            mend="give numbers, or leave these columns out",
        ) from error
    return np.where(np.isfinite(values), values, np.nan)


def signed_log(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + |x|), same shape: odd, increasing, the identity near 0; NaN stays NaN."""
    return np.sign(values) * np.log1p(np.abs(values))


def constant_columns(values: np.ndarray) -> np.ndarray:
    """bool (p,): SD under 1e-12 x max|x|, missing values apart; a column without any value is constant too."""
    present = ~np.isnan(values)
    count = np.maximum(present.sum(axis=0), 1)
    zeroed = np.where(present, values, 0.0)
    mean = zeroed.sum(axis=0) / count
    deviation = np.sqrt((np.where(present, values - mean, 0.0) ** 2).sum(axis=0) / count)
    return deviation <= 1e-12 * np.abs(zeroed).max(axis=0, initial=0.0)


def _medians(raw: np.ndarray) -> np.ndarray:
    """Column medians of the values present; complete columns at once, as nanmedian is slow."""
    median = np.median(raw, axis=0) if raw.size else np.zeros(raw.shape[1])
    for j in np.flatnonzero(np.isnan(median)):
        median[j] = np.median(raw[~np.isnan(raw[:, j]), j])
    return median


def _ranges(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if raw.shape[1] == 0:
        return np.zeros(0), np.zeros(0)
    return np.nanmin(raw, axis=0), np.nanmax(raw, axis=0)


def _fill(raw: np.ndarray, median: np.ndarray, regressions: ChainedRegressions | None) -> np.ndarray:
    filled = np.where(np.isnan(raw), median, raw)
    return filled if regressions is None else regressions.fill(raw, filled)
