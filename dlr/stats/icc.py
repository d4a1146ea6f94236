"""Intraclass correlation of repeated measurements, with F-based 95 % intervals.

ICC1 one-way random, ICC2 two-way random, absolute agreement, ICC3 two-way mixed, consistency; a k after the name is the
reliability of the mean of all ratings. Agreement of two outlines is Dice; ICC is of the features measured in them.
Source: Shrout & Fleiss 1979 (Psychol Bull 86:420); McGraw & Wong 1996, as psych::ICC without lmer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import f

from dlr.errors import InputError
from dlr.words import Estimate

__all__ = ["IccKind", "icc", "icc_many"]

IccKind = Literal["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]
KINDS: tuple[IccKind, ...] = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")
CONSTANT = 1e-12  # of the largest value: a smaller spread between patients is rounding


def icc(ratings: ArrayLike, kind: IccKind = "ICC2") -> Estimate:
    """ratings : float (patients, raters); rows with a missing rating are left out. NaN where patients do not differ."""
    array = np.asarray(ratings, dtype=float)
    if array.ndim != 2 or array.shape[1] < 2:
        raise InputError("ICC", f"ratings of shape {array.shape}", "give a row a patient, a column a rater")
    found = _many(array.T[:, :, None], kind).iloc[0]
    return Estimate(
        float(found["icc"]), float(found["lower"]), float(found["upper"]), int(found["n"]), 0, f"{kind}, F-based"
    )


def icc_many(a: ArrayLike, b: ArrayLike, *more: ArrayLike, kind: IccKind = "ICC2") -> pd.DataFrame:
    """The ICC of every feature between two readers (or more) at once.

    a, b, more : float (patients, features) in the same order; a table's column names become the index.
    Patients with a missing value leave the feature concerned. Returns columns icc, lower, upper, F, df1, df2, p, n.
    """
    readers = [np.asarray(reader, dtype=float) for reader in (a, b, *more)]
    if any(reader.ndim != 2 or reader.shape != readers[0].shape for reader in readers):
        shapes = " and ".join(str(reader.shape) for reader in readers)
        raise InputError("ICC", f"readers' tables of shape {shapes}", "give the same patients and features for each")
    found = _many(np.stack(readers), kind)
    if isinstance(a, pd.DataFrame):
        found.index = pd.Index(a.columns, name="feature")
    return found


@dataclass(frozen=True)
class _MeanSquares:
    """Two-way analysis of variance of every feature; arrays (features,)."""

    n: np.ndarray  # patients with all ratings
    k: int  # raters
    between: np.ndarray  # of patients
    raters: np.ndarray
    error: np.ndarray
    within: np.ndarray  # raters and error together


def _mean_squares(ratings: np.ndarray) -> _MeanSquares:
    """ratings : (raters, patients, features)."""
    k = len(ratings)
    whole = np.isfinite(ratings).all(axis=0)  # (patients, features)
    n = whole.sum(axis=0)
    x = np.where(whole, ratings, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # features with one patient or none become NaN
        grand = x.sum(axis=(0, 1)) / (n * k)
        x = np.where(whole, x - grand, 0.0)  # centred: no cancellation in the sums of squares
        patient, rater = x.mean(axis=0), x.sum(axis=1) / n
        ss_between, ss_raters = k * (patient**2).sum(axis=0), n * (rater**2).sum(axis=0)
        residual = np.where(whole, x - patient - rater[:, None, :], 0.0)
        ss_error = (residual**2).sum(axis=(0, 1))
        largest = np.where(whole, np.abs(ratings), 0.0).max(axis=(0, 1), initial=0.0)
        between = ss_between / (n - 1)
        between = np.where((n > 1) & (np.sqrt(between / k) > CONSTANT * largest), between, np.nan)
        tiny = (CONSTANT * largest) ** 2  # squares below are rounding: the ratings agree exactly
        error = ss_error / ((n - 1) * (k - 1))
        error = np.where(error > tiny, error, 0.0)
        raters = ss_raters / (k - 1)
        raters = np.where(raters > tiny, raters, 0.0)
        within = (raters + (n - 1) * error) / n
    return _MeanSquares(n, k, between, raters, error, within)


def _many(ratings: np.ndarray, kind: IccKind) -> pd.DataFrame:
    if kind not in KINDS:
        raise InputError("ICC", f"kind {kind}", f"name one of {', '.join(KINDS)}")
    m = _mean_squares(ratings)
    with np.errstate(invalid="ignore", divide="ignore"):
        single = {"1": _one_way, "2": _agreement, "3": _consistency}[kind[3]](m)
        noise = m.within if kind[3] == "1" else m.error
        df1, df2 = m.n - 1, m.n * (m.k - 1) if kind[3] == "1" else (m.n - 1) * (m.k - 1)
        statistic = m.between / noise
        values = {"icc": single[0], "lower": single[1], "upper": single[2]}
        if kind.endswith("k"):  # Spearman and Brown's step from one rating to the mean of k
            values = {name: m.k * v / (1 + (m.k - 1) * v) for name, v in values.items()}
        p = np.where(np.isfinite(m.between), f.sf(statistic, df1, df2), np.nan)
    return pd.DataFrame({**values, "F": statistic, "df1": df1, "df2": df2, "p": p, "n": m.n})


Limits = tuple[np.ndarray, np.ndarray, np.ndarray]


def _one_way(m: _MeanSquares) -> Limits:
    return _from_f(m.between, m.within, m.k, m.n - 1, m.n * (m.k - 1))


def _consistency(m: _MeanSquares) -> Limits:
    return _from_f(m.between, m.error, m.k, m.n - 1, (m.n - 1) * (m.k - 1))


def _from_f(between: np.ndarray, noise: np.ndarray, k: int, df1: np.ndarray, df2: np.ndarray) -> Limits:
    """(F − 1) / (F + k − 1) at F, at F / F(.975; df1, df2) and at F · F(.975; df2, df1), without dividing by 0."""
    low, high = f.ppf(0.975, df1, df2), f.ppf(0.975, df2, df1)
    scaled = (noise, low * noise, noise / high)
    value, lower, upper = ((between - s) / (between + (k - 1) * s) for s in scaled)
    return value, lower, upper


def _agreement(m: _MeanSquares) -> Limits:
    n, k = m.n, m.k
    value = (m.between - m.error) / (m.between + (k - 1) * m.error + k * (m.raters - m.error) / n)
    # Satterthwaite's degrees of freedom, multiplied through by the error so that perfect consistency is no 0/0
    a, b = k * value * m.raters, (n * (1 + (k - 1) * value) - k * value) * m.error
    df = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2)
    df = np.where((a == 0) & (b == 0), (k - 1) * (n - 1), df)
    up, down = f.ppf(0.975, n - 1, df), f.ppf(0.975, df, n - 1)
    lower = n * (m.between - up * m.error) / (up * (k * m.raters + (k * n - k - n) * m.error) + n * m.between)
    upper = n * (down * m.between - m.error) / (k * m.raters + (k * n - k - n) * m.error + n * down * m.between)
    return value, lower, upper
