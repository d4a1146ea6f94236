"""NRI and IDI: how a new model moves patients' probabilities against an old one.

Both rise for models that are only miscalibrated (Hilden & Gerds 2014; Pepe et al. 2015): they are printed with that
caution, off by default, and never instead of the difference in AUC or net benefit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from dlr.errors import InputError
from dlr.stats.outcome import Z, probabilities, two_classes
from dlr.words import Comparison

__all__ = ["Reclassification", "idi", "nri"]


@dataclass(frozen=True)
class Reclassification:
    """Net reclassification improvement and its parts; tables are old category by new, empty for the continuous NRI."""

    total: Comparison
    positives: Comparison  # share moved up less share moved down
    negatives: Comparison  # share moved down less share moved up
    positives_table: pd.DataFrame
    negatives_table: pd.DataFrame


def nri(positive: ArrayLike, old: ArrayLike, new: ArrayLike, cuts: Sequence[float] | None = None) -> Reclassification:
    """Net reclassification improvement of `new` over `old`, with 95 % intervals and two-sided p (normal).

    cuts : category bounds for the categorical NRI, a value equal to a bound being in the upper category;
    without them every movement counts (continuous NRI).
    Source: Pencina et al. 2011 (Statistics in Medicine 30:11); variance as Hmisc::improveProb.
    """
    outcome, before, after = _both(positive, old, new, "nri")
    tables, method = [pd.DataFrame(), pd.DataFrame()], "continuous NRI"
    if cuts is not None:
        bounds = _bounds(cuts)
        before, after = (np.searchsorted(bounds, p, side="right") for p in (before, after))
        tables = [_table(before[part], after[part], len(bounds) + 1) for part in (outcome, ~outcome)]
        method = "categorical NRI"
    moved = np.sign(after - before)
    (gain, variance), (gain_negative, variance_negative) = _net(moved[outcome]), _net(-moved[~outcome])
    return Reclassification(
        _normal(gain + gain_negative, variance + variance_negative, method),
        _normal(gain, variance, f"{method}, positives"),
        _normal(gain_negative, variance_negative, f"{method}, negatives"),
        *tables,
    )


def idi(positive: ArrayLike, old: ArrayLike, new: ArrayLike) -> Comparison:
    """Integrated discrimination improvement: by how much the gap between the classes' mean probabilities grows.

    Source: Pencina et al. 2008 (Statistics in Medicine 27:157); variance as Hmisc::improveProb.
    """
    outcome, before, after = _both(positive, old, new, "idi")
    rise, fall = (after - before)[outcome], (before - after)[~outcome]
    variance = rise.var(ddof=1) / len(rise) + fall.var(ddof=1) / len(fall)
    return _normal(float(rise.mean() + fall.mean()), float(variance), "IDI")


def _net(moved: np.ndarray) -> tuple[float, float]:
    """Share moved the right way (1) less share moved the wrong way (-1), and its variance."""
    n, net = len(moved), float(moved.sum())
    return net / n, float(np.abs(moved).sum()) / n**2 - net**2 / n**3


def _normal(value: float, variance: float, method: str) -> Comparison:
    se = max(0.0, variance) ** 0.5
    if se == 0:
        p, statistic = (1.0, 0.0) if value == 0 else (np.nan, np.nan)
        return Comparison(value, value, value, p, statistic, f"{method}: the variance is zero")
    statistic = value / se
    p = float(2 * norm.sf(abs(statistic)))
    return Comparison(value, value - Z * se, value + Z * se, p, statistic, method)


def _table(before: np.ndarray, after: np.ndarray, categories: int) -> pd.DataFrame:
    counted = np.bincount(before * categories + after, minlength=categories**2).reshape(categories, categories)
    names = range(categories)
    return pd.DataFrame(counted, index=pd.Index(names, name="old"), columns=pd.Index(names, name="new"))


def _bounds(cuts: Sequence[float]) -> np.ndarray:
    bounds = np.asarray(cuts, dtype=float)
    inside = bounds.ndim == 1 and len(bounds) > 0 and ((bounds > 0) & (bounds < 1)).all()
    if not inside or not (np.diff(bounds) > 0).all():
        raise InputError("nri cuts", f"{list(cuts)}", "Give rising bounds between 0 and 1, such as [0.2, 0.5].")
    return bounds


def _both(positive: ArrayLike, old: ArrayLike, new: ArrayLike, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    outcome = two_classes(positive, where)
    return outcome, probabilities(old, len(outcome), where, "old"), probabilities(new, len(outcome), where, "new")
