"""What every statistic of a two-class outcome asks of its arrays, and the words in which it refuses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError

__all__ = ["Z", "cutoffs_between", "labels", "probabilities", "two_classes", "values"]

Z = 1.959963984540054  # normal quantile .975: every interval here is a two-sided 95 % one


def two_classes(positive: ArrayLike, where: str, least: int = 2) -> np.ndarray:
    """`positive` as bool (n,); InputError unless it is 0 and 1 only and each class has `least` patients."""
    given = np.asarray(positive)
    if given.ndim != 1:
        raise InputError(where, f"the outcome has shape {given.shape}", "Give one value a patient.")
    outcome = given if given.dtype == bool else _zero_one(given, where)
    yes, no = int(outcome.sum()), int((~outcome).sum())
    if min(yes, no) < least:
        raise InputError(
            where,
            f"{yes} positive and {no} negative patients, where each class needs {least}",
            "Use a side with more patients, or leave this statistic out.",
        )
    return outcome


def values(given: ArrayLike, n: int, where: str, name: str = "probability") -> np.ndarray:
    """`given` as float (n,); InputError where a value is missing or infinite, or the length is another."""
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise InputError(where, f"{name} holds something that is no number", "Give numbers only.") from None
    if array.shape != (n,):
        raise InputError(where, f"{name} has shape {array.shape}, the outcome ({n},)", "Give one value a patient.")
    if not np.isfinite(array).all():
        broken = int((~np.isfinite(array)).sum())
        raise InputError(
            where, f"{broken} of {n} values of {name} are missing or infinite", "Leave these patients out."
        )
    return array


def probabilities(given: ArrayLike, n: int, where: str, name: str = "probability") -> np.ndarray:
    """`given` as float (n,) within 0 and 1."""
    array = values(given, n, where, name)
    if array.min(initial=0.0) < 0 or array.max(initial=0.0) > 1:
        raise InputError(
            where,
            f"{name} reaches from {array.min():g} to {array.max():g}",
            "Give probabilities from 0 to 1; a score on another scale has no calibration.",
        )
    return array


def labels(given: ArrayLike, n: int, where: str, name: str) -> np.ndarray:
    """Labels such as fold, seed or patient, (n,) of any type that can be compared."""
    array = np.asarray(given)
    if array.shape != (n,):
        raise InputError(where, f"{name} has shape {array.shape}, the outcome ({n},)", "Give one label a row.")
    return array


def cutoffs_between(ordered: np.ndarray) -> np.ndarray:
    """Midpoints of neighbouring distinct values; the upper one where no double lies between them."""
    middle = ordered[:-1] / 2 + ordered[1:] / 2
    return np.where(middle > ordered[:-1], middle, ordered[1:])


def _zero_one(given: np.ndarray, where: str) -> np.ndarray:
    try:
        numbers = given.astype(float)
    except (TypeError, ValueError):
        numbers = np.full(given.shape, np.nan)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise InputError(where, "the outcome holds something else than 0 and 1", "Code positive 1, negative 0.")
    return numbers == 1
